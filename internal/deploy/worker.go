package deploy

import (
	"context"
	"fmt"
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
)

// work does the app's jobs one after the other until the engine stops.
func (a *app) work() {
	var retry retries
	timer := time.NewTimer(retryMost)
	timer.Stop()
	defer timer.Stop()
	for {
		select {
		case <-a.queue.wake:
		case <-timer.C:
			retry = retry.due()
			a.retry()
		case <-a.hurry:
			next, atOnce := retry.hurried()
			if !atOnce {
				continue
			}
			a.engine.Log.WithField("app", a.name).Info("its cluster answers again: trying again")
			retry = next
			timer.Stop()
			a.retry()
		case <-a.gone:
		case <-a.engine.ctx.Done():
		}
		if a.isOver() {
			a.abandon()
			a.rest()
			return
		}
		retry = a.workOnce(retry, timer)
	}
}

// retry asks for another attempt. Inlined, it made the frame of work so large that the
// stacks of all apps, which wait there, could not shrink below 8 KiB.
//
//go:noinline
func (a *app) retry() { a.enqueue(systemJob(record.CauseRetry)) }

// workOnce does the job that comes next, if there is one.
func (a *app) workOnce(retry retries, timer *time.Timer) retries {
	j, overtaken := a.take()
	for _, old := range overtaken {
		at := a.newAttempt(old)
		at.why = "a newer revision came before this one was begun"
		at.run(eventSuperseded)
	}
	switch {
	case j == nil:
		return retry
	case j.kind == testJob:
		a.test(j.run)
		a.queue.rest()
		return retry
	}
	looks := j.kind == lookJob
	at := a.attempt(j)
	at.answer()
	a.rest()
	a.tellStanding()
	again := at.ending.again(at.target != nil && at.target.Gone)
	retry, wait := retry.after(again, j.kind == lookJob)
	switch {
	case wait > 0:
		timer.Reset(wait)
	case !retry.pending:
		timer.Stop()
	}
	switch {
	case !again:
		a.rescanAfter(at)
	case looks:
		a.rescanMeanwhile()
	}
	return retry
}

// rescanAfter finds the changes that came while a job was done: of all objects if it
// applied something, since most events were its own; else of those that had events.
func (a *app) rescanAfter(at *attempt) {
	unseen := a.queue.takeUnseen()
	t := a.wanted()
	switch {
	case t == nil || t.Gone || a.engine.Clusters.Get(t.Spec.Cluster) == nil:
	case at.job.run != nil && (at.job.kind != lookJob || at.plan != nil && at.plan.MakesNamespace()):
		a.rescan(t)
	default:
		a.rescanUnseen(t, unseen)
	}
}

// rescanMeanwhile is rescanAfter for a look that failed: the definition or namespace that
// it lacked may have gone meanwhile, and has to come back first.
func (a *app) rescanMeanwhile() {
	if t := a.wanted(); t != nil && !t.Gone && a.settled(t) {
		a.rescanUnseen(t, a.queue.takeUnseen())
	}
}

// abandon ends the jobs that will not be begun any more.
func (a *app) abandon() {
	for _, left := range a.queue.drain() {
		at := a.newAttempt(left)
		at.run(eventInterrupted)
		at.answer()
	}
}

// replan plans the app's current target.
func (a *app) replan(t *target, j *job) (*plan.Plan, error) {
	ctx, cancel := context.WithTimeout(a.engine.ctx, checkTimeout)
	defer cancel()
	cluster := a.engine.Clusters.Get(t.Spec.Cluster)
	if cluster == nil {
		return nil, fmt.Errorf("cluster %q is not known to this server", t.Spec.Cluster)
	}
	if err := cluster.ready(ctx); err != nil {
		return nil, err
	}
	as := a.engine.lookerOf(t)
	with := j.with
	if with == nil {
		with = plan.NewCompanions([]*plan.Target{&t.Target}, a.knows)
		if problems := with.Vet(ctx, as.api, a.engine.within(t.Repo, cluster)); len(problems) > 0 {
			return nil, problems
		}
	}
	if with.Defines() { // a definition that is gone has taken more with it
		j.widen()
	}
	if j.kind == lookJob {
		t = t.only(j.looks)
	}
	objects, problems := plan.Resolve(ctx, as.api, &t.Target, with, a.engine.within(t.Repo, cluster))
	if len(problems) > 0 {
		return nil, report.OnceAKind(problems)
	}
	objects = a.engine.withoutShared(t, objects)
	if j.kind == lookJob {
		objects = among(objects, j.looks)
	} else {
		a.engine.claimAll(a, t, objects, nil)
	}
	p := plan.Planner{API: a.engine.callerOf(t).api, With: with, Claims: a.engine.claims, Depth: a.planDepth(t, j), Fresh: j.fresh, Partial: j.kind == lookJob}
	p.Remake = !j.checks() || !a.settled(t)
	plan, problems, err := a.engine.planTarget(ctx, t, p, nil, objects)
	if err != nil {
		return nil, err
	}
	return plan, problems.Err()
}
