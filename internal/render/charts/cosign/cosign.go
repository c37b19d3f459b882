// Package cosign checks signatures of artifacts in registries, as cosign makes them: those of a
// key, and those of somebody who has logged in at an identity provider (keyless). It asks
// nobody: whom to believe is in a trusted root of Sigstore. See docs/decisions/rendering.md.
package cosign

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Limits on what a policy has.
const (
	MaxKeys       = 20
	MaxIdentities = 50
	maxKey        = 16 << 10 // bytes, in PEM
	maxExpression = 1000     // bytes
	minRSA        = 2048     // bits
	minECDSA      = 256      // bits
)

// Policy says whose signatures count: of any of the keys, or of any of the identities.
type Policy struct {
	Keys       []Key
	Identities []Identity
}

// String says what is demanded, for people.
func (p Policy) String() string {
	var demands []string
	for _, key := range p.Keys {
		demands = append(demands, key.String())
	}
	for _, identity := range p.Identities {
		demands = append(demands, identity.String())
	}
	return strings.Join(demands, ", or ")
}

// ID stands for the policy, with the root that proves its identities.
func (p Policy) ID(root *Root) string {
	sum := sha256.New()
	for _, key := range p.Keys {
		fmt.Fprintf(sum, "key %q %s\n", key.name, key.sum)
	}
	for _, identity := range p.Identities {
		fmt.Fprintf(sum, "identity %s %q %q\n", root.id, identity.issuer, identity.subject)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// Key is a public key: ECDSA, Ed25519, or RSA.
type Key struct {
	name   string // for people
	public crypto.PublicKey
	sum    string // hex, of its PKIX form
}

// String names the key.
func (k Key) String() string { return "key " + k.name + " (" + k.sum[:12] + ")" }

// ParseKey reads a public key in PEM, as cosign generate-key-pair writes it. The errors do not
// have the text, which may be a private key.
func ParseKey(name, text string) (Key, error) {
	block, _ := pem.Decode([]byte(text[:min(len(text), maxKey)]))
	if block == nil {
		return Key{}, errors.New("is no public key in PEM")
	}
	var public any
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		return Key{}, errors.New("is no public key: its PEM is of another type")
	}
	if err != nil {
		return Key{}, errors.New("is no public key that can be read")
	}
	if err := usable(public); err != nil {
		return Key{}, err
	}
	written, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return Key{}, fmt.Errorf("is no public key: %w", err)
	}
	sum := sha256.Sum256(written)
	return Key{name: name, public: public, sum: hex.EncodeToString(sum[:])}, nil
}

// usable returns an error for a key whose signatures are not believed.
func usable(public crypto.PublicKey) error {
	switch key := public.(type) {
	case ed25519.PublicKey:
		return nil
	case *ecdsa.PublicKey:
		if key.Curve.Params().BitSize < minECDSA {
			return fmt.Errorf("is a key of ECDSA with less than %d bits", minECDSA)
		}
		return nil
	case *rsa.PublicKey:
		if key.N.BitLen() < minRSA {
			return fmt.Errorf("is a key of RSA with less than %d bits", minRSA)
		}
		return nil
	}
	return errors.New("is a key of an unknown kind")
}

// Identity is somebody who has logged in: expressions that the issuer of the login, and the
// subject, an address of mail or of a workflow, have to match somewhere, as for Flux.
type Identity struct {
	issuer, subject string
	ofIssuer        *regexp.Regexp
	ofSubject       *regexp.Regexp
}

// String says who is meant.
func (i Identity) String() string { return fmt.Sprintf("%q by %q", i.subject, i.issuer) }

// ParseIdentity reads the two expressions. Neither may be empty, which would match everybody.
func ParseIdentity(issuer, subject string) (Identity, error) {
	i := Identity{issuer: issuer, subject: subject}
	for _, part := range []struct {
		name, text string
		into       **regexp.Regexp
	}{{"issuer", issuer, &i.ofIssuer}, {"subject", subject, &i.ofSubject}} {
		if part.text == "" {
			return Identity{}, fmt.Errorf("%s is empty", part.name)
		}
		if len(part.text) > maxExpression {
			return Identity{}, fmt.Errorf("%s has more than %d bytes", part.name, maxExpression)
		}
		expression, err := regexp.Compile(part.text)
		if err != nil {
			return Identity{}, fmt.Errorf("%s: %q is no regular expression", part.name, part.text)
		}
		*part.into = expression
	}
	return i, nil
}

func (i Identity) matches(who signer) bool {
	return i.ofIssuer.MatchString(who.issuer) && i.ofSubject.MatchString(who.subject)
}

// signer is who has signed, as a certificate says and the root proves.
type signer struct{ subject, issuer string }

func (s signer) String() string { return s.subject + " by " + s.issuer }

// Check returns by whom a signature is, in words, if that is demanded, and if it is of the
// artifact with a digest (sha256: and hex). The errors say what is wrong with it, for the end of
// a sentence that begins with the signature.
func (r *Root) Check(s Signature, digest string, policy Policy) (string, error) {
	if s.of != digest {
		return "", fmt.Errorf("is of another artifact, %s", s.of)
	}
	for _, key := range policy.Keys {
		if verifies(key.public, s.signed, s.signature) {
			return key.String(), nil
		}
	}
	if s.certificate == nil {
		return "", errors.New("is of a key that is not demanded, or of none")
	}
	who, err := r.signer(s)
	if err != nil {
		return "", err
	}
	for _, identity := range policy.Identities {
		if identity.matches(who) {
			return who.String(), nil
		}
	}
	return "", fmt.Errorf("is of %s", who)
}

// signer proves who has signed: Rekor has logged the signature while the certificate was valid,
// Fulcio has issued that, and the issue was logged, too.
func (r *Root) signer(s Signature) (signer, error) {
	at, err := r.logged(s)
	if err != nil {
		return signer{}, err
	}
	by, err := r.issued(s.certificate, at)
	if err != nil {
		return signer{}, err
	}
	if err := r.published(s.certificate, by); err != nil {
		return signer{}, err
	}
	if usable(s.certificate.PublicKey) != nil || !verifies(s.certificate.PublicKey, s.signed, s.signature) {
		return signer{}, errors.New("is not of the key in its certificate")
	}
	return named(s.certificate)
}

// verifies reports whether a signature is of a key. cosign hashes with SHA-256 whatever the
// curve; a bundle has a hash of the curve's size.
func verifies(public crypto.PublicKey, signed, signature []byte) bool {
	sum := sha256.Sum256(signed)
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		if ecdsa.VerifyASN1(key, sum[:], signature) {
			return true
		}
		switch key.Curve.Params().BitSize {
		case 384:
			longer := sha512.Sum384(signed)
			return ecdsa.VerifyASN1(key, longer[:], signature)
		case 521:
			longer := sha512.Sum512(signed)
			return ecdsa.VerifyASN1(key, longer[:], signature)
		}
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil
	case ed25519.PublicKey:
		return ed25519.Verify(key, signed, signature)
	}
	return false
}
