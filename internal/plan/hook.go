package plan

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// HooksOf lists the hooks of a phase, in the order of their waves.
func (p *Plan) HooksOf(phase manifest.Phase) []Step {
	var steps []Step
	for _, step := range p.Hooks {
		if step.Policy.RunsIn(phase, p.First) {
			steps = append(steps, step)
		}
	}
	SortSteps(steps)
	return steps
}

// ShownHooks lists the hooks that the plan may run, each once.
func (p *Plan) ShownHooks() []Step {
	if !p.RunsHooks {
		return nil
	}
	phases := []manifest.Phase{manifest.PreSync, manifest.Sync, manifest.PostSync, manifest.SyncFail}
	if p.Gone {
		phases = []manifest.Phase{manifest.PreDelete, manifest.PostDelete}
	}
	var steps []Step
	shown := map[manifest.ID]bool{}
	for _, phase := range phases {
		for _, step := range p.HooksOf(phase) {
			if !shown[step.ID] {
				shown[step.ID] = true
				steps = append(steps, step)
			}
		}
	}
	return steps
}

// splitHooks parts the steps into those of hooks and the others, which reuse the slice
// of the steps.
func splitHooks(steps []Step) (objects, hooks []Step) {
	objects = steps[:0]
	for _, step := range steps {
		if step.Action == record.Hook {
			hooks = append(hooks, step)
			continue
		}
		objects = append(objects, step)
	}
	return objects, hooks
}

// withoutSkipped leaves out objects that are never applied, and hooks that no deploy
// runs. Most plans have neither, and are not copied.
func withoutSkipped(objects []Placed) []Placed {
	for i := range objects {
		if objects[i].isSkipped() {
			return slices.DeleteFunc(slices.Clone(objects), func(o Placed) bool { return o.isSkipped() })
		}
	}
	return objects
}

// isSkipped reports whether no deploy applies or runs the object.
func (o *Placed) isSkipped() bool { return o.Policy.Phase != 0 && !o.Policy.Phase.Runs() }

// HookStep plans a hook. It is tried out as everything is, once: a hook that has
// not changed since asks nothing of the cluster.
func (p *Planner) HookStep(ctx context.Context, o Placed, step Step) (Step, manifest.Problems, error) {
	step.Action = record.Hook
	switch {
	case p.Target.Gone:
		return step, nil, nil
	case p.Trials.Sound(o.Key, o.Digest), p.With.Pending(o.Kind):
		return step, p.With.Schemas.Validate(ctx, o.Object), nil
	}
	problems, err := p.tryHook(ctx, o)
	if err == nil && len(problems) == 0 {
		p.Trials.NoteSound(o.Key, o.Digest)
	}
	for i := range problems {
		problems[i].Object = o.Key.String()
	}
	return step, problems, err
}

// tryHook asks the API server whether the hook could be made, under a name that
// is free: an earlier run of it is deleted before.
func (p *Planner) tryHook(ctx context.Context, o Placed) (manifest.Problems, error) {
	trial := o.Copy()
	generated := o.GetName() == ""
	if !generated {
		running, err := p.running(ctx, o)
		if err != nil {
			return p.explain(ctx, o, err), Unreachable(err)
		}
		if problem := p.foreignHook(ctx, o, running); problem != nil {
			return manifest.Problems{*problem}, nil
		}
		generated = running != nil
	}
	if generated {
		NameHook(trial.Unstructured, "9f3a1")
	}
	_, err := p.API.Apply(ctx, o.Kind, trial.Unstructured, kube.ApplyOptions{DryRun: true})
	switch {
	case err == nil:
		return nil, nil
	case p.comesWithNamespace(o, err):
		return p.API.Rehearse(ctx, o.Kind, trial), nil
	}
	return p.API.Explain(ctx, trial, err), Unreachable(err)
}

// foreignHook refuses a hook if an object of its name runs that neither this app nor
// another tool created as a hook: running the hook would delete that object.
func (p *Planner) foreignHook(ctx context.Context, o Placed, running *unstructured.Unstructured) *manifest.Problem {
	if running == nil {
		return nil
	}
	partOf := running.GetLabels()[kube.PartOfLabel]
	policy, _ := manifest.PolicyOf(running)
	if partOf == SetID(p.Target.Spec.Name) || policy.Phase != 0 && (partOf == "" || p.givenUp(ctx, o.Key, partOf)) {
		return nil
	}
	return &manifest.Problem{
		Source: o.Source, Object: o.Key.String(),
		Message: "is a hook, and there is an object of that name which is not this app's; to run the hook would delete it",
		Hint:    "give the hook another name, or delete the object",
	}
}

// givenUp reports whether an object belongs to an app of this server that no longer
// wants it: a hook that has moved to another app, or whose app was renamed.
func (p *Planner) givenUp(ctx context.Context, id manifest.ID, partOf string) bool {
	owner := p.Claims.Owner(p.Target.Spec.Cluster, id)
	return p.holderOf(ctx, partOf).keeps(p.Target.Repo) == nil && (owner == "" || owner == p.Target.Spec.Name)
}

// maxHookName is how long the name of a hook may become: that of a Job, which
// its pods carry in a label.
const maxHookName = 63

// NameHook makes a name of the written name, or of generateName, and a suffix.
func NameHook(u *unstructured.Unstructured, suffix string) {
	base := u.GetGenerateName()
	if u.GetName() != "" {
		base = u.GetName() + "-"
	}
	if longest := maxHookName - len(suffix); len(base) > longest {
		base = base[:longest]
	}
	unstructured.RemoveNestedField(u.Object, "metadata", "generateName")
	u.SetName(base + suffix)
}
