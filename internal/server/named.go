package server

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/doctor"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/render/secrets"
	"github.com/pushboat/pushboat/internal/settings"
)

// named are the names of the keys and credentials that the server has, and grants give.
type named struct {
	keys        []string // of clouds and Vault with a * at the end perhaps
	credentials []string
}

// namedBy returns the names of the keys and credentials of a configuration.
func namedBy(c settings.Config) named {
	return named{
		keys: secrets.Names(secrets.Config{
			SSHKeys: []string{secrets.HostKey}, AgeKeys: c.Secrets.AgeKeys, PGPKeys: c.Secrets.PGPKeys, Keys: c.Secrets.Keys,
		}),
		credentials: charts.Names(charts.Config{Credentials: c.Charts.Credentials}),
	}
}

// unknownNames refuses names of keys and credentials that the server does not have. One that
// the rules in force name as well is no reason, as for clusters.
func (e effects) unknownNames(next *rules.Rules) (problems manifest.Problems) {
	before := map[grant.Name]bool{}
	for _, at := range e.current().NamedOfServer() {
		for _, n := range slices.Concat(at.Keys, at.Credentials) {
			before[n] = true
		}
	}
	known := e.named()
	for _, at := range next.NamedOfServer() {
		for _, list := range []struct {
			field, noun  string
			names        []grant.Name
			known        []string
			whereTheyAre string
		}{
			{"decryptionKeys", "key", at.Keys, known.keys, "secrets.ageKeys, secrets.pgpKeys and secrets.keys"},
			{"chartCredentials", "credentials", at.Credentials, known.credentials, "charts.credentials"},
		} {
			for _, n := range list.names {
				if before[n] || strings.HasSuffix(string(n), "*") || has(list.known, string(n)) {
					continue
				}
				hint := "its settings " + list.whereTheyAre + " say which it has"
				if near := manifest.Closest(string(n), list.known); near != "" {
					hint = "did you mean " + near + "? " + hint
				}
				problems = append(problems, manifest.Problem{
					Source: at.At, Message: fmt.Sprintf("%s: the server has no %s %q", list.field, list.noun, manifest.Clean(string(n))), Hint: hint,
				})
			}
		}
	}
	return problems
}

// has reports whether a configuration has a key of a name.
func has(known []string, text string) bool {
	return slices.ContainsFunc(known, func(k string) bool { return grant.Name(k).Match(text) })
}

// doctorsNames are the names for the doctor.
func (s *server) doctorsNames() (all []doctor.Named) {
	known := namedBy(s.config)
	for _, key := range known.keys {
		all = append(all, doctor.Named{Name: key, Own: key == secrets.HostKey})
	}
	for _, credential := range known.credentials {
		all = append(all, doctor.Named{Name: credential, Credential: true})
	}
	return all
}
