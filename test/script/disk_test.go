package script

import (
	"errors"
	"fmt"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pushboat/pushboat/test/server"
)

// cmdDisk mounts a disk of the script's own at $DATA, fills it and frees it.
func cmdDisk(ts *testscript.TestScript, args []string) (err error) {
	s := on(ts)
	switch {
	case args[0] == "own" && s.Server != nil:
		return errors.New("it comes before the server")
	case args[0] == "own":
		s.disk, err = server.MountDisk(s.Path("data"))
		return err
	case s.disk == nil:
		return errors.New("begin with: disk own")
	case args[0] == "full":
		return s.disk.Fill()
	case args[0] == "free":
		return s.disk.Free()
	}
	return fmt.Errorf("disk %q: want own, full or free", args[0])
}

func (s *stage) giveDisk() error {
	if s.disk == nil {
		return nil
	}
	return s.disk.Unmount()
}
