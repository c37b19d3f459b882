package worker

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
)

// process is one child.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	limits Limits
	ended  chan struct{} // closed when the child is gone
}

// start starts a child. Its environment is built from nothing, and it has no files but
// the two pipes. The output of a crash is dropped, since it may contain part of a
// secret.
func start(program []string, limits Limits, isolate bool) (*process, error) {
	cmd := exec.Command(program[0], program[1:]...)
	cmd.Env = []string{"GOTRACEBACK=none"}
	cmd.Dir = "/"
	if isolate {
		cmd.SysProcAttr = isolated()
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start a renderer: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start a renderer: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the renderer %q: %w", program[0], err)
	}
	return &process{cmd: cmd, in: in, out: bufio.NewReaderSize(out, 64<<10), limits: limits, ended: make(chan struct{})}, nil
}

// end kills the child, unless it is gone, and reaps it.
func (p *process) end() {
	_ = p.in.Close()
	_ = p.cmd.Process.Kill() // or it is already gone
	select {
	case <-p.ended:
	default:
		_ = p.cmd.Wait() // its status is that of the kill
		close(p.ended)
	}
}

// do gives the child a job and answers its questions until it has the result. After an
// error the child is unusable.
func (p *process) do(ctx context.Context, fsys fs.FS, task []byte) (output []byte, more bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.limits.Wall, fmt.Errorf("%w: it took more than %s", ErrLimit, p.limits.Wall))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = p.cmd.Process.Kill() })
	defer stop()
	if err := writeFrame(p.in, job, task); err != nil {
		return nil, false, p.cause(ctx, err)
	}
	for {
		k, payload, err := readFrame(p.out, p.limits.Output)
		if err != nil {
			return nil, false, p.cause(ctx, err)
		}
		switch k {
		case result, last:
			return payload, k == result, nil
		case stat, list, read:
			if err := p.answer(fsys, k, string(payload)); err != nil {
				return nil, false, p.cause(ctx, err)
			}
		default:
			return nil, false, fmt.Errorf("%w: it sent a frame of the kind %q", ErrCrashed, k)
		}
	}
}

// The reasons for a job without a result.
var (
	// ErrLimit: the job exceeded a limit.
	ErrLimit = errors.New("rendering was ended")
	// ErrCrashed: the renderer crashed.
	ErrCrashed = errors.New("the renderer crashed")
)

// cause returns the reason why a child no longer answers.
func (p *process) cause(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, errTooLong):
		return fmt.Errorf("%w: its output has more than %d bytes", ErrLimit, p.limits.Output)
	}
	var exit *exec.ExitError
	errors.As(p.wait(), &exit)
	switch {
	case exit == nil:
		return fmt.Errorf("%w: %w", ErrCrashed, err)
	case exit.ExitCode() == statusMemory:
		return fmt.Errorf("%w: it took more than %d MiB of memory", ErrLimit, p.limits.Memory>>20)
	case exit.ExitCode() == statusFatal:
		return fmt.Errorf("%w: it ran out of memory (%d MiB) or stack", ErrLimit, p.limits.Memory>>20)
	case exit.UserTime()+exit.SystemTime() >= p.limits.CPU-time.Second:
		return fmt.Errorf("%w: it took more than %s of processor time", ErrLimit, p.limits.CPU)
	}
	return fmt.Errorf("%w: %s", ErrCrashed, exit.ProcessState)
}

// wait waits for a child whose output has ended, and returns its exit error.
func (p *process) wait() error {
	select {
	case <-p.ended:
		return nil
	default:
	}
	slow := time.AfterFunc(time.Second, func() { _ = p.cmd.Process.Kill() })
	defer slow.Stop()
	err := p.cmd.Wait()
	close(p.ended)
	return err
}

// answer answers a question about a path. An error, such as for a missing file, is an
// answer too.
func (p *process) answer(fsys fs.FS, k kind, name string) error {
	payload, err := ask(fsys, k, name)
	if err != nil {
		refused, err := json.Marshal(failure{NotExist: errors.Is(err, fs.ErrNotExist), Message: manifest.WithoutPath(err).Error()})
		if err != nil {
			return fmt.Errorf("answer for %q: %w", name, err)
		}
		return writeFrame(p.in, refusal, refused)
	}
	return writeFrame(p.in, answer, payload)
}

func ask(fsys fs.FS, k kind, name string) ([]byte, error) {
	if !fs.ValidPath(name) || len(name) > maxPath {
		return nil, fs.ErrInvalid
	}
	switch k {
	case read:
		data, err := fs.ReadFile(fsys, name)
		if len(data) > maxFrame {
			err = fmt.Errorf("the file has more than %d bytes", maxFrame)
		}
		return data, err
	case list:
		entries, err := fs.ReadDir(fsys, name)
		if err != nil {
			return nil, err
		}
		found := make([]entry, len(entries))
		for i, e := range entries {
			found[i] = entry{Name: e.Name(), Mode: e.Type()}
		}
		return json.Marshal(found)
	}
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	return json.Marshal(entry{Name: name, Mode: info.Mode(), Size: info.Size()})
}

// self is the running program, even if its file has been replaced since.
const self = "/proc/self/exe"

// Program returns the command line of a worker: the running program.
func Program() ([]string, error) {
	if _, err := os.Stat(self); err == nil {
		return []string{self, Command}, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the running program: %w", err)
	}
	return []string{self, Command}, nil
}
