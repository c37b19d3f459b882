package deploy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
)

// deletionHooks are the hooks that run when the app is removed.
func (t *target) deletionHooks() []*manifest.Object {
	var hooks []*manifest.Object
	for _, o := range t.objects {
		if policy, _ := manifest.PolicyOf(o.Unstructured); policy.Phase&(manifest.PreDelete|manifest.PostDelete) != 0 {
			hooks = append(hooks, o)
		}
	}
	return hooks
}

// withHooksOf gives an app that is gone the hooks for its removal, from its last
// revision; nil if that is not known.
func (t *target) withHooksOf(last *target) *target {
	if last != nil {
		t.lastHooks, t.spec.Namespace = append(last.deletionHooks(), last.lastHooks...), last.spec.Namespace
		t.had = cmp.Or(last.had, last.revision)
	}
	return t
}

// withoutSkipped leaves out what is marked never to be applied.
func withoutSkipped(objects []resolved) []resolved {
	return slices.DeleteFunc(slices.Clone(objects), func(o resolved) bool { return o.policy.Phase.Has(manifest.Skip) })
}

// splitHooks takes the hooks out of the steps.
func splitHooks(steps []Step) (objects, hooks []Step) {
	for _, step := range steps {
		if step.Action == Hook {
			hooks = append(hooks, step)
			continue
		}
		objects = append(objects, step)
	}
	return objects, hooks
}

// hooksOf lists the hooks of a phase, in the order of their waves.
func (p *Plan) hooksOf(phase manifest.Phase) []Step {
	var steps []Step
	for _, step := range p.Hooks {
		if step.policy.Phase.Has(phase) {
			steps = append(steps, step)
		}
	}
	sortSteps(steps)
	return steps
}

// shownHooks lists the hooks that the plan may run, each once.
func (p *Plan) shownHooks() []Step {
	if !p.runsHooks {
		return nil
	}
	phases := []manifest.Phase{manifest.PreSync, manifest.Sync, manifest.PostSync, manifest.SyncFail}
	if p.Gone {
		phases = []manifest.Phase{manifest.PreDelete, manifest.PostDelete}
	}
	var steps []Step
	shown := map[manifest.ID]bool{}
	for _, phase := range phases {
		for _, step := range p.hooksOf(phase) {
			if !shown[step.ID] {
				shown[step.ID] = true
				steps = append(steps, step)
			}
		}
	}
	return steps
}

// hookStep plans a hook. It is tried out as everything is, once: a hook that has
// not changed since asks nothing of the cluster.
func (p *planner) hookStep(ctx context.Context, o resolved, step Step) (Step, manifest.Problems, error) {
	step.Action = Hook
	switch {
	case p.target.gone:
		return step, nil, nil
	case p.app.triedHook(o.id) == o.digest, p.with.pending(o.kind):
		return step, p.with.schemas.Validate(ctx, o.Object), nil
	}
	problems, err := p.tryHook(ctx, o)
	if err == nil && len(problems) == 0 {
		p.app.noteHook(o.id, o.digest)
	}
	for i := range problems {
		problems[i].Object = o.id.String()
	}
	return step, problems, err
}

// tryHook asks the API server whether the hook could be made, under a name that
// is free: an earlier run of it is deleted before.
func (p *planner) tryHook(ctx context.Context, o resolved) (manifest.Problems, error) {
	trial := o.Copy()
	generated := o.GetName() == ""
	if !generated {
		running, err := p.running(ctx, o)
		if err != nil {
			return p.explain(ctx, o, err), unreachable(err)
		}
		if problem := p.foreignHook(o, running); problem != nil {
			return manifest.Problems{*problem}, nil
		}
		generated = running != nil
	}
	if generated {
		nameHook(trial.Unstructured, "9f3a1")
	}
	_, err := p.cluster.Kube.Apply(ctx, o.kind, trial.Unstructured, kube.ApplyOptions{DryRun: true})
	switch {
	case err == nil:
		return nil, nil
	case p.comesWithNamespace(o, err):
		return p.cluster.Kube.Rehearse(ctx, o.kind, trial), nil
	}
	return p.cluster.Kube.Explain(ctx, trial, err), unreachable(err)
}

