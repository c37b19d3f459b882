package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

const (
	// requestTimeout bounds one request of an apply, with its retries.
	requestTimeout = 60 * time.Second
	// A request that failed for reasons that pass is made again after
	// againFirst, then ever more slowly.
	againFirst = 100 * time.Millisecond
	againTimes = 6
)

// applying is one apply of a plan. It goes on when the server is asked to
// stop, so that nothing is left half done that need not be.
type applying struct {
	app      *app
	target   *target
	cluster  *Cluster
	run      *Run
	plan     *plan.Plan
	wait     context.Context // ends what is waited for, but nothing that is being applied
	corrects bool            // takes drift back: it runs no hooks, and waits for no wave to become healthy
	later    []plan.Step     // deletions that come when all else is healthy

	doneBefore map[string]bool // hooks that need not run again, see app.doneBefore
	early      []manifest.ID   // applied for the hooks that come before everything
	under      []running       // hooks under way
	ended      []running
	hooks      []record.HookResult

	mu      sync.Mutex
	done    []plan.Step // applied
	same    int         // how many objects stayed as they were; the worker's own
	deleted []string    // manifest.ID keys
	errs    []error
	warned  warned
}

// runsHooks reports whether the hooks of the plan run.
func (w *applying) runsHooks() bool { return w.plan.RunsHooks && !w.corrects }

// apply brings the plan's objects to the cluster; prune is the other half of
// carrying a plan out. The parent is widened first and narrowed last, so that a
// crash at any point loses track of no object. It holds what was done to each
// object, also when it failed.
func (a *app) apply(t *target, w *applying) (*applying, error) {
	a.ledger.Applied()
	defer a.ledger.Applied()
	plan := w.plan
	w.app, w.target, w.cluster = a, t, a.engine.Clusters[t.Spec.Cluster]
	if plan.Empty() && !t.Gone && !w.runsHooks() {
		w.keepAll()
		return w, nil
	}
	if err := w.makeNamespace(); err != nil {
		return w, fmt.Errorf("make namespace %s: %w", t.Spec.Namespace, err)
	}
	if plan.Partial {
		return w, w.applyWaves() // the parent knows them already
	}
	if err := w.widenParent(); err != nil {
		return w, fmt.Errorf("note the app's kinds on the cluster: %w", err)
	}
	if err := w.beforeSync(); err != nil {
		return w, err
	}
	if err := w.applyWaves(); err != nil {
		return w, err
	}
	w.hurryFormer()
	return w, nil
}

// prune deletes what the plan no longer has, but for what comes last of all, see
// pruneLater.
func (w *applying) prune() error {
	if w.plan.Partial || !w.plan.Leaves() && !w.runsHooks() {
		return nil
	}
	now := w.plan.Prune
	if !w.target.Gone {
		now, w.later = plan.SplitLast(w.plan.Prune)
	}
	if err := w.pruneWaves(now); err != nil {
		return err
	}
	if err := w.allTakenOver(); err != nil {
		return err
	}
	if w.target.Gone {
		if err := w.afterDeletion(now); err != nil {
			return err
		}
	}
	if err := w.narrowParent(); err != nil {
		return fmt.Errorf("note the app's kinds on the cluster: %w", err)
	}
	w.app.ledger.Retain(w.plan.IDs)
	return nil
}

// maxUnchanged is how many objects that stay as they are have a line each.
const maxUnchanged = 10

// printUnchanged tells of the objects that stay as they are, or of how many
// they are.
func printUnchanged(run *Run, p *plan.Plan) {
	if n := p.Counts().Unchanged; n > maxUnchanged {
		run.Printf("  %-10s  %d objects", record.Unchanged, n)
		return
	}
	for _, step := range p.WithSame() {
		switch {
		case step.Ended:
			run.event(string(record.Unchanged), step.ID, step.Note)
		case step.Action == record.Unchanged:
			run.event(string(record.Unchanged), step.ID, "")
		}
	}
}

// keepAll enters every object as unchanged.
func (w *applying) keepAll() {
	w.withoutKept(w.plan.Steps)
}

func (w *applying) enter(step plan.Step) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = append(w.done, step)
}

