package plan

import (
	"context"
	"errors"
	"iter"
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
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/record"
)

// Parallel is how many requests one plan or one stage has under way. Beyond
// 8 the API server gained nothing on two cores, and 32 nothing lost
// (measured); API Priority and Fairness does the limiting.
const Parallel = 16

// news are what a plan has found out once for all objects: whether namespaces are missing, and of
// other ApplySets whose they are and what is to be masked of them.
type news struct {
	sync.Mutex
	missing map[string]func() bool
	holders map[string]func() holder // by ApplySet
	maskers map[string]manifest.Masker
}

// API is the part of a cluster's API server that a plan needs: reading and dry-runs. A
// *kube.Cluster is one.
type API interface {
	Name() string
	Kind(ctx context.Context, gvk schema.GroupVersionKind) (kube.Kind, error)
	KindOf(ctx context.Context, gk schema.GroupKind) (kube.Kind, error)
	Served(ctx context.Context, gk schema.GroupKind) (kind kube.Kind, served bool, err error)
	Vet(ctx context.Context, definitions *kube.Schemas) manifest.Problems
	HasNamespace(ctx context.Context, name string) (bool, error)
	Get(ctx context.Context, kind kube.Kind, namespace, name string) (*unstructured.Unstructured, error)
	TryOut(ctx context.Context, kind kube.Kind, u *unstructured.Unstructured) (exists bool, err error)
	Rehearse(ctx context.Context, kind kube.Kind, o *manifest.Object) manifest.Problems
	Apply(ctx context.Context, kind kube.Kind, u *unstructured.Unstructured, options kube.ApplyOptions) (*unstructured.Unstructured, error)
	Replace(ctx context.Context, kind kube.Kind, u *unstructured.Unstructured, version string, dryRun bool) (*unstructured.Unstructured, error)
	Explain(ctx context.Context, o *manifest.Object, err error) manifest.Problems
}

// Index is the part of the index of running objects that a plan needs. A *live.Index is
// one.
type Index interface {
	Follow(ctx context.Context, kinds ...kube.Kind) error
	Fresh(ctx context.Context, moment time.Time, kinds ...kube.Kind) error
	Sight
	Lacks(id manifest.ID) bool
	Beyond(partOf string, ids iter.Seq[manifest.ID]) []live.Entry
	EntryOf(u *unstructured.Unstructured) live.Entry
	Tools() owner.Tools
}

// Others answers a plan's questions about the server's other apps.
type Others interface {
	// Home returns the repository of an app, and whether its branch could not be
	// rendered. ok is false if there is no such app.
	Home(app name.App) (repo name.Repo, unrendered, ok bool)
	// Holder returns the repository that has what carries an app's label on a cluster,
	// and whether the app's branch could not be rendered. ok is false if it is no
	// repository of this server.
	Holder(ctx context.Context, app name.App, cluster string) (repo name.Repo, unrendered, ok bool, err error)
	// WhyLeft says why an app of this server has left objects on its cluster, or would leave
	// those that it has when it is removed; "" if that is not known.
	WhyLeft(app name.App) string
	// Asking returns an app, but none of those that are left out, that has
	// createNamespace make a namespace; "" if there is none.
	Asking(cluster string, namespace manifest.ID, but map[name.App]bool) name.App
	// Released reports whether an object is given up by the repository that has it, and
	// the grant of that one gives it.
	Released(ctx context.Context, r Release) bool
	// Hidden are the values that the objects of an app have out of Secrets.
	Hidden(app name.App) []string
}

// Release is an object of an app that one repository would give up to another one.
type Release struct {
	App      name.App
	From, To name.Repo
	Cluster  string
	ID       manifest.ID
}

// Trials remembers which hooks were found sound, by their digests.
type Trials interface {
	Sound(id manifest.ID, digest string) bool
	NoteSound(id manifest.ID, digest string)
}

// Depth is how far a plan goes beyond the objects that seem to have changed. A greater
// depth includes all smaller ones.
type Depth int

// The depths.
const (
	BySight Depth = iota // ask the cluster only about objects that seem to have changed
	ByTrial              // try every object on the cluster
	ByForce              // recreate objects that cannot be changed in place, take back fields from other appliers
)

