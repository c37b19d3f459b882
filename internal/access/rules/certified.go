package rules

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
)

// signer is whose a key is that certificates are signed with.
type signer struct {
	authority *Authority
	key       Key
}

// Certified returns whom a certificate lets in, with all restrictions that it has: those in
// itself, those of its authority's key, and those of its own key where that is an
// operator's. The error says why it lets nobody in now.
func (r *Rules) Certified(cert *ssh.Certificate, now time.Time) (access.Operator, error) {
	fingerprint := access.Fingerprint(cert)
	by, ok := r.signers[string(cert.SignatureKey.Marshal())]
	if !ok {
		return access.Operator{}, fmt.Errorf("certificate of key %s is of the unknown authority %s", fingerprint, ssh.FingerprintSHA256(cert.SignatureKey))
	}
	if err := access.VerifySignature(cert); err != nil {
		return access.Operator{}, fmt.Errorf("certificate of key %s %w", fingerprint, err)
	}
	op := access.Operator{Fingerprint: fingerprint, Ruled: true, Certificate: access.Certificate{
		Authority: by.authority.Name, Serial: cert.Serial, KeyID: cert.KeyId, Wire: string(cert.Marshal()),
	}}
	if err := r.admit(&op, by, cert, now); err != nil {
		return access.Operator{}, fmt.Errorf("%s (key %s) %w", op.Certificate, fingerprint, err)
	}
	return op, nil
}

// admit completes the operator of a certificate whose signature is verified.
func (r *Rules) admit(op *access.Operator, by signer, cert *ssh.Certificate, now time.Time) error {
	if at, revoked := by.authority.Revoked.names(cert); revoked {
		return fmt.Errorf("was revoked (%s)", at)
	}
	own, err := access.JudgeCertificate(cert, now)
	if err != nil {
		return err
	}
	if own, err = own.Within(by.key.From, by.key.Expires); err != nil {
		return err
	}
	if by.key.hasExpired(now) {
		return fmt.Errorf("is signed by a key that expired on %s", by.key.Expires.UTC().Format(access.ExpiryLayout))
	}
	if err := nameFrom(op, by.authority, cert); err != nil {
		return err
	}
	if err := r.checkTouch(op, cert.Key); err != nil {
		return err
	}
	if own, err = r.withinKey(own, op.Name, cert.Key, now); err != nil {
		return err
	}
	op.From, op.Expires, op.Command, op.Certificate.Expires = own.From, own.Expires, own.Command, own.Expires
	return nil
}

// nameFrom names the bearer by the principals of the certificate: an operator; or, where it
// names only groups, a member of those, who is called by the certificate's key id.
func nameFrom(op *access.Operator, a *Authority, cert *ssh.Certificate) (err error) {
	operators, groups := a.lets(cert.ValidPrincipals)
	switch {
	case len(operators) == 1:
		op.Name = operators[0]
	case len(operators) > 1:
		err = fmt.Errorf("is of several operators: %s", some(operators))
	case len(groups) > 0:
		op.Groups = access.Groups(strings.Join(groups, ","))
		op.Name, err = access.MemberName(cert.KeyId, a.Name)
	default:
		err = fmt.Errorf("names no principal that %s may certify: it has %s", a.Name, quotedNames(cert.ValidPrincipals))
	}
	return err
}

// quotedNames lists principals for a message.
func quotedNames(principals []string) string {
	var all []string
	for _, p := range principals {
		all = append(all, fmt.Sprintf("%.*q", maxPrincipal, p))
	}
	return some(all)
}

// withinKey returns the restrictions of a certificate together with those of its key, where
// that is an operator's: who ends a key ends the certificates of it.
func (r *Rules) withinKey(own access.Restrictions, name string, key ssh.PublicKey, now time.Time) (access.Restrictions, error) {
	held, ok := r.keys[string(key.Marshal())]
	if !ok {
		return own, nil
	}
	_, operator := r.operators[name]
	switch {
	case operator && held.operator.Name != name:
		return own, fmt.Errorf("lets %s in by a key of %s (%s)", name, held.operator.Name, held.key.At)
	case held.key.hasExpired(now):
		return own, fmt.Errorf("is of a key that expired on %s (%s)", held.key.Expires.UTC().Format(access.ExpiryLayout), held.key.At)
	}
	return own.Within(held.key.From, held.key.Expires)
}
