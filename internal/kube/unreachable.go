package kube

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/pushboat/pushboat/internal/manifest"
)

// UnreachableError reports a cluster that does not answer. The result of the request is
// unknown.
type UnreachableError struct {
	Cluster string
	Err     error
}

// Error names the cluster and the reason without the request's URL.
func (e *UnreachableError) Error() string {
	if held, ok := errors.AsType[*HeldError](e.Err); ok {
		return held.Error()
	}
	return "cluster " + e.Cluster + " does not answer: " + e.Cause()
}

// Cause is the reason alone.
func (e *UnreachableError) Cause() string {
	if held, ok := errors.AsType[*HeldError](e.Err); ok {
		return held.Why
	}
	return manifest.Clean(shorten(reason(e.Err), maxMessage))
}

// Unwrap returns the transport's error.
func (e *UnreachableError) Unwrap() error { return e.Err }

// reason cuts the method and URL off a transport error; the rest is like "dial tcp
// 10.0.0.1:6443: connect: connection refused".
func reason(err error) string {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	if status := apierrors.APIStatus(nil); errors.As(err, &status) && status.Status().Message == "" {
		return http.StatusText(int(status.Status().Code))
	}
	return strings.TrimSpace(err.Error())
}

// IsUnreachable reports whether an error means that the cluster could not be asked: no
// connection, no response in time, a certificate that does not fit, or a proxy or load
// balancer that found nobody behind it. It is false for a caller's own cancellation.
func IsUnreachable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || IsAway(err) || isGuarded(err) {
		return false
	}
	if e := (*UnreachableError)(nil); errors.As(err, &e) {
		return true
	}
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		return isGateway(status)
	}
	if e := (*url.Error)(nil); errors.As(err, &e) {
		return true // every failure of a request before its response, including TLS
	}
	if e := net.Error(nil); errors.As(err, &e) {
		return true
	}
	for _, known := range []error{errNoResponse, io.ErrUnexpectedEOF, syscall.ECONNREFUSED, syscall.ECONNRESET, os.ErrDeadlineExceeded} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// isGateway recognizes the answers of proxies and load balancers that find nobody
// behind them. The API server answers 503 as well: when it shuts down, and for an
// extension API that is away.
func isGateway(status apierrors.APIStatus) bool {
	switch status.Status().Code {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// IsTransient reports whether the same request may succeed a moment later: the cluster
// or an extension API does not answer, is overloaded, or is changing its leader.
func IsTransient(err error) bool {
	return IsUnreachable(err) || IsAway(err) || apierrors.IsTooManyRequests(err) || apierrors.IsServerTimeout(err) ||
		apierrors.IsTimeout(err) || isEtcdTrouble(err)
}

func isEtcdTrouble(err error) bool {
	status := apierrors.APIStatus(nil)
	return errors.As(err, &status) && status.Status().Code == http.StatusInternalServerError &&
		strings.HasPrefix(status.Status().Message, "etcdserver: ")
}

// IsNotFound reports whether an error says that an object does not exist.
func IsNotFound(err error) bool { return apierrors.IsNotFound(err) }
