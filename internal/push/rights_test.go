package push

import (
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/hook"
)

// fickle are rules that give rights on some refs, until they change.
type fickle struct{ refs map[string]bool }

func (fickle) Lookup(ssh.PublicKey) (access.Operator, bool) { return access.Operator{}, false }
func (fickle) Certified(*ssh.Certificate, time.Time) (access.Operator, error) {
	return access.Operator{}, access.ErrDenied
}
func (fickle) ReadsRules(string) access.Decision { return access.Decision{} }
func (fickle) HasPaths(string) bool              { return false }
func (fickle) Admins(time.Time) []string         { return nil }
func (f fickle) Decide(_ string, _ access.Right, on access.Subject) access.Decision {
	return access.Decision{Allowed: f.refs[on.Ref]}
}

// ruled is a session whose caller has the rights that the rules give.
type ruled struct{ Session }

func (ruled) Caller() access.Caller { return access.Caller{Operator: "ben", Ruled: true} }

// TestRightsAreAskedForAgain: if the rules change after the gate has judged a push and
// before the push's turn, the new rules decide.
func TestRightsAreAskedForAgain(t *testing.T) {
	rules := fickle{map[string]bool{"refs/heads/main": true, "refs/heads/dev": true}}
	door := &Door{Rules: &fakeRules{}, Policy: access.NewPolicy(logrus.NewEntry(logrus.New()), nil, func() access.Rules { return rules })}
	p := &push{door: door, session: ruled{}, repo: newRepository(t), talk: &git.Talk{}}
	for ref := range rules.refs {
		if problems := p.may(t.Context(), access.PushRepo, hook.RefUpdate{Ref: ref}, git.Quarantine{}); len(problems) > 0 {
			t.Fatal(problems)
		}
	}
	if problems := p.mayStill(t.Context(), nil, hook.Request{}); len(problems) > 0 {
		t.Errorf("unchanged rules refuse: %v", problems)
	}
	rules.refs["refs/heads/main"] = false
	if problems := p.mayStill(t.Context(), nil, hook.Request{}); len(problems) != 1 {
		t.Errorf("a lost right has the problems %v, want one", problems)
	}
}
