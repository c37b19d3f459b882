package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Identify registers check, which is called with the identity of the cluster: the UID of
// its namespace kube-system, which a cluster keeps for life. It is called whenever a new
// connection was opened, before any answer over that is believed: another cluster may
// answer at the address by then. With an error of check, nothing is asked and nothing
// believed, until a later call returns nil; a *HeldError shows as such. id is "" while the
// cluster has no such namespace: its API server has just begun its first start.
//
// A server without the right to read that namespace does without.
func (c *Cluster) Identify(check func(id string) error) { c.link.identity.Store(&check) }

// Identity asks the cluster for its identity; "" without the right to ask.
func (c *Cluster) Identity(ctx context.Context) (string, error) {
	to := c.link.now.Load()
	id, err := to.whoIs(ctx)
	if errors.Is(err, errNotTold) {
		err = nil
	}
	return id, c.wrap("ask who it is", err)
}

const (
	identityPath = "/api/v1/namespaces/" + metav1.NamespaceSystem
	// identityTimeout bounds the question; a server that is as slow is as good as away.
	identityTimeout = 20 * time.Second
	maxIdentity     = 1 << 20 // bytes of its answer
)

// identify returns once the cluster has said who it is over each of its connections, or
// with the reason why nothing may be asked of it.
func (l *link) identify(ctx context.Context, to *connection) error {
	if held := l.held.Load(); held != nil {
		return held
	}
	check := l.identity.Load()
	if check == nil || to.known.Load() >= to.opened.Load() {
		return nil
	}
	select {
	case to.asking <- struct{}{}:
		defer func() { <-to.asking }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if to.known.Load() >= to.opened.Load() {
		return nil // somebody else has asked meanwhile
	}
	id, err := to.whoIs(ctx)
	switch {
	case errors.Is(err, errNotTold):
		if l.met.Load() {
			return nil // it told before, so the next request asks again
		}
	case err != nil:
		return err
	default:
		if err := l.refuse((*check)(id)); err != nil {
			return err
		}
		l.met.Store(true)
	}
	to.known.Store(to.opened.Load()) // the question may have opened one itself
	return nil
}

// errNotTold says that the server has no right to know who a cluster is.
var errNotTold = errors.New("the server may not read its namespace " + metav1.NamespaceSystem)

// refuse notes what check has said of an identity, and since when, and returns it.
func (l *link) refuse(err error) error {
	held, ok := errors.AsType[*HeldError](err)
	if !ok {
		l.refused.Store(nil)
		return err
	}
	held.Since = time.Now()
	if former := l.refused.Load(); former != nil {
		held.Since = former.Since
	}
	l.refused.Store(held)
	return held
}

// Held returns why the server keeps from asking the cluster; nil if it does not.
func (c *Cluster) Held() *HeldError {
	if held := c.link.held.Load(); held != nil {
		return held
	}
	return c.link.refused.Load()
}

// whoIs asks for the identity of the cluster; "" if it has none yet.
func (c *connection) whoIs(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, identityTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, somewhere+identityPath, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json")
	resp, err := c.send(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }() // only read
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return "", nil
	case http.StatusUnauthorized, http.StatusForbidden:
		return "", errNotTold
	default:
		return "", fmt.Errorf("asked who it is, it answers %s", resp.Status)
	}
	var namespace metav1.PartialObjectMetadata
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxIdentity)).Decode(&namespace); err != nil {
		return "", fmt.Errorf("read its namespace %s: %w", metav1.NamespaceSystem, err)
	}
	return string(namespace.UID), nil
}
