package deploy

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
)

// underWay makes a change that brings some objects to one app.
func underWay(e *Engine, repo name.Repo, app name.App, objects ...string) *Proposal {
	p := &Proposal{Change: Change{Repo: repo, Branch: "main"}, engine: e, claims: e.claims.Overlay()}
	p.targets = []*target{{Target: plan.Target{Spec: appfile.App{Name: app, Cluster: "default"}, Repo: repo}}}
	p.claims.Set(app, "default", wants(objects...))
	return p
}

func TestReservations(t *testing.T) {
	e := New(Config{Sees: seesAll})
	first := underWay(e, "one", "web", "a", "b")
	if problems := e.reservations.take(first); len(problems) > 0 {
		t.Fatalf("the first change is refused: %v", problems)
	}
	tests := []struct {
		name   string
		change *Proposal
		want   string
	}{
		{"the same object for another app", underWay(e, "two", "api", "b"), "is wanted by app web"},
		{"the same app of another repository", underWay(e, "two", "web", "c"), "is in a push to one"},
		{"the same branch", underWay(e, "one", "web", "a"), ""},
		{"something else", underWay(e, "two", "api", "c"), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			problems := e.reservations.take(test.change)
			defer test.change.Close()
			if got := problems.Error(); (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	first.Close()
	if problems := e.reservations.take(underWay(e, "two", "api", "b")); len(problems) > 0 {
		t.Errorf("refused after the other change had ended: %v", problems)
	}
}

// TestObjectsOfTwoBranchesAtOnce: what a push to another branch is about to bring counts, until
// it is through, and is counted once when it is.
func TestObjectsOfTwoBranchesAtOnce(t *testing.T) {
	o := newOffice(t)
	o.Grants = func(name.Repo) *grant.Grant { return &grant.Grant{MaxObjects: 3} }
	change := func(repo name.Repo, branch name.Branch, app name.App, objects int) *Proposal {
		p := underWay(o.Engine, repo, app)
		p.Branch = branch
		p.targets[0].Spec.Branch, p.targets[0].Objects = branch, make([]*manifest.Object, objects)
		return p
	}
	first := change("shop", "main", "web", 2)
	if problems := o.reservations.take(first); len(problems) > 0 {
		t.Fatal(problems)
	}
	for about, test := range map[string]struct {
		p       *Proposal
		refused bool
	}{
		"too many together":     {change("shop", "next", "api", 2), true},
		"few enough":            {change("shop", "next", "api", 1), false},
		"of another repository": {change("blog", "next", "api", 3), false},
		"of the same branch":    {change("shop", "main", "web", 3), false},
	} {
		problems := o.reservations.take(test.p)
		if (len(problems) > 0) != test.refused || test.refused && !strings.Contains(problems[0].Message, "would have 4 objects; its grant gives it at most 3") {
			t.Errorf("%s: %v", about, problems)
		}
		test.p.Close()
	}
	o.has("web", "shop", first.targets[0])
	if problems := o.reservations.take(change("shop", "next", "api", 1)); len(problems) > 0 {
		t.Errorf("the objects of a push that is through count twice: %v", problems)
	}
	skips := change("shop", "other", "db", 9)
	skips.Options.Skip = true
	if problems := o.reservations.take(skips); len(problems) > 0 {
		t.Errorf("a push that deploys nothing: %v", problems)
	}
}
