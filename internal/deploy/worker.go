package deploy

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

const (
	// goneTimeout is how long the deletion of a whole app may take.
	goneTimeout = 5 * time.Minute
	// checkTimeout bounds the questions of one check to the cluster.
	checkTimeout = 2 * time.Minute
	// planFresh is how old the gate's plan may be when it is applied. An older
	// one is made again, since the cluster may have moved on.
	planFresh = 30 * time.Second
	// A failed deploy is tried again after retryFirst, then ever more slowly
	// up to retryMost, for as long as the branch wants it.
	retryFirst = 10 * time.Second
	retryMost  = 5 * time.Minute
)

// work does the app's jobs one after the other until the engine stops.
func (a *app) work() {
	delay := retryFirst
	var retry <-chan time.Time
	for {
		select {
		case <-a.queue.wake:
		case <-retry:
			retry = nil
			a.enqueue(systemJob(record.CauseRetry))
		case <-a.hurry:
			if retry == nil {
				continue
			}
			a.engine.Log.WithField("app", a.name).Info("its cluster answers again: trying again")
			retry, delay = nil, retryFirst
			a.enqueue(systemJob(record.CauseRetry))
		case <-a.gone:
			a.abandon()
			return
		case <-a.engine.ctx.Done():
			a.abandon()
			return
		}
		j, overtaken := a.take()
		for _, old := range overtaken {
			a.finish(old, a.newRecord(old, record.Superseded, "a newer revision came before this one was begun"))
		}
		if j == nil {
			continue
		}
		if j.kind == testJob {
			a.test(j.run)
			a.queue.rest()
			continue
		}
		looks := j.kind == lookJob
		done := a.doSafely(j)
		a.answer(j)
		a.rest()
		a.tellStanding()
		if !done && looks {
			a.lookMeanwhile()
		}
		switch {
		case !done && j.kind == lookJob && retry != nil: // tried again with the rest
			continue
		case !done:
			retry = time.After(delay)
			delay = min(2*delay, retryMost)
			continue
		case j.kind != lookJob: // what failed before was not done by looking at some objects
			retry, delay = nil, retryFirst
		}
		a.rescanAfter(j)
	}
}

// doSafely does a job and contains a panic: one app that the server cannot
// cope with must not stop the others (CVE-2022-39272 was of that kind).
func (a *app) doSafely(j *job) (done bool) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		a.engine.Log.WithField("app", a.name).WithField("stack", string(debug.Stack())).Errorf("panic in a deploy: %v", cause)
		if j.run != nil {
			j.run.finish(a.newRecord(j, record.Failed, "an error of the server itself; its log says more"))
		}
		done = false
	}()
	done = a.do(j)
	j.letGo(a)
	return done
}

// letGo ends the attachments of a deploy that turned out to have nothing to do.
func (j *job) letGo(a *app) {
	if j.run == nil {
		return
	}
	if _, ended := j.run.Outcome(); !ended {
		j.run.finish(a.newRecord(j, record.Superseded, "nothing of it is wanted any more"))
	}
}

// rescanAfter looks for what changed while a job was done: at all objects after
// one that applied something, since most events were its own; after one that
// only compared, at those of which there were events.
func (a *app) rescanAfter(j *job) {
	unseen := a.queue.takeUnseen()
	t := a.wanted()
	switch {
	case t == nil || t.Gone || a.engine.Clusters[t.Spec.Cluster] == nil:
	case j.run != nil && (j.kind != lookJob || j.plan != nil && j.plan.MakesNamespace()):
		a.rescan(t)
	default:
		a.lookAgain(t, unseen)
	}
}

// lookMeanwhile looks at the objects of which there were events while a look
// failed: the definition or namespace that it lacked may have gone meanwhile, and
// is to come back first.
func (a *app) lookMeanwhile() {
	if t := a.wanted(); t != nil && !t.Gone && a.settled(t) {
		a.lookAgain(t, a.queue.takeUnseen())
	}
}

// abandon ends the attachments of what will not be begun any more.
func (a *app) abandon() {
	for {
		j, left := a.take()
		if j != nil {
			left = append(left, j)
		}
		if len(left) == 0 {
			return
		}
		for _, old := range left {
			if old.run != nil {
				a.interrupt(old)
			}
			a.answer(old)
		}
	}
}

