package kube

import (
	"fmt"
	"net"
	"time"

	"k8s.io/client-go/rest"
)

// Line leads to an API server, wherever that is at the moment, as a Cluster does. Nothing
// guards its requests: it is for those by which servers find out who leads.
type Line struct{ link *link }

// OpenLine opens a line that leads where a way does. It sends no request.
func OpenLine(way Way) (*Line, error) {
	l := &Line{&link{guard: &guard{}}}
	return l, l.Connect(way)
}

// Connect has requests go another way, from now on. Those under way are broken off.
func (l *Line) Connect(way Way) error {
	cfg := rest.CopyConfig(way.Config)
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext
	}
	if err := l.link.connect(cfg, way.program); err != nil {
		return fmt.Errorf("reach the API server: %w", err)
	}
	return nil
}

// Config is for clients that go over the line.
func (l *Line) Config() *rest.Config {
	return &rest.Config{Host: somewhere, Transport: l.link, UserAgent: FieldManager + "/" + version()}
}
