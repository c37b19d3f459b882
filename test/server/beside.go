package server

import (
	"context"
	"net"
)

// Beside starts a server with the usual flags and these on the folder's data, and waits
// for nothing. Its log is its own.
func (h *Home) Beside(flags []string) (*Process, error) { return h.spawn(flags) }

// Serves returns when the server says that it serves, which one that stands by does when it
// leads.
func (srv *Process) Serves() error { return srv.child.Ready(context.Background(), readyWithin) }

// LeadTo leads the clients to an address, HOST:PORT, behind which a server of the folder's
// data is.
func (h *Home) LeadTo(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	return h.point(host, port)
}
