package charts

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/pushboat/pushboat/internal/outgoing"
)

// Limits on the answers of a registry.
const (
	maxHops        = 5
	connectTimeout = 10 * time.Second
	headerTimeout  = 15 * time.Second
	maxHeader      = 64 << 10 // bytes
	maxSecret      = 8 << 10  // bytes of a file of credentials
)

// client makes requests to registries, and to nobody else: the configuration must allow
// each address, even one that a registry redirects to.
type client struct {
	allowed []place // in the form of requests
	secrets []credential
	http    *http.Client
	sent    string // the credential that was sent, see with; "": none
}

// credential is a name and a password for addresses below a place.
type credential struct {
	place
	name string // its address, as grants name it
	file string
}

func newClient(allowed []place, config Config) (*client, error) {
	c := &client{}
	for _, p := range allowed {
		c.allowed = append(c.allowed, p.web())
	}
	var problems []error
	for _, prefix := range slices.Sorted(maps.Keys(config.Credentials)) {
		p, err := parsePlace(prefix)
		secret := credential{p.web(), p.String(), config.Credentials[prefix]}
		if err == nil {
			_, _, err = secret.read()
		}
		if err != nil {
			problems = append(problems, &outgoing.SettingError{Setting: "charts.credentials", Err: err})
		}
		c.secrets = append(c.secrets, secret)
	}
	roots, err := outgoing.Trust(config.Way.Roots(), "charts.ca", config.CA)
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, err
	}
	c.http = &http.Client{
		Transport: &http.Transport{
			Proxy:       func(asked *http.Request) (*url.URL, error) { return config.Way.ProxyFor(asked.URL) },
			DialContext: c.dial(config.Way), TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: connectTimeout, ResponseHeaderTimeout: headerTimeout, MaxResponseHeaderBytes: maxHeader,
			ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// dial connects to the proxy, wherever that is, and to registries, at allowed
// addresses. Behind a proxy, the proxy decides where to connect.
func (c *client) dial(way *outgoing.Way) func(ctx context.Context, network, address string) (net.Conn, error) {
	proxy := &net.Dialer{Timeout: connectTimeout}
	registry := &net.Dialer{Timeout: connectTimeout, ControlContext: c.refuseAddresses}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if way.IsProxy(address) {
			return proxy.DialContext(ctx, network, address)
		}
		return registry.DialContext(ctx, network, address)
	}
}

// onThisMachine marks the context of requests to a host whose name means this machine.
type onThisMachine struct{}

// refuseAddresses refuses addresses that a name must not lead to: the one at which
// clouds hand out credentials (169.254.169.254), and this machine, unless the
// configuration names it.
func (c *client) refuseAddresses(ctx context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("connect to %q: %w", address, err)
	}
	ip := at.Addr().Unmap()
	own, _ := ctx.Value(onThisMachine{}).(bool)
	switch {
	case ip.IsLinkLocalUnicast(), ip.IsMulticast(), ip.IsUnspecified(), ip == netip.MustParseAddr("fd00:ec2::254"),
		ip.IsLoopback() && !own:
		return fmt.Errorf("the name of the registry leads to %s, which is none", ip)
	}
	return nil
}

// read returns the current name and password in the file.
func (s credential) read() (user, password string, err error) {
	file, err := os.Open(s.file)
	if err != nil {
		return "", "", s.unreadable(err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSecret))
	if err != nil {
		return "", "", s.unreadable(err)
	}
	user, password, found := strings.Cut(strings.TrimSpace(string(text)), ":")
	if !found || user == "" || strings.ContainsAny(password, "\r\n") {
		return "", "", fmt.Errorf("the file for %s is not one line with USER:PASSWORD", s.host)
	}
	return user, password, nil
}

// unreadable is the error for a file of credentials. It omits the name, since people
// write the credentials themselves in its place.
func (s credential) unreadable(err error) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		err = of.Err
	}
	return fmt.Errorf("the file for %s, which should contain USER:PASSWORD: %w", s.host, err)
}

// secretFor returns the credentials for an address; nil if there are none. The longest
// place that covers the address counts.
func (c *client) secretFor(at place) *credential {
	var best *credential
	for i, s := range c.secrets {
		if s.covers(at) && (best == nil || len(s.path) > len(best.path)) {
			best = &c.secrets[i]
		}
	}
	return best
}

// request is a request to a registry.
type request struct {
	url      *url.URL
	accept   string
	bearer   string // a token for url's host; "": the configured credentials, if any
	plain    bool   // without any credentials
	registry *place // whose own token service is asked: url has its host
	etag     string // of an answer before: errUnchanged if it would be the same; "": none
}

