package plan

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/record"
)

// settle works out how a running object would be after an apply of which there
// was a dry-run, and what of it changes: fields that another applier has taken are
// left to it, and those that hand tools have added go.
func (p *Planner) settle(ctx context.Context, o Placed, step Step, running, after *unstructured.Unstructured) (Step, manifest.Problems, error) {
	after, err := p.leaveToAppliers(ctx, o, &step, running, after)
	if err != nil {
		return step, p.explain(ctx, o, err), Unreachable(err)
	}
	questioned := owner.Lost(running, after)
	added := step.AddedByHand(p.Index.Tools(), after)
	would, left, err := p.withoutLeft(ctx, o, step, running, after)
	switch {
	case err != nil:
		return step, nil, err
	case !left.Empty():
		step.Remains, after = left, would
		questioned = questioned.Union(added).Union(left)
	case !added.Empty():
		if after, err = p.withoutAdded(ctx, o, running, after, added); err != nil {
			return step, nil, err
		}
		questioned = questioned.Union(added)
	}
	p.diff(&step, running, after, o.Unstructured)
	if step.Action == record.Configure {
		step.Culprit = owner.CulpritOf(running, questioned)
		step.Pointers = owner.Pointers(running.Object, questioned)
	}
	return step, nil, nil
}

// diff fills in what changes between the running object and how it would be.
func (p *Planner) diff(step *Step, running, after, written *unstructured.Unstructured) {
	before, then := comparableOf(running), comparableOf(after)
	step.Changes = manifest.Diff(before.Object, withoutAllocated(then, running, written).Object, p.maskerOf(step.Entry.PartOf).Of(step.Object))
	moved := step.Entry.PartOf != SetID(p.Target.Spec.Name)
	same := len(step.Changes) == 0 && reflect.DeepEqual(before.Object, then.Object)
	if same && !moved && step.Entry.Fingerprint != "" {
		p.Ledger.Note(step.ID, record.Noted{Digest: step.Digest, Fingerprint: step.Entry.Fingerprint, Ended: step.Entry.Ended})
		return
	}
	step.Action = record.Configure
	step.Retakes = same && p.lostOwner(step)
}

// maskerOf is the masker for an object of a set: one that moves runs with what its app before has
// out of Secrets, which the new one knows nothing of.
func (p *Planner) maskerOf(set string) manifest.Masker {
	holder, known := p.Claims.AppOf(set)
	if !known || holder == p.Target.Spec.Name {
		return p.Masker
	}
	p.news.Lock()
	defer p.news.Unlock()
	masker, made := p.news.maskers[set]
	if !made {
		masker = p.Masker.Hiding(slices.Concat(p.Target.Hidden, p.Others.Hidden(holder)))
		p.news.maskers[set] = masker
	}
	return masker
}

// keepIgnored carries the values of ignored fields over from the running
// object where they are still ours: leaving them out would take them back to
// their defaults, as server-side apply does with a field that nobody owns. A field is
// ignored if a condition holds for it in the revision or on the cluster.
func (p *Planner) keepIgnored(o Placed, running *unstructured.Unstructured) {
	if running == nil {
		return
	}
	there, _ := o.Ignored.In(running.Object)
	ignored := there
	var written []string
	if o.Whole != nil && len(o.Ignored.Paths) > 0 {
		written, _ = o.Ignored.In(o.Whole.Object)
		ignored = slices.Concat(there, written)
		if also := manifest.Counterparts(running.Object, o.Object.Object, there...); len(also) > 0 {
			o.Object.Object = manifest.Without(o.Object.Object, also...)
		}
	}
	for _, pointer := range ignored {
		if owner.Owns(running, pointer) {
			copyField(o.Unstructured, running, pointer)
		}
	}
	owner.KeepInLists(o.Object.Object, running, func(path fieldpath.Path) bool {
		return covered(there, owner.Pointer(running.Object, path)) ||
			len(written) > 0 && covered(written, owner.Pointer(o.Whole.Object, path))
	})
	if o.Whole != nil {
		o.ConcealAs(o.Whole)
	}
}

// leaveToAppliers takes fields out of the object that another applier has made
// its own since we applied them: two programs that both apply a field would
// take it from each other for ever. Fields of an object that is only now taken
// over become ours, and force takes all of them back. It returns how the object
// would be after the apply that is left.
func (p *Planner) leaveToAppliers(ctx context.Context, o Placed, step *Step, running, after *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if p.Depth == ByForce || step.Entry.PartOf != SetID(p.Target.Spec.Name) || step.Entry.Fingerprint == "" {
		return after, nil
	}
	taken := p.Index.Tools().Taken(running, after)
	if len(taken) == 0 {
		return after, nil
	}
	step.Yields = true
	for _, applier := range slices.Sorted(maps.Keys(taken)) {
		step.Say(strings.Join(owner.Pointers(running.Object, taken[applier]), " ") + " is left to the applier " + applier)
		owner.Remove(o.Object.Object, taken[applier])
	}
	return p.API.Apply(ctx, o.Kind, o.Unstructured, kube.ApplyOptions{DryRun: true})
}

// withoutAdded asks the API server how an object would be without the fields
// that hand tools have added: some of them have defaults, which then return.
func (p *Planner) withoutAdded(ctx context.Context, o Placed, running, after *unstructured.Unstructured, added *fieldpath.Set) (*unstructured.Unstructured, error) {
	stripped := after.DeepCopy()
	owner.Remove(stripped.Object, added)
	would, err := p.API.Replace(ctx, o.Kind, stripped, running.GetResourceVersion(), true)
	if err == nil {
		return would, nil
	}
	return stripped, Unreachable(err) // the apply itself will tell what else is in the way
}

// AddedByHand are the fields that hand tools have added to the step's object and
// that are to go: not those that are to be ignored, and none where the
// object's annotations let hands add to it.
func (s Step) AddedByHand(tools owner.Tools, u *unstructured.Unstructured) *fieldpath.Set {
	if s.Policy.Has(manifest.Merge) {
		return &fieldpath.Set{}
	}
	return s.withoutIgnored(u, tools.HandFields(u.GetManagedFields()))
}

// covered reports whether one of some pointers covers a field; "" is none.
func covered(pointers []string, field string) bool {
	return field != "" && slices.ContainsFunc(pointers, func(one string) bool { return manifest.Covers(one, field) })
}
