package deploy

import (
	"sort"
	"time"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Action is what a plan does to one object.
type Action string

// The actions, in the words that operators see once they are done.
const (
	Create    Action = "created"
	Configure Action = "configured"
	Recreate  Action = "recreated" // deleted and made again, by -o force or as its annotations ask
	Unchanged Action = "unchanged"
	Delete    Action = "deleted"
	Release   Action = "released" // kept, and no longer the app's
	Hook      Action = "hook"     // run in its phases, see Plan.Hooks
)

// Step is what a plan does to one object.
type Step struct {
	ID      manifest.ID
	Action  Action
	Changes []manifest.Change // field by field, for Configure and Recreate; secrets masked
	Culprit live.Culprit      // for Configure: who wrote the object last, if not Pushboat
	Note    string            // what else there is to say: "moved from app web"

	defined bool // its definition comes with the push, and allows it

	object *manifest.Object // as it will be applied; nil for Delete
	kind   kube.Kind
	digest string
	entry  live.Entry      // the object as it runs; zero for Create
	policy manifest.Policy // of the revision; of the running object where the revision does not have it
}

// Plan is what a revision would do to one app on its cluster.
type Plan struct {
	App       string
	Cluster   string
	Revision  string
	Steps     []Step // every object of the revision, in the order they are applied
	Prune     []Step // what the revision no longer has, in the order of deletion
	Hooks     []Step // every hook of the revision
	Gone      bool   // the whole app is to be deleted
	runsHooks bool   // it changes something, so that its hooks run
	made      time.Time
	applies   int          // of the app, when the plan was begun
	parent    *kube.Parent // of the app, as the plan found it
	digest    string
}

// Counts says how many objects a plan creates, changes, deletes and leaves.
type Counts struct{ Create, Change, Delete, Release, Unchanged int }

// Counts counts the plan's steps. A recreated object is a changed one.
func (p *Plan) Counts() Counts {
	counts := Counts{Delete: len(p.pruned()), Release: len(p.Prune) - len(p.pruned())}
	for _, step := range p.Steps {
		switch step.Action {
		case Create:
			counts.Create++
		case Configure, Recreate:
			counts.Change++
		case Unchanged:
			counts.Unchanged++
		}
	}
	return counts
}

// Empty reports whether the plan would do nothing.
func (p *Plan) Empty() bool {
	c := p.Counts()
	return c.Create+c.Change+c.Delete+c.Release == 0
}

// changes lists the steps that do something, deletions last.
func (p *Plan) changes() []Step {
	var steps []Step
	for _, step := range p.Steps {
		if step.Action != Unchanged {
			steps = append(steps, step)
		}
	}
	return append(steps, p.Prune...)
}

// sortSteps orders steps by wave, by stage, and then by identity.
func sortSteps(steps []Step) {
	sort.SliceStable(steps, func(i, j int) bool {
		a, b := steps[i].place(), steps[j].place()
		if a != b {
			return a.before(b)
		}
		return steps[i].ID.Less(steps[j].ID)
	})
}
