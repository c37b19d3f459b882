package deploy

import (
	"fmt"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// reservations are the changes between their gate and the moment when Git has
// moved their branch. Two pushes at the same time must not both be let through
// with one app name, or with one object.
type reservations struct {
	mu    sync.Mutex
	under map[*Proposal]time.Time // since when
}

func newReservations() *reservations { return &reservations{under: map[*Proposal]time.Time{}} }

// take enters the change, unless a running one wants the same.
func (r *reservations) take(p *Proposal) manifest.Problems {
	r.mu.Lock()
	defer r.mu.Unlock()
	var problems manifest.Problems
	var underWay []*Proposal
	for other := range r.under {
		if p.Options.Skip || other.Options.Skip {
			continue // wants nothing of a cluster
		}
		underWay = append(underWay, other)
		problems = append(problems, p.collisions(other)...)
	}
	if len(underWay) > 0 && len(problems) == 0 {
		problems = p.engine.checkCount(p, underWay)
	}
	if len(problems) == 0 {
		r.under[p] = time.Now()
	}
	return problems
}

// expect reports whether a push to the branch is running: Git may have moved the branch
// already, and the outcome will be known soon.
func (r *reservations) expect(repo name.Repo, branch name.Branch) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p := range r.under {
		if p.Repo == repo && p.Branch == branch {
			return true
		}
	}
	return false
}

func (r *reservations) drop(p *Proposal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.under, p)
}

// collisions lists the apps and objects that two changes both want. Two pushes to one
// branch do not collide here: Git accepts only one of them.
func (p *Proposal) collisions(other *Proposal) manifest.Problems {
	if p.Repo == other.Repo && p.Branch == other.Branch {
		return nil
	}
	again := manifest.Again("when the other push is through")
	var problems manifest.Problems
	for _, t := range p.targets {
		if other.claims.Has(t.Spec.Name) {
			problems = append(problems, manifest.Problem{
				App: t.Spec.Name, Source: t.Spec.Source, Remedy: again,
				Message: fmt.Sprintf("app %s is in a push to %s at this moment", t.Spec.Name, p.orAnother(other.Repo, string(other.Repo))),
			})
		}
		for _, o := range p.claims.Placed(t.Spec.Name, t.Spec.Cluster) {
			if app := other.claims.Own(t.Spec.Cluster, o.Key); app != "" && app != t.Spec.Name {
				problems = append(problems, manifest.Problem{
					App: t.Spec.Name, Object: o.Key.String(), Remedy: again,
					Message: fmt.Sprintf("is wanted by %s in a push at this moment", p.orAnother(other.Repo, "app "+string(app))),
				})
			}
		}
	}
	return problems
}
