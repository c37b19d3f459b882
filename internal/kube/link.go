package kube

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
	"k8s.io/client-go/util/connrotation"
)

// somewhere is the address of all requests until the link sends them to the cluster.
const somewhere = "https://cluster"

// link is the transport of a cluster's clients. It leads to wherever the cluster is at the
// moment: a new address or new credentials take no other clients, and what is known of the
// cluster stays.
type link struct {
	guard    *guard
	now      atomic.Pointer[connection]
	held     atomic.Pointer[HeldError]             // why nothing is asked; nil while something is
	refused  atomic.Pointer[HeldError]             // why nothing is believed; nil while something is
	met      atomic.Bool                           // it has said who it is before
	identity atomic.Pointer[func(id string) error] // see Cluster.Identify; nil: nobody asks
}

// connection is one way to a cluster.
type connection struct {
	base      *url.URL // of the API server
	transport http.RoundTripper
	dialer    *connrotation.Dialer
	issuer    *issuer       // of the credentials; nil: no program gives them
	expires   time.Time     // when the client's certificate does; zero: it has none
	opened    atomic.Int64  // TCP connections so far
	known     atomic.Int64  // the value of opened when the cluster last said who it is; -1: never
	asking    chan struct{} // has room for whoever asks who it is
}

// HeldError reports that the server itself keeps from asking a cluster. For its apps, the
// cluster is away.
type HeldError struct {
	Cluster string
	Why     string // reads on from "cluster staging is held: "
	Hint    string // how that ends
	Since   time.Time
}

// Error names the cluster and the reason.
func (e *HeldError) Error() string { return "cluster " + e.Cluster + " is held: " + e.Why }

// connect has requests go where a configuration says, from now on. Those under way on the
// connection before are broken off, as by a network that fails. cfg is changed. by gives the
// credentials, unless it is nil.
func (l *link) connect(cfg *rest.Config, by *program) error {
	base, _, err := rest.DefaultServerUrlFor(cfg)
	if err != nil {
		return err
	}
	next := &connection{base: base, expires: ownExpiry(cfg), asking: make(chan struct{}, 1)}
	next.known.Store(-1)
	dial := l.guard.over(cfg.Dial)
	next.dialer = connrotation.NewDialer(func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err == nil {
			next.opened.Add(1)
		}
		return conn, err
	})
	cfg.Dial = next.dialer.DialContext
	if by != nil {
		next.issuer = newIssuer(by, next.dialer.CloseAll)
	}
	if next.transport, err = transportFor(cfg, next.issuer); err != nil {
		return err
	}
	l.held.Store(nil)
	l.refused.Store(nil)
	if former := l.now.Swap(next); former != nil {
		former.dialer.CloseAll()
	}
	return nil
}

// transportFor is rest.TransportFor with credentials that somebody gives, unless that is nil.
func transportFor(cfg *rest.Config, by *issuer) (http.RoundTripper, error) {
	config, err := cfg.TransportConfig()
	if err != nil {
		return nil, err
	}
	if by != nil {
		config.TLS.GetCertHolder = &transport.GetCertHolder{GetCert: by.certificate}
		config.Wrap(by.over)
	}
	return transport.New(config)
}

// hold has no request sent from now on.
func (l *link) hold(why *HeldError) {
	why.Since = time.Now()
	l.held.Store(why)
	l.now.Load().dialer.CloseAll()
}

// RoundTrip implements http.RoundTripper. The cluster has to say who it is before a request
// is sent, and before an answer that came over a new connection is believed.
func (l *link) RoundTrip(req *http.Request) (*http.Response, error) {
	to := l.now.Load()
	if err := l.identify(req.Context(), to); err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // as a transport has to
		}
		return nil, err
	}
	resp, err := to.send(req)
	if err != nil {
		return nil, err
	}
	if err := l.identify(req.Context(), to); err != nil {
		_ = resp.Body.Close() // it is not read
		return nil, err
	}
	return resp, nil
}

// WrappedRoundTripper lets client-go look through the link.
func (l *link) WrappedRoundTripper() http.RoundTripper { return l.now.Load().transport }

// send sends a request to the API server.
func (c *connection) send(req *http.Request) (*http.Response, error) {
	there, at := *req, *req.URL
	at.Scheme, at.Host = c.base.Scheme, c.base.Host
	if prefix := strings.TrimSuffix(c.base.Path, "/"); prefix != "" {
		at.Path, at.RawPath = prefix+at.Path, ""
	}
	there.URL, there.Host = &at, ""
	return c.transport.RoundTrip(&there)
}
