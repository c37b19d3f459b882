// Package reach is the way to whoever is told something: which addresses may be connected to,
// within which limits, and what is said when that fails. Addresses of receivers are secrets:
// no error of it repeats one.
package reach

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pushboat/pushboat/internal/outgoing"
)

// Within bounds one sending as a whole.
const Within = 30 * time.Second

// Limits of one connection.
const (
	answerWithin = 20 * time.Second
	dialWithin   = 10 * time.Second
	maxResponse  = 64 << 10 // bytes that are read of a response
)

// Reach is the way to receivers: through the server's way out, and to addresses that are
// public, or that the configuration allows. Names are looked up when a connection is made,
// and it is their address that counts.
type Reach struct {
	Way      *outgoing.Way
	Networks []netip.Prefix // that are not public, and allowed
	Setting  string         // that has the networks; "": notify.networks
}

// PrivateError is of an address that is not public.
type PrivateError struct {
	Address netip.Addr
	Setting string // that would allow it
}

// Error implements error.
func (e *PrivateError) Error() string {
	return fmt.Sprintf("%s is no public address, and the setting %s does not allow it", e.Address, cmp.Or(e.Setting, "notify.networks"))
}

// RedirectError is of a receiver that sends its callers elsewhere.
type RedirectError struct{ Status int }

// Error implements error.
func (e *RedirectError) Error() string {
	return fmt.Sprintf("the receiver answered %d and sent the message elsewhere, where it is not taken", e.Status)
}

// notPublic are networks with addresses that package netip does not tell from public ones:
// those of RFC 6890, and addresses of IPv6 in which one of IPv4 is hidden.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("fec0::/10"), netip.MustParsePrefix("::/96"),
}

// Check returns a *PrivateError for an address that must not be reached.
func (r Reach) Check(address netip.Addr) error {
	address = address.Unmap().WithZone("")
	for _, network := range r.Networks {
		if network.Contains(address) {
			return nil
		}
	}
	public := address.IsGlobalUnicast() && !address.IsPrivate()
	for _, network := range notPublic {
		public = public && !network.Contains(address)
	}
	if !public {
		return &PrivateError{address, r.Setting}
	}
	return nil
}

// Dial connects to HOST:PORT, if it is a receiver's that may be reached, or the proxy's.
func (r Reach) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialWithin}
	if !r.Way.IsProxy(address) {
		dialer.Control = r.control
	}
	return dialer.DialContext(ctx, network, address)
}

// control checks an address that is about to be connected to: after names were looked up.
func (r Reach) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%q is no address", address)
	}
	return r.Check(at.Addr())
}

// TLS is how servers of receivers are known.
func (r Reach) TLS() *tls.Config {
	return &tls.Config{RootCAs: r.Way.Roots(), MinVersion: tls.VersionTLS12}
}

// proxyFor returns the proxy for a request. An address that is written in numbers and is not
// public goes through none.
func (r Reach) proxyFor(req *http.Request) (*url.URL, error) {
	if address, err := netip.ParseAddr(strings.Trim(req.URL.Hostname(), "[]")); err == nil {
		if err := r.Check(address); err != nil {
			return nil, err
		}
	}
	return r.Way.ProxyFor(req.URL)
}

// Transport carries requests to receivers. It refuses redirects, whoever would follow them,
// and bounds what is read.
func (r Reach) Transport() http.RoundTripper { return r.TransportOf(maxResponse) }

// TransportOf is Transport for responses of which more is read: at most so many bytes.
func (r Reach) TransportOf(most int64) http.RoundTripper {
	return &carrier{most: most, to: &http.Transport{
		Proxy: r.proxyFor, DialContext: r.Dial, TLSClientConfig: r.TLS(),
		TLSHandshakeTimeout: dialWithin, ResponseHeaderTimeout: answerWithin, DisableKeepAlives: true, MaxResponseHeaderBytes: maxResponse,
		ForceAttemptHTTP2: true,
	}}
}

type carrier struct {
	to   http.RoundTripper
	most int64 // bytes of a response
}

// RoundTrip implements http.RoundTripper.
func (c *carrier) RoundTrip(req *http.Request) (*http.Response, error) {
	response, err := c.to.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 300 && response.StatusCode < 400 {
		_ = response.Body.Close()
		return nil, &RedirectError{response.StatusCode}
	}
	response.Body = &bounded{io.LimitReader(response.Body, c.most), response.Body}
	return response, nil
}

type bounded struct {
	io.Reader
	io.Closer
}

// AnswerError is of a receiver that answered, and did not take the message.
type AnswerError struct {
	Status int           // of HTTP, or of SMTP
	Wait   time.Duration // that it asked for; 0: it did not
}

// Error implements error.
func (e *AnswerError) Error() string { return fmt.Sprintf("the receiver answered %d", e.Status) }

// Explain says why a message could not be sent, without anything of the address beyond what
// the network says: the errors of net/http quote all of it, with its tokens.
func Explain(err error) string {
	if err == nil {
		return ""
	}
	if private, ok := errors.AsType[*PrivateError](err); ok {
		return private.Error()
	}
	if redirect, ok := errors.AsType[*RedirectError](err); ok {
		return redirect.Error()
	}
	if answer, ok := errors.AsType[*AnswerError](err); ok {
		return answer.Error()
	}
	if plain, ok := errors.AsType[*SetupError](err); ok {
		return plain.Error()
	}
	if said, ok := errors.AsType[*SaidError](err); ok {
		return said.Text
	}
	if text, known := Cause(err, "the receiver"); known {
		return text
	}
	return "the receiver could not be reached"
}

// Cause says what went wrong on the way to somebody, where that is known without the words of
// the error. who is what the text calls them.
func Cause(err error, who string) (text string, known bool) {
	if of, ok := errors.AsType[*net.DNSError](err); ok {
		if of.IsNotFound {
			return "the host of " + who + " has no address in DNS", true
		}
		return "the host of " + who + " could not be looked up in DNS", true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return who + "'s certificate is not trusted", true
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return who + " did not answer in time", true
	case errors.Is(err, syscall.ECONNREFUSED):
		return who + " refused the connection", true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return who + " closed the connection", true
	}
	return "", false
}

func isTimeout(err error) bool {
	of, ok := errors.AsType[net.Error](err)
	return ok && of.Timeout()
}

// SetupError is of a receiver that cannot be told anything until somebody changes something.
type SetupError struct{ Why string }

// Error implements error.
func (e *SetupError) Error() string { return e.Why }

// SaidError is what Explain has said already, in another process.
type SaidError struct{ Text string }

// Error implements error.
func (e *SaidError) Error() string { return e.Text }

// Setup makes a *SetupError.
func Setup(format string, args ...any) error { return &SetupError{fmt.Sprintf(format, args...)} }

// WaitOf is how long an answer asks to wait; 0 if it does not, and at most maxWait.
func WaitOf(response *http.Response) time.Duration {
	text := response.Header.Get("Retry-After")
	if text == "" {
		return 0
	}
	if seconds, err := strconv.Atoi(text); err == nil {
		return min(max(time.Duration(seconds)*time.Second, 0), maxWait)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(time.Until(at), 0), maxWait)
	}
	return 0
}

// maxWait bounds what a receiver can ask for.
const maxWait = time.Hour
