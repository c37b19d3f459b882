package deploy

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

// ErrNoTests is for an app that has none.
var ErrNoTests = errors.New("has no tests")

// Test has the tests of an app run: the hooks that its chart has for that (helm.sh/hook:
// test), wave by wave, as helm test does. They run when the app's worker has
// nothing else to do, and a newer deploy ends the wait for them. It is no deploy:
// nothing is recorded. The outcome of the run is Deployed if all have succeeded.
func (e *Engine) Test(app name.App) (*Run, error) {
	a := e.app(app)
	if a == nil {
		return nil, fmt.Errorf("app %q not found", app)
	}
	run := newTestRun(app)
	if !a.queue.addTests(run) {
		run.finish(record.Record{App: app, Result: record.Failed})
		return nil, fmt.Errorf("app %s has tests waiting already", app)
	}
	if a.isOver() {
		a.abandon()
	}
	return run, nil
}

// newTestRun begins a run of tests. Its number is not that of any deploy, and differs
// each time: objects with generated names get their own.
func newTestRun(app name.App) *Run { return newRun(app, -int(time.Now().UnixMilli())) }

// IsTest reports whether the run shows tests: there is no record of it.
func (r *Run) IsTest() bool { return r.Number < 0 }

// test runs the tests, and contains a panic as attempt.run does.
func (a *app) test(run *Run) {
	rec := record.Record{App: a.name, Result: record.Failed}
	wait, done := a.queue.wait(a.engine.ctx)
	defer done()
	defer func() {
		if cause := recover(); cause != nil {
			a.engine.Log.WithField("app", a.name).WithField("stack", string(debug.Stack())).Errorf("panic in a test: %v", cause)
			rec.Message = crashMessage
		}
		enterCancel(wait, &rec)
		run.finish(rec)
	}()
	hooks, err := a.runTests(wait, run)
	rec.Hooks = hooks
	took := manifest.Took(time.Since(run.started))
	switch by := apply.CancelledBy(wait); {
	case err == nil:
		rec.Result = record.Deployed
		run.Printf("%s: %s passed in %s", a.name, manifest.Plural(len(hooks), "test"), took)
		return
	case errors.Is(err, ErrNoTests):
		rec.Message = err.Error()
		return
	case by != "":
		run.Printf("%s: tests cancelled by %s after %s", a.name, by, took)
		return
	case errors.Is(err, apply.ErrSuperseded):
		rec.Message = "the tests were left: " + err.Error()
	default:
		rec.Message = err.Error()
	}
	run.Printf("%s: tests failed after %s\n%s", a.name, took, rec.Message)
}

// runTests runs the tests of the deployed revision.
func (a *app) runTests(wait context.Context, run *Run) ([]record.HookResult, error) {
	t := a.wanted()
	switch {
	case t == nil || t.Gone || a.engine.Clusters.Get(t.Spec.Cluster) == nil:
		return nil, errors.New("the app is not deployed")
	case !a.settled(t):
		return nil, fmt.Errorf("%s is not deployed; status %s says why", t.Revision.Short(), a.name)
	}
	plan, err := a.planTests(wait, t)
	if err != nil {
		return nil, err
	}
	run.Printf("%s: testing %s", a.name, t.Revision.Short())
	w := apply.New(apply.Order{
		App: a.site(t), Target: &t.Target, Plan: plan, Log: run, Wait: wait,
		Number: run.Number, ID: a.engine.deployedID(t), Last: a.lastRecord(),
	})
	err = w.Test()
	return w.Hooks(), err
}

// resolveNow asks the cluster of a target where the objects of a part of it are, which may
// be all of it. The problems are all that is wrong with them, and with definitions that come
// with the target.
func (a *app) resolveNow(ctx context.Context, t, part *target) (*plan.Companions, []plan.Placed, manifest.Problems, error) {
	cluster := a.engine.Clusters.Get(t.Spec.Cluster)
	if err := cluster.ready(ctx); err != nil {
		return nil, nil, nil, err
	}
	api, within := a.engine.lookerOf(t).api, a.engine.within(t.Repo, cluster)
	with := plan.NewCompanions([]*plan.Target{&t.Target}, a.knows)
	problems := with.Vet(ctx, api, within)
	objects, unresolved := plan.Resolve(ctx, api, &part.Target, with, within)
	return with, objects, append(problems, unresolved...), nil
}

// planTests plans only the tests, each with a dry-run unless it is the one that passed
// last.
func (a *app) planTests(ctx context.Context, t *target) (*plan.Plan, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	with, objects, problems, err := a.resolveNow(ctx, t, t)
	switch {
	case err != nil:
		return nil, err
	case len(problems) > 0:
		return nil, report.OnceAKind(problems)
	}
	objects = slices.DeleteFunc(objects, func(o plan.Placed) bool {
		return !o.Policy.Phase.Has(manifest.Test) || o.Policy.Phase.Has(manifest.Skip)
	})
	if len(objects) == 0 {
		return nil, ErrNoTests
	}
	p := plan.Planner{API: a.engine.callerOf(t).api, With: with, Claims: a.engine.claims}
	a.engine.equip(&p, a, t)
	todo := &plan.Plan{App: a.name, Cluster: t.Spec.Cluster, Revision: t.Revision, Made: time.Now(), Digest: t.Digest, RunsHooks: true}
	for _, o := range objects {
		o.Make(&t.Target)
		step, wrong, err := p.HookStep(ctx, o, plan.Step{ID: o.Key, Object: o.Object, Kind: o.Kind, Digest: o.Digest, Policy: o.Policy})
		if err != nil {
			return nil, err
		}
		problems = append(problems, wrong...)
		todo.Hooks = append(todo.Hooks, step)
	}
	return todo, problems.Err()
}
