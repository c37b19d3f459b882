package server

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Disk is a file system in memory that can be made full at once: it then shrinks to the
// blocks and inodes in use.
type Disk struct{ dir string }

// room is the size of a Disk that is not full, as mount options.
const room = "size=4g,nr_inodes=2000000"

// MountDisk makes a folder, and mounts a Disk there.
func MountDisk(dir string) (*Disk, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, room+",mode=700"); err != nil {
		return nil, fmt.Errorf("mount a disk at %q: %w", dir, errors.Join(err, os.Remove(dir)))
	}
	return &Disk{dir}, nil
}

// CanMount reports whether file systems can be mounted here.
func CanMount() bool {
	dir, err := os.MkdirTemp("", "pb-mount-")
	if err != nil {
		return false
	}
	defer os.RemoveAll(dir)
	disk, err := MountDisk(dir + "/disk")
	return err == nil && disk.Unmount() == nil
}

// Unmount removes the disk with everything on it.
func (d *Disk) Unmount() error { return syscall.Unmount(d.dir, syscall.MNT_DETACH) }

// Free makes room on the disk.
func (d *Disk) Free() error { return d.resize(room) }

// fillTries is how often Fill measures a disk to which others write at the same time.
const fillTries = 1000

// Fill leaves no room on the disk.
func (d *Disk) Fill() error {
	var err error
	for range fillTries {
		var now syscall.Statfs_t
		if err := syscall.Statfs(d.dir, &now); err != nil {
			return err
		}
		err = d.resize(fmt.Sprintf("size=%d,nr_inodes=%d", (now.Blocks-now.Bfree)*uint64(now.Bsize), now.Files-now.Ffree))
		if !errors.Is(err, syscall.EINVAL) { // the disk has more data by now
			return err
		}
	}
	return err
}

func (d *Disk) resize(options string) error {
	return syscall.Mount("tmpfs", d.dir, "tmpfs", syscall.MS_REMOUNT, options)
}
