// Package keytest makes SSH keys, certificates and FIDO signatures for tests.
package keytest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// Signer returns a key that is always the same for a seed.
func Signer(t testing.TB, seed string) ssh.Signer {
	t.Helper()
	return signer(t, ed25519.NewKeyFromSeed([]byte(strings.Repeat(seed, 32)[:32])))
}

// RSA returns a new RSA key.
func RSA(t testing.TB, bits int) ssh.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return signer(t, key)
}

func signer(t testing.TB, key any) ssh.Signer {
	t.Helper()
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Text is a public key as a .pub file has it, without a comment.
func Text(key ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// Certify returns the certificate of a key, number 17 with the key id ana@laptop for the
// principal ana, valid for an hour before and after a moment, with what change changes,
// signed by an authority. It is as it comes from the wire.
func Certify(t testing.TB, by ssh.Signer, key ssh.PublicKey, at time.Time, change func(*ssh.Certificate)) *ssh.Certificate {
	t.Helper()
	cert := &ssh.Certificate{
		Key: key, Serial: 17, CertType: ssh.UserCert, KeyId: "ana@laptop", ValidPrincipals: []string{"ana"},
		ValidAfter: uint64(at.Add(-time.Hour).Unix()), ValidBefore: uint64(at.Add(time.Hour).Unix()),
	}
	if change != nil {
		change(cert)
	}
	if err := cert.SignCert(rand.Reader, by); err != nil {
		t.Fatal(err)
	}
	parsed, err := ssh.ParsePublicKey(cert.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	return parsed.(*ssh.Certificate)
}

// The flags of a FIDO signature: the user has touched the key, and was verified by it.
const (
	Touched  = 0x01
	Verified = 0x04
)

// application is that of SSH keys on FIDO tokens.
const application = "ssh:"

// FIDO is a key on a token that does not exist: it signs as the token would.
type FIDO struct {
	Flags byte // of its signatures
	key   ssh.PublicKey
	sign  func(message []byte) []byte
}

// NewFIDO returns a key of the type sk-ssh-ed25519@openssh.com, or of
// sk-ecdsa-sha2-nistp256@openssh.com.
func NewFIDO(t testing.TB, keyType string) *FIDO {
	t.Helper()
	f := &FIDO{Flags: Touched}
	var wire []byte
	if keyType == ssh.KeyAlgoSKED25519 {
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		wire = ssh.Marshal(struct {
			Type   string
			Public []byte
			App    string
		}{keyType, public, application})
		f.sign = func(message []byte) []byte { return ed25519.Sign(private, message) }
	} else {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		point, err := private.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		wire = ssh.Marshal(struct {
			Type, Curve string
			Point       []byte
			App         string
		}{keyType, "nistp256", point, application})
		f.sign = func(message []byte) []byte {
			digest := sha256.Sum256(message)
			r, s, err := ecdsa.Sign(rand.Reader, private, digest[:])
			if err != nil {
				panic(err)
			}
			return ssh.Marshal(struct{ R, S *big.Int }{r, s})
		}
	}
	key, err := ssh.ParsePublicKey(wire)
	if err != nil {
		t.Fatal(err)
	}
	f.key = key
	return f
}

// PublicKey returns the public key.
func (f *FIDO) PublicKey() ssh.PublicKey { return f.key }

// Sign signs as PROTOCOL.u2f has it.
func (f *FIDO) Sign(_ io.Reader, data []byte) (*ssh.Signature, error) {
	app, message := sha256.Sum256([]byte(application)), sha256.Sum256(data)
	counter := []byte{0, 0, 0, 7}
	signed := bytes.Join([][]byte{app[:], {f.Flags}, counter, message[:]}, nil)
	return &ssh.Signature{Format: f.key.Type(), Blob: f.sign(signed), Rest: append([]byte{f.Flags}, counter...)}, nil
}

// Sign signs a text as ssh-keygen does for Git (PROTOCOL.sshsig), and returns the armour.
func Sign(t testing.TB, by ssh.Signer, text string) string {
	t.Helper()
	const magic, namespace, algorithm = "SSHSIG", "git", "sha512"
	hash := sha512.Sum512([]byte(text))
	signed := ssh.Marshal(struct{ Namespace, Reserved, Algorithm, Hash string }{namespace, "", algorithm, string(hash[:])})
	signature, err := by.Sign(rand.Reader, append([]byte(magic), signed...))
	if err != nil {
		t.Fatal(err)
	}
	envelope := ssh.Marshal(struct {
		Version                                            uint32
		Key, Namespace, Reserved, Algorithm, SignatureBlob string
	}{1, string(by.PublicKey().Marshal()), namespace, "", algorithm, string(ssh.Marshal(signature))})
	blob := base64.StdEncoding.EncodeToString(append([]byte(magic), envelope...))
	return "-----BEGIN SSH SIGNATURE-----\n" + blob + "\n-----END SSH SIGNATURE-----\n"
}
