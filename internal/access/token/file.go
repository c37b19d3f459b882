package token

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"
)

// maxFile bounds the file, in bytes, to what a backup takes: more than a thousand tokens.
const maxFile = 1 << 20

// content is the file.
type content struct {
	Tokens []*kept `json:"tokens"`
}

// read reads the tokens of a file; none if there is no file.
func read(path string) (map[hash]*kept, error) {
	tokens := map[hash]*kept{}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return tokens, nil
	}
	if err != nil {
		return tokens, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return tokens, err
	}
	found, err := parse(text)
	if err != nil {
		return tokens, fmt.Errorf("%q: %w", path, err)
	}
	return found, nil
}

// parse reads the tokens of a file's text.
func parse(text []byte) (map[hash]*kept, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("it has more than %d bytes", maxFile)
	}
	var c content
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, err
	}
	tokens := map[hash]*kept{}
	for _, t := range c.Tokens {
		if t == nil {
			return nil, errors.New("a token is null")
		}
		of, err := hex.DecodeString(t.Hash)
		if err != nil || len(of) != len(hash{}) {
			return nil, fmt.Errorf("token %q has no hash", t.ID)
		}
		if t.key, err = parseKey(t.PublicKey); err != nil {
			return nil, fmt.Errorf("token %q: its key: %w", t.ID, err)
		}
		if t.Operator == "" || t.ID == "" || !t.Role.Valid() {
			return nil, fmt.Errorf("token %q is not as it was written", t.ID)
		}
		tokens[hash(of)] = t
	}
	return tokens, nil
}

func parseKey(text string) (ssh.PublicKey, error) {
	key, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(text))
	if err == nil && (len(options) > 0 || len(rest) > 0) {
		err = errors.New("it is more than a key")
	}
	return key, err
}

func publicText(key ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// write writes the file, and returns when it is on disk. s.mu is held.
func (s *Store) write() error {
	if s.broken != nil {
		return s.broken
	}
	c := content{Tokens: []*kept{}}
	for _, t := range s.tokens {
		c.Tokens = append(c.Tokens, t)
	}
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	var lines bytes.Buffer
	if err := json.Indent(&lines, text, "", " "); err != nil {
		return err
	}
	if lines.Len() > maxFile {
		return ErrFull
	}
	if err := s.fence(); err != nil {
		return err
	}
	if err := replace(s.path, lines.Bytes()); err != nil {
		return fmt.Errorf("write the tokens: %w", err)
	}
	s.moved = false
	return nil
}

// replace writes a small file atomically, and returns when it and its name are on disk.
func replace(path string, data []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.new")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(data)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
