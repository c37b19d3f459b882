package deploy

import (
	"context"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

// newRecord begins the record of a job about the app's current target.
func (a *app) newRecord(j *job, result record.Result, message string) record.Record {
	return a.recordOf(a.wanted(), j, result, message)
}

// recordOf begins the account of a job about a target, nil for none.
func (a *app) recordOf(t *target, j *job, result record.Result, message string) record.Record {
	started := time.Now()
	if j.run != nil {
		started = j.run.started
	}
	repo, branch := a.home()
	rec := record.Record{
		App: a.name, Repo: repo, Branch: branch, Cause: j.cause,
		Operator: j.caller.Operator, Key: j.caller.Fingerprint, Push: j.push,
		Started: started, Result: result, Message: message, Formerly: j.formerly, Override: j.override,
	}
	signed := a.signedOf(t, j)
	rec.SignedBy, rec.PushBy = signed.Commits, signed.Push
	if t != nil {
		rec.Revision, rec.Cluster, rec.NoPrune, rec.Had = t.Revision, t.Spec.Cluster, !t.Spec.Prune, t.had
		rec.GivenTo = t.GivenTo
		rec.StaysFor(t.whyKept())
		rec.Charts, rec.Sources, rec.Generated = t.charts, t.sources(), a.generatedPaths(t)
	}
	if rec.Skipped = a.skippedRevision(); rec.Skipped != "" && t != nil {
		rec.Held = t.Revision
	}
	rec.Suspension = a.suspended.current()
	if j.run != nil {
		rec.Number, rec.Trace = j.run.Number, j.run.traceID()
		if j.run.revision != "" {
			rec.Revision = j.run.revision
		}
	}
	return rec
}

// signedOf returns who signed the push that a job deploys. A server that was killed before it
// could record that learns it from what was kept with the branch.
func (a *app) signedOf(t *target, j *job) record.Signed {
	if j.signed.Any() || t == nil {
		return j.signed
	}
	if last := a.lastRecord(); last != nil && last.Revision == t.Revision {
		return record.Signed{}
	}
	return t.signed
}

// generatedPaths returns the paths of the app's generated values, for its record. For
// an app that is only known from records, they stay as they were.
func (a *app) generatedPaths(t *target) []string {
	if last := a.lastRecord(); t.origin == fromRecord && last != nil {
		return last.Generated
	}
	var paths []string
	for _, g := range t.Spec.Helm.Generated {
		paths = append(paths, g.Path)
	}
	return paths
}

// finish stores the record of a deploy, then reports how the deploy ended and detaches
// its followers: what they read is on disk. The plan is the one that was carried out,
// nil if none was.
func (a *app) finish(j *job, todo *plan.Plan, rec record.Record) {
	rec.Seconds = time.Since(rec.Started).Seconds()
	rec.Stages = j.run.Course()
	rec.Undone = a.rollsBack(j, rec)
	if a.repeats(rec) && !rec.Undone {
		j.run.Printf("%s", report.Outcome(rec))
		j.run.finish(rec)
		return
	}
	a.save(j, todo, rec)
	j.run.Printf("%s", report.Outcome(rec))
	if rec.Result != record.Superseded || rec.Digest != "" {
		a.remember(rec)
	}
	a.sealApplied(a.wanted(), rec)
	a.log(rec)
	a.publishRecord(rec)
	a.tallyRecord(rec)
	a.trailEnded(rec)
	if rec.Undone {
		a.rollBack(j.run, rec)
	}
	j.run.finish(rec)
}

// save stores a record. If that fails, the deploy still stands, and the next record has
// what this one lacks.
func (a *app) save(j *job, todo *plan.Plan, rec record.Record) {
	ctx, cancel := context.WithTimeout(context.Background(), saveTimeout)
	defer cancel()
	entry := a.entry(todo, rec)
	entry.Log = j.run.logWith(report.Outcome(rec))
	err := a.engine.Recorder.Save(ctx, entry)
	if err == nil {
		return
	}
	a.engine.Log.WithField("app", a.name).Errorf("write record %s: %v", rec.ID(), err)
	j.run.Printf("warning: this deploy could not be recorded: %v", err)
	a.ledger.Unsave(entry.Kept)
}

// saveTimeout bounds the writing of one record, with the wait for those that
// are written before it.
const saveTimeout = 2 * time.Minute

// repeats reports whether a retry failed just as the deploy before it did.
func (a *app) repeats(rec record.Record) bool {
	last := a.lastRecord()
	return last != nil && rec.Cause.Checks() && rec.Result == record.Failed &&
		last.Result == record.Failed && last.Revision == rec.Revision && last.Message == rec.Message
}

func (a *app) log(rec record.Record) {
	entry := a.engine.Log.WithField("app", a.name).WithField("deploy", rec.ID()).
		WithField("revision", rec.Revision.Short()).WithField("cause", rec.Cause).
		WithField("operator", rec.Operator)
	if rec.Override != "" {
		entry = entry.WithField("override", manifest.Clean(rec.Override))
	}
	if rec.Result.OK() || rec.Result == record.Superseded || rec.Result == record.Skipped || rec.Standing != "" {
		entry.Infof("%s", rec.Result)
		return
	}
	entry.Warnf("%s: %s", rec.Result, manifest.Clean(rec.Message))
}
