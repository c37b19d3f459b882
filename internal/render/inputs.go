package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/pushboat/pushboat/internal/appfile"
)

// Inputs are all files and folders of a revision that a rendering has read: as long as
// they stay the same, so does the result. They are traced, not declared. So an app that
// uses a file from anywhere in its repository is rendered again when that file changes,
// and no other app is.
//
// Git has a hash for each file and folder, which the FileInfo of a revision returns
// from Sys. The zero value belongs to a revision without hashes, or to a rendering that
// failed: it never holds.
type Inputs struct {
	folder  input // the app's: most of the time, this is all that has to be compared
	inside  []input
	outside []input
}

// input is one path that was read, and its state then.
type input struct {
	path string
	what aspect
	is   string // its hash, or its type; "" if it did not exist
}

// aspect is the property of a path that was read.
type aspect byte

const (
	content aspect = iota // of a file, or of everything in a folder and below
	typ                   // whether it is a file or a folder
)

// writtenInputs are Inputs as stored.
type writtenInputs struct {
	Folder  writtenInput   `json:"folder"`
	Inside  []writtenInput `json:"inside,omitempty"`
	Outside []writtenInput `json:"outside,omitempty"`
}

type writtenInput struct {
	Path string `json:"path"`
	What aspect `json:"what,omitempty"`
	Is   string `json:"is,omitempty"`
}

// MarshalJSON writes the inputs, to be stored with the rendered objects.
func (in Inputs) MarshalJSON() ([]byte, error) {
	write := func(inputs []input) []writtenInput {
		var written []writtenInput
		for _, i := range inputs {
			written = append(written, writtenInput{i.path, i.what, i.is})
		}
		return written
	}
	folder := write([]input{in.folder})[0]
	return json.Marshal(writtenInputs{folder, write(in.inside), write(in.outside)})
}

// UnmarshalJSON reads the output of MarshalJSON.
func (in *Inputs) UnmarshalJSON(text []byte) error {
	var written writtenInputs
	if err := json.Unmarshal(text, &written); err != nil {
		return err
	}
	read := func(inputs []writtenInput) []input {
		var all []input
		for _, i := range inputs {
			all = append(all, input{i.Path, i.What, i.Is})
		}
		return all
	}
	*in = Inputs{read([]writtenInput{written.Folder})[0], read(written.Inside), read(written.Outside)}
	return nil
}

// Hold reports whether another revision has the same inputs. It costs a few look-ups,
// where a rendering parses every file.
func (in Inputs) Hold(fsys fs.FS) bool {
	if in.folder.is == "" {
		return false
	}
	return (in.folder.holds(fsys) || allHold(fsys, in.inside)) && allHold(fsys, in.outside)
}

// Reach reports whether something in a folder, or the folder, was read.
func (in Inputs) Reach(folder string) bool {
	reaches := func(i input) bool { return strings.HasPrefix(i.path+"/", folder+"/") }
	return reaches(in.folder) || slices.ContainsFunc(in.inside, reaches) || slices.ContainsFunc(in.outside, reaches)
}

func allHold(fsys fs.FS, inputs []input) bool {
	for _, i := range inputs {
		if !i.holds(fsys) {
			return false
		}
	}
	return true
}

func (i input) holds(fsys fs.FS) bool {
	is, err := aspectOf(fsys, i.path, i.what)
	return err == nil && is == i.is
}

// errNoHash is the error of aspectOf for a revision without hashes.
var errNoHash = errors.New("the revision has no hashes")

// aspectOf returns an aspect of the file or folder at a path; "" if there is none.
func aspectOf(fsys fs.FS, name string, what aspect) (string, error) {
	info, err := fs.Stat(fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	case what == typ:
		return info.Mode().Type().String(), nil
	}
	hash, ok := info.Sys().(fmt.Stringer)
	if !ok {
		return "", errNoHash
	}
	return hash.String(), nil
}

// tracer is a revision that notes each path that is read.
type tracer struct {
	fs.FS
	mu    sync.Mutex
	paths map[string]aspect
}

func trace(fsys fs.FS) *tracer { return &tracer{FS: fsys, paths: map[string]aspect{}} }

// resolver is a revision that follows symbolic links.
type resolver interface {
	// Through returns the links on the way of a path, and last the target; nothing if
	// there is no link on the way.
	Through(name string) []string
}

// note notes the aspect that was read of a path, and every link on the way to its
// target: a link's own hash changes neither with its target nor with a link further on.
func (t *tracer) note(name string, what aspect) {
	t.noteOne(name, what)
	links, ok := t.FS.(resolver)
	if !ok {
		return
	}
	through := links.Through(name)
	for i, at := range through {
		if i == len(through)-1 {
			t.noteOne(at, what)
		} else {
			t.noteOne(at, content)
		}
	}
}

func (t *tracer) noteOne(name string, what aspect) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if before, ok := t.paths[name]; !ok || what < before {
		t.paths[name] = what
	}
}

// Open implements fs.FS.
func (t *tracer) Open(name string) (fs.File, error) {
	t.note(name, content)
	return t.FS.Open(name)
}

// ReadFile implements fs.ReadFileFS.
func (t *tracer) ReadFile(name string) ([]byte, error) {
	t.note(name, content)
	return fs.ReadFile(t.FS, name)
}

// ReadDir implements fs.ReadDirFS.
func (t *tracer) ReadDir(name string) ([]fs.DirEntry, error) {
	t.note(name, content)
	return fs.ReadDir(t.FS, name)
}

// Stat implements fs.StatFS.
func (t *tracer) Stat(name string) (fs.FileInfo, error) {
	t.note(name, typ)
	return fs.Stat(t.FS, name)
}

// inputs returns the paths that were read, for an app in a folder.
func (t *tracer) inputs(folder string) Inputs {
	is, err := aspectOf(t.FS, folder, content)
	if err != nil || is == "" {
		return Inputs{}
	}
	in := Inputs{folder: input{folder, content, is}}
	for name, what := range t.paths {
		if t.within(name) || appfile.InArtifact(name) { // the revision names those by version
			continue
		}
		is, err := aspectOf(t.FS, name, what)
		if err != nil {
			return Inputs{}
		}
		if below(folder, name) {
			in.inside = append(in.inside, input{name, what, is})
		} else {
			in.outside = append(in.outside, input{name, what, is})
		}
	}
	return in
}

// within reports whether a folder above a path was read as a whole, so that its hash
// covers the path.
func (t *tracer) within(name string) bool {
	for top := appfile.MountOf(name); name != "." && name != top; {
		name = path.Dir(name)
		if what, ok := t.paths[name]; ok && what == content {
			return true
		}
	}
	return false
}

// below reports whether a path is a folder or lies in it, in the same repository.
func below(folder, name string) bool {
	if appfile.MountOf(folder) != appfile.MountOf(name) {
		return false
	}
	return folder == "." || name == folder || strings.HasPrefix(name, folder+"/")
}
