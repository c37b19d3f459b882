package script

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// The script's own disk: a file system in memory at $DATA, small in blocks and in
// inodes, so that both can be used up.
const ownDisk = "size=16m,nr_inodes=3000,mode=700"

// mounts reports whether file systems can be mounted here.
func mounts() bool {
	dir, err := os.MkdirTemp("", "pb-mount-")
	if err != nil {
		return false
	}
	defer os.Remove(dir)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, ownDisk); err != nil {
		return false
	}
	return syscall.Unmount(dir, syscall.MNT_DETACH) == nil
}

func cmdDisk(ts *testscript.TestScript, args []string) error {
	s := on(ts)
	switch args[0] {
	case "own":
		return s.takeDisk()
	case "full":
		return s.fillDisk()
	case "free":
		return os.RemoveAll(s.Path("data", fill))
	}
	return fmt.Errorf("disk own|full|free, not %q", args[0])
}

func (s *stage) takeDisk() error {
	if s.Server != nil {
		return errors.New("it comes before the server")
	}
	if err := os.Mkdir(s.Path("data"), 0o700); err != nil {
		return err
	}
	err := syscall.Mount("tmpfs", s.Path("data"), "tmpfs", 0, ownDisk)
	s.disk = err == nil
	return err
}

func (s *stage) giveDisk() error {
	if !s.disk {
		return nil
	}
	return syscall.Unmount(s.Path("data"), syscall.MNT_DETACH)
}

// fill is a folder at $DATA that takes all its room.
const fill = "fill"

// fillDisk takes all blocks, and then all inodes.
func (s *stage) fillDisk() error {
	if !s.disk {
		return errors.New("begin with: disk own")
	}
	if err := os.MkdirAll(s.Path("data", fill), 0o700); err != nil {
		return err
	}
	file, err := os.Create(s.Path("data", fill, "blocks"))
	if err != nil {
		return err
	}
	for err == nil {
		_, err = file.Write(make([]byte, 4<<10))
	}
	if err := file.Close(); err != nil {
		return err
	}
	for i := 0; errors.Is(err, syscall.ENOSPC); i++ {
		file, made := os.Create(s.Path("data", fill, fmt.Sprint(i)))
		if made != nil {
			err = made
			break
		}
		if err := file.Close(); err != nil {
			return err
		}
	}
	if errors.Is(err, syscall.ENOSPC) {
		return nil
	}
	return err
}
