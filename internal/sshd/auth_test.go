package sshd

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
)

// borrowedKey shows somebody else's public key and signs with its own.
type borrowedKey struct {
	gossh.AlgorithmSigner
	shown gossh.PublicKey
}

func (b borrowedKey) PublicKey() gossh.PublicKey { return b.shown }

func TestOwnSignatureUnderAnothersKeyIsRefused(t *testing.T) {
	ts := start(t, nil)
	thief := borrowedKey{ts.ben.signer.(gossh.AlgorithmSigner), ts.ana.signer.PublicKey()}
	if client, err := ts.dial(person{signer: thief}); err == nil {
		client.Close()
		t.Fatal("logged in as ana with ben's signature")
	}
	eventually(t, "the refusal in the log", func() bool { return ts.logged("ssh: refused 127.0.0.1 port ") })
}

// TestOfferedAdminKeyGivesNoRights makes ssh offer ana's key first. Ben has only its public
// half: the server accepts the offer, ssh cannot sign, and goes on with ben's own key
// (CVE-2026-24058).
func TestOfferedAdminKeyGivesNoRights(t *testing.T) {
	ts := start(t, nil)
	half := filepath.Join(t.TempDir(), "half")
	public, err := os.ReadFile(ts.ana.file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{half, half + ".pub"} {
		if err := os.WriteFile(name, public, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := ts.ssh(person{file: half}, []string{"-v", "-i", ts.ben.file}, "", "whoami")
	want := fmt.Sprintf("ben read %s\n", gossh.FingerprintSHA256(ts.ben.signer.PublicKey()))
	if got.stdout != want {
		t.Errorf("whoami says %q, want %q\n%s", got.stdout, want, got.stderr)
	}
	accepted := "Server accepts key: " + half
	if !strings.Contains(got.stderr, accepted) {
		t.Errorf("ssh did not offer ana's key: no %q in\n%s", accepted, got.stderr)
	}
}

func TestUnknownKeyIsLoggedInAFixedLine(t *testing.T) {
	ts := start(t, nil)
	stranger := newPerson(t)
	if got := ts.ssh(stranger, nil, "", "whoami"); got.status != 255 || !strings.Contains(got.stderr, "Permission denied (publickey)") {
		t.Errorf("a stranger got %+v", got)
	}
	line := regexp.MustCompile(`^ssh: refused 127\.0\.0\.1 port \d+: unknown key ` +
		regexp.QuoteMeta(gossh.FingerprintSHA256(stranger.signer.PublicKey())) + `$`)
	eventually(t, "the line in the log", func() bool {
		last := ts.log.LastEntry()
		return last != nil && line.MatchString(last.Message)
	})
}

func TestOtherKeysOfAnAgentAreNotLogged(t *testing.T) {
	ts := start(t, nil)
	if got := ts.ssh(newPerson(t), []string{"-i", ts.ben.file}, "", "whoami"); got.status != 0 {
		t.Fatalf("ben with a second key: %+v", got)
	}
	if ts.logged("refused") {
		t.Error("a key that ssh tried before the right one is logged as an attack")
	}
}

func TestPublicKeyIsTheOnlyMethod(t *testing.T) {
	ts := start(t, nil)
	got := ts.ssh(ts.ana, []string{"-o", "PreferredAuthentications=none,password,keyboard-interactive,hostbased"}, "", "whoami")
	if got.status != 255 || !strings.Contains(got.stderr, "Permission denied (publickey).") {
		t.Errorf("without a key: %+v", got)
	}
	asked := false
	_, err := gossh.Dial("tcp", ts.addr, &gossh.ClientConfig{
		Auth: []gossh.AuthMethod{
			gossh.PasswordCallback(func() (string, error) { asked = true; return "secret", nil }),
			gossh.KeyboardInteractive(func(_, _ string, _ []string, _ []bool) ([]string, error) { asked = true; return nil, nil }),
		},
		HostKeyCallback: gossh.InsecureIgnoreHostKey(),
	})
	if err == nil || asked {
		t.Errorf("err = %v, asked for a secret = %v", err, asked)
	}
}

func TestTriesAreLimited(t *testing.T) {
	ts := start(t, func(c *Config) { c.MaxAuthTries = 3 })
	var signers []gossh.Signer
	for range 5 {
		signers = append(signers, newPerson(t).signer)
	}
	signers = append(signers, ts.ana.signer)
	_, err := gossh.Dial("tcp", ts.addr, &gossh.ClientConfig{
		Auth: []gossh.AuthMethod{gossh.PublicKeys(signers...)}, HostKeyCallback: gossh.InsecureIgnoreHostKey(),
	})
	if err == nil || !strings.Contains(err.Error(), "too many authentication failures") {
		t.Errorf("the sixth key: %v", err)
	}
}

func TestKeyWithAnAddressRestriction(t *testing.T) {
	ts := start(t, nil)
	here, elsewhere := newPerson(t), newPerson(t)
	ts.keys.add(here.signer.PublicKey(), access.Operator{Name: "here", Role: access.RoleRead, From: "127.0.0.0/8"})
	ts.keys.add(elsewhere.signer.PublicKey(), access.Operator{Name: "elsewhere", Role: access.RoleRead, From: "192.0.2.0/24"})
	if got := run(t, ts.client(here), "whoami"); !strings.HasPrefix(got.stdout, "here ") {
		t.Errorf("from its own network: %+v", got)
	}
	if _, err := ts.dial(elsewhere); err == nil {
		t.Error("a key was accepted from a network that it is not for")
	}
	eventually(t, "the refusal in the log", func() bool { return ts.logged("is not for this address") })
}

func TestRemovedKeyOpensNoFurtherSession(t *testing.T) {
	ts := start(t, nil)
	client := ts.client(ts.ben)
	if got := run(t, client, "whoami"); got.status != 0 {
		t.Fatalf("before: %+v", got)
	}
	ts.keys.remove(ts.ben.signer.PublicKey())
	got := run(t, client, "whoami")
	if got.status != exitRefused || got.stdout != "" || !strings.Contains(got.stderr, "error: unknown key SHA256:") ||
		!strings.Contains(got.stderr, "\nhint: ") {
		t.Errorf("after: %+v", got)
	}
	ts.keys.add(ts.ben.signer.PublicKey(), access.Operator{Name: "ben", Role: access.RolePush})
	if got := run(t, client, "whoami"); !strings.HasPrefix(got.stdout, "ben push ") {
		t.Errorf("with a new role: %+v", got)
	}
}

func TestAnyUserNameWillDo(t *testing.T) {
	ts := start(t, nil)
	for _, name := range []string{"git", "root", "ana", "$(id)"} {
		got := ts.ssh(ts.ben, []string{"-o", "User=" + name}, "", "whoami")
		if !strings.HasPrefix(got.stdout, "ben ") {
			t.Errorf("as %q: %+v", name, got)
		}
	}
}

func TestSHA1SignaturesAreRefused(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := gossh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	ts := start(t, nil)
	ts.keys.add(signer.PublicKey(), access.Operator{Name: "rsa", Role: access.RoleRead})
	for algorithm, want := range map[string]bool{
		gossh.KeyAlgoRSA: false, gossh.KeyAlgoRSASHA256: true, gossh.KeyAlgoRSASHA512: true,
	} {
		only, err := gossh.NewSignerWithAlgorithms(signer.(gossh.AlgorithmSigner), []string{algorithm})
		if err != nil {
			t.Fatal(err)
		}
		client, err := ts.dial(person{signer: only})
		if (err == nil) != want {
			t.Errorf("%s: %v", algorithm, err)
		}
		if err == nil {
			client.Close()
		}
	}
}

// TestAlgorithms reads the server's first packet from the wire (RFC 4253 section 7.1)
// and compares it with the algorithms that ssh-audit accepts.
func TestAlgorithms(t *testing.T) {
	ts := start(t, nil)
	nc, err := net.Dial("tcp", ts.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(patience))
	r := bufio.NewReader(nc)
	if line, err := r.ReadString('\n'); err != nil || line != "SSH-2.0-Pushboat\r\n" {
		t.Fatalf("version line %q, %v", line, err)
	}
	fmt.Fprint(nc, "SSH-2.0-test\r\n")
	lists := readKexInit(t, r)
	modern := []string{
		"aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com",
		"aes256-ctr", "aes192-ctr", "aes128-ctr",
	}
	macs := []string{
		"hmac-sha2-256", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512", "hmac-sha2-512-etm@openssh.com",
	}
	want := [][]string{
		{
			"mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org", "diffie-hellman-group16-sha512",
			"kex-strict-s-v00@openssh.com",
		},
		{"ssh-ed25519"},
		modern, modern, macs, macs,
		{"none"},
		{"none"},
		{""},
		{""},
	}
	for _, list := range lists[4:6] { // hmac-sha2-256 is for clients that support nothing better
		if at := slices.Index(list, "hmac-sha2-256"); at < 2 {
			t.Errorf("MACs that are not encrypt-then-MAC come before others: %v", list)
		}
	}
	for i := range want {
		slices.Sort(want[i])
		slices.Sort(lists[i])
		if !slices.Equal(lists[i], want[i]) {
			t.Errorf("list %d:\ngot  %v\nwant %v", i, lists[i], want[i])
		}
	}
}

func readKexInit(t *testing.T, r io.Reader) (lists [][]string) {
	t.Helper()
	var head struct {
		Length  uint32
		Padding uint8
		Message uint8
		Cookie  [16]byte
	}
	if err := binary.Read(r, binary.BigEndian, &head); err != nil || head.Message != 20 {
		t.Fatalf("first packet %+v, %v", head, err)
	}
	for range 10 {
		var n uint32
		if err := binary.Read(r, binary.BigEndian, &n); err != nil || n > 1<<12 {
			t.Fatalf("name-list of %d bytes, %v", n, err)
		}
		list := make([]byte, n)
		if _, err := io.ReadFull(r, list); err != nil {
			t.Fatal(err)
		}
		lists = append(lists, strings.Split(string(list), ","))
	}
	return lists
}

func TestHostKeyIsTheOneGiven(t *testing.T) {
	ts := start(t, nil)
	var seen gossh.PublicKey
	_, err := gossh.Dial("tcp", ts.addr, &gossh.ClientConfig{
		HostKeyCallback: func(_ string, _ net.Addr, key gossh.PublicKey) error { seen = key; return errors.New("enough") },
	})
	if err == nil || seen == nil || gossh.FingerprintSHA256(seen) != ts.Fingerprints()[0] {
		t.Errorf("host key %v, %v; want %v", seen, err, ts.Fingerprints())
	}
}

// TestLostRightsEndSessions: a session has the rights that it began with, so the server
// ends it when its key loses some of them.
func TestLostRightsEndSessions(t *testing.T) {
	ts := start(t, func(c *Config) { c.KeyCheck = 10 * time.Millisecond })
	s := session(t, ts.client(ts.ana))
	var stderr bytes.Buffer
	s.Stderr = &stderr
	input, err := s.StdinPipe() // keeps the session's input open
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	output, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start("cat"); err != nil {
		t.Fatal(err)
	}
	echo(t, input, output) // the session has its rights before its command reads
	ts.keys.add(ts.ana.signer.PublicKey(), access.Operator{Name: "ana", Role: access.RoleRead})
	var exit *gossh.ExitError
	if err := s.Wait(); !errors.As(err, &exit) || exit.ExitStatus() != exitRefused {
		t.Errorf("the session ended with %v", err)
	}
	if want := "error: the key no longer has the role \"admin\"\nhint: " + hintOtherRights + "\n"; stderr.String() != want {
		t.Errorf("its user was told %q, want %q", stderr.String(), want)
	}
}

// echo sends a line to a running "cat" and waits for it to come back.
func echo(t *testing.T, input io.Writer, output io.Reader) {
	t.Helper()
	const line = "a line\n"
	if _, err := io.WriteString(input, line); err != nil {
		t.Fatal(err)
	}
	back := make([]byte, len(line))
	if _, err := io.ReadFull(output, back); err != nil || string(back) != line {
		t.Fatalf("cat wrote %q, %v", back, err)
	}
}

// TestRevokedKeyEndsItsSessions: the sessions of a revoked key end with a message, even if
// the client reads nothing. Sessions of other keys go on.
func TestRevokedKeyEndsItsSessions(t *testing.T) {
	ts := start(t, func(c *Config) { c.KeyCheck = 10 * time.Millisecond })
	benClient, anaClient := ts.client(ts.ben), ts.client(ts.ana)
	ben, ana := session(t, benClient), session(t, anaClient)
	var stderr bytes.Buffer
	ben.Stderr = &stderr
	input, err := ben.StdinPipe() // keeps the session's input open
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	anaInput, err := ana.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	deaf := session(t, benClient)
	flooding.Store(false) // other tests set it too
	flooded.Store(false)
	benOutput, err := ben.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*gossh.Session{ben, ana} {
		if err := s.Start("cat"); err != nil {
			t.Fatal(err)
		}
	}
	echo(t, input, benOutput)
	if err := deaf.Start("flood"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the begin of the flood", flooding.Load) // with a revoked key, the flood could not begin
	ts.keys.remove(ts.ben.signer.PublicKey())
	var exit *gossh.ExitError
	if err := ben.Wait(); !errors.As(err, &exit) || exit.ExitStatus() != exitRefused {
		t.Errorf("ben's session: %v", err)
	}
	if !strings.HasPrefix(stderr.String(), "error: unknown key SHA256:") || !strings.Contains(stderr.String(), "\nhint: ") {
		t.Errorf("ben was told %q", stderr.String())
	}
	eventually(t, "the end of the handlers", func() bool { return ts.logged("ssh: session cut off: unknown key") })
	eventually(t, "the end of the session that does not read", func() bool { return flooded.Load() })
	anaInput.Close()
	if err := ana.Wait(); err != nil {
		t.Errorf("ana's session: %v", err)
	}
}
