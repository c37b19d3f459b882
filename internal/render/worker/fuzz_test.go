package worker

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os/exec"
	"testing"
	"testing/fstest"
	"time"
)

// frames writes frames one after the other.
func frames(parts ...string) []byte {
	var out bytes.Buffer
	for i := 0; i+1 < len(parts); i += 2 {
		_ = writeFrame(&out, kind(parts[i][0]), []byte(parts[i+1])) // writing to memory cannot fail
	}
	return out.Bytes()
}

// nowhere is the input of a child that reads nothing.
type nowhere struct{ io.Writer }

func (nowhere) Close() error { return nil }

// FuzzParent: whatever a child sends, the parent returns a result or an error, and the
// child has read only entries of the revision.
func FuzzParent(f *testing.F) {
	for _, seed := range [][]byte{
		frames("R", "done"), frames("S", "a", "D", ".", "F", "a/b.yaml", "L", ""), frames("F", "../../etc/passwd", "R", ""), frames("F", "/etc/passwd"),
		frames("J", "x"), frames("A", ""), frames("E", "{}"),
		{'R', 0xff, 0xff, 0xff, 0xff},
		{'S'},
		nil, frames("D", "a\x00b", "S", "", "R", "x"),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		cmd := exec.Command("true")
		if err := cmd.Start(); err != nil {
			t.Skip(err)
		}
		asked := &asked{FS: fstest.MapFS{"a/b.yaml": {Data: []byte("hello")}}}
		p := &process{
			cmd: cmd, in: nowhere{io.Discard}, out: bufio.NewReader(bytes.NewReader(sent)), ended: make(chan struct{}),
			limits: Limits{Wall: 10 * time.Second, Output: 1 << 20, CPU: time.Minute},
		}
		defer p.end()
		output, more, err := p.do(context.Background(), asked, []byte("job"))
		switch {
		case err != nil && (output != nil || more):
			t.Errorf("output %q beside %v", output, err)
		case err != nil && !errors.Is(err, ErrCrashed) && !errors.Is(err, ErrLimit):
			t.Errorf("error %v", err)
		case len(output) > p.limits.Output:
			t.Errorf("%d bytes of output", len(output))
		}
		for _, name := range asked.names {
			if !fs.ValidPath(name) {
				t.Errorf("the revision was asked for %q", name)
			}
		}
	})
}

// asked notes the requests to a file system.
type asked struct {
	fs.FS
	names []string
}

func (a *asked) Open(name string) (fs.File, error) {
	a.names = append(a.names, name)
	return a.FS.Open(name)
}

// FuzzChild: whatever the parent answers, the calls of the child's file system return.
func FuzzChild(f *testing.F) {
	for _, seed := range [][]byte{
		frames("A", `{"name":"a","mode":2147484141}`, "A", `[{"name":"../b"},{"name":""}]`, "A", "x"), frames("E", `{"notExist":true}`), frames("E", "x"), frames("A", "null", "A", "null", "A", ""), nil,
		{'A', 0xff, 0xff, 0xff, 0xff},
		{'A', 0, 0, 0, 9, 'x'},
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, answers []byte) {
		r := &remote{in: bytes.NewReader(answers), out: io.Discard, answers: map[question]reply{}}
		info, err := r.Stat("a")
		if err == nil && info.Name() == "" {
			t.Error("a file without a name was listed")
		}
		_ = fs.WalkDir(limitedWalk{r, new(int)}, "b", func(string, fs.DirEntry, error) error { return nil }) // the walk ends; its error does not matter
		if data, err := r.ReadFile("c"); err != nil && len(data) > 0 {
			t.Errorf("%d bytes beside %v", len(data), err)
		}
		if file, err := r.Open("d"); err == nil {
			_, _ = io.Copy(io.Discard, file) // its error does not matter either
			_ = file.Close()
		}
	})
}

// limitedWalk ends walks through folders that a lying parent makes up.
type limitedWalk struct {
	*remote
	n *int
}

func (l limitedWalk) ReadDir(name string) ([]fs.DirEntry, error) {
	if *l.n++; *l.n > 100 {
		return nil, fs.ErrInvalid
	}
	return l.remote.ReadDir(name)
}
