package deploy

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
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
