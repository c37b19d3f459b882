package rules

import (
	"net"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/manifest"
)

// LockOut returns what is wrong with putting rules in the place of others: nobody could
// change them any more, or their author could not, who could before. Key files do not
// count: they are the way back in, not a way to be left with. Nor does it count that an
// authority could certify an admin: it may be away, or lose its key.
func LockOut(before, after *Rules, author access.Caller, now time.Time) manifest.Problems {
	if !slices.ContainsFunc(after.Operators(), func(o *Operator) bool { return o.Kind == Person && o.hasKey(now) && after.isAdmin(o.Name) }) {
		return manifest.Problems{{
			Source:  manifest.Source{File: accessFile},
			Message: "no person would be an admin: nobody could change the rules any more",
			Hint:    "leave a rule that gives a person with a key admin: rules: [{who: [NAME], may: [admin]}]",
		}}
	}
	had := before.reach(author, now)
	if had.ok && !after.reach(author, now).ok {
		return manifest.Problems{{
			Source:  had.at,
			Message: "you would lock yourself out: " + after.whyNot(author, now),
			Hint:    "have another admin push this, or keep admin for the key or certificate that you push with",
		}}
	}
	return unsignable(before, after, author, now)
}

// reached is how somebody reaches the rules.
type reached struct {
	ok bool
	at manifest.Source // of the key
}

// reach reports whether the caller's key or certificate opens the rules from where they call.
func (r *Rules) reach(c access.Caller, now time.Time) reached {
	if cert := c.Certificate.Parse(); cert != nil {
		at := manifest.Source{File: authoritiesFile}
		if by, ok := r.signers[string(cert.SignatureKey.Marshal())]; ok {
			at = by.authority.At
		}
		return reached{r.whyNotCertified(cert, c, now) == "", at}
	}
	found, ok := r.find(c)
	if !ok || found.key.hasExpired(now) || !found.key.From.Contain(address(c)) || !r.isAdmin(found.operator.Name) {
		return reached{}
	}
	return reached{true, found.key.At}
}

// whyNot says why reach would say no.
func (r *Rules) whyNot(c access.Caller, now time.Time) string {
	if cert := c.Certificate.Parse(); cert != nil {
		return r.whyNotCertified(cert, c, now)
	}
	found, ok := r.find(c)
	switch {
	case !ok:
		return "your key " + c.Fingerprint + " would be gone"
	case found.key.hasExpired(now):
		return "your key " + c.Fingerprint + " would have expired"
	case !found.key.From.Contain(address(c)):
		return "your key " + c.Fingerprint + " could not be used from your address"
	}
	return found.operator.Name + " would not be an admin"
}

// whyNotCertified says why a certificate does not open the rules; "" if it does.
func (r *Rules) whyNotCertified(cert *ssh.Certificate, c access.Caller, now time.Time) string {
	op, err := r.Certified(cert, now)
	who := op.Name
	if op.Groups != "" {
		who = op.Groups.Who()
	}
	switch {
	case err != nil:
		return err.Error()
	case !op.From.Contain(address(c)):
		return op.Certificate.String() + " could not be used from your address"
	case !r.isAdmin(who):
		return op.Name + " would not be an admin"
	}
	return ""
}

// find returns whose the caller's key is.
func (r *Rules) find(c access.Caller) (holder, bool) {
	for _, held := range r.keys {
		if held.key.Fingerprint() == c.Fingerprint {
			return held, true
		}
	}
	return holder{}, false
}

// address is where the caller calls from.
func address(c access.Caller) net.Addr {
	at, err := netip.ParseAddrPort(c.Remote)
	if err != nil {
		return &net.UnixAddr{} // in no list of networks
	}
	return net.TCPAddrFromAddrPort(at)
}
