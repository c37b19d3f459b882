package server

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/trace"
)

// openTraces makes the sender of traces, if a receiver is set.
func (s *server) openTraces() error {
	to := s.config.Traces.URL()
	if to == "" {
		return nil
	}
	headers, err := s.config.Traces.ReadHeaders()
	if err != nil {
		return err
	}
	s.traces = trace.New(trace.Config{
		URL: to, Headers: headers, Log: s.log,
		Resource: map[string]string{"service.name": "pushboat", "service.version": s.version, "service.instance.id": s.id},
		Client: &http.Transport{
			Proxy:               func(r *http.Request) (*url.URL, error) { return s.way.ProxyFor(r.URL) },
			TLSClientConfig:     &tls.Config{RootCAs: s.way.Roots(), MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: 10 * time.Second, MaxIdleConns: 2, IdleConnTimeout: time.Minute,
		},
	})
	return nil
}

// traces tries the headers for the receiver of traces.
func (t *trial) traces() {
	_, err := t.config.Traces.ReadHeaders()
	t.add("traces.headers", "traces.headers", access.WithoutPath(err))
}
