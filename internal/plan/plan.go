package plan

import (
	"slices"
	"time"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/record"
)

// Step is the part of a plan about one object.
type Step struct {
	ID      manifest.ID
	Action  record.Action
	Changes []manifest.Change // field by field, for Configure and Recreate; secrets masked
	Culprit owner.Culprit     // for Configure: the last writer of the object, if not Pushboat
	Note    string            // a remark: "moved from app web"
	Warned  manifest.Problems // warnings of the API server about an applied object

	Defined  bool            // its definition comes with the push, and allows it
	Other    name.App        // the other app that has the object, or in Plan.Moved is to have it; "" if there is none
	Dying    bool            // its deletion has begun, or that of its namespace: recreated when it is gone
	Ended    bool            // it came to its end and is gone: done, until its manifest changes
	Refused  bool            // a problem is known of it, with which it cannot be applied
	Left     bool            // stays as it runs, whatever the revision says; Note has the reason
	Exposed  bool            // a Service with an address outside of the cluster, for Delete
	Retakes  bool            // the object is as it is to be, and has lost what says that it is the app's
	Yields   bool            // in some fields to another applier; Note has which
	Ignored  appfile.Ignored // fields that are left to others
	Pointers []string        // to the fields that drifted, for Configure
	Claim    *fieldpath.Set  // fields that are made Pushboat's before the apply, which then removes them
	Remains  *fieldpath.Set  // fields that tools which Pushboat replaces have left, and that go with the apply

	Object  *manifest.Object // as it will be applied; nil for Delete
	Written bool             // the object is the written one, see make: for Unchanged
	Kind    kube.Kind
	Digest  string
	Entry   live.Entry      // the object as it runs; zero for Create
	Policy  manifest.Policy // of the revision; of the running object where the revision does not have it
}

// Leave is the step that does nothing to a running object, for a reason.
func (s Step) Leave(entry live.Entry, reason string) Step {
	s.Entry, s.Note, s.Left = entry, reason, true
	return s
}

// Say adds to the step's note.
func (s *Step) Say(note string) {
	if s.Note != "" && note != "" {
		s.Note += "; "
	}
	s.Note += note
}

// Plan is the effect that a revision would have on one app on its cluster.
type Plan struct {
	App       name.App
	Cluster   string
	Revision  name.Revision
	Steps     []Step    // the objects of the revision, but for the same ones, in the order they are applied
	Prune     []Step    // objects that have left the revision, in the order of deletion
	Dying     []Step    // objects that have left it, and whose deletion is under way
	Outside   []Step    // objects that have left it, and that stay: released, or outside of the repository's grant
	Moved     []Step    // objects that have left it, and that another app of the push takes over
	Hooks     []Step    // every hook of the revision
	Gone      bool      // the plan deletes the whole app
	Kept      int       // how many objects stay on the cluster when it goes, see Target.Stays
	Same      []*Placed // objects that stay as they are, and of which there is nothing to say
	Generated []Fate    // what happens to the values that the app generates once
	Partial   bool      // it is about some of the app's objects only
	RunsHooks bool      // it changes something, so that its hooks run
	First     bool      // nothing of the app is on the cluster yet
	Made      time.Time
	Applies   int // of the app, when the plan was begun
	Target    *Target
	Parent    *kube.Parent // of the app, as the plan found it
	Digest    string

	folded uint64 // see Ledger.HasOnly
}

// Took says which version was taken for each range of versions, in words.
func (p *Plan) Took() []string {
	if p.Target == nil {
		return nil
	}
	return p.Target.Took
}

// Counts says how many objects a plan creates, changes, deletes, lets go, leaves
// to other apps, and leaves as they are.
type Counts struct{ Create, Change, Delete, Release, Move, Unchanged int }

// Counts counts the plan's steps. A recreated object is a changed one.
func (p *Plan) Counts() Counts {
	counts := Counts{Unchanged: len(p.Same), Delete: len(p.Pruned()), Release: len(p.Prune) - len(p.Pruned()), Move: len(p.Moved)}
	for _, step := range p.Steps {
		switch step.Action {
		case record.Create:
			counts.Create++
		case record.Configure, record.Recreate:
			counts.Change++
		case record.Unchanged:
			counts.Unchanged++
		}
	}
	return counts
}

