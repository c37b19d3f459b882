package server

import (
	"errors"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/pushboat/pushboat/internal/settings"
)

// serveDebug serves the runtime's profiles, if they are configured.
func (s *server) serveDebug(failed chan<- error) error {
	if s.config.Debug.Address == "" {
		return nil
	}
	listener, err := s.listen(s.config.Debug.Address, "debug.addr")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index) // heap, goroutine and the like are below it
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	s.debug = &http.Server{Handler: sameHost(mux), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 8 << 10}
	s.log.WithField("address", listener.Addr().String()).Info("debug: serving profiles")
	s.background.Go(func() {
		if err := s.debug.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	})
	return nil
}

// sameHost refuses requests for any other host than this machine. Otherwise a web page
// in a local browser could reach the profiles through a name that resolves to 127.0.0.1
// (DNS rebinding).
func sameHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := settings.CheckLoopback(r.Host); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
