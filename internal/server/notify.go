package server

import (
	"fmt"
	"net"
	"os"
)

// The states that systemd hears from a service of Type=notify, see sd_notify(3).
const (
	stateReady    = "READY=1"
	stateStopping = "STOPPING=1"
)

// notify tells the service manager a state, if one has started the server and listens.
// A failure stops nothing.
func (s *server) notify(state string) {
	if err := sendState(os.Getenv("NOTIFY_SOCKET"), state); err != nil {
		s.log.Warnf("tell the service manager %s: %v", state, err)
	}
}

// sendState sends a state to a socket; "" is none. A name that begins with @ is in Linux's
// abstract namespace, as in package net.
func sendState(socket, state string) error {
	if socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("write to %q: %w", socket, err)
	}
	return nil
}
