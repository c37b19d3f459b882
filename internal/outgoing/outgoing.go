// Package outgoing is the way out of the server to whatever is no cluster: through which
// proxy requests go, and which certificates are trusted. Both are settings; variables of
// the environment such as HTTPS_PROXY and SSL_CERT_FILE count for nothing here, and a
// child process is given those that Environment returns.
package outgoing

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// Config has the settings of the section outgoing.
type Config struct {
	CA          string   // a file of certificates in PEM, beside those of the system; "": none
	Proxy       string   // http://HOST:PORT; "": none
	Credentials string   // a file with one line, USER:PASSWORD, for the proxy; "": none
	NoProxy     []string // hosts, .domains, addresses and networks that are asked directly
}

// SettingError is an error in the value of a setting, or in the file that it names.
type SettingError struct {
	Setting string
	Err     error
}

// Error implements error.
func (e *SettingError) Error() string { return e.Setting + ": " + e.Err.Error() }

// Unwrap returns the error without the setting's name.
func (e *SettingError) Unwrap() error { return e.Err }

// Way is the way out. The nil Way has no proxy, and trusts the system's certificates.
type Way struct {
	ca    string // an absolute path
	roots *x509.CertPool
	proxy httpproxy.Config
	find  func(*url.URL) (*url.URL, error)
}

// Open reads the files that a configuration names. Its errors are SettingErrors, and
// repeat nothing of the files.
func Open(config Config) (*Way, error) {
	w := &Way{}
	var err error
	if config.CA != "" {
		if w.ca, err = filepath.Abs(config.CA); err != nil {
			return nil, &SettingError{"outgoing.ca", err}
		}
	}
	if w.roots, err = Trust(nil, "outgoing.ca", config.CA); err != nil {
		return nil, err
	}
	if config.Proxy == "" {
		return w, nil
	}
	proxy, err := url.Parse(config.Proxy)
	if err != nil || proxy.Host == "" || proxy.User != nil {
		return nil, &SettingError{"outgoing.proxy", errors.New("the value is no address of a proxy; write http://proxy.example.org:3128")}
	}
	if config.Credentials != "" {
		if proxy.User, err = readCredentials(config.Credentials); err != nil {
			return nil, &SettingError{"outgoing.proxyCredentials", err}
		}
	}
	w.proxy = httpproxy.Config{HTTPProxy: proxy.String(), HTTPSProxy: proxy.String(), NoProxy: strings.Join(config.NoProxy, ",")}
	w.find = w.proxy.ProxyFunc()
	return w, nil
}

// maxFile bounds a file of certificates or credentials, in bytes. Those of Debian's
// authorities have 220 kB together.
const maxFile = 4 << 20

// Trust returns the certificates in roots, or the system's if that is nil, and those of
// a file. setting is the setting that names the file; "" is no file.
func Trust(roots *x509.CertPool, setting, file string) (*x509.CertPool, error) {
	if file == "" {
		return roots, nil
	}
	text, err := readFile(file)
	if err != nil {
		return nil, &SettingError{setting, err}
	}
	if roots != nil {
		roots = roots.Clone()
	} else if roots, err = x509.SystemCertPool(); err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, &SettingError{setting, fmt.Errorf("%s has no certificate in PEM", file)}
	}
	return roots, nil
}

func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("the file has more than %d bytes", maxFile)
	}
	return text, err
}

// readCredentials reads a file for the proxy. Its errors do not have the file's name:
// people write the credentials themselves where it belongs.
func readCredentials(name string) (*url.Userinfo, error) {
	text, err := readFile(name)
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		err = of.Err
	}
	if err != nil {
		return nil, err
	}
	user, password, found := strings.Cut(strings.TrimSpace(string(text)), ":")
	if !found || user == "" || strings.ContainsAny(password, "\r\n") {
		return nil, errors.New("the file is not one line with USER:PASSWORD")
	}
	return url.UserPassword(user, password), nil
}

// Roots are the certificates that are trusted; nil: those of the system.
func (w *Way) Roots() *x509.CertPool {
	if w == nil {
		return nil
	}
	return w.roots
}

// CA is the file of certificates that are trusted beside those of the system; "": none.
func (w *Way) CA() string {
	if w == nil {
		return ""
	}
	return w.ca
}

// ProxyFor returns the proxy for an address; nil for a direct connection. This machine
// always has one.
func (w *Way) ProxyFor(address *url.URL) (*url.URL, error) {
	if w == nil || w.find == nil {
		return nil, nil //nolint:nilnil // as http.Transport has it
	}
	return w.find(address)
}

// IsProxy reports whether an address, HOST:PORT, is that of the proxy.
func (w *Way) IsProxy(address string) bool {
	if w == nil || w.proxy.HTTPSProxy == "" {
		return false
	}
	proxy, err := url.Parse(w.proxy.HTTPSProxy)
	if err != nil {
		return false
	}
	port := proxy.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[proxy.Scheme]
	}
	host := strings.TrimSuffix(address, ":"+port)
	return host != address && strings.EqualFold(strings.Trim(host, "[]"), proxy.Hostname())
}

// Environment returns the way out as variables for a program that is written in Go or
// reads the usual ones: HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE. Go trusts the system's
// folder of certificates beside that file.
func (w *Way) Environment() []string {
	if w == nil {
		return nil
	}
	var environment []string
	if w.proxy.HTTPSProxy != "" {
		environment = append(environment, "HTTP_PROXY="+w.proxy.HTTPProxy, "HTTPS_PROXY="+w.proxy.HTTPSProxy, "NO_PROXY="+w.proxy.NoProxy)
	}
	if w.ca != "" {
		environment = append(environment, "SSL_CERT_FILE="+w.ca)
	}
	return environment
}
