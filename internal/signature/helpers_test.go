package signature

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
)

// noon is the current time in the tests.
var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// unsigned is an unsigned commit with an encoding of its own.
const unsigned = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n" +
	"parent 3f2c1ab63dc968d3de652796d8dfc9a1c44b9f0f\n" +
	"author Ana <ana@example.org> 1795918791 +0000\n" +
	"committer Ana <ana@example.org> 1795918791 +0000\n" +
	"encoding ISO-8859-1\n" +
	"\nPaint it gr\xfcn\n\ngpgsig is no header here\n"

// withHeader adds a header whose value has several lines to a commit, before its message.
func withHeader(commit, name, value string) []byte {
	head, message, _ := strings.Cut(commit, "\n\n")
	return []byte(head + "\n" + name + " " + strings.ReplaceAll(strings.TrimRight(value, "\n"), "\n", "\n ") + "\n\n" + message)
}

// keygen is a key of ssh-keygen, which signs as Git lets it.
type keygen struct{ file string }

func newKey(t *testing.T, kind ...string) keygen {
	t.Helper()
	k := keygen{filepath.Join(t.TempDir(), "key")}
	run(t, "", append([]string{"ssh-keygen", "-q", "-N", "", "-f", k.file, "-t"}, kind...)...)
	return k
}

func (k keygen) public(t *testing.T) ssh.PublicKey {
	t.Helper()
	text, err := os.ReadFile(k.file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (k keygen) sign(t *testing.T, text string, options ...string) string {
	t.Helper()
	return run(t, text, append([]string{"ssh-keygen", "-Y", "sign", "-f", k.file}, options...)...)
}

func run(t *testing.T, stdin string, words ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v: %s", words, err, stderr.String())
	}
	return string(out)
}

// armour wraps a signature of any form.
func armour(key ssh.PublicKey, signed sshSigned, by *ssh.Signature) string {
	envelope := sshEnvelope{
		Version: sshVersion, PublicKey: key.Marshal(), Namespace: signed.Namespace,
		HashAlgorithm: signed.HashAlgorithm, Signature: ssh.Marshal(by),
	}
	return sshBegin + base64.StdEncoding.EncodeToString(append([]byte(sshMagic), ssh.Marshal(envelope)...)) + "\n" + sshEnd + "\n"
}

// toSign returns the text that a key signs for a commit.
func toSign(commit string) (sshSigned, []byte) {
	hash := sha512.Sum512([]byte(commit))
	signed := sshSigned{Namespace: gitNamespace, HashAlgorithm: "sha512", Hash: hash[:]}
	return signed, append([]byte(sshMagic), ssh.Marshal(signed)...)
}

// rsaSignature makes a signature by a new RSA key, with the given algorithm.
func rsaSignature(t *testing.T, algorithm string) (ssh.PublicKey, string) {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	with, ok := signer.(ssh.AlgorithmSigner)
	if !ok {
		t.Fatal("the signer chooses its algorithm")
	}
	signed, text := toSign(unsigned)
	by, err := with.SignWithAlgorithm(rand.Reader, text, algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return signer.PublicKey(), armour(signer.PublicKey(), signed, by)
}

// fidoSignature makes a signature by a new FIDO key in software, with the given flags.
func fidoSignature(t *testing.T, flags byte) (ssh.PublicKey, string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePublicKey(ssh.Marshal(struct {
		Type        string
		Key         []byte
		Application string
	}{ssh.KeyAlgoSKED25519, public, "ssh:"}))
	if err != nil {
		t.Fatal(err)
	}
	signed, text := toSign(unsigned)
	application, message := sha256.Sum256([]byte("ssh:")), sha256.Sum256(text)
	blob := bytes.Join([][]byte{application[:], {flags, 0, 0, 0, 7}, message[:]}, nil)
	by := &ssh.Signature{Format: ssh.KeyAlgoSKED25519, Blob: ed25519.Sign(private, blob), Rest: []byte{flags, 0, 0, 0, 7}}
	return key, armour(key, signed, by)
}

// of returns keys that have only the given one, as ana's.
func of(key ssh.PublicKey) Keys {
	return Keys{SSH: func(asked ssh.PublicKey) (access.Operator, bool) {
		return access.Operator{Name: "ana"}, key != nil && bytes.Equal(asked.Marshal(), key.Marshal())
	}}
}
