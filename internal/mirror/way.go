package mirror

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/notify/reach"
)

// end is what a way leads to, and what is done there.
type end struct {
	*rules.Far
	who     string // upstream, or the remote
	file    string // of admin.git that names it
	may     string // read, or write
	service string // of Git
	again   string // the verb that takes another key of the host
}

// upstreamOf is where a mirror is fetched from.
func upstreamOf(m *rules.Mirror) end {
	return end{
		Far: &m.Far, who: "upstream", file: rules.MirrorFile(m.Repo), may: "read", service: "git-upload-pack",
		again: fmt.Sprintf("repo fetch %s --accept-host-key", m.Repo),
	}
}

// remoteOf is where a repository is sent to.
func remoteOf(m *rules.Remote) end {
	return end{
		Far: &m.Far, who: "the remote", file: rules.RemotesFile(m.Repo), may: "write", service: "git-receive-pack",
		again: fmt.Sprintf("repo send %s %s --accept-host-key", m.Repo, m.Name),
	}
}

// way is the way to one upstream or remote, for one round. The host is looked up once, the addresses
// are checked, and everything of the round goes to them: a name that leads elsewhere a moment
// later (DNS rebinding) leads nobody there.
type way struct {
	to        end
	address   *url.URL
	reach     reach.Reach
	proxy     *url.URL     // nil: none
	addresses []netip.Addr // none where there is a proxy, which looks the host up
	token     string       // for https; "": none
	key       []byte       // for ssh
	pin       Pin          // of the host; zero: the first key that it shows is right
	shown     Pin          // the key that the host has shown; zero: none
	ssh       *shell       // nil until it is connected
}

// Limits of connections.
const (
	dialWithin   = 15 * time.Second
	answerWithin = time.Minute
	lookupWithin = 15 * time.Second
	quietFor     = 2 * time.Minute // without a byte; Git's servers say that they are there every 5 s
)

// setupError is of an upstream that cannot be asked until somebody changes something here.
type setupError struct{ why, hint string }

// Error implements error.
func (e *setupError) Error() string { return e.why }

// open reads the credentials, and finds the addresses.
func (s Settings) open(ctx context.Context, to end, pin Pin) (*way, error) {
	w := &way{to: to, address: to.Address(), reach: s.Reach, pin: pin}
	if err := w.readSecrets(ctx, s); err != nil {
		return nil, err
	}
	w.reach.Setting = "mirror.networks"
	if w.address.Scheme != "ssh" {
		var err error
		if w.proxy, err = w.reach.Way.ProxyFor(w.address); err != nil {
			return nil, err
		}
	}
	return w, w.lookUp(ctx)
}

func (w *way) readSecrets(ctx context.Context, s Settings) (err error) {
	if w.to.HasKey() {
		if w.key, err = s.credential(ctx, w.to.Sealed, rules.PrivateKey, w.to.KeyFile); err != nil {
			return notRead(err, "keyFile", "put a private key without a passphrase there, and the file's directory into the setting mirror.files")
		}
	}
	if w.to.HasToken() {
		if w.token, err = s.secret(ctx, w.to.Sealed, rules.Token, w.to.TokenFile); err != nil {
			return notRead(err, "tokenFile", hintTokenFile)
		}
	}
	return nil
}

// hintTokenFile is the way out where a file with a token cannot be read.
const hintTokenFile = "put the token there, on one line, and the file's directory into the setting mirror.files"

// notRead is the error of a credential that cannot be read. One that is encrypted says where it is.
func notRead(err error, field, hint string) error {
	if _, setup := errors.AsType[*setupError](err); setup {
		return err
	}
	return &setupError{field + ": " + err.Error(), hint}
}