// Planner plans one app. It only reads: nothing on the cluster changes.
type Planner struct {
	API     API
	Index   Index
	Others  Others
	Ledger  *Ledger // of the app
	Trials  Trials  // of the app's hooks
	Target  *Target
	Wanted  *Target      // the target that the app has now; nil for none
	Forcing bool         // Wanted is being brought to the cluster by force, and is not all there
	Depth   Depth        // how far the plan goes
	Partial bool         // only some of the target's objects are looked at
	Fresh   time.Time    // running objects must be known as of then, from the server itself; zero: as the watches know them
	Remake  bool         // recreate the objects that ask for it at each deploy
	With    *Companions  // the other parts of the push
	Claims  *Claims      // the claims of every app
	Within  Bounds       // what of the app may be deleted
	InPlace bool         // what is kept outside of the grant names its place, for those who may read it
	Strays  []live.Entry // objects of the app that have lost its label
	Masker  manifest.Masker
	Reader  Reader // of the problems
	// Disputed are objects that another app wants as well, which is a problem already.
	Disputed map[manifest.ID]bool
	Parent   kube.Parent // has no kinds if the app was never applied

	news *news
	set  string // the app's ApplySet
}

// Plan compares the objects with the running ones.
func (p *Planner) Plan(ctx context.Context, objects []Placed) (*Plan, manifest.Problems, error) {
	plan := &Plan{
		App: p.Target.Spec.Name, Cluster: p.API.Name(), Revision: p.Target.Revision,
		Gone: p.Target.Gone, Partial: p.Partial, Made: time.Now(), Digest: p.Target.Digest, Target: p.Target,
	}
	p.news, p.set = &news{missing: map[string]func() bool{}, holders: map[string]func() holder{}, maskers: map[string]manifest.Masker{}}, SetID(p.Target.Spec.Name)
	if err := p.follow(ctx, objects); err != nil {
		return nil, nil, err
	}
	plan.First = p.isFirst()
	same, kept, rest := p.fold(plan, withoutSkipped(objects))
	steps, problems, err := p.steps(ctx, rest)
	if err != nil {
		return nil, nil, err
	}
	plan.Same, steps = same, append(steps, kept...)
	steps, plan.Hooks = splitHooks(steps)
	hoistNamespaces(steps)
	SortSteps(steps)
	plan.Steps = steps
	if !p.Partial {
		p.former(ctx, plan, objects)
	}
	if p.Remake && !plan.Empty() {
		plan.remake(p.Target)
	}
	return plan, problems, nil
}

// isFirst reports whether nothing of the app is on the cluster yet, but for hooks
// and the namespaces that were made for them: they may have failed.
func (p *Planner) isFirst() bool {
	return !p.Index.Has(p.set, func(entry *live.Entry) bool {
		return entry.ID.GroupKind() != manifest.NamespaceKind && p.Ledger.Made(*entry)
	})
}

// follow has the index cover every kind that the app has or had.
func (p *Planner) follow(ctx context.Context, objects []Placed) error {
	kinds := map[schema.GroupKind]kube.Kind{}
	for _, kind := range kindsOf(objects) {
		if !p.With.Pending(kind) {
			kinds[kind.GVK.GroupKind()] = kind
		}
	}
	for _, gk := range p.Parent.Kinds {
		kind, served, err := p.API.Served(ctx, gk)
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
	if !p.Fresh.IsZero() {
		return p.Index.Fresh(ctx, p.Fresh, list...)
	}
	return p.Index.Follow(ctx, list...)
}

// steps plans the objects in parallel. An error means that the cluster did not answer;
// mistakes of an object are problems.
func (p *Planner) steps(ctx context.Context, objects []Placed) ([]Step, manifest.Problems, error) {
	steps := make([]Step, len(objects))
	found := make([]manifest.Problems, len(objects))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(Parallel)
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
		steps[i].Refused = len(found[i]) > 0
		for _, problem := range found[i] {
			problem.App = p.Target.Spec.Name
			problems = append(problems, problem)
		}
	}
	return steps, problems, nil
}

// newStep is a step that does nothing yet.
func newStep(o Placed) Step {
	return Step{ID: o.Key, Object: o.Object, Written: o.Written, Kind: o.Kind, Digest: o.Digest, Ignored: o.Ignored, Policy: o.Policy, Action: record.Unchanged}
}

// unchanged reports whether an object needs no request: neither it nor the fields that
// we own of it have changed since it was last applied, and no definition comes that it
// has to follow.
func (p *Planner) unchanged(o *Placed) (live.Entry, bool) {
	if p.Depth > BySight || p.Target.Blind || o.Policy.Phase != 0 || p.With.Pending(o.Kind) {
		return live.Entry{}, false
	}
	entry, there := p.Index.Get(o.Key)
	return entry, there && LeftAs(o.Policy.Policies, entry, true) == "" && p.isAsLeft(o, entry)
}

