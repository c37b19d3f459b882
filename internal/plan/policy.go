package plan

import (
	"context"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// readPolicy reads the annotations of other tools on the object.
func (o *Placed) readPolicy(t *Target) manifest.Problems {
	policy, problems := o.Object.Policy()
	o.Policy = policy
	for i := range problems {
		problems[i].App, problems[i].Object = t.Spec.Name, o.Key.String()
	}
	return problems
}

// LeftAs returns the reason why an object stays as it runs, or "". Both the revision's
// object and the running one, if there is one, can ask for that.
func LeftAs(wanted manifest.Policies, running live.Entry, runs bool) string {
	switch {
	case wanted.Has(manifest.Frozen), runs && running.Policies.Has(manifest.Frozen):
		return "left as it is: not to be reconciled"
	case runs && wanted.Has(manifest.IfNotPresent):
		return "left as it is: only made if it is not there"
	}
	return ""
}

// LeftAlone lists the objects that are left as they are although something may
// differ.
func (p *Plan) LeftAlone() []Step {
	var steps []Step
	for _, step := range p.Steps {
		if step.Left || step.Yields && step.Action == record.Unchanged {
			steps = append(steps, step)
		}
	}
	return steps
}

// mayRecreate reports whether an object may be deleted and made again where it
// cannot be changed in place. The server's own may not: nobody would make them again.
func (p *Planner) mayRecreate(o Placed, step Step) bool {
	return !kube.IsSystem(o.Key) && (p.Depth == ByForce || p.isForced(o) || (o.Policy.Policies | step.Entry.Policies).Has(manifest.Force))
}

// isForced reports whether the written object is on its way to the cluster by force. A
// revision that comes meanwhile takes nothing of that back.
func (p *Planner) isForced(o Placed) bool {
	if !p.Forcing || p.Wanted == nil {
		return false
	}
	before, now := p.Wanted.Object(o.Key), p.Target.Object(o.Key)
	return before != nil && now != nil && manifest.Digest(before.Unstructured) == manifest.Digest(now.Unstructured)
}

// tryOut asks the API server for the object as it would be after the apply.
func (p *Planner) tryOut(ctx context.Context, o Placed, running *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if running != nil && o.Policy.Has(manifest.Replace) {
		return p.API.Replace(ctx, o.Kind, o.Unstructured, running.GetResourceVersion(), true)
	}
	return p.API.Apply(ctx, o.Kind, o.Unstructured, kube.ApplyOptions{DryRun: true})
}

// remake deletes and recreates every object that asks for it, if the plan changes
// anything. People write Force=true,Replace=true on Jobs that must run at each sync.
func (p *Plan) remake(t *Target) {
	for i := range p.Steps {
		step := &p.Steps[i]
		if !step.Policy.Has(manifest.Force|manifest.Replace) || step.Left || step.Action == record.Create || kube.IsSystem(step.ID) {
			continue
		}
		switch {
		case step.Ended:
			step.Action, step.Note, step.Ended = record.Create, "", false
		case step.Entry.UID != "":
			step.Action = record.Recreate
			step.Make(t)
		}
	}
}

// pruneStep is the step of an object that has left the revision.
func (p *Planner) pruneStep(entry live.Entry) Step {
	step := Step{ID: entry.ID, Action: record.Delete, Entry: entry, Policy: manifest.Policy{Policies: entry.Policies, Wave: entry.Wave}}
	keeps := manifest.KeepOnPrune
	if p.Target.Gone {
		keeps = manifest.KeepOnDelete
	}
	defines := p.Target.Gone && p.Target.Defining && entry.ID.GroupKind() == manifest.DefinitionKind
	if entry.Policies.Has(keeps) || entry.Policies.Has(manifest.Frozen) || defines {
		step.Action, step.Note = record.Release, "kept, no longer managed"
	}
	return step
}

// Pruned lists the objects that the plan deletes because they have left the revision.
func (p *Plan) Pruned() []Step {
	var steps []Step
	for _, step := range p.Prune {
		if step.Action == record.Delete {
			steps = append(steps, step)
		}
	}
	return steps
}

// toConfirm names the objects among deletions that ask for a confirmation.
func toConfirm(deletions []Step) string {
	var names []string
	for _, step := range deletions {
		if step.Policy.Has(manifest.ConfirmPrune) {
			names = append(names, step.ID.String())
		}
	}
	return strings.Join(names, " and ")
}

// SplitLast takes out the deletions that come when all else is healthy.
func SplitLast(steps []Step) (now, last []Step) {
	for _, step := range steps {
		if step.Policy.Has(manifest.PruneLast) {
			last = append(last, step)
			continue
		}
		now = append(now, step)
	}
	return now, last
}

// OnlyLast reports whether the plan only deletes objects that asked to be deleted last.
func (p *Plan) OnlyLast() bool {
	now, last := SplitLast(p.Prune)
	c := p.Counts()
	return len(last) > 0 && len(now) == 0 && c.Create+c.Change == 0
}

// TakesOver reports whether the object runs and belonged to no app. Another tool may
// have applied it, whose fields become ours.
func (s Step) TakesOver() bool { return s.Action == record.Configure && s.Entry.PartOf == "" }