// lookUp finds the addresses of the host that may be reached.
func (w *way) lookUp(ctx context.Context) error {
	host := w.address.Hostname()
	if address, err := netip.ParseAddr(host); err == nil {
		w.addresses = []netip.Addr{address}
		if w.proxy != nil {
			w.addresses = nil
		}
		return w.check(address)
	}
	if w.proxy != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookupWithin)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return err
	}
	for _, address := range found {
		if err = w.check(address); err == nil {
			w.addresses = append(w.addresses, address.Unmap())
		}
	}
	if len(w.addresses) > 0 {
		return nil
	}
	return err
}

// check refuses addresses that are not public and not allowed. What is not encrypted goes to
// allowed ones only.
func (w *way) check(address netip.Addr) error {
	address = address.Unmap().WithZone("")
	if w.address.Scheme == "http" && !slices.ContainsFunc(w.reach.Networks, func(n netip.Prefix) bool { return n.Contains(address) }) {
		return &setupError{
			fmt.Sprintf("http:// is not encrypted, and %s is in none of the networks of the setting mirror.networks", address),
			"write https://, or allow the network in the server's configuration",
		}
	}
	if err := w.reach.Check(address); err != nil {
		return &setupError{err.Error(), "if the server may go there, add the address to mirror.networks in its configuration"}
	}
	return nil
}

func (w *way) port() string {
	if port := w.address.Port(); port != "" {
		return port
	}
	return map[string]string{"https": "443", "http": "80", "ssh": "22"}[w.address.Scheme]
}

// dial connects to the host at one of the addresses that were found.
func (w *way) dial(ctx context.Context) (conn net.Conn, err error) {
	dialer := net.Dialer{Timeout: dialWithin}
	for _, address := range w.addresses {
		if conn, err = dialer.DialContext(ctx, "tcp", net.JoinHostPort(address.String(), w.port())); err == nil {
			return conn, nil
		}
	}
	if err == nil {
		err = errors.New("the host has no address")
	}
	return nil, err
}

// close ends the connection, if one is open.
func (w *way) close() {
	if w.ssh != nil {
		w.ssh.close()
	}
}

// list asks upstream for its branches.
func (w *way) list(ctx context.Context) (advertised, error) {
	if w.address.Scheme == "ssh" {
		return w.listShell(ctx)
	}
	transport := &http.Transport{
		TLSClientConfig: w.reach.TLS(), TLSHandshakeTimeout: dialWithin, ResponseHeaderTimeout: answerWithin,
		DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10,
	}
	if w.proxy != nil {
		transport.Proxy = http.ProxyURL(w.proxy)
	} else {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return w.dial(ctx) }
	}
	ctx, cancel := context.WithTimeout(ctx, 2*answerWithin)
	defer cancel()
	at := w.plain()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at+"/info/refs?service="+w.to.service, nil)
	if err != nil {
		return advertised{}, err
	}
	req.Header.Set("User-Agent", "git/pushboat") // forges answer Git's programs as such
	if header := w.authorization(); header != "" {
		req.Header.Set("Authorization", header)
	}
	response, err := transport.RoundTrip(req)
	if err != nil {
		return advertised{}, err
	}
	defer response.Body.Close()
	if err := w.checkAnswer(response); err != nil {
		return advertised{}, err
	}
	return readAdvertisement(response.Body, w.to.service)
}

// checkAnswer says what is wrong with an answer of HTTP.
func (w *way) checkAnswer(response *http.Response) error {
	who, credentials := w.to.who, "a token that may "+w.to.may+" it"
	if w.token == "" {
		credentials = "a token: tokenFile"
	}
	right, give := fmt.Sprintf("see that url is right in %s", w.to.file), fmt.Sprintf("give it %s in %s", credentials, w.to.file)
	switch code := response.StatusCode; {
	case code >= 300 && code < 400:
		return &setupError{fmt.Sprintf("%s answers %d and sends its callers elsewhere, which is not followed", who, code), "write the new address as url in " + w.to.file}
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return &setupError{fmt.Sprintf("%s answers %d: it takes other credentials", who, code), give}
	case code == http.StatusNotFound, code == http.StatusGone:
		return &setupError{fmt.Sprintf("%s answers %d: there is no such repository, or it is hidden", who, code), right + ", or " + give}
	case code != http.StatusOK:
		return fmt.Errorf("%s answers %d", who, code)
	}
	if kind := response.Header.Get("Content-Type"); kind != "application/x-"+w.to.service+"-advertisement" {
		return &setupError{"what answers there is no Git server, or one of the dumb protocol", right}
	}
	return nil
}