// RenamedTo returns the app that takes over all objects of an app that leaves; "" if
// there are no objects, or not all go to one app.
func (p *Plan) RenamedTo() name.App {
	if !p.Gone || len(p.Prune) > 0 || len(p.Moved) == 0 {
		return ""
	}
	for _, step := range p.Moved {
		if step.Other != p.Moved[0].Other {
			return ""
		}
	}
	return p.Moved[0].Other
}

// Left says in words where an app that is gone was.
func (p *Plan) Left() string {
	if p.Target != nil && p.Target.Meant {
		return "no longer in the repository"
	}
	return "no longer in pushboat.yaml"
}

// Empty reports whether the plan would do nothing.
func (p *Plan) Empty() bool {
	c := p.Counts()
	return c.Create+c.Change+c.Delete+c.Release == 0
}

// HasEffect reports whether the plan changes anything, even if only the owner of an
// object.
func (p *Plan) HasEffect() bool { return p.Gone || len(p.Moved) > 0 || !p.Empty() }

// Changes lists the steps that do something, deletions last.
func (p *Plan) Changes() []Step {
	var steps []Step
	for _, step := range p.Steps {
		if step.Action != record.Unchanged {
			steps = append(steps, step)
		}
	}
	return append(steps, p.Prune...)
}

// LeaveRefused has the plan leave the objects of which a problem is known, and delete
// nothing, so that the rest of the app can be corrected.
func (p *Plan) LeaveRefused() {
	for i, step := range p.Steps {
		if step.Refused {
			p.Steps[i] = step.Leave(step.Entry, "cannot be applied")
			p.Steps[i].Action, p.Steps[i].Dying = record.Unchanged, false
		}
	}
	p.Prune = nil
}

// LeaveDying has the plan leave out objects that cannot be created before a deletion
// has ended. That is for checks: the end of an object is an event, after which the app
// is checked again. again reports whether something must be tried again because it
// waits for the end of its namespace.
func (p *Plan) LeaveDying() (some, again bool) {
	for i := range p.Steps {
		if step := &p.Steps[i]; step.Dying {
			step.Action, step.Dying = record.Unchanged, false
			some, again = true, again || step.Entry.UID == ""
		}
	}
	return some, again
}

// MakesNamespace reports whether the plan creates a namespace: all objects of a former
// one have gone with it.
func (p *Plan) MakesNamespace() bool {
	return slices.ContainsFunc(p.Steps, func(step Step) bool {
		return step.ID.GroupKind() == manifest.NamespaceKind && step.Action == record.Create
	})
}

// SortSteps orders steps by wave, by stage, and then by identity.
func SortSteps(steps []Step) {
	type key struct {
		at Position
		i  int
	}
	keys := make([]key, len(steps)) // a step is large, and its place takes a look-up
	for i := range steps {
		keys[i] = key{steps[i].Position(), i}
	}
	compare := func(x, y key) int {
		switch {
		case x.at.Before(y.at):
			return -1
		case y.at.Before(x.at):
			return 1
		}
		return steps[x.i].ID.Compare(steps[y.i].ID)
	}
	if slices.IsSortedFunc(keys, compare) {
		return
	}
	slices.SortStableFunc(keys, compare)
	sorted := make([]Step, len(steps))
	for at, k := range keys {
		sorted[at] = steps[k.i]
	}
	copy(steps, sorted)
}

// Defines reports whether the plan makes or changes the definition of a kind.
func (p *Plan) Defines() bool {
	return slices.ContainsFunc(p.Steps, func(step Step) bool {
		return step.ID.GroupKind() == manifest.DefinitionKind && step.Action != record.Unchanged
	})
}

// OnlyMoves reports whether the app is all that changes of the object.
func (s Step) OnlyMoves() bool {
	return s.Other != "" && len(s.Changes) == 0 && (s.Action == record.Configure || s.Action == record.Hand)
}

// Fate is what happens to a generated value, in the words of a plan.
type Fate struct{ Path, Is string }

// Deletion says what keeps alive an object whose deletion has begun.
func Deletion(entry live.Entry) string {
	if entry.Health.Status == health.Terminating && entry.Health.Message != "" {
		return entry.Health.Message
	}
	return "is being deleted"
}
