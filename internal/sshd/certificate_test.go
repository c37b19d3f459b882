package sshd

import (
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/keytest"
	"github.com/pushboat/pushboat/internal/audit"
)

// certified returns p with a certificate that the server accepts for an operator.
func (ts *testServer) certified(p person, op access.Operator) person {
	ts.t.Helper()
	cert := keytest.Certify(ts.t, keytest.Signer(ts.t, "ca"), p.signer.PublicKey(), time.Now(), nil)
	ts.keys.add(cert, op)
	signer, err := gossh.NewCertSigner(cert, p.signer)
	if err != nil {
		ts.t.Fatal(err)
	}
	return person{signer: signer}
}

// TestCertificateRunsItsCommand: a certificate with a command runs that command, whatever
// the client asks for, also in place of Git's services, and reports this.
func TestCertificateRunsItsCommand(t *testing.T) {
	ts := start(t, nil)
	for name, test := range map[string]struct{ forced, asked, stdout, stderr string }{
		"another command":  {"args only 'this one'", "args other", `["only" "this one"]`, "warning: your certificate runs one command, whatever you ask for: args only 'this one'\n"},
		"Git":              {"args x", "git-receive-pack 'shop'", `["x"]`, "warning: "},
		"the same":         {"args x", "args x", `["x"]`, ""},
		"to a repository":  {"git-upload-pack shop", "git-receive-pack 'shop'", `git-upload-pack "shop" ""`, "warning: "},
		"none":             {"", "args y", `["y"]`, ""},
		"no command":       {"args 'x", "args y", "", "error: "},
		"without printing": {"exit 3 \x1b[31m", "args y", "", "runs one command, whatever you ask for: exit 3 ?[31m\n"},
	} {
		p := ts.certified(newPerson(t), access.Operator{Name: "ana", Role: access.RoleAdmin, Command: test.forced})
		got := run(t, ts.client(p), test.asked)
		if strings.TrimSpace(got.stdout) != test.stdout || !strings.Contains(got.stderr, test.stderr) || test.stderr == "" && got.stderr != "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	p := ts.certified(newPerson(t), access.Operator{Name: "ana", Role: access.RoleAdmin, Command: "args shell"})
	s := session(t, ts.client(p))
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Shell(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 64)
	if n, _ := out.Read(line); string(line[:n]) != "[\"shell\"]\n" {
		t.Errorf("without a command, the server runs %q", line[:n])
	}
	if err := s.Wait(); err != nil {
		t.Error(err)
	}
}

// kept is an audit trail that keeps its events.
type kept chan audit.Event

func (k kept) NoteLimited(_ string, e audit.Event) { k <- e }

// TestCertificateIsOnTheTrail: the event of a login has the authority, the serial number
// and the key id. When a session is cut off, the event names the key and the source of the
// certificate.
func TestCertificateIsOnTheTrail(t *testing.T) {
	events := make(kept, 8)
	ts := start(t, func(c *Config) { c.Trail = events; c.KeyCheck = time.Millisecond })
	own := access.Certificate{Authority: "corp", Serial: 17, KeyID: "ana@laptop"}
	plain := newPerson(t)
	p := ts.certified(plain, access.Operator{Name: "ana", Role: access.RoleAdmin, Certificate: own})
	client := ts.client(p)
	if e := <-events; e.Kind != audit.Login || e.Authority != "corp" || e.Serial != 17 || e.KeyID != "ana@laptop" || e.Operator != "ana" {
		t.Errorf("the login is %+v", e)
	}
	s := session(t, client)
	in, err := s.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := s.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start("cat"); err != nil {
		t.Fatal(err)
	}
	echo := make([]byte, 1)
	if _, err := in.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(echo); err != nil {
		t.Fatal(err)
	}
	ts.keys.remove(p.signer.PublicKey())
	said := make([]byte, 4096)
	n, _ := stderr.Read(said)
	for !strings.Contains(string(said[:n]), "hint: ") {
		more, err := stderr.Read(said[n:])
		if err != nil {
			break
		}
		n += more
	}
	if !strings.Contains(string(said[:n]), "hint: get a new certificate") {
		t.Errorf("the client gets %q", said[:n])
	}
	e := <-events
	if e.Kind != audit.SessionEnded || e.Key != gossh.FingerprintSHA256(plain.signer.PublicKey()) || e.Authority != "corp" {
		t.Errorf("the end is %+v", e)
	}
}

// TestFIDOKeysAreTouched: a FIDO key is accepted only if its user touched it for this
// login. The signatures are like those of tokens, see PROTOCOL.u2f.
func TestFIDOKeysAreTouched(t *testing.T) {
	ts := start(t, nil)
	for _, keyType := range []string{gossh.KeyAlgoSKED25519, gossh.KeyAlgoSKECDSA256} {
		for flags, good := range map[byte]bool{
			keytest.Touched: true, keytest.Touched | keytest.Verified: true, keytest.Verified: false, 0: false,
		} {
			key := keytest.NewFIDO(t, keyType)
			key.Flags = flags
			ts.keys.add(key.PublicKey(), access.Operator{Name: "ana", Role: access.RoleAdmin})
			client, err := ts.dial(person{signer: key})
			if (err == nil) != good {
				t.Errorf("%s with flags %#x: %v", keyType, flags, err)
			}
			if err == nil {
				client.Close()
			}
			other := keytest.NewFIDO(t, keyType)
			forger := forgingSigner{key.PublicKey(), other}
			if client, err := ts.dial(person{signer: forger}); err == nil {
				client.Close()
				t.Errorf("%s: the server accepts another token's signature", keyType)
			}
		}
	}
}

// forgingSigner offers one key and signs with another token.
type forgingSigner struct {
	shown gossh.PublicKey
	*keytest.FIDO
}

func (f forgingSigner) PublicKey() gossh.PublicKey { return f.shown }