// plain is the address without a user.
func (w *way) plain() string {
	at := *w.address
	at.User = nil
	return strings.TrimSuffix(at.String(), "/")
}

// authorization is the header with the token; "" without one.
func (w *way) authorization() string {
	if w.token == "" {
		return ""
	}
	user := w.to.User
	if user == "" && w.address.User != nil {
		user = w.address.User.Username()
	}
	if user == "" {
		user = "git"
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+w.token))
}

// fetch gets refs.
func (w *way) fetch(ctx context.Context, repo *git.Repository, refs []string) (fetched map[string]git.Hash, err error) {
	if w.address.Scheme != "ssh" {
		return repo.Fetch(ctx, git.Fetching{Far: w.far(), Refs: refs})
	}
	err = w.piped(ctx, func(far git.Far) (err error) {
		fetched, err = repo.Fetch(ctx, git.Fetching{Far: far, Refs: refs})
		return err
	})
	return fetched, err
}

// push sends refs.
func (w *way) push(ctx context.Context, repo *git.Repository, refs []git.Sending) (said map[string]string, err error) {
	if w.address.Scheme != "ssh" {
		return repo.Push(ctx, git.Pushing{Far: w.far(), Refs: refs})
	}
	err = w.piped(ctx, func(far git.Far) (err error) {
		said, err = repo.Push(ctx, git.Pushing{Far: far, Refs: refs})
		return err
	})
	return said, err
}

// far is where Git finds the repository, by HTTP.
func (w *way) far() git.Far {
	f := git.Far{URL: w.plain(), Settings: map[string]string{}}
	if w.proxy != nil {
		f.Settings["http.proxy"] = w.proxy.String()
	} else if _, err := netip.ParseAddr(w.address.Hostname()); err != nil {
		f.Settings["http.curloptResolve"] = w.address.Hostname() + ":" + w.port() + ":" + joined(w.addresses)
	}
	if ca := w.reach.Way.CA(); ca != "" {
		f.Settings["http.sslCAInfo"] = ca
		if info, err := os.Stat(systemCerts); err == nil && info.IsDir() {
			f.Settings["http.sslCAPath"] = systemCerts // beside the file, which takes the place of the system's
		}
	}
	if header := w.authorization(); header != "" {
		f.Settings["http.extraHeader"] = "Authorization: " + header
	}
	return f
}

// systemCerts is where Linux has the certificates of authorities, a file each.
const systemCerts = "/etc/ssl/certs"

// joined writes addresses as curl reads them.
func joined(addresses []netip.Addr) string {
	words := make([]string, len(addresses))
	for i, address := range addresses {
		words[i] = address.String()
		if address.Is6() {
			words[i] = "[" + words[i] + "]"
		}
	}
	return strings.Join(words, ",")
}

// explain says in words why upstream could not be asked. What it says itself is on one line.
func explain(err error) string { return explainTo(err, "upstream") }

// explainTo likewise, of who is at the other end.
func explainTo(err error, who string) string {
	if setup, ok := errors.AsType[*setupError](err); ok {
		return setup.why
	}
	if text, known := reach.Cause(err, who); known {
		return text
	}
	text := manifest.OneLine(err.Error())
	if len(text) > maxSaid {
		text = strings.ToValidUTF8(text[:maxSaid], "") + "…"
	}
	return text
}

// maxSaid bounds what is shown of an error, in bytes.
const maxSaid = 500
