package worker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"
	"time"
)

// remote is the file system of a job in the child: each question goes to the parent,
// once.
type remote struct {
	in  io.Reader
	out io.Writer

	mu      sync.Mutex
	answers map[question]reply
	broken  error // the parent is gone; nothing can be asked any more
}

type question struct {
	kind kind
	path string
}

type reply struct {
	payload []byte
	err     error
}

// ask asks the parent, unless the parent has answered that question before.
func (r *remote) ask(k kind, op, name string) ([]byte, error) {
	if !fs.ValidPath(name) || len(name) > maxPath {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	q := question{k, name}
	if known, ok := r.answers[q]; ok {
		return known.payload, known.err
	}
	if r.broken != nil {
		return nil, r.broken
	}
	payload, err := r.exchange(k, op, name)
	r.answers[q] = reply{payload, err}
	return payload, err
}

func (r *remote) exchange(k kind, op, name string) ([]byte, error) {
	if err := writeFrame(r.out, k, []byte(name)); err != nil {
		r.broken = fmt.Errorf("ask for %q: %w", name, err)
		return nil, r.broken
	}
	is, payload, err := readFrame(r.in, maxFrame)
	switch {
	case err != nil:
		r.broken = fmt.Errorf("hear about %q: %w", name, err)
		return nil, r.broken
	case is == refusal:
		var f failure
		if err := json.Unmarshal(payload, &f); err != nil {
			return nil, &fs.PathError{Op: op, Path: name, Err: err}
		}
		if f.NotExist {
			return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
		return nil, &fs.PathError{Op: op, Path: name, Err: errors.New(f.Message)}
	}
	return payload, nil
}

// Open implements fs.FS.
func (r *remote) Open(name string) (fs.File, error) {
	info, err := r.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		entries, err := r.ReadDir(name)
		return &folder{info: info, entries: entries}, err
	}
	data, err := r.ReadFile(name)
	return &file{info: info, Reader: bytes.NewReader(data)}, err
}

// ReadFile implements fs.ReadFileFS.
func (r *remote) ReadFile(name string) ([]byte, error) {
	data, err := r.ask(read, "read", name)
	return bytes.Clone(data), err
}

// Stat implements fs.StatFS.
func (r *remote) Stat(name string) (fs.FileInfo, error) {
	payload, err := r.ask(stat, "stat", name)
	if err != nil {
		return nil, err
	}
	var e entry
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return info{e}, nil
}

// ReadDir implements fs.ReadDirFS.
func (r *remote) ReadDir(name string) ([]fs.DirEntry, error) {
	payload, err := r.ask(list, "readdir", name)
	if err != nil {
		return nil, err
	}
	var found []entry
	if err := json.Unmarshal(payload, &found); err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	entries := make([]fs.DirEntry, len(found))
	for i, e := range found {
		entries[i] = fs.FileInfoToDirEntry(info{e})
	}
	return entries, nil
}

// info is an entry as fs.FileInfo.
type info struct{ entry }

func (i info) Name() string       { return path.Base(i.entry.Name) }
func (i info) Size() int64        { return i.entry.Size }
func (i info) Mode() fs.FileMode  { return i.entry.Mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.entry.Mode.IsDir() }
func (i info) Sys() any           { return nil }

// file is an open file; its content was read when it was opened.
type file struct {
	info fs.FileInfo
	*bytes.Reader
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }

// folder is an open folder.
type folder struct {
	info    fs.FileInfo
	entries []fs.DirEntry
	next    int
}

func (d *folder) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *folder) Close() error               { return nil }

func (d *folder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.Name(), Err: errors.New("is a directory")}
}

// ReadDir implements fs.ReadDirFile.
func (d *folder) ReadDir(n int) ([]fs.DirEntry, error) {
	rest := d.entries[d.next:]
	if n <= 0 {
		d.next = len(d.entries)
		return rest, nil
	}
	if len(rest) == 0 {
		return nil, io.EOF
	}
	rest = rest[:min(n, len(rest))]
	d.next += len(rest)
	return rest, nil
}
