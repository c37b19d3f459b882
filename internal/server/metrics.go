package server

import (
	"errors"
	"net/http"
	"runtime"
	"time"

	"github.com/pushboat/pushboat/internal/doctor"
	"github.com/pushboat/pushboat/internal/metrics"
	"github.com/pushboat/pushboat/internal/settings"
)

// serveMetrics answers scrapes, if that is configured. While the server stands by, another
// one owns the data directory, so this one writes its address there later.
func (s *server) serveMetrics() error {
	of := s.config.Metrics
	switch {
	case of.Address == "":
		return nil
	case s.metrics != nil:
		s.tellAddress(s.metricsAddr, "metrics.addr")
		return nil
	}
	listener, err := listen(of.Address)
	if err != nil {
		return err
	}
	s.metricsAddr = listener.Addr()
	if phase(s.phase.Load()) != standing {
		s.tellAddress(s.metricsAddr, "metrics.addr")
	}
	handler := metrics.Handler(metrics.Sources{
		Version: s.version, GoVersion: runtime.Version(), Unready: s.unready, Parts: s.measured.Load,
	}, of.Token, s.log)
	if of.Token == "" && settings.CheckLoopback(of.Address) == nil {
		handler = sameHost(handler)
	}
	s.metrics = &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 5 * time.Minute, MaxHeaderBytes: 8 << 10,
	}
	s.log.WithField("address", s.metricsAddr.String()).Info("metrics: serving")
	s.background.Go(func() {
		if err := s.metrics.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	})
	return nil
}

// measure lets scrapes see the parts of the server, which are all there by now.
func (s *server) measure() {
	s.measured.Store(&metrics.Parts{
		Door: s.door, Engine: s.engine, Renderers: s.renderers, Repos: s.repos, SSH: s.ssh, Trail: s.trail, Backups: s.backups, Traces: s.traces, Announcer: s.announcer, Notifier: s.notifier, Mirrors: s.remotes,
		Disk: func() (free, all uint64, err error) { return doctor.Space(s.config.Data) },
	})
}
