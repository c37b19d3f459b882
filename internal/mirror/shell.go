package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
)

// Upstreams of ssh are spoken to by the server itself: it checks the host's key, and Git gets
// two pipes to the far git-upload-pack, so that no child process opens a connection or reads a
// private key.

// Pin is a host's key, by which it is known again.
type Pin struct {
	Host        string    `json:"host"` // HOST:PORT
	Type        string    `json:"type"` // such as ssh-ed25519
	Fingerprint string    `json:"fingerprint"`
	Since       time.Time `json:"since"`
}

// shell is a connection of ssh.
type shell struct {
	conn   net.Conn
	client *ssh.Client
}

func (s *shell) close() { _ = s.client.Close() }

// connect opens the connection, once.
func (w *way) connect(ctx context.Context) error {
	if w.ssh != nil {
		return nil
	}
	signer, err := ssh.ParsePrivateKey(w.key)
	if err != nil { // which may quote the key
		return &setupError{w.keyField() + " has no private key that can be used", hintKey}
	}
	config := &ssh.ClientConfig{
		User: w.address.User.Username(), Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: w.checkHost,
		HostKeyAlgorithms: algorithmsOf(w.pin.Type), ClientVersion: "SSH-2.0-Pushboat", Timeout: dialWithin,
	}
	conn, err := w.dial(ctx)
	if err != nil {
		return err
	}
	_ = conn.SetDeadline(time.Now().Add(answerWithin)) // of the handshake; never an error on TCP
	client, channels, requests, err := ssh.NewClientConn(conn, w.address.Host, config)
	if err != nil {
		_ = conn.Close()
		if setup, ok := errors.AsType[*setupError](err); ok {
			return setup
		}
		if denied(err) {
			return &setupError{w.to.who + " does not let the key in", w.hintPublic()}
		}
		return err
	}
	_ = conn.SetDeadline(time.Time{})
	w.ssh = &shell{conn: conn, client: ssh.NewClient(client, channels, requests)}
	return nil
}

// hintKey is the way out where there is no private key.
const hintKey = "put one without a passphrase there: ssh-keygen -t ed25519 -N ''"

// isKey reports whether a text is a private key that can be used.
func isKey(text []byte) bool {
	_, err := ssh.ParsePrivateKey(text)
	return err == nil
}

// keyField is the field that has the private key, or names its file.
func (w *way) keyField() string {
	if w.to.Sealed.Has(rules.PrivateKey) {
		return rules.PrivateKey
	}
	return "keyFile"
}

// hintPublic is the way out where the far end does not know the key. Its public part is no secret.
func (w *way) hintPublic() string {
	hint := "add its public part there, as a key that may " + w.to.may + " the repository: "
	if w.to.KeyFile != "" {
		return hint + "ssh-keygen -y -f " + w.to.KeyFile
	}
	signer, err := ssh.ParsePrivateKey(w.key)
	if err != nil {
		return hint + "ssh-keygen -y"
	}
	return hint + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
}

// denied reports whether a server lets no key in that it was shown.
func denied(err error) bool {
	return err != nil && strings.Contains(err.Error(), "unable to authenticate")
}