// isAsLeft reports whether the object is as the app's last apply left it, or found it.
func (p *Planner) isAsLeft(o *Placed, entry live.Entry) bool {
	return entry.PartOf == p.set && p.Ledger.IsAsLeft(o.Digest, entry)
}

// stay is the step of an object that does not change.
func (p *Planner) stay(o *Placed, entry live.Entry) Step {
	step := newStep(*o)
	step.Say(o.Note)
	step.Entry = entry
	if entry.Ended != "" {
		p.Ledger.NoteEnd(o.Key, entry.Ended)
	}
	return step
}

// step plans one object.
func (p *Planner) step(ctx context.Context, o Placed) (Step, manifest.Problems, error) {
	o.Make(p.Target)
	step := newStep(o)
	entry, ok := p.Index.Get(o.Key)
	if p.Target.Blind && !p.mayCompare(o, entry) {
		return p.unseen(ctx, o, step)
	}
	if o.Policy.Phase != 0 {
		step.Object = o.createWhole()
		return p.HookStep(ctx, o, step)
	}
	if reason := LeftAs(o.Policy.Policies, entry, ok); reason != "" {
		return step.Leave(entry, reason), nil, nil
	}
	step.Say(o.Note)
	if ok && p.Depth == BySight && p.isAsLeft(&o, entry) {
		step = p.stay(&o, entry)
		return step, p.With.Schemas.Validate(ctx, o.Object), nil // by a definition that the push changes
	}
	if p.Ledger.HasEnded(o.Key, o.Digest) && p.Index.Lacks(o.Key) {
		step.Ended, step.Note = true, "done, and deleted since"
		return step, nil, nil
	}
	if p.With.Pending(o.Kind) {
		return p.comesWithDefinition(ctx, o, step)
	}
	if planned, problems, ok := p.planNew(ctx, o, step); ok {
		return planned, problems, nil
	}
	running, err := p.running(ctx, o)
	if err != nil {
		return step, p.explain(ctx, o, err), Unreachable(err)
	}
	if running != nil {
		step.Entry = p.Index.EntryOf(running)
		if reason := LeftAs(o.Policy.Policies, step.Entry, true); reason != "" {
			return step.Leave(step.Entry, reason), nil, nil
		}
		if p.Target.IsMade(o.Object) && !p.isOurs(ctx, o, step.Entry) {
			return step.Leave(step.Entry, "exists already, and stays when the app goes"), nil, nil
		}
		if problem := p.owner(ctx, o, &step); problem != nil {
			return step, manifest.Problems{*problem}, nil
		}
	}
	return p.compare(ctx, o, step, running)
}

// running reads the object from the cluster; nil if it is not there.
func (p *Planner) running(ctx context.Context, o Placed) (*unstructured.Unstructured, error) {
	running, err := p.API.Get(ctx, o.Kind, o.Key.Namespace, o.Key.Name)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	return running, err
}

// compare asks the API server what would change if the object were applied.
func (p *Planner) compare(ctx context.Context, o Placed, step Step, running *unstructured.Unstructured) (Step, manifest.Problems, error) {
	if running != nil && step.Entry.Terminating {
		return p.planAnew(ctx, o, step, running)
	}
	if running == nil {
		o.createWhole()
	}
	o.Object = o.Copy() // for fields may be added and removed
	step.Object = o.Object
	p.keepIgnored(o, running)
	after, err := p.tryOut(ctx, o, running)
	switch {
	case err == nil && running == nil:
		step.Action = record.Create
		return step, nil, nil
	case err == nil:
		return p.settle(ctx, o, step, running, after)
	case running == nil && p.namespaceEnds(o, err):
		step.Action, step.Dying, step.Note = record.Create, true, "its namespace is being deleted"
		return step, nil, nil
	case running == nil && p.comesWithNamespace(o, err):
		step.Action = record.Create
		return step, p.API.Rehearse(ctx, o.Kind, o.Object), nil
	case running != nil && p.mayRecreate(o, step) && kube.IsImmutable(err):
		return p.recreate(ctx, o, step, running)
	}
	if planned, problems, ok, failed := p.unhindered(ctx, o, step, running, err); ok || failed != nil {
		return planned, problems, failed
	}
	return step, p.explain(ctx, o, err), Unreachable(err)
}

