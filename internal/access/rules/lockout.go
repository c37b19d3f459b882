package rules

import (
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/manifest"
)

// LockOut returns what is wrong with putting rules in the place of others: nobody could
// change them any more, or their author could not, who could before. Key files do not
// count: they are the way back in, not a way to be left with.
func LockOut(before, after *Rules, author access.Caller, now time.Time) manifest.Problems {
	if !slices.ContainsFunc(after.Admins(now), func(name string) bool { return after.operators[name].Kind == Person }) {
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
			Hint:    "have another admin push this, or keep admin for the key that you push with",
		}}
	}
	return unsignable(before, after, author, now)
}

// reached is how somebody reaches the rules.
type reached struct {
	ok bool
	at manifest.Source // of the key
}

// reach reports whether the caller's key opens the rules from where they call.
func (r *Rules) reach(c access.Caller, now time.Time) reached {
	found, ok := r.find(c)
	if !ok || found.hasExpired(now) || !found.key.From.Contain(address(c)) || !r.isAdmin(found.operator.Name) {
		return reached{}
	}
	return reached{true, found.key.At}
}

// whyNot says why reach would say no.
func (r *Rules) whyNot(c access.Caller, now time.Time) string {
	found, ok := r.find(c)
	switch {
	case !ok:
		return "your key " + c.Fingerprint + " would be gone"
	case found.hasExpired(now):
		return "your key " + c.Fingerprint + " would have expired"
	case !found.key.From.Contain(address(c)):
		return "your key " + c.Fingerprint + " could not be used from your address"
	}
	return found.operator.Name + " would not be an admin"
}

func (h holder) hasExpired(now time.Time) bool {
	return !h.key.Expires.IsZero() && !now.Before(h.key.Expires)
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
