package doctor

import (
	"slices"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/access/rules"
)

// Named is a key or a credential of the server.
type Named struct {
	Name       string // as grants name it; of keys of clouds and Vault with a * at the end perhaps
	Credential bool   // of a chart registry; else a key that decrypts
	Own        bool   // it is the server's own key, which all servers have
}

// judgeShared judges which of the server's keys and credentials serve every repository, and
// which the grants name that the server does not have. grants is how many grants there are:
// with one there is nobody to keep anything from.
func judgeShared(named []rules.Named, has []Named, grants int) Finding {
	var given []grant.Name
	var gone []string
	for _, at := range named {
		for _, list := range []struct {
			names      []grant.Name
			credential bool
		}{{at.Keys, false}, {at.Credentials, true}} {
			given = append(given, list.names...)
			for _, n := range list.names {
				if !n.IsAll() && !slices.ContainsFunc(has, func(h Named) bool { return h.Credential == list.credential && overlap(n, grant.Name(h.Name)) }) {
					gone = append(gone, string(n)+" ("+at.At.String()+")")
				}
			}
		}
	}
	given = slices.DeleteFunc(given, grant.Name.IsAll)
	var shared []string
	for _, h := range has {
		if !h.Own && !slices.ContainsFunc(given, func(n grant.Name) bool { return n.Match(h.Name) }) {
			shared = append(shared, h.Name)
		}
	}
	switch {
	case len(gone) > 0:
		return Finding{
			Check: "shared", Level: Warning, Says: "grants name keys or credentials that the server does not have: " + names(gone),
			Hint: "take them out of repositories.yaml in admin, or add them to the settings secrets and charts",
		}
	case len(shared) > 0 && grants > 1:
		return Finding{
			Check: "shared", Level: Warning, Says: "keys or credentials that no grant names serve every repository: " + names(shared),
			Hint: "name them in the grants of those whose they are: decryptionKeys, chartCredentials in repositories.yaml of admin",
		}
	case len(has) > 0 && grants > 1 && !slices.ContainsFunc(given, func(n grant.Name) bool { return n.Match(ownKey(has)) }):
		return Finding{Check: "shared", Level: OK, Says: "of the server's keys, only its own decrypts for every repository"}
	}
	return Finding{Check: "shared", Level: OK, Says: "no key is shared by repositories of several grants, or there are not several"}
}

func ownKey(has []Named) string {
	for _, h := range has {
		if h.Own {
			return h.Name
		}
	}
	return ""
}

// overlap reports whether two names may mean the same thing.
func overlap(a, b grant.Name) bool { return a.Match(string(b)) || b.Match(string(a)) }