// comesWithNamespace reports whether the object could not be tried because its
// namespace comes with the same push.
func (p *Planner) comesWithNamespace(o Placed, err error) bool {
	return IsNamespaceMissing(err) && (p.With.Namespaces[o.Key.Namespace] || p.With.Unread)
}

// recreate plans to delete the object and make it again, and checks it as if
// it were new.
func (p *Planner) recreate(ctx context.Context, o Placed, step Step, running *unstructured.Unstructured) (Step, manifest.Problems, error) {
	step.Action = record.Recreate
	step.Changes = p.written(o, running)
	step.Object = o.createWhole()
	if !o.Kind.Namespaced {
		return step, nil, nil
	}
	return step, p.API.Rehearse(ctx, o.Kind, o.Object), nil
}

// IsNamespaceMissing reports whether a request failed because its namespace
// does not exist.
func IsNamespaceMissing(err error) bool {
	var status apierrors.APIStatus
	if !apierrors.IsNotFound(err) || !errors.As(err, &status) {
		return false
	}
	details := status.Status().Details
	return details != nil && details.Kind == "namespaces"
}

// former enters the objects that the app owns and the revision no longer has. Another app
// that wants one gets it; the rest is deleted, unless prune is false, the grant does not give
// it, or it is released to another repository, which may still take it.
func (p *Planner) former(ctx context.Context, plan *Plan, objects []Placed) {
	skipped := map[manifest.ID]bool{} // a skipped object leaves alone the one that runs
	wanted := func(yield func(manifest.ID) bool) {
		for i := range objects {
			switch o := &objects[i]; {
			case o.Policy.IsSkipped():
				skipped[o.Key] = true
			case !yield(o.Key):
				return
			}
		}
	}
	if len(p.Strays) == 0 && p.Ledger.HasOnly(p.Index, p.set, plan) {
		return // as nearly always
	}
	for _, entry := range p.beyond(wanted) {
		switch {
		case skipped[entry.ID] || !p.Ledger.Made(entry) || kube.IsSystem(entry.ID):
			continue
		case entry.Terminating:
			plan.Dying = append(plan.Dying, Step{ID: entry.ID, Action: record.Unchanged, Note: Deletion(entry), Entry: entry})
			continue
		}
		heir := p.Claims.Heir(p.Target.Spec.Name, p.API.Name(), entry.ID)
		switch {
		case heir != "":
			step := Step{ID: entry.ID, Action: record.Hand, Note: "moved to " + Naming(heir, p.Target, p.With, p.Others), Entry: entry}
			if isOf(p.Target, heir, p.With, p.Others) {
				step.Other = heir
			}
			plan.Moved = append(plan.Moved, step)
		case p.Target.Spec.ReleasedTo(entry.ID) != "":
			note := "released to " + string(p.Target.Spec.ReleasedTo(entry.ID)) + ", kept until it is deployed there"
			plan.Outside = append(plan.Outside, Step{ID: entry.ID, Action: record.Unchanged, Note: note, Entry: entry})
		case p.Target.Spec.Prune && p.Within.Kept(ctx, entry.ID) != "":
			plan.Outside = append(plan.Outside, Step{ID: entry.ID, Action: record.Unchanged, Note: p.Within.Kept(ctx, entry.ID), Entry: entry})
		case p.Target.Spec.Prune:
			step := p.pruneStep(entry)
			if other := AlsoAsks(p.Target, p.With, p.Others, entry.ID); other != "" {
				step.Action, step.Note = record.Release, "kept, for "+Naming(other, p.Target, p.With, p.Others)+" asks for it as well"
			}
			plan.Prune = append(plan.Prune, step)
		case plan.Gone:
			plan.Kept++
		}
	}
	hoistNamespaces(plan.Prune)
	SortSteps(plan.Moved)
	SortSteps(plan.Dying)
	SortSteps(plan.Outside)
	SortSteps(plan.Prune)
	slices.Reverse(plan.Prune)
}

// explain turns an error about one object into problems. It returns none if the cluster
// did not answer, which is reported once for all objects.
func (p *Planner) explain(ctx context.Context, o Placed, err error) manifest.Problems {
	if Unreachable(err) == nil {
		return p.API.Explain(ctx, o.Object, err)
	}
	return nil
}

// Unreachable returns err if it says that the cluster did not answer.
func Unreachable(err error) error {
	if err != nil && (kube.IsUnreachable(err) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return err
	}
	return nil
}

// comparableOf copies an object without the API server's own fields, and without the
// label by which we own it.
func comparableOf(u *unstructured.Unstructured) *unstructured.Unstructured {
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
