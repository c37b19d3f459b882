package app

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"
)

// serveProbes answers /healthz, that the process serves, and /readyz, that it takes
// pushes. Neither tells strangers more than that: the reasons are in the log.
func (s *server) serveProbes(failed chan<- error) error {
	if s.config.HTTP.Address == "" {
		return nil
	}
	listener, err := s.listen(s.config.HTTP.Address, "http.addr")
	if err != nil {
		return err
	}
	s.httpAddr = listener.Addr()
	disk := &remembered{ask: s.tryDisk}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := s.unready(disk); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	s.probes = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10}
	go func() {
		if err := s.probes.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
	return nil
}

// Why the server is not ready, as strangers are told.
var (
	errStopping   = errors.New("stopping")
	errNoClusters = errors.New("no cluster answers; every push that deploys would be refused")
	errNoHook     = errors.New("pushboat-hook cannot be run; every push would be refused")
	errNoDisk     = errors.New("the data directory cannot be written to; every push would be refused")
)

// unready returns why every push would be refused now, or may not begin; nil if one
// may pass.
func (s *server) unready(disk *remembered) error {
	switch {
	case s.stopping.Load():
		return errStopping
	case executable(s.config.HookProgram) != nil:
		return errNoHook
	case s.engine.AllAway() != nil:
		return errNoClusters
	case disk.state(time.Now()) != nil:
		return errNoDisk
	}
	return nil
}

// tryDisk writes a few blocks, as a push would many.
func (s *server) tryDisk() error {
	path := s.path("run", "probe")
	err := os.WriteFile(path, make([]byte, 8<<10), 0o600)
	return errors.Join(err, os.Remove(path))
}

// diskFor is how long the disk is believed to be as it was, so that whoever reaches
// the probe cannot have it written at will.
const diskFor = time.Second

// remembered is an answer that stands for diskFor.
type remembered struct {
	ask func() error

	mu    sync.Mutex
	asked time.Time
	known error
}

func (r *remembered) state(now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.asked) >= diskFor {
		r.known, r.asked = r.ask(), now
	}
	return r.known
}
