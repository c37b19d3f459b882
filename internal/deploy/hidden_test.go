package deploy

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
)

// TestHiddenRepositories: whoever may not know of a repository learns from a refusal that a
// name or an object is taken, and nothing else of its owner; and so does a record, which
// the server's own work is written to.
func TestHiddenRepositories(t *testing.T) {
	refusals := map[string]struct {
		find func(o *office, p *Proposal) manifest.Problems
		want string
	}{
		"the name of an app": {func(o *office, p *Proposal) manifest.Problems {
			o.has("web", "secret", wanted("web", func(t *target) { t.Spec.Cluster = "east" }))
			return o.checkNames(p)
		}, "app web belongs to another repository"},
		"an object": {func(o *office, p *Proposal) manifest.Problems {
			o.has("hidden", "secret", nil)
			o.claims.Set("hidden", "default", wants("a"))
			return o.contested(p, p.targets[0], wants("a"))
		}, "ConfigMap shop/a: belongs to another repository"},
		"an object in a push": {func(o *office, p *Proposal) manifest.Problems {
			o.reservations.take(underWay(o.Engine, "secret", "hidden", "a"))
			p.claims.Set("web", "default", wants("a"))
			return o.reservations.take(p)
		}, "ConfigMap shop/a: is wanted by another repository in a push at this moment"},
		"a name in a push": {func(o *office, p *Proposal) manifest.Problems {
			o.reservations.take(underWay(o.Engine, "secret", "web", "b"))
			return o.reservations.take(p)
		}, "app web is in a push to another repository at this moment"},
		"an inventory": {func(_ *office, p *Proposal) manifest.Problems {
			return manifest.Problems{foreignOf(otherRepositorys).problem(p.targets[0], p.reader())}
		}, "app web on cluster default belongs to another repository"},
		"another server's inventory": {func(_ *office, p *Proposal) manifest.Problems {
			return manifest.Problems{foreignOf(otherServers).problem(p.targets[0], p.reader())}
		}, "app web on cluster default is deployed by another Pushboat server"},
	}
	for what, test := range refusals {
		for reader, sees := range map[string]Sees{
			"a stranger": func(_ access.Caller, repo name.Repo) bool { return repo != "secret" }, "a record": seesAll, "nobody set": nil,
		} {
			o := newOffice(t)
			o.Sees = sees
			p := o.proposed("shop", wanted("web"))
			if reader == "a record" {
				p.Caller = access.System("schedule")
			}
			found := test.find(o, p)
			wantProblems(t, what+", for "+reader, found, test.want)
			for _, problem := range found {
				if text := problem.Error() + problem.Hint; strings.Contains(text, "secret") || strings.Contains(text, "hidden") || strings.Contains(text, "east") {
					t.Errorf("%s: %s learns %q", what, reader, text)
				}
			}
		}
	}
}

func foreignOf(whose whose) *ForeignError {
	return &ForeignError{Parent: kube.Parent{App: "web", Server: "secret", Repository: "secret"}, Cluster: "default", Repo: "shop", Whose: whose}
}

// TestForeignErrorsAreKept: the text of the error goes into records.
func TestForeignErrorsAreKept(t *testing.T) {
	for _, whose := range []whose{otherRepositorys, otherServers} {
		if err := foreignOf(whose); strings.Contains(err.Error(), "secret") || !strings.Contains(err.message(plan.Reader(func(name.Repo) bool { return true })), "secret") {
			t.Errorf("%v", err)
		}
	}
}
