package deploy

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/datadir"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// attempt is one job at work: an app's worker takes it from stage to stage.
type attempt struct {
	*app
	progress
	job    *job
	target *target         // nil if nothing is wanted of the app
	wait   context.Context // for the stages that wait, see queue.wait

	good     record.Result  // the record's result if all goes well
	plan     *plan.Plan     // nil until there is one
	shown    *plan.Plan     // the plan whose warnings the pusher has seen; nil for none
	work     work           // the changes of the cluster; nil before the first
	why      string         // the reason for an ending that is not good
	rec      *record.Record // nil until the outcome is known
	finding  Finding        // for the callers that wait for a check
	checked  bool           // the app was compared with its cluster
	noValues string         // why a check could not look for new values; "" if it could
}

// newAttempt makes an attempt of a job. Its waits end with the engine.
func (a *app) newAttempt(j *job) *attempt {
	return &attempt{app: a, progress: start, job: j, target: a.wanted(), wait: a.engine.ctx, plan: j.plan, shown: j.plan}
}

// attempt does a job.
func (a *app) attempt(j *job) *attempt {
	at := a.newAttempt(j)
	wait, done := a.queue.wait(a.engine.ctx)
	defer done()
	at.wait = wait
	at.run(eventDone)
	return at
}

// advance takes the attempt to the stage that follows an event. One that its stage does not
// have is a fault of the server's own.
func (at *attempt) advance(e stageEvent) {
	to, err := at.next(e)
	if err != nil {
		at.engine.Log.WithField("app", at.name).Errorf("%v", err)
		to = progress{stage: stageEnded, ending: endedFailed, turned: at.stage}
	}
	at.progress = to
}

// run takes the attempt from the given event to its end. It contains a panic: one app that
// the server cannot cope with must not stop the others (CVE-2022-39272 was of that kind).
func (at *attempt) run(first stageEvent) {
	defer func() {
		if cause := recover(); cause != nil {
			at.engine.Log.WithField("app", at.name).WithField("stack", string(debug.Stack())).Errorf("panic in a deploy: %v", cause)
			if at.stage != stageEnded {
				at.advance(eventCrashed)
			}
			at.letGo()
		}
	}()
	for at.advance(first); at.stage != stageEnded; {
		stage, began := at.stage, time.Now()
		at.job.run.enter(stage)
		e := at.stepInHaste()
		at.job.run.leave()
		at.engine.tallies.stages.Note(string(stage), time.Since(began))
		at.advance(e)
	}
	if at.checked {
		at.closeCheck()
	}
	at.letGo()
}

// step does the part of the stage that the attempt is in.
func (at *attempt) step() stageEvent {
	switch at.stage {
	case stageJudging:
		return at.judge()
	case stageComparing:
		return at.compare()
	case stageDepending:
		return at.awaitDependencies()
	case stagePlanning:
		return at.makePlan()
	case stageApplying:
		return at.apply()
	case stageGathering:
		return at.awaitOthers()
	case stagePruning:
		return at.prune()
	case stageSettling:
		return at.awaitHealth()
	case stageConcluding:
		return at.conclude()
	case stageCleaning:
		return at.cleanUp()
	case stageRecording:
		return at.record()
	}
	return eventCrashed // no attempt rests in any other stage
}

// fail is the event of a stage that ended with err, and notes why.
func (at *attempt) fail(err error) stageEvent {
	if errors.As(err, new(*datadir.StaleError)) {
		at.engine.HandOver() // the server learns of it at the same time
	}
	isHook := at.work != nil && record.Record{Hooks: at.work.Hooks()}.HookFailed()
	e := eventOf(err, apply.CancelledBy(at.wait) != "", isHook)
	switch e {
	case eventDone, eventInterrupted:
	case eventUnhealthy, eventSuperseded:
		at.why = err.Error()
	default:
		at.why = at.target.Shown(at.refusal(err))
		at.finding = Finding{Result: CheckFailed, Message: at.why}
	}
	return e
}

// refusal is the text of an error, with what it takes to mend it if the app's account lacks
// rights.
func (at *attempt) refusal(err error) string {
	if at.target == nil || at.engine.Clusters.Get(at.target.Spec.Cluster) == nil {
		return err.Error()
	}
	ctx, cancel := context.WithTimeout(at.engine.ctx, explainTimeout)
	defer cancel()
	return at.engine.callerOf(at.target).refusal(ctx, err)
}

