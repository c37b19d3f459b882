package mirror

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxSecretFile bounds a file with a key, a token or a secret, in bytes.
const maxSecretFile = 64 << 10

// readFile reads a file of the directory that the settings allow. Its errors have nothing of
// what is in it.
func (s Settings) readFile(path string) ([]byte, error) {
	dir := s.Files
	if dir == "" {
		return nil, errors.New("the setting mirror.files allows no file of the server's disk")
	}
	inside, err := filepath.Rel(dir, path)
	if err != nil || !filepath.IsLocal(inside) || inside == "." {
		return nil, errors.New("the file is outside of the directory of the setting mirror.files")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, errors.New("the directory of the setting mirror.files cannot be opened")
	}
	defer root.Close()
	file, err := root.Open(inside)
	if err != nil {
		return nil, errors.New("the file cannot be read: it is not there, or not for the server, or a link that leads out of the directory of mirror.files")
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.New("the file is no plain file")
	}
	text, err := io.ReadAll(io.LimitReader(file, maxSecretFile+1))
	if err != nil || len(text) > maxSecretFile {
		return nil, errors.New("the file cannot be read, or has more than 64 KiB")
	}
	return text, nil
}

// secretFile reads a file with one line.
func (s Settings) secretFile(path string) (string, error) {
	text, err := s.readFile(path)
	if err != nil {
		return "", err
	}
	return oneLine(text)
}

// oneLine is the only line of a text.
func oneLine(text []byte) (string, error) {
	line := strings.TrimSpace(string(text))
	if line == "" || strings.ContainsAny(line, "\r\n\x00") {
		return "", errors.New("the file is not one line")
	}
	return line, nil
}
