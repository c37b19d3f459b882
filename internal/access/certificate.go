package access

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// This file judges a certificate of OpenSSH's kind (PROTOCOL.certkeys) by itself. Whose it
// is, and whether its authority is trusted, package rules says.

// Certificate is what a certificate says of its bearer. The zero Certificate is none.
type Certificate struct {
	Authority string // the name in authorities.yaml of who has signed it
	Serial    uint64 // 0: it has no number
	KeyID     string // the authority's name for it
	Expires   time.Time
	Wire      string // the certificate itself
}

// String describes it for messages: `certificate 17 "ana@laptop" of corp`. "" for none.
func (c Certificate) String() string {
	if c.Authority == "" {
		return ""
	}
	return fmt.Sprintf("certificate %d %q of %s", c.Serial, clip(c.KeyID), c.Authority)
}

// Parse returns the certificate itself; nil for none.
func (c Certificate) Parse() *ssh.Certificate {
	key, err := ssh.ParsePublicKey([]byte(c.Wire))
	if err != nil {
		return nil
	}
	cert, _ := key.(*ssh.Certificate)
	return cert
}

// KeyOf returns the key that somebody has who logs in with a key or a certificate.
func KeyOf(key ssh.PublicKey) ssh.PublicKey {
	if cert, ok := key.(*ssh.Certificate); ok {
		return cert.Key
	}
	return key
}

// Fingerprint is SHA256:… of the key that somebody has who logs in with a key or a
// certificate.
func Fingerprint(key ssh.PublicKey) string { return ssh.FingerprintSHA256(KeyOf(key)) }

// Restrictions are those that a certificate has in itself.
type Restrictions struct {
	From    Sources
	Expires time.Time // from when on it is not accepted; zero: never
	Command string    // the only command that it runs, whatever is asked for; "": any
}

// The critical options and extensions of certificates that mean something here.
const (
	sourceAddress   = "source-address"
	forceCommand    = "force-command"
	verifyRequired  = "verify-required"
	noTouchRequired = "no-touch-required"
)

// VerifySignature returns an error unless the authority whose key is in the certificate has
// signed it, in a way that is good today. Before that, nothing that the certificate says
// may be believed, or repeated. It does not say whether the authority is trusted.
func VerifySignature(cert *ssh.Certificate) error {
	if cert.Signature == nil || cert.Signature.Format == ssh.KeyAlgoRSA {
		return errors.New("is signed with SHA-1: sign it with ssh-keygen -t rsa-sha2-512, or better by an ed25519 key")
	}
	after, before := validity(cert)
	if before <= after || cert.ValidBefore > math.MaxInt64 && cert.ValidBefore != ssh.CertTimeInfinity {
		return errors.New("is valid at no time")
	}
	checker := ssh.CertChecker{Clock: func() time.Time { return time.Unix(after, 0) }} // now is judged later
	for option := range cert.CriticalOptions {
		checker.SupportedCriticalOptions = append(checker.SupportedCriticalOptions, option) // and so are these
	}
	principal := ""
	if len(cert.ValidPrincipals) > 0 {
		principal = cert.ValidPrincipals[0]
	}
	if checker.CheckCert(principal, cert) != nil {
		return errors.New("is not signed by the authority that it names")
	}
	return nil
}

// endOfTime is the year 10000, in seconds: times from then on are for ever, and not written.
const endOfTime = 253402300800

// validity returns the seconds from and until when a certificate is valid.
func validity(cert *ssh.Certificate) (after, before int64) {
	return int64(min(cert.ValidAfter, math.MaxInt64)), int64(min(cert.ValidBefore, math.MaxInt64))
}

// JudgeCertificate returns the restrictions of a certificate whose signature is verified,
// or why it is not accepted now. The error reads on from the certificate's description.
func JudgeCertificate(cert *ssh.Certificate, now time.Time) (Restrictions, error) {
	if err := judgeCertified(cert); err != nil {
		return Restrictions{}, err
	}
	after, before := validity(cert)
	var own Restrictions
	if before < endOfTime {
		own.Expires = time.Unix(before, 0).UTC()
	}
	switch {
	case now.Unix() < after:
		return own, fmt.Errorf("is valid from %s on", time.Unix(after, 0).UTC().Format(ExpiryLayout))
	case !own.Expires.IsZero() && !now.Before(own.Expires):
		return own, fmt.Errorf("expired on %s", own.Expires.Format(ExpiryLayout))
	}
	return own, own.read(cert)
}