// do does one job and reports whether there is no need to try it again.
func (a *app) do(j *job) bool {
	t := a.wanted()
	if t == nil {
		return true
	}
	wait, done := a.queue.wait(a.engine.ctx)
	defer done()
	j.wait = wait
	if (j.cause == record.CauseSchedule || j.cause == record.CauseCheck) && a.branchMoved(t, j) {
		if len(j.askers) > 0 {
			a.enqueue(j.instead(record.CauseStart)) // they are told of the newer revision
		}
		return true // the newer revision is queued
	}
	if t.Gone && a.removed() {
		return true
	}
	if !a.settled(t) {
		j.widen() // the whole app is to be brought there
	}
	switch s := a.suspension(); {
	case j.checks() && a.settled(t):
		done := a.check(t, j)
		if j.trouble != "" {
			a.setTrouble(j.trouble)
			j.finding.Result, j.finding.Message = CheckFailed, j.trouble
		}
		j.unrendered(a.unrenderedWhy())
		a.rollBackLate(t, j)
		return done
	case s != nil && !j.checks():
		a.recordQuiet(j, record.Suspended, s.Reason)
		return true
	case s != nil: // it is deployed when it is resumed
		j.finding = Finding{Result: CheckDrifted, Message: "not deployed, " + s.Describe()}
		return true
	}
	if j.checks() && a.held(t) {
		a.rollBackLate(t, j)
		return true // for a push, or an operator
	}
	return a.deploy(t, j)
}

// branchMoved looks whether the branch is where the last push has left it, and what
// the app takes from its cluster as it was, and has it taken up anew if not.
func (a *app) branchMoved(t *target, j *job) bool {
	repo, branch := a.home()
	head, err := a.engine.Source.Head(a.engine.ctx, repo, branch)
	if err != nil || head == "" || head == t.Revision && a.takenStands(t, j) || head == a.skippedRevision() || a.engine.reservations.expect(repo, branch) {
		return false
	}
	cause := record.CauseStart
	if head == t.Revision {
		cause = record.CauseValues
	}
	if err := a.engine.arrive(a.engine.ctx, repo, cause); err != nil {
		a.setTrouble(err.Error())
		return false
	}
	return true
}

// takenStands reports whether what the app takes from its cluster is as it was. If
// that cannot be told, the app stays as it is, and its status says why.
func (a *app) takenStands(t *target, j *job) bool {
	if t.Gone || !t.Spec.Substitute.Asks() && !t.taken.Any() {
		return true
	}
	session := a.engine.Renderer.Session(nil)
	defer session.Close()
	ctx, cancel := context.WithTimeout(a.engine.ctx, requestTimeout)
	defer cancel()
	stands, err := session.Stands(ctx, t.Spec, t.taken)
	if err != nil {
		a.logTrouble("look for new values", err)
		j.trouble = err.Error()
	}
	return err != nil || stands
}

// deploy brings the app's newest revision to the cluster.
func (a *app) deploy(t *target, j *job) bool {
	if j.run == nil {
		a.queue.begin(j)
	}
	verb := "deploying"
	if t.Gone {
		verb = "removing, as of"
	}
	j.run.Printf("%s: %s %s (deploy %s)", a.name, verb, report.ShortRevision(t.Revision), j.run.ID())
	if err := a.awaitDependencies(j.wait, t, j); err != nil {
		if errors.Is(context.Cause(j.wait), errSuperseded) {
			a.finish(j, a.newRecord(j, record.Superseded, errSuperseded.Error()))
			return true
		}
		return a.fail(t, j, err)
	}
	plan := j.plan
	if plan == nil || plan.Digest != t.Digest || plan.Applies != a.ledger.Applies() || time.Since(plan.Made) > planFresh ||
		plan.Made.Before(j.fresh) || j.depth == byTrial {
		var err error
		if plan, err = a.replan(t, j); err != nil {
			return a.fail(t, j, err)
		}
	}
	printUnchanged(j.run, plan)
	return a.carryOut(t, j, plan, record.Deployed)
}

// awaitDependencies returns when the deploys that this one depends on have
// ended, with an error if one of them did not end well.
func (a *app) awaitDependencies(ctx context.Context, t *target, j *job) error {
	for _, run := range j.after {
		j.run.waitsFor("app "+run.App+", on which it depends (deploy "+run.ID()+")", 0)
		rec, err := run.wait(ctx)
		if err != nil {
			return err
		}
		if !rec.Result.OK() {
			return fmt.Errorf("not begun: it depends on %s, which is %s", run.App, rec.Result)
		}
	}
	for _, name := range t.Spec.DependsOn {
		dependency := a.engine.app(name)
		if dependency == nil {
			continue
		}
		j.run.waitsFor("app "+name+", on which it depends", 0)
		if err := dependency.queue.awaitRest(ctx); err != nil {
			return err
		}
		if !dependency.isOK() {
			return fmt.Errorf("not begun: it depends on %s, which is not deployed", name)
		}
	}
	return nil
}

func (a *app) isOK() bool {
	last := a.lastRecord()
	t := a.wanted()
	return t == nil || (last != nil && a.settled(t) && last.Stands() != record.Unhealthy)
}

