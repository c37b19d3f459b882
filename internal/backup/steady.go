package backup

import (
	"io"
	"os"
)

// steady is a file whose content the disk begins with as it comes.
type steady struct {
	file        *os.File
	size, begun int64
}

// Steady returns a writer to a file. The disk begins with each stride as it comes, so that
// Sync at the end waits for the last one only.
func Steady(file *os.File) io.Writer { return &steady{file: file} }

// stride is how much of a file the disk begins with at a time, in bytes.
const stride = 8 << 20

// Write implements io.Writer.
func (s *steady) Write(p []byte) (int, error) {
	n, err := s.file.Write(p)
	if s.size += int64(n); s.size-s.begun >= stride {
		beginSync(s.file, s.begun, s.size-s.begun)
		s.begun = s.size
	}
	return n, err
}