func (w *applying) fail(id manifest.ID, err error) {
	w.run.event("failed", id, w.target.Shown(err.Error()))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.errs = append(w.errs, fmt.Errorf("%s: %w", id, err))
}

// failure says what went wrong in the stage: the first error in full, and how
// many more there are, which the log has.
func (w *applying) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch len(w.errs) {
	case 0:
		return nil
	case 1:
		return w.errs[0]
	}
	return fmt.Errorf("%w (and %d more)", w.errs[0], len(w.errs)-1)
}

// applyStage applies the objects of a stage in parallel, and returns when what
// the next stage builds on is ready.
func (w *applying) applyStage(stage []plan.Step) error {
	if err := w.follow(stage); err != nil {
		return fmt.Errorf("watch the app's kinds: %w", err)
	}
	w.each(w.withoutKept(stage), w.applyStep)
	if err := w.failure(); err != nil {
		return err
	}
	return w.awaitDefinitions(stage)
}

// withoutKept counts the steps that do nothing, and returns the others.
func (w *applying) withoutKept(stage []plan.Step) []plan.Step {
	var rest []plan.Step
	for i := range stage {
		if step := &stage[i]; step.Action != record.Unchanged {
			rest = append(rest, *step)
			continue
		}
		w.same++
	}
	return rest
}

// each runs f for the steps, parallel at a time.
func (w *applying) each(steps []plan.Step, f func(context.Context, plan.Step)) {
	slots := make(chan struct{}, plan.Parallel)
	var group sync.WaitGroup
	for _, step := range steps {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			defer w.cluster.slot()()
			ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
			defer cancel()
			f(ctx, step)
		})
	}
	group.Wait()
}