// carryOut applies a plan, prunes once all of the push is applied, waits for
// health and records the result.
func (a *app) carryOut(t *target, j *job, plan *plan.Plan, good record.Result) bool {
	shown := j.plan.Warnings()
	j.plan = plan
	a.hooks.reset()
	j.run.waitsFor("the cluster to take its objects", 0)
	j.run.before = newFormerly(a.sick(t))
	done, err := a.apply(t, &applying{
		run: j.run, plan: plan, wait: j.wait, corrects: good == record.Corrected, patient: good != record.Corrected,
		runsHooks: good != record.Corrected && plan.RunsHooks, doneBefore: a.doneBefore(t, j),
		warned: warned{shown: shown},
	})
	j.run.setApplied()
	if err == nil && plan.Defines() {
		a.engine.checkTroubled(t.Spec.Cluster)
	}
	if err == nil {
		err = j.awaitOthers(t)
	}
	if err == nil {
		err = done.prune()
	}
	rec := a.newRecord(j, good, "")
	a.account(&rec, done)
	done.tellWarnings()
	a.stamp(&rec, t)
	switch {
	case errors.Is(err, errInterrupted):
		a.interrupt(j)
		return true
	case errors.Is(err, errSuperseded):
		rec.Result, rec.Message = record.Superseded, err.Error()
		rec.Digest, rec.Content = "", "" // only in part
	case err != nil:
		rec.Result, rec.Message = record.Failed, t.Shown(err.Error())
		j.finding.Result, j.finding.Message = CheckFailed, t.Shown(err.Error())
	case t.Gone:
		rec.Result, rec.Renamed = record.Removed, plan.RenamedTo()
	case good == record.Corrected: // its health shows in status; the worker is needed for the next drift
	default:
		a.clearDrift(plan) // whatever was left alone until now
		verdict := a.waitHealthy(j.wait, t, j.run)
		a.sayDying(t, j.run)
		if verdict == interrupted {
			a.interrupt(j)
			return true
		}
		verdict.enter(&rec)
	}
	if err == nil && rec.Result.OK() {
		a.complete(done, &rec)
	}
	if errors.Is(done.stopped, errInterrupted) {
		a.interrupt(j)
		return true
	}
	enterCancel(j.wait, &rec)
	a.endHooks(j, done, &rec)
	done.tellWarnings() // of hooks
	rec.Warnings = done.recordedWarnings()
	a.finish(j, rec)
	return rec.Result != record.Failed || (rec.HookFailed() || rec.Cancelled != "") && !t.Gone
}

// fail records a deploy that could not be begun. The same failure again, found
// by a retry, is not recorded twice.
func (a *app) fail(t *target, j *job, err error) bool {
	if a.engine.ctx.Err() != nil {
		a.interrupt(j)
		return true
	}
	j.finding = Finding{Result: CheckFailed, Message: t.Shown(err.Error())}
	rec := a.newRecord(j, record.Failed, t.Shown(err.Error()))
	a.stamp(&rec, t)
	enterCancel(j.wait, &rec)
	a.finish(j, rec)
	return rec.Cancelled != "" && !t.Gone
}

// interrupt ends a deploy that the stop of the server cut short. It is not
// recorded, so that the next start takes it up again.
func (a *app) interrupt(j *job) {
	message := "the server is stopping; the deploy goes on when it starts again"
	if j.kind == testJob {
		message = "the server is stopping; the tests were not run"
	}
	rec := a.newRecord(j, record.Failed, message)
	j.run.Printf("%s: %s", a.name, rec.Message)
	j.run.finish(rec)
}

// replan plans the app as it is wanted now.
func (a *app) replan(t *target, j *job) (*plan.Plan, error) {
	ctx, cancel := context.WithTimeout(a.engine.ctx, checkTimeout)
	defer cancel()
	cluster := a.engine.Clusters[t.Spec.Cluster]
	if cluster == nil {
		return nil, fmt.Errorf("cluster %q is not known to this server", t.Spec.Cluster)
	}
	if err := cluster.ready(ctx); err != nil {
		return nil, err
	}
	with := j.with
	if with == nil {
		with = plan.NewCompanions([]*plan.Target{&t.Target}, a.knows)
		if problems := with.Vet(ctx, cluster.Kube); len(problems) > 0 {
			return nil, problems
		}
	}
	if with.Defines() { // a definition that is gone has taken more with it
		j.widen()
	}
	if j.kind == lookJob {
		t = t.only(j.looks)
	}
	objects, problems := plan.Resolve(ctx, cluster.Kube, &t.Target, with)
	if len(problems) > 0 {
		return nil, report.OnceAKind(problems)
	}
	objects = a.engine.withoutShared(t, objects)
	if j.kind == lookJob {
		objects = looked(objects, j.looks)
	} else {
		a.engine.claimAll(a, t, objects, nil)
	}
	p := plan.Planner{With: with, Claims: a.engine.claims, Force: j.force || t.forced && !a.settled(t), Fresh: j.fresh, Full: j.depth == byTrial, Partial: j.kind == lookJob}
	p.Remake = !j.checks() || !a.settled(t)
	plan, problems, err := a.engine.planTarget(ctx, t, p, nil, objects)
	if err != nil {
		return nil, err
	}
	return plan, problems.Err()
}

func (a *app) troubled() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.trouble != ""
}
