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
	Recreate  Action = "recreated" // deleted and made again, by -o force
	Unchanged Action = "unchanged"
	Delete    Action = "deleted"
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
	entry  live.Entry // the object as it runs; zero for Create
}

// Plan is what a revision would do to one app on its cluster.
type Plan struct {
	App      string
	Cluster  string
	Revision string
	Steps    []Step // every object of the revision, in the order they are applied
	Prune    []Step // what the revision no longer has, in the order of deletion
	Gone     bool   // the whole app is to be deleted
	made     time.Time
	applies  int // of the app, when the plan was begun
	digest   string
}

// Counts says how many objects a plan creates, changes, deletes and leaves.
type Counts struct{ Create, Change, Delete, Unchanged int }

// Counts counts the plan's steps. A recreated object is a changed one.
func (p *Plan) Counts() Counts {
	counts := Counts{Delete: len(p.Prune)}
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
	return c.Create+c.Change+c.Delete == 0
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

// stages groups the steps into what may be applied at the same time.
func (p *Plan) stages() [][]Step {
	var stages [][]Step
	last := -1
	for _, step := range p.Steps {
		if stage := manifest.StageOf(step.ID.GroupKind()); stage != last || len(stages) == 0 {
			stages, last = append(stages, nil), stage
		}
		stages[len(stages)-1] = append(stages[len(stages)-1], step)
	}
	return stages
}

// pruneStages groups the deletions, last stage first.
func (p *Plan) pruneStages() [][]Step {
	byStage := map[int][]Step{}
	var order []int
	for _, step := range p.Prune {
		stage := manifest.StageOf(step.ID.GroupKind())
		if byStage[stage] == nil {
			order = append(order, stage)
		}
		byStage[stage] = append(byStage[stage], step)
	}
	sort.Sort(sort.Reverse(sort.IntSlice(order)))
	stages := make([][]Step, 0, len(order))
	for _, stage := range order {
		stages = append(stages, byStage[stage])
	}
	return stages
}

// sortSteps orders steps by stage and then by identity.
func sortSteps(steps []Step) {
	sort.SliceStable(steps, func(i, j int) bool {
		a, b := manifest.StageOf(steps[i].ID.GroupKind()), manifest.StageOf(steps[j].ID.GroupKind())
		if a != b {
			return a < b
		}
		return steps[i].ID.Less(steps[j].ID)
	})
}