// errStatus is an answer with an error status.
type errStatus struct {
	status int
	at     place
	asks   string // WWW-Authenticate
}

func (e *errStatus) Error() string {
	return fmt.Sprintf("%s answers %d %s", e.at, e.status, http.StatusText(e.status))
}

// get makes a request, and follows allowed redirects. Credentials for one host are not
// sent to another.
func (c *client) get(ctx context.Context, r request) (*http.Response, error) {
	for range maxHops {
		at, err := placeOf(r.url)
		if err != nil {
			return nil, err
		}
		own := r.registry != nil && r.registry.scheme == at.scheme && r.registry.host == at.host
		if !own && !c.allows(at) {
			return nil, &NotAllowedError{Address: at.String()}
		}
		if !own {
			r.registry = nil
		}
		response, err := c.ask(ctx, r, at)
		if err != nil {
			return nil, err
		}
		switch response.StatusCode {
		case http.StatusOK:
			return response, nil
		case http.StatusNotModified:
			return nil, errors.Join(errUnchanged, response.Body.Close())
		case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
			next, err := response.Location()
			if err := errors.Join(err, response.Body.Close()); err != nil {
				return nil, fmt.Errorf("%s sends elsewhere: %w", at, err)
			}
			if next.Host != r.url.Host || next.Scheme != r.url.Scheme {
				r.bearer = ""
			}
			r.url = next
		default:
			asks := response.Header.Get("WWW-Authenticate")
			return nil, errors.Join(&errStatus{response.StatusCode, at, asks}, response.Body.Close())
		}
	}
	return nil, fmt.Errorf("%s sends elsewhere more than %d times", r.url.Host, maxHops)
}

func (c *client) allows(at place) bool {
	for _, allowed := range c.allowed {
		if allowed.covers(at) {
			return true
		}
	}
	return false
}

func (c *client) ask(ctx context.Context, r request, at place) (*http.Response, error) {
	ctx = context.WithValue(ctx, onThisMachine{}, isLoopback(r.url.Hostname()))
	asked, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", at, err)
	}
	asked.Header.Set("User-Agent", "pushboat")
	if r.accept != "" {
		asked.Header.Set("Accept", r.accept)
	}
	if r.etag != "" {
		asked.Header.Set("If-None-Match", r.etag)
	}
	secret := c.secretFor(at)
	if r.registry != nil {
		secret = c.secretFor(*r.registry)
	}
	switch {
	case r.bearer != "":
		asked.Header.Set("Authorization", "Bearer "+r.bearer)
	case secret != nil && !r.plain:
		user, password, err := secret.read()
		if err != nil {
			return nil, &outgoing.SettingError{Setting: "charts.credentials", Err: err}
		}
		asked.SetBasicAuth(user, password)
		c.note(secret)
	}
	response, err := c.http.Do(asked)
	if urlError, ok := errors.AsType[*url.Error](err); ok {
		err = fmt.Errorf("ask %s: %w", at, urlError.Err) // without the query, which may be signed
	}
	return response, err
}

// all reads an answer of at most limit bytes.
func (c *client) all(ctx context.Context, r request, limit int64) ([]byte, error) {
	data, _, err := c.page(ctx, r, limit)
	return data, err
}

// page reads an answer of at most limit bytes, and where the next part of it is; "" if there is
// none (RFC 8288).
func (c *client) page(ctx context.Context, r request, limit int64) (data []byte, next string, err error) {
	answer, err := c.get(ctx, r)
	if err != nil {
		return nil, "", err
	}
	data, err = io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return nil, "", fmt.Errorf("read the answer of %s: %w", r.url.Host, err)
	}
	if int64(len(data)) > limit {
		return nil, "", fmt.Errorf("the answer of %s %w: more than %d bytes", r.url.Host, errTooLarge, limit)
	}
	if m := nextLink.FindStringSubmatch(answer.Header.Get("Link")); m != nil {
		next = m[1]
	}
	return data, next, nil
}

// nextLink matches the address of the next part of an answer.
var nextLink = regexp.MustCompile(`<([^>]*)>\s*;\s*rel="?next"?`)

// chart fetches an archive.
func (c *client) chart(ctx context.Context, ref Ref, at place) ([]byte, error) {
	if at.scheme == "oci" {
		return c.fromOCI(ctx, ref, at)
	}
	return c.fromRepository(ctx, ref, at)
}
