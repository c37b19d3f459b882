package view

import (
	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/refusal"
)

// SeesRefusal reports whether a caller may see a refused push: whoever may read the
// repository and its deploys, and its pusher with the same key. Nobody else is told that
// there is one.
func SeesRefusal(policy *access.Policy, caller access.Caller, b refusal.Brief) bool {
	if caller.Operator == "" {
		return false
	}
	on := access.Subject{Repo: b.Repo}
	if policy.Allows(caller, access.ReadRepo, on) && policy.Allows(caller, access.ReadDeploys, on) {
		return true
	}
	return caller.Operator == b.Operator && caller.Repos.Match(b.Repo) && caller.Fingerprint != "" && caller.Fingerprint == b.Key
}
