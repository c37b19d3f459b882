package deploy

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// parallel is how many requests one plan or one stage has under way. Beyond
// 8 the API server gained nothing on two cores, and 32 nothing lost
// (measured); API Priority and Fairness does the limiting.
const parallel = 16

// planner plans one app. It only reads: nothing on the cluster changes.
type planner struct {
	cluster *Cluster
	app     *app
	target  *target
	force   bool        // recreate what cannot be changed in place, take back what appliers took
	partial bool        // only some of the target's objects are looked at
	fresh   time.Time   // see job
	remake  bool        // recreate what asks to be made anew at each deploy
	full    bool        // see job
	with    *companions // what else comes with the push
	claims  *claims     // what every app wants
	masker  manifest.Masker
	parent  kube.Parent // has no kinds if the app was never applied
	news    *news

	hasParent bool // the parent is known already
}

// news are the namespaces that a plan has looked for: whether they are missing.
type news struct {
	sync.Mutex
	missing map[string]bool
}

// plan compares the objects with what runs.
func (p *planner) plan(ctx context.Context, objects []resolved) (*Plan, manifest.Problems, error) {
	plan := &Plan{
		App: p.target.spec.Name, Cluster: p.cluster.Kube.Name(), Revision: p.target.revision,
		Gone: p.target.gone, partial: p.partial, made: time.Now(), digest: p.target.digest, target: p.target,
	}
	if err := p.follow(ctx, objects); err != nil {
		return nil, nil, err
	}
	plan.first = p.isFirst()
	same, kept, rest := p.fold(withoutSkipped(objects))
	steps, problems, err := p.steps(ctx, rest)
	if err != nil {
		return nil, nil, err
	}
	plan.same, steps = same, append(steps, kept...)
	steps, plan.Hooks = splitHooks(steps)
	hoistNamespaces(steps)
	sortSteps(steps)
	plan.Steps = steps
	if !p.partial {
		p.leave(plan, objects)
	}
	if p.remake && !plan.Empty() {
		plan.remake(p.target)
	}
	return plan, problems, nil
}

// isFirst reports whether nothing of the app is on the cluster yet, but for hooks
// and the namespaces that were made for them: they may have failed.
func (p *planner) isFirst() bool {
	return !p.cluster.Index.Has(setID(p.target.spec.Name), func(entry *live.Entry) bool {
		return entry.ID.GroupKind() != manifest.NamespaceKind
	})
}

// follow has the index cover every kind that the app has or had.
func (p *planner) follow(ctx context.Context, objects []resolved) error {
	kinds := map[schema.GroupKind]kube.Kind{}
	for _, o := range objects {
		if !p.with.pending(o.kind) && !o.policy.IsSkipped() {
			kinds[o.kind.GVK.GroupKind()] = o.kind
		}
	}
	for _, gk := range p.parent.Kinds {
		kind, served, err := p.cluster.Kube.Served(ctx, gk)
		if err != nil {
			return err
		}
		if served { // else its definition is gone, and so are its objects
			kinds[gk] = kind
		}
	}
	list := make([]kube.Kind, 0, len(kinds))
	for _, kind := range kinds {
		list = append(list, kind)
	}
	if !p.fresh.IsZero() {
		return p.cluster.Index.Fresh(ctx, p.fresh, list...)
	}
	return p.cluster.Index.Follow(ctx, list...)
}

