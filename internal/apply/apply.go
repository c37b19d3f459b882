// Package apply carries a plan out: it creates, changes and deletes the objects of one
// app on one cluster, wave by wave, runs the app's hooks in their phases, and waits for
// health by watch. It does not decide what is wanted: package plan did, and package
// deploy decides when. Every step may be repeated, and may be the last before a crash.
package apply

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// Log hears about each action, and each wait. Its methods must be safe for concurrent
// use.
type Log interface {
	Printf(format string, args ...any)
	// Event tells of one object. The detail may be empty, or of several lines.
	Event(word string, id manifest.ID, detail string)
	// Warn tells of warnings that the API server gave.
	Warn(warnings manifest.Problems)
	// WaitsFor reports the object of the current wait, and its limit; 0: none.
	WaitsFor(what string, limit time.Duration)
	// StillWaitsFor says how that wait stands.
	StillWaitsFor(what string)
}

// Order is an order to carry out a plan.
type Order struct {
	App    *App
	Target *plan.Target
	Plan   *plan.Plan
	Log    Log
	// Wait ends the waits, but nothing that is being applied: see WaitError for its causes.
	// What is applied goes on when the server is asked to stop, so that nothing is left
	// half done that need not be.
	Wait     context.Context   //nolint:containedctx // it is a setting of the whole order
	Number   int               // of the deploy
	ID       string            // identifies the target, the same in every attempt at it; short
	Corrects bool              // takes drift back: it runs no hooks, and waits for no wave to become healthy
	Told     manifest.Problems // warnings that the pusher has seen
	Prints   bool              // what hooks have printed is read, see Printed

	Last       *record.Record  // of the deploy before; nil for none
	DoneBefore map[string]bool // hooks that need not run again, by phase and key, see HookKey
}

// Work is an order at work. Its methods are called one after the other by one goroutine:
// Apply, Prune, AwaitHealthy, Complete if all goes well; AfterFailure if not; EndHooks.
type Work struct {
	Order
	cluster *Cluster
	former  Former      // the app's objects that were not healthy before
	later   []plan.Step // deletions that come when all else is healthy

	early []manifest.ID // applied for the hooks that come before everything
	under []running     // hooks under way
	ended []running
	hooks []record.HookResult

	printing sync.WaitGroup // reads what hooks have printed

	mu      sync.Mutex
	printed []Printed
	done    []plan.Step // applied
	same    int         // how many objects stayed as they were; the worker's own
	deleted []string    // manifest.ID keys
	errs    []error
	warned  warned
}

// New begins to carry an order out. Nothing has changed on the cluster when it returns.
func New(o Order) *Work {
	o.App.Hooks.reset()
	return &Work{
		Order: o, cluster: o.App.Cluster, former: newFormer(o.App.Sick(o.Target)),
		warned: warned{shown: o.Told},
	}
}

// Done lists the steps that were carried out.
func (w *Work) Done() []plan.Step { return w.done }

// Deleted lists the objects that were deleted, by their manifest.ID keys, sorted.
func (w *Work) Deleted() []string { return slices.Sorted(slices.Values(w.deleted)) }

// Same is how many of the plan's steps left their objects as they were.
func (w *Work) Same() int { return w.same }

// Hooks lists how the hooks went that have ended.
func (w *Work) Hooks() []record.HookResult { return w.hooks }

// runsHooks reports whether the hooks of the plan run.
func (w *Work) runsHooks() bool { return w.Plan.RunsHooks && !w.Corrects }

// Apply brings the plan's objects to the cluster; Prune is the other half of carrying a plan
// out. The inventory is widened first and narrowed last, so that a crash at any point loses
// track of no object.
func (w *Work) Apply() error {
	w.App.Ledger.Applied()
	defer w.App.Ledger.Applied()
	w.Log.WaitsFor("the cluster to take its objects", 0)
	if w.Plan.Empty() && !w.Target.Gone && !w.runsHooks() {
		w.withoutKept(w.Plan.Steps) // counts them
		return nil
	}
	if err := w.makeNamespace(); err != nil {
		return fmt.Errorf("make namespace %s: %w", w.Target.Spec.Namespace, err)
	}
	if w.Plan.Partial {
		return w.applyWaves() // the inventory knows them already
	}
	if err := w.widenInventory(); err != nil {
		return err
	}
	if err := w.beforeSync(); err != nil {
		return err
	}
	if err := w.applyWaves(); err != nil {
		return err
	}
	w.hurryFormerOwners()
	return nil
}

// Prune deletes the objects that the plan no longer has, except those that come last of
// all, see Complete.
func (w *Work) Prune() error {
	if w.Plan.Partial || !w.Plan.HasEffect() && !w.runsHooks() {
		return nil
	}
	now := w.Plan.Prune
	if !w.Target.Gone {
		now, w.later = plan.SplitLast(w.Plan.Prune)
	}
	if err := w.pruneWaves(now); err != nil {
		return err
	}
	if err := w.allTakenOver(); err != nil {
		return err
	}
	if w.Target.Gone {
		if err := w.afterDeletion(now); err != nil {
			return err
		}
	}
	if err := w.narrowInventory(); err != nil {
		return err
	}
	if !w.App.Ledger.HasOnly(w.cluster.Index, w.App.set(), w.Plan) {
		w.App.Ledger.Retain(w.Plan.IDs)
	}
	return nil
}

// Complete does the steps that come when everything is healthy: the deletions that had
// to wait for it, and the hooks.
func (w *Work) Complete() error {
	if err := w.pruneLater(); err != nil {
		return err
	}
	return w.runPhase(manifest.PostSync)
}

// Test runs the plan's hooks that are tests, and nothing else.
func (w *Work) Test() error {
	if err := w.widenInventory(); err != nil {
		return err
	}
	failed := w.runPhase(manifest.Test)
	if err := w.deleteHooks(w.overHooks()); err != nil {
		w.Log.Printf("warning: %v; the next test tries again", err)
	}
	return failed
}

func (w *Work) enter(step plan.Step) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = append(w.done, step)
}

func (w *Work) fail(id manifest.ID, err error) {
	w.Log.Event("failed", id, w.Target.Shown(err.Error()))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.errs = append(w.errs, fmt.Errorf("%s: %w", id, err))
}

// failure describes the failure of the stage.
func (w *Work) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch len(w.errs) {
	case 0:
		return nil
	case 1:
		return w.errs[0]
	}
	return failures(slices.Clone(w.errs))
}

// failures are the errors of several objects.
type failures []error

// Error is the first error in full, and the number of others, which are in the log.
func (f failures) Error() string { return fmt.Sprintf("%v (and %d more)", f[0], len(f)-1) }

// Unwrap returns all of them.
func (f failures) Unwrap() []error { return f }
