package signature

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
)

// sshEnd is how the armour of an SSH signature ends.
const sshEnd = "-----END SSH SIGNATURE-----"

// The fixed parts of SSH signatures (PROTOCOL.sshsig).
const (
	sshMagic     = "SSHSIG"
	sshVersion   = 1
	gitNamespace = "git"
)

// sshEnvelope is a signature behind its magic.
type sshEnvelope struct {
	Version       uint32
	PublicKey     []byte
	Namespace     string
	Reserved      []byte
	HashAlgorithm string
	Signature     []byte
}

// sshSigned is the text that the key signs, behind the magic.
type sshSigned struct {
	Namespace     string
	Reserved      []byte
	HashAlgorithm string
	Hash          []byte
}

// sshFormats are the algorithms that a key of each type may sign with. RSA's of SHA-1, the
// format ssh-rsa, is none; a certificate counts for nobody.
var sshFormats = map[string][]string{
	ssh.KeyAlgoED25519:    {ssh.KeyAlgoED25519},
	ssh.KeyAlgoSKED25519:  {ssh.KeyAlgoSKED25519},
	ssh.KeyAlgoECDSA256:   {ssh.KeyAlgoECDSA256},
	ssh.KeyAlgoECDSA384:   {ssh.KeyAlgoECDSA384},
	ssh.KeyAlgoECDSA521:   {ssh.KeyAlgoECDSA521},
	ssh.KeyAlgoSKECDSA256: {ssh.KeyAlgoSKECDSA256},
	ssh.KeyAlgoRSA:        {ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512},
}

// sshSignature is a signature that is of the right form, and is not verified yet.
type sshSignature struct {
	key    ssh.PublicKey
	signed sshSigned // without the hash
	by     *ssh.Signature
}

var errMalformed = errors.New("has a malformed signature")

// parseSSH reads the armour of an SSH signature.
func parseSSH(armoured []byte) (sshSignature, error) {
	body, begins := strings.CutPrefix(string(armoured), sshBegin)
	body, ends := strings.CutSuffix(strings.TrimRight(body, "\n"), "\n"+sshEnd)
	blob, err := base64.StdEncoding.Strict().DecodeString(body)
	if !begins || !ends || err != nil {
		return sshSignature{}, errMalformed
	}
	wire, ok := bytes.CutPrefix(blob, []byte(sshMagic))
	var envelope sshEnvelope
	if !ok || ssh.Unmarshal(wire, &envelope) != nil || envelope.Version != sshVersion {
		return sshSignature{}, errMalformed
	}
	if envelope.Namespace != gitNamespace {
		return sshSignature{}, errors.New("has a signature for another purpose than git")
	}
	key, err := ssh.ParsePublicKey(envelope.PublicKey)
	by := new(ssh.Signature)
	if err != nil || ssh.Unmarshal(envelope.Signature, by) != nil {
		return sshSignature{}, errMalformed
	}
	signed := sshSigned{Namespace: envelope.Namespace, Reserved: envelope.Reserved, HashAlgorithm: envelope.HashAlgorithm}
	return sshSignature{key, signed, by}, nil
}

// verifySSH says who made an SSH signature of a text.
func verifySSH(payload, armoured []byte, lookup func(ssh.PublicKey) (access.Operator, bool), now time.Time) (Signer, error) {
	s, err := parseSSH(armoured)
	if err != nil {
		return Signer{}, err
	}
	if err := s.check(payload); err != nil {
		return Signer{}, err
	}
	fingerprint := ssh.FingerprintSHA256(s.key)
	operator, known := lookup(s.key)
	switch {
	case !known:
		return Signer{}, fmt.Errorf("is signed with the key %s, which is no operator's", fingerprint)
	case operator.HasExpired(now):
		return Signer{}, fmt.Errorf("is signed with %s's key %s, which expired on %s", operator.Name, fingerprint, operator.Expires.UTC().Format(access.ExpiryLayout))
	}
	return Signer{operator.Name, fingerprint}, nil
}

// check reports whether the signature is of the text, by the key that it names. One of a
// FIDO key has to say that the key was touched.
func (s sshSignature) check(payload []byte) error {
	formats, known := sshFormats[s.key.Type()]
	switch {
	case !known:
		return fmt.Errorf("is signed with a key of the type %s: sign with a plain SSH key", s.key.Type())
	case s.by.Format == ssh.KeyAlgoRSA:
		return errors.New("has a signature with SHA-1, which proves nothing: sign it again with a newer ssh-keygen")
	case !slices.Contains(formats, s.by.Format), len(s.by.Rest) > 0 && !strings.HasPrefix(s.by.Format, "sk-"):
		return errMalformed
	}
	switch s.signed.HashAlgorithm {
	case "sha256":
		hash := sha256.Sum256(payload)
		s.signed.Hash = hash[:]
	case "sha512":
		hash := sha512.Sum512(payload)
		s.signed.Hash = hash[:]
	default:
		return errMalformed
	}
	if s.key.Verify(append([]byte(sshMagic), ssh.Marshal(s.signed)...), s.by) != nil {
		return errBad
	}
	return nil
}