// foreignHook refuses a hook in whose place there is something that this app
// did not make, nor another tool as a hook: running the hook would delete it.
func (p *planner) foreignHook(o resolved, running *unstructured.Unstructured) *manifest.Problem {
	if running == nil {
		return nil
	}
	partOf := running.GetLabels()[kube.PartOfLabel]
	policy, _ := manifest.PolicyOf(running)
	if partOf == setID(p.target.spec.Name) || policy.Phase != 0 && (partOf == "" || p.givenUp(o.id, partOf)) {
		return nil
	}
	return &manifest.Problem{
		Source: o.Source, Object: o.id.String(),
		Message: "is a hook, and there is an object of that name which is not this app's; to run the hook would delete it",
		Hint:    "give the hook another name, or delete the object",
	}
}

// givenUp reports whether an object is of an app of this server that does not
// want it any more: a hook that has come to another app, or whose app has
// another name now.
func (p *planner) givenUp(id manifest.ID, partOf string) bool {
	_, ours := p.claims.appOf(partOf)
	owner := p.claims.owner(p.target.spec.Cluster, id)
	return ours && (owner == "" || owner == p.target.spec.Name)
}

// maxHookName is how long the name of a hook may become: that of a Job, which
// its pods carry in a label.
const maxHookName = 63

// nameHook makes a name of the one that is written, or of generateName, and a
// suffix.
func nameHook(u *unstructured.Unstructured, suffix string) {
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

// triedHook returns the digest with which the hook was last found sound.
func (a *app) triedHook(id manifest.ID) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.tried[id]
}

func (a *app) noteHook(id manifest.ID, digest string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tried == nil {
		a.tried = map[manifest.ID]string{}
	}
	a.tried[id] = digest
}

// HookResult is how a hook went in a deploy.
type HookResult struct {
	Key     string       `json:"key"` // manifest.ID key of the hook as it is written
	Phase   string       `json:"phase"`
	Result  live.HookEnd `json:"result"`
	Message string       `json:"message,omitempty"` // why it failed
	Seconds float64      `json:"seconds"`
}

// hookFailed reports whether a hook stopped the deploy. One that only was to run
// after a failure did not.
func (r Record) hookFailed() bool {
	return slices.ContainsFunc(r.Hooks, func(h HookResult) bool {
		return h.Result == live.HookFailed && h.Phase != manifest.SyncFail.String()
	})
}

// hookSymptoms are the hooks that failed when all was applied: the app is not
// well then, although its objects are.
func (r *Record) hookSymptoms() []Symptom {
	var symptoms []Symptom
	if r == nil || r.Result != Unhealthy || !r.hookFailed() {
		return nil
	}
	for _, h := range r.Hooks {
		id, ok := manifest.ParseKey(h.Key)
		if ok && h.Result == live.HookFailed {
			first, _, _ := strings.Cut(h.Message, "\n")
			symptoms = append(symptoms, Symptom{Object: h.Phase + " hook " + id.String(), State: first})
		}
	}
	return symptoms
}

// heldByHook reports whether the newest deploy of the target was stopped by a
// hook. It is not tried again by itself: what a hook does (a migration, a
// message) must not be done again and again. The removal of an app is, since
// nobody can push a fix to it.
func (a *app) heldByHook(t *target) bool {
	last := a.lastRecord()
	return !t.gone && last != nil && last.Result == Failed && last.Digest == a.engine.Masker.Seal(t.digest) && last.hookFailed()
}

// doneBefore are the hooks that succeeded in an attempt at the same target that
// failed: a retry goes on after them.
func (a *app) doneBefore(t *target, j *job) map[string]bool {
	done := map[string]bool{}
	last := a.lastRecord()
	if !j.cause.check() || last == nil || last.Result != Failed || last.Digest != a.engine.Masker.Seal(t.digest) {
		return done
	}
	for _, h := range last.Hooks {
		if h.Result == live.HookSucceeded {
			done[h.Phase+" "+h.Key] = true
		}
	}
	return done
}

// Error says of a failed hook what there is to say, on several lines.
func (f hookFailure) Error() string {
	text := fmt.Sprintf("%s hook %s failed: %s", f.phase, f.id, f.reason)
	if len(f.log) > 0 {
		text += "\nits last lines:\n  " + strings.Join(f.log, "\n  ")
	}
	return text
}

// hookFailure is a hook that failed, with what its pod said last.
type hookFailure struct {
	phase  manifest.Phase
	id     manifest.ID
	reason string
	log    []string
}
