package deploy

import (
	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// work is a plan that is being carried out. An *apply.Work is one.
type work interface {
	Apply() error
	Prune() error
	AwaitHealthy() error
	Complete() error
	AfterFailure()
	EndHooks(*record.Record)

	TellWarnings()
	TellDying()

	Done() []plan.Step
	Deleted() []string
	Same() int
	Hooks() []record.HookResult
	Warnings() []record.Warning
	Printed() []apply.Printed
}

func carryOut(o apply.Order) work { return apply.New(o) }

// The stages that carry a plan out, in their order.

// apply brings the plan's objects to the cluster.
func (at *attempt) apply() stageEvent {
	at.work = at.engine.carry(at.order(at.plan, at.job.run))
	err := at.work.Apply()
	at.job.run.setApplied()
	if err == nil && at.plan.Defines() {
		at.engine.checkTroubled(at.target.Spec.Cluster)
	}
	return at.fail(err)
}

// order is the order to carry out a plan.
func (at *attempt) order(todo *plan.Plan, log apply.Log) apply.Order {
	return apply.Order{
		App: at.site(at.target), Target: &at.target.Target, Plan: todo, Log: log, Wait: at.wait,
		Number: at.job.number(), ID: at.engine.deployedID(at.target), Corrects: at.good == record.Corrected,
		Told: at.shown.Warnings(), Prints: true, Last: at.lastRecord(), DoneBefore: at.doneBefore(at.target, at.job),
	}
}

// deployedID identifies a target in a few letters.
func (e *Engine) deployedID(t *target) string {
	return e.Masker.Seal(t.Digest + string(t.Revision))[:16]
}

// prune deletes the objects that the plan no longer has.
func (at *attempt) prune() stageEvent {
	e := at.fail(at.work.Prune())
	switch {
	case e != eventDone:
		return e
	case at.target.Gone:
		return eventRemoved
	case at.good == record.Corrected: // its health shows in status; the worker is needed for the next drift
		return eventCorrected
	}
	at.drifts.clear(at.plan) // everything that was left alone until now
	at.retakes.clear(at.plan)
	return e
}

// awaitHealth returns when everything that the app owns is healthy.
func (at *attempt) awaitHealth() stageEvent {
	at.work.TellWarnings()
	err := at.work.AwaitHealthy()
	at.work.TellDying()
	return at.fail(err)
}

// conclude makes the deletions that had to wait for the app's health, and runs the hooks
// that come after it.
func (at *attempt) conclude() stageEvent {
	at.work.TellWarnings()
	return whenApplied(at.fail(at.work.Complete()))
}

// cleanUp runs the hooks for a failure, and deletes the objects that hooks have left.
func (at *attempt) cleanUp() stageEvent {
	at.work.TellWarnings()
	rec := at.account()
	if tellsHooks(rec, at.repeated(), at.target.Gone) {
		at.work.AfterFailure()
	}
	at.work.EndHooks(&rec)
	at.engine.keepPrinted(rec, at.work.Printed())
	at.keepHooks(&rec)
	at.work.TellWarnings() // of hooks
	rec.Warnings = at.work.Warnings()
	at.rec = &rec
	return eventDone
}

// keepHooks enters the hooks of earlier attempts that must not run again.
func (at *attempt) keepHooks(rec *record.Record) {
	rec.Hooks = append(rec.Hooks, unreached(at.lastRecord(), at.doneBefore(at.target, at.job), *rec)...)
}

// tellsHooks reports whether the hooks for a failure run. A retry that fails like the
// attempt before it notifies nobody again, and an operator who cancels knows.
func tellsHooks(rec record.Record, repeated, gone bool) bool {
	wrong := rec.Result == record.Failed || rec.Result == record.Unhealthy
	return wrong && rec.Cancelled == "" && !repeated && !gone
}

// repeated reports whether the attempt is made because the one before it failed.
func (at *attempt) repeated() bool {
	last := at.lastRecord()
	return at.job.checks() && last != nil && last.Result == record.Failed
}

// record writes the record of the attempt, and informs those who are attached. It does
// not record the same failure twice when a retry repeats it.
func (at *attempt) record() stageEvent {
	if at.rec == nil {
		rec := at.account()
		at.keepHooks(&rec) // one that failed before it carried anything out has reached none
		at.rec = &rec
	}
	at.finish(at.job, at.plan, *at.rec)
	return eventDone
}

// account is the record of the attempt as far as it has come.
func (at *attempt) account() record.Record {
	rec := at.recordOf(at.target, at.job, at.good, "")
	if at.work != nil {
		at.app.account(&rec, at.plan, at.work)
	}
	if at.broughtThere() {
		at.stamp(&rec, at.target)
	}
	rec.Result, rec.Message = at.ending.result(at.good), at.why
	if rec.Result == record.Deployed && at.target.Gone {
		rec.Result, rec.Renamed = record.Removed, at.plan.RenamedTo()
	}
	enterCancel(at.wait, &rec)
	return rec
}
