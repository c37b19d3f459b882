package access

import (
	"fmt"
	"net"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"
)

// Register says whose a key is: by the key files, and by the rules in force.
type Register struct {
	Files *Keyring
	Rules func() Rules // never nil, and never returns nil
}

// Identify returns whose key it is that is used from an address now. The key must be
// one whose possession has been verified before anything is granted for it. The error,
// for the log and for whoever has the key, says why it opens nothing.
func (r Register) Identify(key ssh.PublicKey, remote net.Addr) (Operator, error) {
	return r.identify(key, func(from Sources) bool { return from.Contain(remote) })
}

// Holder is Identify for a key that may be used from anywhere: the error says why it opens
// nothing now, from whatever address.
func (r Register) Holder(key ssh.PublicKey) (Operator, error) {
	return r.identify(key, func(Sources) bool { return true })
}

// identify is Identify for a key that is used from an address that some sources contain.
func (r Register) identify(key ssh.PublicKey, isFrom func(Sources) bool) (Operator, error) {
	if cert, ok := key.(*ssh.Certificate); ok {
		op, err := r.Rules().Certified(cert, time.Now())
		if err == nil && !isFrom(op.From) {
			err = fmt.Errorf("%s is not for this address", op.Certificate)
		}
		if err != nil {
			return Operator{}, err
		}
		return op, nil
	}
	var known []Operator
	if op, ok := r.Files.Lookup(key); ok {
		known = append(known, op)
	}
	if op, ok := r.Rules().Lookup(key); ok {
		known = append(known, op)
	}
	return choose(ssh.FingerprintSHA256(key), known, isFrom, time.Now())
}

// choose makes one operator of those that a key is in a key file and in the rules, of
// which only those count that are good for the address and the time. The rules' name
// counts, and the file's role beside what the rules give: a key file is the way back
// into a server whose rules went wrong.
func choose(fingerprint string, known []Operator, isFrom func(Sources) bool, now time.Time) (Operator, error) {
	err := fmt.Errorf("unknown key %s", fingerprint)
	var chosen Operator
	for _, op := range known {
		switch {
		case op.HasExpired(now):
			err = fmt.Errorf("key %s expired on %s", fingerprint, op.Expires.UTC().Format(ExpiryLayout))
		case !isFrom(op.From):
			err = fmt.Errorf("key %s is not for this address", fingerprint)
		case chosen.Name == "":
			chosen = op
		default: // from the key file and from the rules
			chosen.Name, chosen.Ruled, chosen.Expires = op.Name, op.Ruled, time.Time{}
		}
	}
	if chosen.Name == "" {
		return Operator{}, err
	}
	return chosen, nil
}

// Admins returns the names of those who may administer the server, sorted.
func (r Register) Admins() []string {
	names := append(r.Files.Admins(), r.Rules().Admins(time.Now())...)
	slices.Sort(names)
	return slices.Compact(names)
}