// follow has the index cover the kinds of a stage, so that their health is
// known as soon as they are applied.
func (w *applying) follow(stage []plan.Step) error {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	kinds := map[schema.GroupKind]plan.Step{}
	for _, step := range stage {
		kinds[step.ID.GroupKind()] = step
	}
	for _, step := range kinds {
		// The definition may come with another app of the push, at this moment.
		err := again(ctx, func() error { return bySchema(step, w.cluster.Index.Follow(ctx, step.Kind)) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *applying) applyStep(ctx context.Context, step plan.Step) {
	if slices.Contains(w.early, step.ID) {
		return
	}
	if err := w.makeRoom(ctx, step); err != nil {
		w.fail(step.ID, err)
		return
	}
	ctx, heard := kube.Listen(ctx)
	var applied *unstructured.Unstructured
	err := again(ctx, func() (err error) {
		if err = w.replace(ctx, step); err != nil {
			return err
		}
		if err = w.claimFirst(ctx, step); err != nil {
			return err
		}
		applied, err = w.cluster.Kube.Apply(ctx, step.Kind, step.Object.Unstructured, kube.ApplyOptions{})
		if err == nil && step.TakesOver() {
			applied, err = w.cluster.Kube.Succeed(ctx, step.Kind, applied)
		}
		if err == nil {
			applied, err = w.takeFromHands(ctx, step, applied)
		}
		return bySchema(step, err)
	})
	if err != nil {
		w.fail(step.ID, w.plainly(ctx, step, err))
		return
	}
	w.cluster.Index.Note(applied) // first: what is late to tell of a former object of that name is not believed then
	entry := w.cluster.Index.EntryOf(applied)
	w.app.ledger.Note(step.ID, record.Noted{Digest: step.Digest, Fingerprint: entry.Fingerprint, Ended: entry.Ended})
	if now, ok := w.cluster.Index.Get(step.ID); ok && now.UID == entry.UID && now.Ended != "" {
		w.app.ledger.NoteEnd(step.ID, now.Ended)
	}
	w.enter(step)
	w.hear(step, heard)
	w.run.event(string(step.Action), step.ID, step.Note)
}

// plainly puts an API error into the words of the gate.
func (w *applying) plainly(ctx context.Context, step plan.Step, err error) error {
	if problems := w.cluster.Kube.Explain(ctx, step.Object, err); len(problems) > 0 {
		return &plainError{problems[0].Message, err}
	}
	return err
}

// plainError is an API error in other words.
type plainError struct {
	text string
	err  error
}

func (e *plainError) Error() string { return e.text }

func (e *plainError) Unwrap() error { return e.err }

// again makes a request until it succeeds, or fails for a reason that stays.
func again(ctx context.Context, request func() error) error {
	delay := againFirst
	for try := 1; ; try++ {
		err := request()
		if err == nil || try == againTimes || !passes(err) {
			return err
		}
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return err
		}
		delay *= 2
	}
}

// passes reports whether an error is of the kind that goes away by itself.
func passes(err error) bool {
	var old *oldSchemaError
	return kube.IsUnreachable(err) || kube.IsTransient(err) || apierrors.IsConflict(err) || plan.IsNamespaceMissing(err) ||
		errors.As(err, &old)
}

// oldSchemaError is the refusal of an object that its new definition allows: the
// API server still judges by the old one, as it does for some milliseconds
// after a definition has changed, and nothing tells when it stops.
type oldSchemaError struct{ error }

func (e *oldSchemaError) Unwrap() error { return e.error }

// bySchema marks the refusal of an object whose definition came with the push.
func bySchema(step plan.Step, err error) error {
	if err == nil || !step.Defined || apierrors.IsForbidden(err) {
		return err
	}
	return &oldSchemaError{err}
}

func (w *applying) delete(ctx context.Context, step plan.Step) {
	if kube.IsSystem(step.ID) {
		w.app.ledger.Forget(step.ID) // of a version that let apps have it
		return
	}
	entry, known := w.cluster.Index.Get(step.ID)
	if (known && entry.PartOf != plan.SetID(w.app.name)) || w.heir(step.ID) != "" {
		w.app.ledger.Forget(step.ID) // another app has taken it over, or is about to
		return
	}
	if plan.AlsoAsks(&w.target.Target, &plan.Companions{}, w.app.engine, step.ID) != "" {
		step.Action = record.Release // somebody asks for it who did not when it was planned
	}
	released := false
	err := again(ctx, func() (err error) {
		released, err = w.bringOut(ctx, step)
		return err
	})
	if err != nil {
		w.fail(step.ID, err)
		return
	}
	if released {
		return
	}
	w.app.ledger.Forget(step.ID)
	w.mu.Lock()
	w.deleted = append(w.deleted, step.ID.Key())
	w.mu.Unlock()
	w.run.event(string(record.Delete), step.ID, "")
}

// bringOut deletes or releases an object, if the cluster has its kind: without its
// definition there is no object. A kind that cannot be asked for is an error, since
// its objects may well be there.
func (w *applying) bringOut(ctx context.Context, step plan.Step) (released bool, err error) {
	for first := true; ; first = false {
		kind, served, err := w.cluster.Kube.Served(ctx, step.ID.GroupKind())
		switch {
		case err != nil || !served || kind.Namespaced != (step.ID.Namespace != ""): // of another scope it is another object
			return false, err
		case step.Action == record.Release:
			return true, w.release(ctx, kind, step)
		}
		if err = w.remove(ctx, kind, step); !kube.IsUnserved(err) || !first { // unserved: not as it was a moment ago
			return false, err
		}
	}
}

// remove deletes the very object that was planned, and not one that was made
// since under the same name.
func (w *applying) remove(ctx context.Context, kind kube.Kind, step plan.Step) error {
	err := w.cluster.Kube.Delete(ctx, kind, step.ID.Namespace, step.ID.Name, kube.DeleteOptions{UID: step.Entry.UID})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// awaitDefinitions waits until the custom resource definitions of a stage are
// served, and has discovery find their kinds.
func (w *applying) awaitDefinitions(stage []plan.Step) error {
	if len(stage) == 0 || stage[0].ID.GroupKind() != manifest.DefinitionKind {
		return nil
	}
	changed, done := w.cluster.Index.Changed(plan.SetID(w.app.name))
	defer done()
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	for {
		late := w.notHealthy(stage)
		if late == nil {
			w.cluster.Kube.Invalidate()
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%s is not established after %s", late.ID, requestTimeout)
		}
	}
}

func (w *applying) notHealthy(steps []plan.Step) *plan.Step {
	for i, step := range steps {
		entry, ok := w.cluster.Index.Get(step.ID)
		if !ok || !entry.Health.OK() {
			return &steps[i]
		}
	}
	return nil
}
