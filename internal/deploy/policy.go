package deploy

import (
	"context"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// readPolicy takes up what the annotations of other tools ask for the object.
func (o *Placed) readPolicy(t *Target) manifest.Problems {
	policy, problems := o.Object.Policy()
	o.Policy = policy
	for i := range problems {
		problems[i].App, problems[i].Object = t.Spec.Name, o.Key.String()
	}
	return problems
}

// leftAs says why an object is left as it is on the cluster, or "". What the
// revision says counts, and what the running object says, if there is one.
func LeftAs(wanted manifest.Policies, running live.Entry, runs bool) string {
	switch {
	case wanted.Has(manifest.Frozen), runs && running.Policies.Has(manifest.Frozen):
		return "left as it is: not to be reconciled"
	case runs && wanted.Has(manifest.IfNotPresent):
		return "left as it is: only made if it is not there"
	}
	return ""
}

// leftAlone lists the objects that are left as they are although something may
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

// frozen names the objects that are left as they are: because the revision
// says so, or the running object.
func (a *app) frozen(t *target) []string {
	found := map[string]bool{}
	for _, o := range t.Objects {
		if t.PolicyOf(o).Has(manifest.Frozen) {
			id := o.ID()
			if id.Namespace == "" {
				id.Namespace = t.Spec.Namespace
			}
			found[id.String()] = true
		}
	}
	if cluster := a.engine.Clusters[t.Spec.Cluster]; cluster != nil {
		cluster.Index.Has(a.set, func(entry *live.Entry) bool {
			if entry.Policies.Has(manifest.Frozen) {
				found[entry.ID.String()] = true
			}
			return false
		})
	}
	return slices.Sorted(maps.Keys(found))
}

// mayRecreate reports whether an object may be deleted and made again where it
// cannot be changed in place.
func (p *Planner) mayRecreate(o Placed, step Step) bool {
	return p.Force || (o.Policy.Policies | step.Entry.Policies).Has(manifest.Force)
}

// tryOut asks the API server what the object would be like after the apply.
func (p *Planner) tryOut(ctx context.Context, o Placed, running *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if running != nil && o.Policy.Has(manifest.Replace) {
		return p.API.Replace(ctx, o.Kind, o.Unstructured, running.GetResourceVersion(), true)
	}
	return p.API.Apply(ctx, o.Kind, o.Unstructured, kube.ApplyOptions{DryRun: true})
}

// remake has every object that asks for it (Force=true,Replace=true, as people
// write on Jobs that are to run at each sync) deleted and made again, since the
// plan changes something.
func (p *Plan) remake(t *Target) {
	for i := range p.Steps {
		step := &p.Steps[i]
		if !step.Policy.Has(manifest.Force|manifest.Replace) || step.Left || step.Action == record.Create {
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

// pruneStep is what becomes of an object that the revision no longer has.
func (p *Planner) pruneStep(entry live.Entry) Step {
	step := Step{ID: entry.ID, Action: record.Delete, Entry: entry, Policy: manifest.Policy{Policies: entry.Policies, Wave: entry.Wave}}
	keeps := manifest.KeepOnPrune
	if p.Target.Gone {
		keeps = manifest.KeepOnDelete
	}
	if entry.Policies.Has(keeps) || entry.Policies.Has(manifest.Frozen) {
		step.Action, step.Note = record.Release, "kept, no longer managed"
	}
	return step
}

// pruned lists what the plan deletes because the revision no longer has it.
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

// splitLast takes out the deletions that come when all else is healthy.
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

// due leaves out the deletions that have to wait until the app is healthy.
func (a *app) due(t *target, steps []Step) []Step {
	now, last := SplitLast(steps)
	if len(last) == 0 {
		return steps
	}
	if len(a.sick(t)) > 0 {
		return now
	}
	return steps
}

// onlyLast reports whether the plan does nothing but delete what was to be
// deleted last.
func (p *Plan) OnlyLast() bool {
	now, last := SplitLast(p.Prune)
	c := p.Counts()
	return len(last) > 0 && len(now) == 0 && c.Create+c.Change == 0
}

// pruneLater makes the deletions that had to wait for everything to be healthy.
func (w *applying) pruneLater() error {
	if len(w.later) == 0 {
		return nil
	}
	if err := w.pruneWaves(w.later); err != nil {
		return err
	}
	w.later = nil
	return w.narrowParent()
}

// replace writes the object as a whole if it asks for that, so that fields
// which others added go. The apply that follows makes the fields ours.
func (w *applying) replace(ctx context.Context, step Step) error {
	if step.Action != record.Configure || !step.Policy.Has(manifest.Replace) {
		return nil
	}
	running, err := w.cluster.Kube.Get(ctx, step.Kind, step.ID.Namespace, step.ID.Name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err == nil {
		_, err = w.cluster.Kube.Replace(ctx, step.Kind, step.Object.Unstructured, running.GetResourceVersion(), false)
	}
	return err
}

// takesOver reports whether the object runs and was no app's: another tool may
// have applied it, whose fields become ours.
func (s Step) TakesOver() bool { return s.Action == record.Configure && s.Entry.PartOf == "" }

// release takes the app's label off an object that stays.
func (w *applying) release(ctx context.Context, kind kube.Kind, step Step) error {
	w.app.ledger.Forget(step.ID)
	left, err := w.cluster.Kube.Release(ctx, kind, step.ID, step.Entry.UID)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err == nil:
		w.cluster.Index.Note(left)
		w.run.event(string(record.Release), step.ID, step.Note)
	}
	return err
}
