package rules

import (
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/name"
)

// IsOpen reports whether nobody has written which repositories may deploy what: there are no
// grants.
func (r *Rules) IsOpen() bool { return r.grants == nil }

// Open returns the operators who are no admins and may deploy under no written grant, each
// with a repository. Beside repos, which are there, it tries such as they may make.
func (r *Rules) Open(repos []name.Repo) map[string]name.Repo {
	open := map[string]name.Repo{}
	if !r.IsOpen() {
		return open
	}
	for _, operator := range r.Operators() {
		if r.isAdmin(operator.Name) {
			continue
		}
		for _, repo := range append(slices.Clone(repos), r.examples(operator.Name)...) {
			if repo != access.AdminRepo && r.Decide(operator.Name, access.Deploy, access.Subject{Repo: repo}).Allowed {
				open[operator.Name] = repo
				break
			}
		}
	}
	return open
}

// examples are names that fit the patterns of the rules about an operator.
func (r *Rules) examples(operator string) []name.Repo {
	var repos []name.Repo
	for _, rule := range r.about(operator) {
		for _, p := range rule.Repos {
			repos = append(repos, name.Repo(strings.NewReplacer("**", "x", "*", "x", "?", "x").Replace(string(p))))
		}
		if rule.Repos == nil {
			repos = append(repos, "x")
		}
	}
	return repos
}

// Accounts returns the ServiceAccounts that grants name, "NAMESPACE/NAME", sorted.
func (r *Rules) Accounts() []string {
	var accounts []string
	for _, g := range r.grants {
		if g.Account != "" {
			accounts = append(accounts, g.Account)
		}
	}
	slices.Sort(accounts)
	return slices.Compact(accounts)
}

// Signers counts, for each entry of requireSigned and requireSignedPush by the branches that
// it is about, the operators whose signatures count there and who have a good key at a time.
func (r *Rules) Signers(at time.Time) map[string]int {
	able := map[string]int{}
	for _, s := range r.signings {
		where := area{repos: s.Repos, branches: s.Branches}.String()
		if n, there := able[where]; !there || len(r.able(s, at)) < n {
			able[where] = len(r.able(s, at))
		}
	}
	return able
}
