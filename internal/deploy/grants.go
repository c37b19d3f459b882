package deploy

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
)

// Grants returns what a repository may deploy. It is asked for every deploy, check and
// look.
type Grants func(repo name.Repo) *grant.Grant

// grantOf returns the grant of a repository; nil where nothing is granted to anybody.
func (e *Engine) grantOf(repo name.Repo) *grant.Grant {
	if e.Grants == nil {
		return nil
	}
	return e.Grants(repo)
}

// mayUse reports whether a target was made with keys and credentials that the repository's
// grant gives. Of one that an older server has sealed, it is not known what it was made with:
// where a grant gives only some, it is made anew.
func (e *Engine) mayUse(t *target) bool {
	g := e.grantOf(t.Repo)
	if g == nil || g.Keys.All() && g.Credentials.All() {
		return true
	}
	return t.used != nil && g.JudgeUsed(t.used) == nil
}

// within returns the bounds of a repository on a cluster.
func (e *Engine) within(repo name.Repo, cluster *Cluster) plan.Bounds {
	return plan.Bounds{Own: e.Own, Grant: e.grantOf(repo), Repo: repo, Labels: cluster.LabelsOf}
}

// within returns the bounds of the proposal's repository on a cluster.
func (p *Proposal) within(cluster *Cluster) plan.Bounds {
	bounds := p.engine.within(p.Repo, cluster)
	bounds.InPlace = p.ReadsRules
	return bounds
}

// LabelsOf reads the labels of a namespace of the cluster, as the server itself; nil if
// there is none of the name.
func (c *Cluster) LabelsOf(ctx context.Context, namespace string) (map[string]string, error) {
	kind, err := c.api.KindOf(ctx, manifest.NamespaceKind)
	if err != nil {
		return nil, err
	}
	found, err := c.api.Get(ctx, kind, "", namespace)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return found.GetLabels(), nil
}

// checkGrant refuses the apps of clusters that the repository's grant does not give, and
// all of them where no grant is for it. Whether the server knows such a cluster is not
// asked.
func (e *Engine) checkGrant(p *Proposal) manifest.Problems {
	g := e.grantOf(p.Repo)
	if g == nil {
		return nil
	}
	problems := e.checkCount(p, nil)
	for _, t := range p.targets {
		refusal := g.JudgeCluster(t.Spec.Cluster)
		if refusal == nil {
			continue
		}
		problem := manifest.Problem{App: t.Spec.Name, Source: t.Spec.Source}
		problem.Message, problem.Hint = refusal.Tell(g, p.Repo, p.ReadsRules)
		problems = append(problems, problem)
	}
	return problems
}

// checkCount refuses a change that gives a repository more objects than its grant lets it
// have. One that already has more is not kept from having fewer, or other ones. What other
// branches are about to have by changes that are under way counts as well.
func (e *Engine) checkCount(p *Proposal, underWay []*Proposal) manifest.Problems {
	g := e.grantOf(p.Repo)
	if g == nil || g.MaxObjects == 0 {
		return nil
	}
	has, of := 0, map[name.Branch]int{}
	for _, a := range e.sorted() {
		if t := a.wanted(); t.counts(p.Repo) {
			_, branch := a.home()
			has, of[branch] = has+len(t.Objects), of[branch]+len(t.Objects)
		}
	}
	for _, other := range underWay {
		if other.Repo == p.Repo {
			of[other.Branch] = max(of[other.Branch], other.count())
		}
	}
	of[p.Branch] = p.count()
	would := 0
	for _, n := range of {
		would += n
	}
	if would <= max(g.MaxObjects, has) {
		return nil
	}
	named := "its grant"
	if p.ReadsRules {
		named = g.Naming(p.Repo, true)
	}
	return manifest.Problems{{
		Message: fmt.Sprintf("repository %s would have %s; %s gives it at most %d", p.Repo, manifest.Plural(would, "object"), named, g.MaxObjects),
		Hint:    fmt.Sprintf("remove some from its apps\nor ask an admin to give more: maxObjects: %d", would),
	}}
}

// count is how many objects the change gives its branch.
func (p *Proposal) count() (n int) {
	for _, t := range p.targets {
		if !t.Gone {
			n += len(t.Objects)
		}
	}
	return n
}

// placed has problems name the grant by its place, for a caller who may read the rules.
func (p *Proposal) placed(problems manifest.Problems) manifest.Problems {
	g := p.engine.grantOf(p.Repo)
	if g == nil || !p.ReadsRules {
		return problems
	}
	for i := range problems {
		problems[i].Message = g.Placed(problems[i].Message, p.Repo)
	}
	return problems
}

// readsRules reports whether a caller may read the server's own rules.
func (e *Engine) readsRules(caller access.Caller) bool {
	return e.Sees != nil && !caller.System && e.Sees(caller, access.AdminRepo)
}

// counts reports whether a target, which may be nil, has objects of a repository.
func (t *target) counts(repo name.Repo) bool { return t != nil && !t.Gone && t.Repo == repo }

// OutsideError says that an object is outside of a repository's grant.
type OutsideError struct{ message, hint string }

// Error says which grant, and what it does not give.
func (e *OutsideError) Error() string { return e.message }

// Hint is the next thing to try.
func (e *OutsideError) Hint() string { return e.hint }

// CheckGrant is an error if an object of a cluster is outside of a grant, which may be nil.
func (c *Cluster) CheckGrant(ctx context.Context, g *grant.Grant, repo name.Repo, id manifest.ID) error {
	if g == nil {
		return nil
	}
	refusal := g.JudgeCluster(c.api.Name())
	if refusal == nil {
		var err error
		if refusal, err = (plan.Bounds{Grant: g, Labels: c.LabelsOf}).Outside(ctx, id); err != nil {
			return fmt.Errorf("read the labels of namespace %s: %w", id.Namespace, err)
		}
	}
	if refusal == nil {
		return nil
	}
	message, hint := refusal.Tell(g, repo, false)
	return &OutsideError{message, hint}
}
