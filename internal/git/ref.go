package git

// Reading refs as gitrepository-layout describes them, without a process, and no more
// of them than needed: each record reads its ref three times, there may be thousands of
// them, and a start asks every repository for its own.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// maxSymbolic is how many symbolic refs may lead to each other, as in Git.
const maxSymbolic = 5

// readRef returns the value of a ref, from a file of its name or from a line of
// packed-refs; ErrNoRef if it is in neither.
func (r *Repository) readRef(ref string) (Hash, error) {
	for range maxSymbolic {
		text, err := os.ReadFile(r.refFile(ref))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EISDIR) || errors.Is(err, syscall.ENOTDIR) {
			return r.packedRef(ref) // after the file: packing writes there before it removes the file
		}
		if err != nil {
			return "", err
		}
		next, symbolic := strings.CutPrefix(string(text), "ref: ")
		if !symbolic {
			return ParseHash(strings.TrimSpace(string(text)))
		}
		if ref = strings.TrimSpace(next); CheckRef(ref) != nil {
			return "", fmt.Errorf("it leads to %s", quoteShort(ref))
		}
	}
	return "", errors.New("symbolic refs lead in a circle")
}

// packed returns packed-refs. Its lines are "HASH NAME", "^HASH" for the target of the
// tag on the line before, and a comment.
func (r *Repository) packed() ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(r.dir, "packed-refs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

func (r *Repository) packedRef(ref string) (Hash, error) {
	text, err := r.packed()
	if err != nil {
		return "", err
	}
	at := bytes.Index(text, []byte(" "+ref+"\n"))
	if at < 0 {
		return "", ErrNoRef
	}
	return ParseHash(string(text[bytes.LastIndexByte(text[:at], '\n')+1 : at]))
}

// readRefs reads the refs below a prefix such as refs/heads, in no order.
func (r *Repository) readRefs(ctx context.Context, prefix string) ([]Ref, error) {
	refs := map[string]Hash{}
	err := filepath.WalkDir(r.refFile(prefix), func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // there are none, or it has just gone
		}
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".lock") {
			return errors.Join(err, ctx.Err())
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, r.dir+string(filepath.Separator)))
		hash, err := r.readRef(name)
		if errors.Is(err, ErrNoRef) {
			return nil // it has just gone
		}
		if err == nil {
			refs[name] = hash
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	text, err := r.packed() // after the files, see readRef; a file is newer
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		hash, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if _, newer := refs[name]; newer || !strings.HasPrefix(name, prefix+"/") {
			continue
		}
		if refs[name], err = ParseHash(hash); err != nil {
			return nil, err
		}
	}
	found := make([]Ref, 0, len(refs))
	for name, hash := range refs {
		found = append(found, Ref{Name: name, Hash: hash})
	}
	return found, nil
}
