package server

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/pushboat/pushboat/hooks"
)

// A server on a full disk starts, and serves requests that need no space: clones,
// status. It refuses pushes until there is space again, since it could not store them.
// The files that no server can do without, its keys and its id, must exist already.

// tryDisk installs the hooks and writes a few blocks, as a push would write many. With
// other hooks than the server's own, a push would pass another gate. It leaves a directory
// alone that is another server's by now. former is the result of the try before.
func (s *server) tryDisk(former error) error {
	if s.fence.Check() != nil {
		return former
	}
	path := s.path("run", "probe")
	err := hooks.Install(s.path("hooks"))
	if err == nil {
		err = os.WriteFile(path, make([]byte, 8<<10), 0o600)
		_ = os.Remove(path) // it may not exist
	}
	s.logDisk(former, err)
	return err
}

// logDisk logs a change of the disk's state.
func (s *server) logDisk(before, now error) {
	switch {
	case now != nil && before == nil:
		s.log.Errorf("disk: %v: every push is refused; clones, status and the watching of clusters go on: make room in %s", now, s.config.Data)
	case now == nil && before != nil:
		s.log.Infof("disk: %s can be written to again: pushes are taken", s.config.Data)
	}
}

// diskFor is how long a result of tryDisk counts, so that clients of the probe cannot
// cause any number of writes.
const diskFor = time.Second

// remembered is a result that counts for diskFor.
type remembered struct {
	ask  func(former error) error // called under no lock
	once singleflight.Group       // callers at the same time share one question

	mu    sync.Mutex
	asked time.Time
	known error
}

// state returns the result, and asks for a new one if the known one is too old.
func (r *remembered) state(now time.Time) error {
	if counts, known := r.answer(now); counts {
		return known
	}
	_, err, _ := r.once.Do("", func() (any, error) {
		counts, known := r.answer(now)
		if !counts {
			known = r.note(r.ask(known), now)
		}
		return nil, known
	})
	return err
}

// answer returns the known result, and before it whether that still counts.
func (r *remembered) answer(now time.Time) (counts bool, known error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Sub(r.asked) < diskFor, r.known
}

func (r *remembered) note(answer error, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known, r.asked = answer, now
	return answer
}

// listen opens a listener and writes its address to DATA/run, if there is space.
func (s *server) listen(address, file string) (net.Listener, error) {
	listener, err := listen(address)
	if err == nil {
		s.tellAddress(listener.Addr(), file)
	}
	return listener, err
}

func listen(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w; another program may have the port", address, err)
	}
	return listener, nil
}

// tellAddress writes an address to DATA/run, if there is space.
func (s *server) tellAddress(address net.Addr, file string) {
	if err := writeAddress(s.path("run", file), address.String()); err != nil {
		s.log.Warnf("cannot write the address %s to %s: %v", address, s.path("run", file), err)
	}
}

// writeAddress writes an address to a file atomically. If it cannot, it removes the
// file, because an older address would be wrong.
func writeAddress(path, address string) error {
	err := os.WriteFile(path+".new", []byte(address+"\n"), 0o600)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err == nil {
		return nil
	}
	for _, stale := range []string{path + ".new", path} {
		if gone := os.Remove(stale); gone != nil && !errors.Is(gone, os.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}