// failUnlessStopped is fail of a stage of which the stop of the server may be the cause.
func (at *attempt) failUnlessStopped(err error) stageEvent {
	if err != nil && at.engine.ctx.Err() != nil {
		return eventInterrupted
	}
	return at.fail(err)
}

// deploys sets the attempt out to bring the app to its target.
func (at *attempt) deploys() stageEvent {
	at.good, at.job.override = record.Deployed, at.target.override
	if at.job.run == nil {
		at.queue.begin(at.job)
	}
	at.trailBegun()
	verb := "deploying"
	if at.target.Gone {
		verb = "removing, as of"
	}
	at.job.run.Printf("%s: %s %s (deploy %s)", at.name, verb, at.target.Revision.Short(), at.job.run.ID())
	return eventDeploy
}

// awaitDependencies returns when the deploys that this one depends on have ended well.
func (at *attempt) awaitDependencies() stageEvent {
	err := at.awaitRuns()
	if err == nil {
		err = at.awaitApps()
	}
	if err == nil {
		err = at.awaitEntitling()
	}
	if err != nil && at.wait.Err() != nil {
		err = apply.WaitError(at.wait)
	}
	return at.fail(err)
}

// awaitRuns waits for the deploys of the same push.
func (at *attempt) awaitRuns() error {
	for _, run := range at.job.after {
		at.job.run.WaitsFor("app "+string(run.App)+", on which it depends (deploy "+run.ID()+")", 0)
		rec, err := run.wait(at.wait)
		if err != nil {
			return err
		}
		if !rec.Result.OK() {
			return fmt.Errorf("not begun: it depends on %s, which is %s", run.App, rec.Result)
		}
	}
	return nil
}

// awaitApps waits for any work on the apps that this one depends on.
func (at *attempt) awaitApps() error {
	for _, app := range at.target.Spec.DependsOn {
		dependency := at.engine.app(app)
		if dependency == nil {
			continue
		}
		at.job.run.WaitsFor("app "+string(app)+", on which it depends", 0)
		if err := dependency.queue.awaitRest(at.wait); err != nil {
			return err
		}
		if !dependency.isOK() {
			return fmt.Errorf("not begun: it depends on %s, which is not deployed", app)
		}
	}
	return nil
}

func (a *app) isOK() bool {
	last := a.lastRecord()
	t := a.wanted()
	return t == nil || (last != nil && a.settled(t) && last.Stands() != record.Unhealthy)
}

// planFresh is how old the gate's plan may be when it is applied. An older one is made
// again, since the cluster may have moved on.
const planFresh = 30 * time.Second

// isCurrent reports whether a plan can still be carried out at a time: it is of the target,
// nothing was applied since, and it is as fresh and as deep as the job asks.
func isCurrent(p *plan.Plan, digest string, applies int, j *job, now time.Time) bool {
	return p != nil && p.Digest == digest && p.Applies == applies && now.Sub(p.Made) <= planFresh &&
		!p.Made.Before(j.fresh) && j.depth < ByTrial
}

// makePlan keeps the gate's plan, or makes another.
func (at *attempt) makePlan() stageEvent {
	if err := at.stopRivals(); err != nil {
		return at.failUnlessStopped(err)
	}
	if at.job.entitled || !isCurrent(at.plan, at.target.Digest, at.ledger.Applies(), at.job, time.Now()) {
		todo, err := at.planAnew()
		if err != nil {
			return at.failUnlessStopped(err)
		}
		at.plan = todo
	}
	at.job.run.unchanged(at.plan)
	return eventDone
}

// crashMessage is the message of an attempt that crashed.
const crashMessage = "an error of the server itself; its log says more"

// letGo ends the attachments of a deploy that was not recorded.
func (at *attempt) letGo() {
	if at.job.run == nil {
		return
	}
	if _, ended := at.job.run.Outcome(); ended {
		return
	}
	result, why := record.Superseded, "nothing of it is wanted any more"
	switch at.ending {
	case endedInterrupted: // the next start takes it up again
		result, why = record.Failed, at.interruption()
		at.job.run.Printf("%s: %s", at.name, why)
	case endedFailed:
		result, why = record.Failed, crashMessage
	}
	at.job.run.finish(at.newRecord(at.job, result, why))
}
