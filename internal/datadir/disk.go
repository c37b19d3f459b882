package datadir

import (
	"errors"
	"os"
	"path"
)

// disk changes files of a directory. When a method returns, its change is on disk.
type disk struct {
	root *os.Root
	act  func() error // called before each change; nil, except in tests that stop there
}

func (d disk) ask() error {
	if d.act == nil {
		return nil
	}
	return d.act()
}

// write writes a file atomically, and creates its folders.
func (d disk) write(name string, content []byte) error {
	if err := d.mkdir(path.Dir(name)); err != nil {
		return err
	}
	if err := d.ask(); err != nil {
		return err
	}
	file, err := d.root.OpenFile(name+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return d.rename(name+".new", name)
}

// mkdir creates a folder, and those above it.
func (d disk) mkdir(name string) error {
	if name == "." {
		return nil
	}
	if info, err := d.root.Lstat(name); err == nil && info.IsDir() {
		return nil
	}
	if err := d.mkdir(path.Dir(name)); err != nil {
		return err
	}
	if err := d.ask(); err != nil {
		return err
	}
	if err := d.root.Mkdir(name, 0o700); err != nil {
		return err
	}
	return d.sync(path.Dir(name))
}

func (d disk) rename(from, to string) error {
	if err := d.ask(); err != nil {
		return err
	}
	if err := d.root.Rename(from, to); err != nil {
		return err
	}
	return errors.Join(d.sync(path.Dir(from)), d.sync(path.Dir(to)))
}

// removeAll removes a file, or a folder with everything in it; it may be missing.
func (d disk) removeAll(name string) error {
	if _, err := d.root.Lstat(name); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := d.ask(); err != nil {
		return err
	}
	if err := d.root.RemoveAll(name); err != nil {
		return err
	}
	return d.sync(path.Dir(name))
}

func (d disk) sync(dir string) error {
	f, err := d.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
