package kube

import (
	"context"
	"crypto/tls"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	// renewBefore is how long before their end credentials are renewed, so that a request
	// does not arrive with what has just expired.
	renewBefore = 10 * time.Second
	// askAgain is how long a failure stands, and how long credentials are kept that the API
	// server refuses: many requests do not start many programs.
	askAgain = 10 * time.Second
)

// credentials are what a program gave.
type credentials struct {
	token       string
	certificate *tls.Certificate // nil: none
	pem         string           // of the certificate
	expires     time.Time        // zero: when the API server refuses them
	given       time.Time
}

// issuer gives the credentials of a connection to its requests, and runs the program for
// them: once for all who ask at a time, and again when they expire or are refused.
type issuer struct {
	program *program
	clock   func() time.Time
	rotated func() // called when another certificate counts: connections with the former are to end
	flight  singleflight.Group

	mu     sync.Mutex
	now    *credentials // nil: none
	pem    string       // of the newest certificate: connections are made with it
	failed error        // of the last run; nil: it went well
	until  time.Time    // the error stands
}

func newIssuer(p *program, rotated func()) *issuer {
	return &issuer{program: p, clock: time.Now, rotated: rotated}
}

// get returns good credentials.
func (i *issuer) get(ctx context.Context) (*credentials, error) {
	if known, settled := i.known(); settled {
		return known.credentials, known.failed
	}
	answers := i.flight.DoChan("", func() (any, error) {
		if known, settled := i.known(); settled { // somebody else has asked a moment ago
			return known.credentials, known.failed
		}
		return i.renew(context.WithoutCancel(ctx))
	})
	select {
	case answer := <-answers:
		known, _ := answer.Val.(*credentials)
		return known, answer.Err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// standing are the credentials, or the error, that stand.
type standing struct {
	credentials *credentials
	failed      error
}

// known returns what stands. settled is false if there is nothing.
func (i *issuer) known() (known standing, settled bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.clock()
	switch {
	case i.now != nil && (i.now.expires.IsZero() || now.Before(i.now.expires.Add(-renewBefore))):
		return standing{credentials: i.now}, true
	case i.failed != nil && now.Before(i.until):
		return standing{failed: i.failed}, true
	}
	return standing{}, false
}

// renew runs the program.
func (i *issuer) renew(ctx context.Context) (*credentials, error) {
	status, err := i.program.run(ctx)
	next := &credentials{given: i.clock()}
	if err == nil {
		next.token, next.pem = status.Token, status.ClientCertificateData
		if status.ExpirationTimestamp != nil {
			next.expires = status.ExpirationTimestamp.Time
		}
		if next.pem != "" {
			pair, wrong := tls.X509KeyPair([]byte(next.pem), []byte(status.ClientKeyData))
			if next.certificate = &pair; wrong != nil {
				err = i.program.failed("its certificate and key cannot be used", "")
			}
		}
	}
	if err == nil && !next.expires.IsZero() && !next.expires.After(next.given) {
		err = i.program.failed("its credentials have expired already", "")
	}
	i.mu.Lock()
	former := i.pem
	if i.failed, i.until = err, i.clock().Add(askAgain); err == nil {
		i.now, i.pem = next, next.pem
	}
	i.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if former != next.pem {
		i.rotated()
	}
	return next, nil
}

// refuse notes that the API server refuses credentials.
func (i *issuer) refuse(known *credentials) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.now == known && i.clock().Sub(known.given) >= askAgain {
		i.now = nil
	}
}

// certificate is for the TLS handshake, which comes after a request has got credentials.
func (i *issuer) certificate() (*tls.Certificate, error) {
	known, err := i.get(context.Background())
	if err != nil {
		return nil, err
	}
	return known.certificate, nil
}

// expires is when the credentials do; zero if they do not, or there are none yet.
func (i *issuer) expires() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.now == nil {
		return time.Time{}
	}
	return i.now.expires
}

// over sends requests with the credentials.
func (i *issuer) over(next http.RoundTripper) http.RoundTripper { return issued{i, next} }

type issued struct {
	issuer *issuer
	next   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t issued) RoundTrip(req *http.Request) (*http.Response, error) {
	known, err := t.issuer.get(req.Context())
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // as a transport has to
		}
		return nil, err
	}
	if known.token != "" {
		req = req.Clone(req.Context())
		req.Header.Set("Authorization", "Bearer "+known.token)
	}
	resp, err := t.next.RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		t.issuer.refuse(known)
	}
	return resp, err
}

// WrappedRoundTripper lets client-go look through it.
func (t issued) WrappedRoundTripper() http.RoundTripper { return t.next }

// Program is the program that gives the credentials of a cluster, and until when the present
// ones are good: zero if they do not say, or none were asked for yet. It is "" if there is none.
func (c *Cluster) Program() (path string, expires time.Time) {
	if issuer := c.own().link.now.Load().issuer; issuer != nil {
		return issuer.program.path, issuer.expires()
	}
	return "", time.Time{}
}
