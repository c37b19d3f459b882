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

// indexBuffer is the size of reads from a pack's index. go-git reads four bytes at a
// time, with a system call each: with 30 packs, those took a third of the server's time
// for a push (measured).
const indexBuffer = 64 << 10

// repositoryFS is a Git directory that reads pack indexes in large pieces, and knows
// without a system call that nearly no object is loose. Only Git and this server write
// there, so it need not look for links in each folder of a path, as package osfs does
// each time.
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

// Name returns the name that it was opened by: with it, go-git opens again the pack of
// an object of more than 16 KiB.
func (f readOnly) Name() string { return f.name }

// Lock does nothing: a file that is read is never written again.
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

// Seek moves in the file, and drops the buffer.
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

// looseFolders are the folders of loose objects, ab/cdef…. Our objects are in packs
// (receive.unpackLimit), and go-git looks for a loose one first, up to four times an
// object: half of the time of reading 200 objects.
type looseFolders struct {
	dir string

	mu    sync.Mutex
	known map[string]map[string]bool // by object directory, as of the first question
}

// Lengths of the two parts of an object's name as a path.
const (
	looseFolder = 2
	looseFile   = 38
)

// lack reports whether a name is that of a loose object whose folder does not even
// exist.
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
			return false // opening it gives the answer
		}
		l.known[dir] = make(map[string]bool, len(entries))
		for _, entry := range entries {
			l.known[dir][entry.Name()] = true
		}
	}
	return !l.known[dir][path.Base(folder)]
}

// forget drops what is known about the folders.
func (l *looseFolders) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.known)
}