// algorithmsOf are those by which a host shows a key of a type; nil: all that are good.
func algorithmsOf(kind string) []string {
	switch kind {
	case "":
		return nil
	case ssh.KeyAlgoRSA:
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return []string{kind}
}

// checkHost refuses a host with another key than the one by which it is known.
func (w *way) checkHost(_ string, _ net.Addr, key ssh.PublicKey) error {
	shown := Pin{Host: net.JoinHostPort(w.address.Hostname(), w.port()), Type: key.Type(), Fingerprint: ssh.FingerprintSHA256(key)}
	w.shown = shown
	if known := w.to.HostKeys; known != nil {
		if slices.Contains(known, shown.Fingerprint) {
			return nil
		}
		return &setupError{
			fmt.Sprintf("the host shows the key %s (%s), which hostKeys does not name", shown.Fingerprint, shown.Type),
			"ask the host's operator for its fingerprints before you change hostKeys",
		}
	}
	if w.pin.Fingerprint == "" || w.pin.Host != shown.Host || w.pin.Fingerprint == shown.Fingerprint {
		return nil
	}
	return &setupError{
		fmt.Sprintf("the host shows the key %s, and had %s since %s: somebody may be in between", shown.Fingerprint, w.pin.Fingerprint, w.pin.Since.UTC().Format(time.DateOnly)),
		fmt.Sprintf("ask the host's operator; if the new key is right: ssh HOST %s", w.to.again),
	}
}

// newPin is the key that the host has shown, if it is right and was not known.
func (w *way) newPin() (shown Pin, ok bool) {
	if w.ssh == nil || w.shown == (Pin{}) || w.shown.Host == w.pin.Host && w.shown.Fingerprint == w.pin.Fingerprint {
		return Pin{}, false
	}
	shown = w.shown
	shown.Since = time.Now().UTC()
	return shown, true
}

// begin starts Git's service on the host.
func (w *way) begin(ctx context.Context) (session *ssh.Session, to io.WriteCloser, from io.Reader, err error) {
	if err := w.connect(ctx); err != nil {
		return nil, nil, nil, err
	}
	if session, err = w.ssh.client.NewSession(); err != nil {
		return nil, nil, nil, err
	}
	to, err = session.StdinPipe()
	if err == nil {
		from, err = session.StdoutPipe()
	}
	if err == nil { // the path has no quote, see rules.Far
		err = session.Start(w.to.service + " '" + w.to.Path() + "'")
	}
	if err != nil {
		_ = session.Close()
		return nil, nil, nil, err
	}
	return session, to, from, nil
}

// during closes the connection when ctx ends, or when nothing has come for quietFor.
func (w *way) during(ctx context.Context) (alive *time.Timer, done func()) {
	conn := w.ssh.client
	alive = time.AfterFunc(quietFor, func() { _ = conn.Close() })
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	return alive, func() {
		alive.Stop()
		stop()
	}
}

func (w *way) listShell(ctx context.Context) (advertised, error) {
	session, to, from, err := w.begin(ctx)
	if err != nil {
		return advertised{}, err
	}
	defer session.Close()
	_, done := w.during(ctx)
	defer done()
	a, err := readAdvertisement(from, "")
	if err == nil {
		_, err = io.WriteString(to, "0000") // nothing is wanted
	}
	if err != nil && errors.Is(err, errNotGit) {
		return a, &setupError{"the host has no such repository for this key, or no " + w.to.service, "see that url is right, and that the key may " + w.to.may + " the repository"}
	}
	return a, err
}

// piped gives Git two pipes to the far end.
func (w *way) piped(ctx context.Context, run func(far git.Far) error) error {
	session, to, from, err := w.begin(ctx)
	if err != nil {
		return err
	}
	defer session.Close()
	alive, done := w.during(ctx)
	defer done()
	gitIn, in, err := os.Pipe()
	if err != nil {
		return err
	}
	out, gitOut, err := os.Pipe()
	if err != nil {
		return errors.Join(err, gitIn.Close(), in.Close())
	}
	copied := make(chan struct{}, 2)
	go func() {
		_, _ = io.Copy(in, heard{from, alive}) // Git judges what it gets
		_ = in.Close()
		copied <- struct{}{}
	}()
	go func() {
		_, _ = io.Copy(to, out)
		_ = to.Close()
		copied <- struct{}{}
	}()
	err = run(git.Far{In: gitIn, Out: gitOut})
	_, _ = gitIn.Close(), gitOut.Close() // it has, if it came to start Git
	_ = session.Close()
	_, _ = in.Close(), out.Close()
	<-copied
	<-copied
	return err
}

// heard notes that the far end is there.
type heard struct {
	from  io.Reader
	alive *time.Timer
}

// Read reads.
func (h heard) Read(b []byte) (int, error) {
	n, err := h.from.Read(b)
	if n > 0 {
		h.alive.Reset(quietFor)
	}
	return n, err
}
