package backup

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
)

// own writes the files of the data directory outside the repositories.
func (s Source) own(a *writer) error {
	root, err := os.OpenRoot(s.Data)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, pattern := range []string{"*", hostKey, sealedDir + "/*/*", digestsDir + "/*", trailDir + "/head.json", trailDir + "/*.jsonl"} {
		names, err := fs.Glob(root.FS(), pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := ownFile(a, root, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// ownFile writes one of them, if backups include it and it still exists. A sealed text
// never changes, so it is copied as a file; the others are small and read as a whole.
func ownFile(a *writer, root *os.Root, name string) error {
	limit, known := limitOf(name)
	if !known {
		return nil
	}
	if info, err := root.Lstat(name); err != nil || !info.Mode().IsRegular() {
		return notExist(err)
	}
	file, err := root.Open(name)
	if err != nil {
		return notExist(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() > limit && path.Dir(name) == "." {
		return nil // not the server's
	}
	if limit > maxOwn {
		return a.file(name, info.Size(), file, false)
	}
	content, err := root.ReadFile(name)
	if err != nil {
		return notExist(err)
	}
	return a.file(name, int64(len(content)), bytes.NewReader(content), false)
}

// notExist is nil for a file that is gone.
func notExist(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
