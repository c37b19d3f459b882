package settings

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/report"
)

// check notes errors in the section http.
func (h HTTP) check(p *problems) {
	p.when(h.Certificate != "" && h.Key == "", "http.certificate", "there is no http.key for it: give http.key FILE")
	p.when(h.Key != "" && h.Certificate == "", "http.key", "there is no http.certificate for it: give http.certificate FILE")
	if h.Advertise != "" {
		p.add("http.advertise", checkAdvertised(h.Advertise))
	}
	if err := h.Unserved(); h.Pages == "on" && err != nil {
		message, hint := report.Door{}.Explain(err)
		p.when(true, "http.pages", "%s; %s", message, hint)
	}
	for i, pattern := range h.Everybody {
		if _, err := access.ParseGlobs(pattern); err != nil {
			p.when(true, entry("http.everybody", i), "entry %d is no pattern of repositories; write shop or \"team/*\"", i+1)
		}
	}
}

// checkAdvertised refuses an address that browsers cannot open.
func checkAdvertised(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Hostname() == "", u.Scheme != "https" && u.Scheme != "http":
		return errors.New("the value is no address of pages; write https://pushboat.example.org")
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return errors.New("there is more in the value than scheme, host and port; write https://pushboat.example.org")
	case u.Scheme == "http" && !IsLoopback(u.Host):
		return errors.New("cookies would travel in the clear; write https://")
	}
	return nil
}

// Unserved returns why no pages are served at the address, with what to set; nil if they are.
func (h HTTP) Unserved() error {
	tls := h.Certificate != "" || h.Proxy == "tls"
	switch {
	case h.Address == "":
		return report.WithHint(errors.New("the server has no address for pages"), "set one in its configuration: http: {address: 127.0.0.1:8080}")
	case h.Pages == "off":
		return report.WithHint(errors.New("the server has its pages switched off"), "switch them on in its configuration: http: {pages: auto}")
	case IsLoopback(h.Address):
		return nil
	case !tls:
		return report.WithHint(fmt.Errorf("other machines reach %s, and there is no TLS for pages", h.Address),
			"set http.certificate and http.key, or http.proxy: tls behind a proxy, or http.address: 127.0.0.1:8080")
	case h.Advertise == "":
		return report.WithHint(errors.New("other machines reach the pages, and their address is not known"),
			"set http.advertise: https://HOST, as browsers write it")
	}
	return nil
}

// IsLoopback reports whether only this machine reaches an address, HOST:PORT.
func IsLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