// judgeCertified refuses certificates that are not for users, or of keys that would not be
// accepted without one.
func judgeCertified(cert *ssh.Certificate) error {
	switch {
	case cert.CertType == ssh.HostCert:
		return errors.New("is a host's: a user's is made without ssh-keygen -h")
	case cert.CertType != ssh.UserCert:
		return fmt.Errorf("is of the unknown type %d", cert.CertType)
	case !slices.Contains(keyTypes, cert.Key.Type()):
		return fmt.Errorf("is of a key of the type %q, which is not accepted", clip(cert.Key.Type()))
	case len(cert.ValidPrincipals) == 0:
		return errors.New("names no principal: make it with ssh-keygen -n PRINCIPAL")
	}
	if _, err := judgeRSA(cert.Key); err != nil {
		return fmt.Errorf("is of an %w", err)
	}
	if _, waived := cert.Extensions[noTouchRequired]; waived && strings.HasPrefix(cert.Key.Type(), "sk-") {
		return errors.New("waives the touch of its FIDO key (no-touch-required), and this server asks for it")
	}
	return nil
}

// read reads the critical options. One that is not understood is an error: whoever ignores
// a restriction opens a hole.
func (r *Restrictions) read(cert *ssh.Certificate) (err error) {
	for _, name := range sortedOptions(cert.CriticalOptions) {
		value := cert.CriticalOptions[name]
		switch name {
		case sourceAddress:
			if r.From, err = ParseSources(value); err != nil {
				return fmt.Errorf("has a source-address of which %w", err)
			}
		case forceCommand:
			if r.Command = strings.TrimSpace(value); r.Command == "" || len(value) > maxForced {
				return fmt.Errorf("has a force-command that is empty, or longer than %d bytes", maxForced)
			}
		case verifyRequired:
			return errors.New("demands that its FIDO key verifies its user (verify-required), which this server cannot see")
		default:
			return fmt.Errorf("has the critical option %q, which this server does not know", clip(name))
		}
	}
	return nil
}

// maxForced bounds the command of a certificate, in bytes.
const maxForced = 4096

func sortedOptions(options map[string]string) []string {
	var names []string
	for name := range options {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Within returns the restrictions of two together. The error says that no address is left.
func (r Restrictions) Within(from Sources, expires time.Time) (Restrictions, error) {
	both, ok := r.From.And(from)
	if !ok {
		return r, errors.New("can be used from no address: its source-address and the from of its key or authority have none in common")
	}
	r.From = both
	if r.Expires.IsZero() || !expires.IsZero() && expires.Before(r.Expires) {
		r.Expires = expires
	}
	return r, nil
}

// And returns the addresses that are in both lists; ok is false if there are none. The empty
// list has every address.
func (s Sources) And(other Sources) (both Sources, ok bool) {
	if s == "" || other == "" {
		return cmp.Or(s, other), true
	}
	var common []string
	for one := range strings.SplitSeq(string(s), ",") {
		for two := range strings.SplitSeq(string(other), ",") {
			a, errA := parseSource(one)
			b, errB := parseSource(two)
			if errA != nil || errB != nil || !a.Overlaps(b) {
				continue
			}
			if a.Bits() < b.Bits() {
				a = b // the narrower one
			}
			common = append(common, a.String())
		}
	}
	slices.Sort(common)
	common = slices.Compact(common)
	return Sources(strings.Join(common, ",")), len(common) > 0
}

// MemberName is the name of somebody who is no operator, and comes in by a certificate for
// members of a group: ben@corp. It is no operator's: those of admin.git do not end like this.
func MemberName(keyID, authority string) (string, error) {
	end := "@" + authority
	name := plainName(keyID, maxOperatorName-len(end))
	if name == "" {
		return "", errors.New("has no key id to call its bearer by: make it with ssh-keygen -I NAME")
	}
	return name + end, nil
}
