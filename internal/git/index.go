package git

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/osfs"
)

// indexBuffer is how much of a pack's index is read at a time. go-git reads four
// bytes at a time, a system call each: with 30 packs those were a third of the
// server's time for a push (measured).
const indexBuffer = 64 << 10

// repositoryFS is a directory of Git's whose pack indexes are read in large
// pieces, and which knows without asking that nearly no object is a file of its own.
// Only Git and this server write there, so that no link has to be looked for in each
// folder of a path, as package osfs does at each opening.
type repositoryFS struct {
	billy.Filesystem
	dir   string
	loose *looseFolders
}

func openFS(dir string) repositoryFS {
	return repositoryFS{osfs.New(dir), dir, &looseFolders{dir: dir, known: map[string]map[string]bool{}}}
}

// Open opens a file to be read.
func (f repositoryFS) Open(name string) (billy.File, error) {
	if f.loose.lack(filepath.ToSlash(name)) {
		return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
	}
	opened, err := os.Open(filepath.Join(f.dir, filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	file := readOnly{opened, name}
	if !strings.HasSuffix(name, ".idx") {
		return file, nil
	}
	return &indexFile{File: file, buffer: bufio.NewReaderSize(file, indexBuffer)}, nil
}

// Stat describes a file.
func (f repositoryFS) Stat(name string) (os.FileInfo, error) {
	return os.Stat(filepath.Join(f.dir, filepath.FromSlash(name)))
}

// readOnly is an open file of the operating system.
type readOnly struct {
	*os.File
	name string
}

// Name is the name that it was opened by: go-git opens the pack of an object of more
// than 16 KiB again by it.
func (f readOnly) Name() string { return f.name }

// Lock does nothing: what is read is never written again.
func (readOnly) Lock() error { return nil }

// Unlock does nothing.
func (readOnly) Unlock() error { return nil }

// OpenFile opens a file; for reading only it is Open.
func (f repositoryFS) OpenFile(name string, flag int, perm os.FileMode) (billy.File, error) {
	if flag == os.O_RDONLY {
		return f.Open(name)
	}
	return f.Filesystem.OpenFile(name, flag, perm)
}

// indexFile reads ahead.
type indexFile struct {
	billy.File
	buffer *bufio.Reader
}

// Read reads from the buffer.
func (f *indexFile) Read(p []byte) (int, error) { return f.buffer.Read(p) }

// Seek moves in the file; what was read ahead is dropped.
func (f *indexFile) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekCurrent {
		offset -= int64(f.buffer.Buffered())
	}
	at, err := f.File.Seek(offset, whence)
	f.buffer.Reset(f.File)
	return at, err
}

// Write is refused: an index is read only.
func (f *indexFile) Write([]byte) (int, error) { return 0, errors.New("a pack's index is only read") }

// looseFolders are the folders of objects that are files of their own, ab/cdef….
// Ours are in packs (receive.unpackLimit), and go-git looks for such a file first,
// up to four times an object: half of the time that reading 200 objects took.
type looseFolders struct {
	dir string

	mu    sync.Mutex
	known map[string]map[string]bool // by object directory, as it was when first asked for
}

// Lengths of the two parts of an object's name as a path.
const (
	looseFolder = 2
	looseFile   = 38
)

// lack reports whether a name is that of an object's file, of which there is not
// even the folder.
func (l *looseFolders) lack(name string) bool {
	folder := path.Dir(name)
	if len(path.Base(name)) != looseFile || len(path.Base(folder)) != looseFolder {
		return false
	}
	dir := path.Dir(folder)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known[dir] == nil {
		entries, err := os.ReadDir(filepath.Join(l.dir, filepath.FromSlash(dir)))
		if err != nil {
			return false // whoever opens it finds out
		}
		l.known[dir] = make(map[string]bool, len(entries))
		for _, entry := range entries {
			l.known[dir][entry.Name()] = true
		}
	}
	return !l.known[dir][path.Base(folder)]
}

// forget has the folders looked at anew.
func (l *looseFolders) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.known)
}
