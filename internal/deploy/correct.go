package deploy

import (
	"cmp"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

// comparison holds the facts that decide how a check goes on.
type comparison struct {
	empty     bool   // nothing differs
	onlyLast  bool   // nothing but deletions that waited until all is healthy
	dying     bool   // something cannot be made before its deletion has come to an end
	suspended bool   // an operator has suspended the app
	closed    bool   // a window keeps drift from being taken back now
	drift     string // the app's drift setting, see appfile
}

// remedy is the next step of a check.
type remedy int

// The remedies.
const (
	leaveAlone  remedy = iota
	letItDie           // wait for the end of a deletion
	pruneLast          // make the deletions that had to wait for the app's health
	seeRecovery        // nothing differs: see whether the app has recovered, and mend its inventory
	warnOnly
	awaitWindow // leave it until a window opens
	takeBack
)

// remedy is the decision.
func (c comparison) remedy() remedy {
	switch {
	case c.suspended:
		return leaveAlone
	case c.onlyLast:
		return pruneLast
	case c.empty && c.dying:
		return letItDie
	case c.empty:
		return seeRecovery
	case c.drift == appfile.DriftOff:
		return leaveAlone
	case c.drift == appfile.DriftWarn:
		return warnOnly
	case c.closed:
		return awaitWindow
	}
	return takeBack
}

// compare finds the differences between the cluster and the target, and sees to them as
// the app's drift setting says.
func (at *attempt) compare() stageEvent {
	at.checked = true
	if err := at.planCheck(); err != nil {
		return at.compareRest(err)
	}
	at.trouble.end(setOfLooks(at.job))
	at.plan.Prune = at.due(at.target, at.plan.Prune)
	return at.seeTo(at.plan)
}

// seeTo sees to the differences that a plan would end: it tells of them, or sets the
// attempt out to take them back.
func (at *attempt) seeTo(todo *plan.Plan) stageEvent {
	t := at.target
	dying, again := todo.LeaveDying()
	if e, ended := at.seeRetakes(todo); ended {
		return e
	}
	at.finding = found(todo, t.Spec.Drift, at.suspended.current())
	closing := at.closing(t, time.Now())
	news := at.drifts.note(todo)
	c := comparison{
		empty: todo.Empty(), onlyLast: todo.OnlyLast(), dying: dying,
		suspended: at.suspended.current() != nil, closed: !closing.verdict.Corrects(), drift: t.Spec.Drift,
	}
	switch c.remedy() {
	case leaveAlone:
		return eventNothing
	case letItDie:
		return laterIf(again, eventNothing)
	case pruneLast:
		return at.pruneLast()
	case seeRecovery:
		if at.job.depth >= byInventory || !at.ownsInventory() {
			at.mendInventory(t, todo)
		}
		return at.recover()
	case warnOnly:
		return at.leave(news, "drift: warn")
	case awaitWindow:
		return at.leaveUntil(closing, news)
	}
	at.correct()
	return laterIf(again, eventDiffers)
}

// laterIf is the event e, with a rest for another attempt if again is set.
func laterIf(again bool, e stageEvent) stageEvent {
	switch {
	case !again:
		return e
	case e == eventDiffers:
		return eventInPart
	}
	return eventLater
}

// planCheck plans the changes that would bring the cluster to the target. There may be a
// plan of some of them beside an error.
func (at *attempt) planCheck() error {
	todo, err := at.replan(at.target, at.job)
	at.plan = todo
	if err == nil && at.job.fresh.IsZero() { // else the lists of a moment ago have shown it
		err = at.engine.Clusters.Get(at.target.Spec.Cluster).Index.Blind(at.set) // the plan asked nothing about objects that seem unchanged
	}
	return err
}

// compareRest is compare for an app of which the API server refuses some objects: one
// that cannot be applied must not keep the others from being corrected.
func (at *attempt) compareRest(err error) stageEvent {
	why := at.refusal(err)
	at.trouble.note(setOfLooks(at.job), why)
	at.logTrouble("check against the cluster", err)
	at.finding = Finding{Result: CheckFailed, Message: why}
	todo := at.plan
	if todo == nil {
		return eventFailed
	}
	todo.LeaveRefused()
	todo.LeaveDying()
	at.retakes.note(todo, todo.Retaking())
	todo.LeaveRetaking()
	at.drifts.note(todo)
	c := comparison{empty: todo.Empty(), suspended: at.suspended.current() != nil, closed: !at.closing(at.target, time.Now()).verdict.Corrects(), drift: at.target.Spec.Drift}
	if c.remedy() != takeBack {
		return eventFailed
	}
	at.correct()
	return eventInPart
}

// correct sets the attempt out to take drift back.
func (at *attempt) correct() {
	at.good = record.Corrected
	at.drifts.clear(at.plan)
	run := at.show()
	run.Printf("%s: drift on cluster %s", at.name, at.target.Spec.Cluster)
	for _, step := range at.plan.Changes() {
		at.printDrift(run, step)
		at.remark(run, step, at.job.looks[step.ID])
	}
}

// pruneLast sets the attempt out to make the deletions that had to wait.
func (at *attempt) pruneLast() stageEvent {
	at.good = record.Deployed
	at.show().Printf("%s: healthy, the objects to prune last can go", at.name)
	at.plan.RunsHooks = false
	return eventDiffers
}

// show gives the attempt a run of its own.
func (at *attempt) show() *Run {
	at.queue.begin(at.job)
	return at.job.run
}

// recover records that an app which had not become healthy now is, or that something
// came to its end after its deploy.
func (at *attempt) recover() stageEvent {
	t, last := at.target, at.lastRecord()
	late := last.Stands() == record.Unhealthy || last.Stands() == record.Superseded
	if !late && !at.ledger.EndsUnsaved() || last.HookFailed() {
		return eventNothing
	}
	if len(at.sick(t)) > 0 || len(at.failedAndGone(at.engine.Clusters.Get(t.Spec.Cluster).Index)) > 0 {
		return eventNothing
	}
	at.show().Printf("%s: healthy now, %s", at.name, t.Revision.Short())
	rec := at.recordOf(t, at.job, record.Deployed, "")
	rec.Same = at.ledger.Count()
	at.stamp(&rec, t)
	at.rec = &rec
	return eventNews
}

// leave tells and records differences that are left alone, once each. why is the setting, or
// the window, that has them left.
func (at *attempt) leave(news []plan.Step, why string) stageEvent {
	if len(news) == 0 {
		return eventNothing
	}
	run := at.show()
	run.Printf("%s: drift on cluster %s, left alone (%s)", at.name, at.target.Spec.Cluster, why)
	for _, step := range news {
		at.printDrift(run, step)
		at.engine.Log.WithField("app", at.name).WithField("object", step.ID.String()).
			Warnf("drift, left alone: %s", cmp.Or(whatDiffers(step), "it would be "+string(step.Action)))
	}
	at.quietly(record.DriftFound, manifest.Plural(len(news), "object")+" left as found ("+why+")", news...)
	return eventNews
}

// quietly makes the record of an attempt that changes nothing on the cluster, see
// quietRecord.
func (at *attempt) quietly(result record.Result, message string, found ...plan.Step) {
	rec := at.quietRecord(at.job, result, message, found...)
	at.rec = &rec
}

// closeCheck completes the finding of a check, and takes the app back if that was due.
func (at *attempt) closeCheck() {
	if at.noValues != "" {
		at.trouble.set(at.noValues)
		at.finding.Result, at.finding.Message = CheckFailed, at.noValues
	}
	at.finding.unrendered(at.unrenderedWhy(), at.isUnselected())
	at.rollBackLate(at.target, at.job)
}

// whatDrifted says what happened to an object, and who did it if that is known.
func whatDrifted(step plan.Step) string {
	who := step.Culprit.String()
	switch {
	case step.Action == record.Create:
		return "was deleted"
	case step.Action == record.Configure && who != "":
		return strings.TrimSuffix("changed by "+who+"; "+step.Note, "; ")
	}
	return step.Note
}

// whatDiffers is whatDrifted of a step that is not made, or not yet.
func whatDiffers(step plan.Step) string {
	return strings.Replace(whatDrifted(step), plan.TakenOver, "is not managed", 1)
}

func (a *app) printDrift(run *Run, step plan.Step) {
	run.Event("drifted", step.ID, whatDrifted(step))
	for _, change := range step.Changes {
		run.Printf("      %s\n        %s", change.Path, report.DescribeChange(change))
	}
}
