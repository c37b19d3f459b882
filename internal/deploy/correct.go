package deploy

import (
	"cmp"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

// check compares what runs with what should, and corrects, warns or leaves it
// as the app's drift setting says. It reports whether it could be done.
func (a *app) check(t *target, j *job) bool {
	todo, err := a.replan(t, j)
	if err == nil && j.fresh.IsZero() { // else the lists of a moment ago have shown it
		err = a.engine.Clusters[t.Spec.Cluster].Index.Blind(plan.SetID(a.name)) // the plan asked nothing of what seems unchanged
	}
	if err != nil {
		a.noteTrouble(j, err.Error())
		a.logTrouble("check against the cluster", err)
		if todo != nil {
			a.correctRest(t, j, todo)
		}
		j.finding.Result, j.finding.Message = CheckFailed, err.Error()
		return false
	}
	a.endTrouble(j)
	todo.Prune = a.due(t, todo.Prune)
	dying, again := todo.LeaveDying()
	j.finding = found(todo, t.Spec.Drift, a.suspension())
	news := a.leave(todo)
	switch {
	case a.suspension() != nil:
		return true
	case todo.OnlyLast():
		a.queue.begin(j)
		j.run.Printf("%s: healthy, what was to be pruned last can go", a.name)
		todo.RunsHooks = false
		return a.carryOut(t, j, todo, record.Deployed)
	case todo.Empty() && dying:
		return !again
	case todo.Empty():
		if j.depth >= byInventory || !a.ownsParent() {
			a.mendParent(t, todo)
		}
		return a.recover(t, j)
	case t.Spec.Drift == appfile.DriftOff:
		return true
	case t.Spec.Drift == appfile.DriftWarn:
		a.warn(t, j, news)
		return true
	}
	a.clearDrift(todo)
	return a.correct(t, j, todo) && !again
}

// correctRest takes drift back where the API server refuses some objects of the app: one
// that cannot be applied must not keep the others from being corrected.
func (a *app) correctRest(t *target, j *job, todo *plan.Plan) {
	todo.LeaveRefused()
	todo.LeaveDying()
	j.finding = found(todo, t.Spec.Drift, a.suspension())
	a.leave(todo)
	if a.suspension() == nil && t.Spec.Drift == appfile.DriftCorrect && !todo.Empty() {
		a.clearDrift(todo)
		a.correct(t, j, todo)
	}
}

// recover records that an app which had not become healthy now is, or that something
// came to its end after its deploy.
func (a *app) recover(t *target, j *job) bool {
	last := a.lastRecord()
	late := last.Stands() == record.Unhealthy || last.Stands() == record.Superseded
	if !late && !a.ledger.EndsUnsaved() || last.HookFailed() {
		return true
	}
	if len(a.sick(t)) > 0 || len(a.failedAndGone(a.engine.Clusters[t.Spec.Cluster].Index)) > 0 {
		return true
	}
	a.queue.begin(j)
	j.run.Printf("%s: healthy now, %s", a.name, report.ShortRevision(t.Revision))
	rec := a.newRecord(j, record.Deployed, "")
	rec.Same = a.ledger.Count()
	a.stamp(&rec, t)
	a.finish(j, rec)
	return true
}

// warn tells and records differences that the app's settings leave alone, once
// each.
func (a *app) warn(t *target, j *job, news []plan.Step) {
	if len(news) == 0 {
		return
	}
	a.queue.begin(j)
	j.run.Printf("%s: drift on cluster %s, left alone (drift: warn)", a.name, t.Spec.Cluster)
	for _, step := range news {
		a.printDrift(j.run, step)
		a.engine.Log.WithField("app", a.name).WithField("object", step.ID.String()).
			Warnf("drift, left alone: %s", cmp.Or(whatDrifted(step), "it would be "+string(step.Action)))
	}
	a.recordQuiet(j, record.DriftFound, manifest.Plural(len(news), "object")+" left as found (drift: warn)", news...)
}

// correct takes drift back.
func (a *app) correct(t *target, j *job, todo *plan.Plan) bool {
	a.queue.begin(j)
	j.run.Printf("%s: drift on cluster %s", a.name, t.Spec.Cluster)
	for _, step := range todo.Changes() {
		a.printDrift(j.run, step)
		a.remark(j.run, step, j.looks[step.ID])
	}
	return a.carryOut(t, j, todo, record.Corrected)
}

// whatDrifted says what has become of an object, and by whom if that is known.
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

func (a *app) printDrift(run *Run, step plan.Step) {
	run.event("drifted", step.ID, whatDrifted(step))
	for _, change := range step.Changes {
		run.Printf("      %s\n        %s", change.Path, report.DescribeChange(change))
	}
}
