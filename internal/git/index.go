package git

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/osfs"
)

// indexBuffer is how much of a pack's index is read at a time. go-git reads four
// bytes at a time, a system call each: with 30 packs those were a third of the
// server's time for a push (measured).
const indexBuffer = 64 << 10

// repositoryFS is a directory of Git's whose pack indexes are read in large
// pieces.
type repositoryFS struct{ billy.Filesystem }

func openFS(dir string) repositoryFS { return repositoryFS{osfs.New(dir)} }

// Open opens a file to be read.
func (f repositoryFS) Open(name string) (billy.File, error) {
	file, err := f.Filesystem.Open(name)
	if err != nil || !strings.HasSuffix(name, ".idx") {
		return file, err
	}
	return &indexFile{File: file, buffer: bufio.NewReaderSize(file, indexBuffer)}, nil
}

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
