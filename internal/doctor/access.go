package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
)

// soon is how long before something expires the doctor warns of it.
const soon = 30 * 24 * time.Hour

// examineAccess is about who may do what.
func (d *Doctor) examineAccess(now time.Time) []Finding {
	rules := d.Rules()
	findings := []Finding{d.examineGrants(rules), judgeShared(rules.NamedOfServer(), d.Names(), rules.Grants())}
	findings = append(findings, judgeKeys(keysOf(rules), now)...)
	if f := judgeSigners(rules.Signers(now), rules.Signers(now.Add(soon))); f.Level != "" {
		findings = append(findings, f)
	}
	if f := judgeTokens(d.Tokens(), now); f.Level != "" {
		findings = append(findings, f)
	}
	return findings
}

func (d *Doctor) examineGrants(rules *rules.Rules) Finding {
	repos, err := d.Repos()
	if err != nil {
		return Finding{Check: "grants", Level: Problem, Says: "the repositories cannot be listed: " + err.Error(), Hint: "see whether DATA/repos can be read by the server's user"}
	}
	open := map[string]bool{}
	for operator := range rules.Open(repos) {
		open[operator] = true
	}
	for _, operator := range d.KeyFiles().Operators() {
		if operator.DeploysAlone() && rules.IsOpen() {
			open[operator.Name] = true
		}
	}
	return judgeGrants(slices.Collect(maps.Keys(open)))
}

func judgeGrants(who []string) Finding {
	if len(who) == 0 {
		return Finding{Check: "grants", Level: OK, Says: "what repositories may deploy is written, or only admins deploy"}
	}
	return Finding{
		Check: "grants", Level: Warning,
		Says: "no grant says what repositories may deploy, and who is no admin may: " + names(who),
		Hint: "write grants: in repositories.yaml: git clone ssh://HOST/admin",
	}
}

// key is a key, or whatever else lets somebody in for a while.
type key struct {
	of, key string
	expires time.Time
}

func keysOf(r *rules.Rules) []key {
	var keys []key
	for _, operator := range r.Operators() {
		for _, k := range operator.Keys {
			if !k.Expires.IsZero() {
				keys = append(keys, key{operator.Name, k.Fingerprint(), k.Expires})
			}
		}
	}
	for _, authority := range r.Authorities() {
		for _, k := range authority.Keys {
			if !k.Expires.IsZero() {
				keys = append(keys, key{"authority " + authority.Name, k.Fingerprint(), k.Expires})
			}
		}
	}
	return keys
}

// judgeKeys has one finding for the keys that are about to expire, and one for those that
// have.
func judgeKeys(keys []key, now time.Time) []Finding {
	var expired, expiring []string
	for _, k := range keys {
		switch left := k.expires.Sub(now); {
		case left <= 0:
			expired = append(expired, fmt.Sprintf("%s (%s)", k.of, k.key))
		case left < soon:
			expiring = append(expiring, fmt.Sprintf("%s (%s) on %s", k.of, k.key, day(k.expires)))
		}
	}
	findings := []Finding{}
	if len(expiring) > 0 {
		findings = append(findings, Finding{
			Check: "keys", Level: Warning, Says: "keys expire soon: " + names(expiring),
			Hint: "add new ones: ssh HOST keys add OPERATOR < FILE.pub; those of authorities, in authorities.yaml of admin",
		})
	}
	if len(expired) > 0 {
		findings = append(findings, Finding{
			Check: "keys", Level: Warning, Says: "keys have expired, and open nothing: " + names(expired),
			Hint: "remove them from operators/ or authorities.yaml in admin, if nobody renews them",
		})
	}
	if len(findings) == 0 {
		findings = append(findings, Finding{Check: "keys", Level: OK, Says: "none expires within 30 days"})
	}
	return findings
}

// judgeSigners judges by how many operators can sign now, and in a while, for each entry of
// requireSigned. The zero Finding: no entry asks for signatures.
func judgeSigners(now, later map[string]int) Finding {
	var never, soonNever []string
	for where, n := range now {
		switch {
		case n == 0:
			never = append(never, where)
		case later[where] == 0:
			soonNever = append(soonNever, where)
		}
	}
	f := Finding{Check: "signers", Hint: "give those whose signatures count there a new key: ssh HOST keys add OPERATOR < FILE.pub"}
	switch {
	case len(now) == 0:
		return Finding{}
	case len(never) > 0:
		f.Level, f.Says = Problem, "nobody has a good key to sign for "+names(never)
	case len(soonNever) > 0:
		f.Level, f.Says = Warning, "within 30 days, nobody has a good key to sign for "+names(soonNever)
	default:
		f.Level, f.Says, f.Hint = OK, "commits that have to be signed can be signed", ""
	}
	return f
}

// maxNames bounds the names of one sentence.
const maxNames = 5

func names(list []string) string {
	slices.Sort(list)
	if more := len(list) - maxNames; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:maxNames], ", "), more)
	}
	return strings.Join(list, ", ")
}
