package push

import (
	"time"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/hook"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Refusal is a push to a branch with apps that the gate has refused.
type Refusal struct {
	Repo     name.Repo
	Branch   name.Branch
	Revision string // that was pushed; "" if the branch was to be deleted
	Operator string
	Reason   string // the first, without anything of what was pushed
	Push     string
	Page     string // the address of the page that shows it; "" if there is none
	Time     time.Time
}

// tellRefused tells of each branch with apps that the push would have moved. A push with
// -o plan is a question, and no attempt.
func (p *push) tellRefused(updates []hook.RefUpdate) {
	if p.door.Refused == nil || p.options.Plan || p.ruling.reason == "" {
		return
	}
	for _, update := range updates {
		branch, ok := name.BranchOf(update.Ref)
		if !ok || len(p.door.Engine.AppsOn(p.repo.Name(), branch)) == 0 {
			continue
		}
		p.door.Refused(Refusal{
			Repo: p.repo.Name(), Branch: branch, Revision: hashOf(update.New), Operator: p.session.Caller().Operator,
			Reason: p.ruling.reason, Push: p.session.ID(), Page: p.pageOfKept(), Time: time.Now().UTC(),
		})
	}
}

// logRefusal logs who was refused, and the number of problems. It names only the first
// place: a repository's text is for the pusher.
func (p *push) logRefusal(problems manifest.Problems) {
	p.noteReason(problems)
	if len(problems) == 0 {
		return
	}
	p.problems = problems
	first := problems[0].Source.String()
	if first == "" {
		first = problems[0].Object
	}
	caller := p.session.Caller()
	p.door.Log.WithFields(logrus.Fields{
		"repository": string(p.repo.Name()), "operator": caller.Operator, "key": caller.Fingerprint,
		"push": p.session.ID(), "problems": len(problems), "first": manifest.Clean(first),
	}).Info("push: refused")
}
