package deploy

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
)

// A repository gives something up in its own pushboat.yaml, under release: whole apps, which
// are not under apps any more, or objects of apps. They stay on the cluster as they are,
// labels and all, until the repository that is named deploys them, if the grants of both
// give them. So what changes hands is never nobody's: nobody else can take it, the owner
// can take it back until then, and nothing is deleted and made again.

// branchOf is a branch of a repository.
type branchOf struct {
	repo   name.Repo
	branch name.Branch
}

// releases are the whole apps that branches give up. The zero value has none.
type releases struct {
	mu sync.RWMutex
	of map[branchOf]map[name.App]name.Repo
}

// set replaces those of a branch.
func (r *releases) set(at branchOf, given map[name.App]name.Repo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(given) == 0 {
		delete(r.of, at)
		return
	}
	if r.of == nil {
		r.of = map[branchOf]map[name.App]name.Repo{}
	}
	r.of[at] = maps.Clone(given)
}

// any reports whether a branch gives an app up.
func (r *releases) any(at branchOf) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.of[at]) > 0
}

// forget takes out those of a repository.
func (r *releases) forget(repo name.Repo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.of, func(at branchOf, _ map[name.App]name.Repo) bool { return at.repo == repo })
}

// to returns the repository to which another one gives up an app as a whole; "" for none.
func (r *releases) to(from name.Repo, app name.App) name.Repo {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for at, given := range r.of {
		if to := given[app]; at.repo == from && to != "" {
			return to
		}
	}
	return ""
}

// ownReleases are those of a branch's releases that are of its own apps: no branch gives up
// what another one has. An app that the other repository has accepted by now, and not yet
// deployed, stays given up.
func (e *Engine) ownReleases(at branchOf, given map[name.App]name.Repo) map[name.App]name.Repo {
	own := maps.Clone(given)
	maps.DeleteFunc(own, func(app name.App, to name.Repo) bool {
		a := e.app(app)
		if a == nil {
			return true
		}
		repo, branch := a.home()
		return (repo != at.repo || branch != at.branch) && (repo != to || e.releases.to(at.repo, app) != to)
	})
	return own
}

// promised is an error if a repository may not have the name of a removed app, since the
// one that had it gives the app up to a third.
func (e *Engine) promised(a *app, repo name.Repo) error {
	from := a.repository()
	if to := e.releases.to(from, a.name); from != repo && to != "" && to != repo {
		return fmt.Errorf("app %s is released by repository %s to repository %s", a.name, from, to)
	}
	return nil
}

// Holder returns the repository that has what carries an app's label on a cluster: the one
// that the inventory there names. The app may have been removed, and its name be another
// repository's by now, on another cluster.
func (o others) Holder(ctx context.Context, app name.App, cluster string) (repo name.Repo, unrendered, ok bool, err error) {
	e := o.engine
	a, at := e.app(app), e.Clusters.Get(cluster)
	if a == nil || at == nil {
		return "", false, false, nil
	}
	repo = a.repository()
	parent, known := a.inventory.KnownOn(cluster)
	if !known {
		if parent, err = at.api.ReadParent(ctx, app, repo); err != nil {
			return "", false, false, err
		}
	}
	switch judgeParent(parent, kube.Parent{Server: e.Server, Epoch: e.Epoch, Repository: repo}, a.hasRecord()) {
	case ours:
		return repo, a.unrenderedWhy() != "", true, nil
	case otherRepositorys:
		return parent.Repository, false, true, nil
	}
	return "", false, false, nil
}

// Released reports whether an object is given up by the repository that has it, with its app
// or alone, and the grant of that one gives it: nobody can give away what they could not
// delete.
func (o others) Released(ctx context.Context, r plan.Release) bool {
	a, at := o.engine.app(r.App), o.engine.Clusters.Get(r.Cluster)
	if a == nil || at == nil {
		return false
	}
	given := o.engine.releases.to(r.From, r.App) == r.To
	if t := a.wanted(); !given && t != nil && !t.Gone && t.Repo == r.From && t.Spec.Cluster == r.Cluster {
		given = t.Spec.ReleasedTo(r.ID) == r.To
	}
	return given && o.engine.mayGive(ctx, r.From, at, r.ID) == nil
}

// mayGive says why a repository may not give up an object: its own grant does not give it.
func (e *Engine) mayGive(ctx context.Context, from name.Repo, cluster *Cluster, id manifest.ID) error {
	return cluster.CheckGrant(ctx, e.grantOf(from), from, id)
}

// isReleased reports whether an inventory of another repository is given up, with its app,
// to a repository.
func (e *Engine) isReleased(parent kube.Parent, to name.Repo) bool {
	return parent.Repository != "" && parent.Repository != to && e.releases.to(parent.Repository, parent.App) == to
}

// inherited are the objects that run with the label of the plan's app, one of each kind and
// namespace, and all Namespaces: no more decides whether a grant gives them.
func inherited(p *plan.Plan) (ids []manifest.ID) {
	seen := map[manifest.ID]bool{}
	add := func(id manifest.ID) {
		place := id
		if id.GroupKind() != manifest.NamespaceKind {
			place.Name = ""
		}
		if !seen[place] {
			seen[place] = true
			ids = append(ids, id)
		}
	}
	for _, steps := range [][]plan.Step{p.Steps, p.Prune} {
		for i := range steps {
			if steps[i].Entry.PartOf == plan.SetID(p.App) {
				add(steps[i].ID)
			}
		}
	}
	for _, o := range p.Same {
		add(o.Key)
	}
	return ids
}

// keptBack are the problems of a plan that takes over the inventory of an app which another
// repository has released: objects in it that the grant of that repository does not give.
func (e *Engine) keptBack(ctx context.Context, p *plan.Plan, parent kube.Parent, t *target, reader plan.Reader) (problems manifest.Problems) {
	if !e.isReleased(parent, t.Repo) {
		return nil
	}
	cluster := e.Clusters.Get(t.Spec.Cluster)
	for _, id := range inherited(p) {
		err := e.mayGive(ctx, parent.Repository, cluster, id)
		if err == nil {
			continue
		}
		problem := *plan.Hidden()
		if reader.Sees(t.Repo, parent.Repository) {
			problem.Message = "comes with app " + string(parent.App) + ", and is not to be given up: " + err.Error()
			problem.Hint = "ask an admin to give it to repository " + string(parent.Repository) + ", or to hand the app over: ssh HOST take-over " + string(parent.App) + " " + string(t.Repo)
		}
		problem.App, problem.Source, problem.Object = t.Spec.Name, t.Spec.Source, id.String()
		problems = append(problems, problem)
	}
	return problems
}
