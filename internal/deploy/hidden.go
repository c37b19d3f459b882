package deploy

import (
	"fmt"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
)

// What somebody may not see does not exist for them. Where it does get in their way, as the
// owner of a name or an object, they learn that, and no more.

// Sees says whether a caller may know of a repository.
type Sees func(caller access.Caller, repo name.Repo) bool

// readerFor is the reader of what a caller is told. What the server does by itself goes into
// records.
func (e *Engine) readerFor(caller access.Caller) plan.Reader {
	if e.Sees == nil || caller.System {
		return nil
	}
	return func(repo name.Repo) bool { return e.Sees(caller, repo) }
}

// reader is the reader of the proposal's problems.
func (p *Proposal) reader() plan.Reader {
	reader := p.engine.readerFor(p.Caller)
	if reader == nil {
		return nil
	}
	return func(repo name.Repo) bool {
		sees := reader(repo)
		if sees {
			p.told.note(repo)
		}
		return sees
	}
}

// taken is the problem of an app whose name another branch or repository has.
func (p *Proposal) taken(t *target, a *app, elsewhere error) manifest.Problem {
	problem := manifest.Problem{
		App: t.Spec.Name, Source: t.Spec.Source, Message: elsewhere.Error(),
		Hint: "choose another name in pushboat.yaml, or remove it there first",
	}
	if !p.reader().Sees(p.Repo, a.repository()) {
		problem.Message, problem.Hint = fmt.Sprintf("app %s belongs to another repository", t.Spec.Name), plan.AskAdmin
	}
	return problem
}

// dispute notes an object that another app wants as well: that is told once, and not again
// when the plan finds whose label the object has.
func (p *Proposal) dispute(t *target, id manifest.ID) {
	if p.disputed == nil {
		p.disputed = map[*target]map[manifest.ID]bool{}
	}
	if p.disputed[t] == nil {
		p.disputed[t] = map[manifest.ID]bool{}
	}
	p.disputed[t][id] = true
}

// owned is the problem of an object that another app has.
func (p *Proposal) owned(owner name.App) manifest.Problem {
	problem := manifest.Problem{
		Message: "belongs to app " + string(owner),
		Hint:    "remove it from one of the two apps",
	}
	a := p.engine.app(owner)
	switch {
	case a == nil || a.repository() == p.Repo:
	case !p.reader().Sees(p.Repo, a.repository()):
		return *plan.Hidden()
	default:
		problem.Message += " of repository " + string(a.repository())
	}
	return problem
}

// orAnother is a name of something of a repository, for a reader who may know it.
func (p *Proposal) orAnother(repo name.Repo, named string) string {
	if p.reader().Sees(p.Repo, repo) {
		return named
	}
	return "another repository"
}