// steps plans the objects in parallel. An error means that the cluster did
// not answer; what is wrong with an object is a problem.
func (p *planner) steps(ctx context.Context, objects []resolved) ([]Step, manifest.Problems, error) {
	steps := make([]Step, len(objects))
	found := make([]manifest.Problems, len(objects))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, o := range objects {
		group.Go(func() (err error) {
			steps[i], found[i], err = p.listenTo(groupCtx, o)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	var problems manifest.Problems
	for i := range found {
		steps[i].refused = len(found[i]) > 0
		for _, problem := range found[i] {
			problem.App = p.target.spec.Name
			problems = append(problems, problem)
		}
	}
	return steps, problems, nil
}

// newStep is a step that does nothing yet.
func newStep(o resolved) Step {
	return Step{ID: o.id, object: o.Object, written: o.written, kind: o.kind, digest: o.digest, ignored: o.pointers, policy: o.policy, Action: record.Unchanged}
}

// unchanged reports whether nothing has to be asked of an object: neither it nor what we
// own of it has changed since it was last applied, and no definition comes that it has
// to follow.
func (p *planner) unchanged(o *resolved) (live.Entry, bool) {
	if p.full || p.force || p.target.blind || o.policy.Phase != 0 || p.with.pending(o.kind) {
		return live.Entry{}, false // force takes back what was left to others
	}
	entry, there := p.cluster.Index.Get(o.id)
	return entry, there && leftAs(o.policy.Policies, entry, true) == "" && p.isAsLeft(o, entry)
}

// isAsLeft reports whether the object is as the app's last apply left it, or found it.
func (p *planner) isAsLeft(o *resolved, entry live.Entry) bool {
	return entry.PartOf == setID(p.target.spec.Name) && p.app.ledger.IsAsLeft(o.digest, entry)
}

// stay is the step of an object that stays as it is.
func (p *planner) stay(o *resolved, entry live.Entry) Step {
	step := newStep(*o)
	step.say(o.note)
	step.entry = entry
	if entry.Ended != "" {
		p.app.ledger.NoteEnd(o.id, entry.Ended)
	}
	return step
}

// step plans one object.
func (p *planner) step(ctx context.Context, o resolved) (Step, manifest.Problems, error) {
	o.make(p.target)
	step := newStep(o)
	entry, ok := p.cluster.Index.Get(o.id)
	if p.target.blind && !p.mayCompare(o, entry) {
		return p.unseen(ctx, o, step)
	}
	if o.policy.Phase != 0 {
		return p.hookStep(ctx, o, step)
	}
	if reason := leftAs(o.policy.Policies, entry, ok); reason != "" {
		return step.leave(entry, reason), nil, nil
	}
	step.say(o.note)
	if ok && !p.full && !p.force && p.isAsLeft(&o, entry) { // force takes back what was left to others
		step = p.stay(&o, entry)
		return step, p.with.schemas.Validate(ctx, o.Object), nil // by a definition that the push changes
	}
	if p.app.ledger.HasEnded(o.id, o.digest) && p.cluster.Index.Lacks(o.id) {
		step.ended, step.Note = true, "done, and deleted since"
		return step, nil, nil
	}
	if p.with.pending(o.kind) {
		return p.comesWithDefinition(ctx, o, step)
	}
	if planned, problems, ok := p.planNew(ctx, o, step); ok {
		return planned, problems, nil
	}
	running, err := p.running(ctx, o)
	if err != nil {
		return step, p.explain(ctx, o, err), unreachable(err)
	}
	if running != nil {
		step.entry = p.cluster.Index.EntryOf(running)
		if reason := leftAs(o.policy.Policies, step.entry, true); reason != "" {
			return step.leave(step.entry, reason), nil, nil
		}
		if p.target.isMade(o.Object) && !p.isOurs(o, step.entry) {
			return step.leave(step.entry, "exists already, and stays when the app goes"), nil, nil
		}
		if problem := p.owner(o, &step); problem != nil {
			return step, manifest.Problems{*problem}, nil
		}
	}
	return p.compare(ctx, o, step, running)
}

// running reads the object from the cluster; nil if it is not there.
func (p *planner) running(ctx context.Context, o resolved) (*unstructured.Unstructured, error) {
	running, err := p.cluster.Kube.Get(ctx, o.kind, o.id.Namespace, o.id.Name)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return running, err
}

// compare asks the API server what applying the object would change.
func (p *planner) compare(ctx context.Context, o resolved, step Step, running *unstructured.Unstructured) (Step, manifest.Problems, error) {
	if running != nil && step.entry.Terminating {
		return p.planAnew(ctx, o, step, running)
	}
	o.Object = o.Copy() // for fields may be added and removed
	step.object = o.Object
	p.keepIgnored(o, running)
	after, err := p.tryOut(ctx, o, running)
	switch {
	case err == nil && running == nil:
		step.Action = record.Create
		return step, nil, nil
	case err == nil:
		return p.settle(ctx, o, step, running, after)
	case running == nil && p.namespaceEnds(o, err):
		step.Action, step.dying, step.Note = record.Create, true, "its namespace is being deleted"
		return step, nil, nil
	case running == nil && p.comesWithNamespace(o, err):
		step.Action = record.Create
		return step, p.cluster.Kube.Rehearse(ctx, o.kind, o.Object), nil
	case running != nil && p.mayRecreate(o, step) && kube.IsImmutable(err):
		return p.recreate(ctx, o, step, running)
	}
	if planned, problems, ok, failed := p.unhindered(ctx, o, step, running, err); ok || failed != nil {
		return planned, problems, failed
	}
	return step, p.explain(ctx, o, err), unreachable(err)
}

// comesWithNamespace reports whether the object could not be tried because its
// namespace comes with the same push.
func (p *planner) comesWithNamespace(o resolved, err error) bool {
	return isNamespaceMissing(err) && (p.with.namespaces[o.id.Namespace] || p.with.partial)
}

// recreate plans to delete the object and make it again, and checks it as if
// it were new.
func (p *planner) recreate(ctx context.Context, o resolved, step Step, running *unstructured.Unstructured) (Step, manifest.Problems, error) {
	step.Action = record.Recreate
	step.Changes = p.written(o, running)
	if !o.kind.Namespaced {
		return step, nil, nil
	}
	return step, p.cluster.Kube.Rehearse(ctx, o.kind, o.Object), nil
}

// isNamespaceMissing reports whether a request failed because its namespace
// does not exist.
func isNamespaceMissing(err error) bool {
	var status apierrors.APIStatus
	if !apierrors.IsNotFound(err) || !errors.As(err, &status) {
		return false
	}
	details := status.Status().Details
	return details != nil && details.Kind == "namespaces"
}

// leave enters what the app owns and the revision no longer has: what another
// app wants now is left to it, the rest is deleted unless prune is false.
func (p *planner) leave(plan *Plan, objects []resolved) {
	skipped := map[manifest.ID]bool{} // what runs in the place of one is left there
	wanted := func(yield func(manifest.ID) bool) {
		for i := range objects {
			switch o := &objects[i]; {
			case o.policy.IsSkipped():
				skipped[o.id] = true
			case !yield(o.id):
				return
			}
		}
	}
	for _, entry := range p.cluster.Index.Beyond(setID(p.target.spec.Name), wanted) {
		switch {
		case skipped[entry.ID] || !p.made(entry) || kube.IsSystem(entry.ID):
			continue
		case entry.Terminating:
			plan.Dying = append(plan.Dying, Step{ID: entry.ID, Action: record.Unchanged, Note: deletion(entry), entry: entry})
			continue
		}
		heir := p.claims.heir(p.target.spec.Name, p.cluster.Kube.Name(), entry.ID)
		switch {
		case heir != "":
			plan.Moved = append(plan.Moved, Step{ID: entry.ID, Action: record.Hand, Note: "moved to app " + heir, app: heir, entry: entry})
		case p.target.spec.Prune:
			step := p.pruneStep(entry)
			if other := p.app.engine.alsoAsks(p.target, p.with, entry.ID); other != "" {
				step.Action, step.Note = record.Release, "kept, for app "+other+" asks for it as well"
			}
			plan.Prune = append(plan.Prune, step)
		case plan.Gone:
			plan.Kept++
		}
	}
	hoistNamespaces(plan.Prune)
	sortSteps(plan.Moved)
	sortSteps(plan.Dying)
	sortSteps(plan.Prune)
	slices.Reverse(plan.Prune)
}

// made reports whether Pushboat applied the object: somebody who copies one of
// ours copies its label too, and must not lose the copy.
func (p *planner) made(entry live.Entry) bool {
	return p.app.ledger.Has(entry.ID) || entry.Fingerprint != ""
}

// explain turns an error about one object into problems; none if the cluster
// did not answer, which is told once for all objects.
func (p *planner) explain(ctx context.Context, o resolved, err error) manifest.Problems {
	if unreachable(err) == nil {
		return p.cluster.Kube.Explain(ctx, o.Object, err)
	}
	return nil
}

// unreachable returns err if it says that the cluster did not answer.
func unreachable(err error) error {
	if err != nil && (kube.IsUnreachable(err) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return err
	}
	return nil
}

// comparable copies an object without what the API server keeps for itself,
// and without the label by which we own it.
func comparable(u *unstructured.Unstructured) *unstructured.Unstructured {
	c := u.DeepCopy()
	delete(c.Object, "status")
	metadata, ok := c.Object["metadata"].(map[string]any)
	if !ok {
		return c
	}
	for _, field := range []string{"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"} {
		delete(metadata, field)
	}
	if labels, ok := metadata["labels"].(map[string]any); ok {
		delete(labels, kube.PartOfLabel)
		if len(labels) == 0 {
			delete(metadata, "labels")
		}
	}
	return c
}
