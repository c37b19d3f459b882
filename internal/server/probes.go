package server

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pushboat/pushboat/internal/git"
)

// serveProbes answers /healthz and /livez, that the process serves, and /readyz, that
// it takes pushes. They tell strangers no more than that: the reasons are in the log. All
// else is for the pages, once there are any.
// While the server stands by, another server owns the data directory, so this one
// writes its address there later.
func (s *server) serveProbes() error {
	switch {
	case s.config.HTTP.Address == "":
		return nil
	case s.probes != nil:
		s.tellAddress(s.httpAddr, "http.addr")
		return nil
	}
	listener, err := listen(s.config.HTTP.Address)
	if err != nil {
		return err
	}
	s.httpAddr = listener.Addr()
	if listener, err = s.secured(listener); err != nil {
		return err
	}
	if phase(s.phase.Load()) != standing {
		s.tellAddress(s.httpAddr, "http.addr")
	}
	mux := http.NewServeMux()
	for _, path := range []string{"/healthz", "/livez"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	}
	mux.HandleFunc("GET /readyz", s.answerReady)
	mux.HandleFunc("/", s.answerPage)
	s.probes = &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
	}
	s.background.Go(func() {
		if err := s.probes.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	})
	return nil
}

// answerReady answers ok, or 503 with the reason why the server is not ready. Asked with
// standbyok, as in /readyz?standbyok, a server that passes ssh connections on is ready.
func (s *server) answerReady(w http.ResponseWriter, r *http.Request) {
	err := s.unready()
	if r.URL.Query().Has("standbyok") && s.front != nil && (errors.Is(err, errStandby) || errors.Is(err, errStarting)) {
		err = nil
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// The reasons why the server is not ready, as strangers see them.
var (
	errStandby    = errors.New("standby")
	errStarting   = errors.New("starting")
	errStopping   = errors.New("stopping")
	errNoClusters = errors.New("no cluster answers; every push that deploys would be refused")
	errNoHook     = errors.New("pushboat-hook cannot be run; every push would be refused")
	errFull       = errors.New("the disk of the data directory is full; every push would be refused")
	errNoDisk     = errors.New("the data directory cannot be written to; every push would be refused")
)

// unready returns the reason why the server would refuse every push now, or nil.
func (s *server) unready() error {
	switch phase(s.phase.Load()) {
	case standing:
		return errStandby
	case starting:
		return errStarting
	case stopping:
		return errStopping
	}
	disk := s.disk.state(time.Now())
	switch {
	case executable(s.config.Hook) != nil:
		return errNoHook
	case s.engine.AllAway() != nil:
		return errNoClusters
	case git.Full(disk):
		return errFull
	case disk != nil:
		return errNoDisk
	}
	return nil
}
