package reach

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/outgoing"
)

func TestAddressesThatMayBeReached(t *testing.T) {
	for text, public := range map[string]bool{
		"8.8.8.8": true, "93.184.216.34": true, "2606:4700::1111": true, "2a00:1450:4001::1": true, "::ffff:8.8.8.8": true,
		"172.15.255.255": true, "172.32.0.0": true, "100.63.255.255": true, "100.128.0.0": true, "9.255.255.255": true, "11.0.0.0": true,
		"0.0.0.0": false, "0.1.2.3": false, "127.0.0.1": false, "127.255.255.254": false, "10.0.0.1": false, "10.255.255.255": false,
		"172.16.0.1": false, "172.31.255.255": false, "192.168.0.1": false, "169.254.169.254": false, "100.64.0.1": false, "100.127.255.255": false,
		"192.0.0.8": false, "192.0.2.1": false, "192.88.99.1": false, "198.18.0.1": false, "198.19.255.255": false, "198.51.100.7": false,
		"203.0.113.1": false, "224.0.0.1": false, "239.255.255.250": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false, "::127.0.0.1": false,
		"::7f00:1": false, "fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "fd00:ec2::254": false, "fec0::1": false, "ff02::1": false,
		"64:ff9b::7f00:1": false, "64:ff9b:1::a00:1": false, "2001::1": false, "2001:db8::1": false, "2002:7f00:1::": false, "100::1": false,
	} {
		err := Reach{}.Check(netip.MustParseAddr(text))
		if private, ok := errors.AsType[*PrivateError](err); (err == nil) != public || !public && (!ok || !strings.Contains(err.Error(), private.Address.String())) {
			t.Errorf("%s: %v, want public=%v", text, err, public)
		}
	}
	allowed := Reach{Networks: []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16"), netip.MustParsePrefix("fd00::/8")}}
	for text, want := range map[string]bool{"10.20.3.4": true, "::ffff:10.20.3.4": true, "10.21.0.1": false, "fd12::1": true, "fd12::1%eth0": true, "127.0.0.1": false} {
		if err := allowed.Check(netip.MustParseAddr(text)); (err == nil) != want {
			t.Errorf("allowed %s: %v", text, err)
		}
	}
}

// own are the addresses of this machine.
var own = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func get(t *testing.T, r Reach, address string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r.Transport().RoundTrip(req)
}

// The address that a name has when it is connected to counts, and so do numbers.
func TestNamesAreCheckedAtTheConnection(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the server was asked") }))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	for _, host := range []string{"localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0"} {
		_, err := get(t, Reach{}, "http://"+host+":"+port)
		if err == nil {
			t.Errorf("%s is reached", host)
		}
	}
	for _, host := range []string{"localhost", "127.0.0.1"} {
		if _, err := get(t, Reach{}, "http://"+host+":"+port); Explain(err) == "" || !strings.Contains(Explain(err), "no public address") {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	for status := 300; status < 309; status++ {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if q.URL.Path != "/" {
				t.Errorf("%d was followed", status)
			}
			w.Header().Set("Location", "/elsewhere?t0ken")
			w.WriteHeader(status)
		}))
		response, err := (&http.Client{Transport: Reach{Networks: own}.Transport()}).Get(server.URL) //nolint:bodyclose,noctx // there is none
		if _, ok := errors.AsType[*RedirectError](err); !ok || response != nil || strings.Contains(Explain(err), "t0ken") {
			t.Errorf("%d: %v", status, err)
		}
		server.Close()
	}
}

func TestResponsesAreBounded(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 2*maxResponse))
	}))
	defer server.Close()
	response, err := get(t, Reach{Networks: own}, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(response.Body); err != nil || len(text) != maxResponse {
		t.Errorf("read %d bytes, %v", len(text), err)
	}
}

// A proxy is asked for what is elsewhere, by name; an address in numbers is checked before.
func TestProxies(t *testing.T) {
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) { asked = append(asked, q.URL.String()) }))
	defer proxy.Close()
	way, err := outgoing.Open(outgoing.Config{Proxy: proxy.URL})
	if err != nil {
		t.Fatal(err)
	}
	response, err := get(t, Reach{Way: way}, "http://hooks.example.org/x")
	if err != nil || len(asked) != 1 {
		t.Fatalf("by name: %v, asked %q", err, asked)
	}
	response.Body.Close()
	if _, err := get(t, Reach{Way: way}, "http://169.254.169.254/latest"); err == nil || len(asked) != 1 {
		t.Errorf("in numbers: %v, asked %q", err, asked)
	}
}

func TestErrorsSayNothingOfTheAddress(t *testing.T) {
	const canary = "hunter2"
	wrap := func(err error) error {
		return &url.Error{Op: "Post", URL: "https://hooks.example.org/" + canary, Err: err}
	}
	for want, err := range map[string]error{
		"": nil,
		"the host of the receiver has no address in DNS":                                   wrap(&net.DNSError{IsNotFound: true, Name: canary}),
		"the host of the receiver could not be looked up in DNS":                           wrap(&net.DNSError{IsTimeout: true, Name: canary}),
		"the receiver's certificate is not trusted":                                        wrap(&tls.CertificateVerificationError{Err: x509.HostnameError{Host: canary, Certificate: &x509.Certificate{}}}),
		"the receiver did not answer in time":                                              wrap(context.DeadlineExceeded),
		"the receiver refused the connection":                                              wrap(fmt.Errorf("dial: %w", syscall.ECONNREFUSED)),
		"the receiver closed the connection":                                               wrap(io.EOF),
		"the receiver could not be reached":                                                wrap(errors.New(canary)),
		"the receiver answered 503":                                                        wrap(&AnswerError{Status: 503}),
		"10.0.0.1 is no public address, and the setting notify.networks does not allow it": wrap(&PrivateError{Address: netip.MustParseAddr("10.0.0.1")}),
		"the address is no URL":                                                            Setup("the address is no URL"),
		"said":                                                                             &SaidError{"said"},
	} {
		if got := Explain(err); got != want {
			t.Errorf("%v: got %q, want %q", err, got, want)
		}
	}
}

func TestWaits(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "-7": 0, "999999999": maxWait, "soon": 0, "Mon, 02 Jan 2006 15:04:05 GMT": 0} {
		if got := WaitOf(&http.Response{Header: http.Header{"Retry-After": {text}}}); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	if got := WaitOf(&http.Response{Header: http.Header{"Retry-After": {time.Now().Add(48 * time.Hour).UTC().Format(http.TimeFormat)}}}); got != maxWait {
		t.Errorf("in two days: got %s", got)
	}
}
