package deploy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// newRecord begins the account of a job.
func (a *app) newRecord(j *job, result record.Result, message string) record.Record {
	t := a.wanted()
	started := time.Now()
	if j.run != nil {
		started = j.run.started
	}
	repo, branch := a.home()
	rec := record.Record{
		App: a.name, Repo: repo, Branch: branch, Cause: j.cause,
		Operator: j.caller.Operator, Key: j.caller.Fingerprint, Push: j.push,
		Started: started, Result: result, Message: message, Formerly: j.formerly,
	}
	if t != nil {
		rec.Revision, rec.Cluster, rec.NoPrune, rec.Had = t.Revision, t.Spec.Cluster, !t.Spec.Prune, t.had
		rec.Charts, rec.Generated = t.charts, a.generatedPaths(t)
	}
	if rec.Skipped = a.skippedRevision(); rec.Skipped != "" && t != nil {
		rec.Held = t.Revision
	}
	rec.Suspension = a.suspension()
	if j.run != nil {
		rec.Number = j.run.Number
		if j.run.revision != "" {
			rec.Revision = j.run.revision
		}
	}
	return rec
}

// generatedPaths are the paths of the app's generated values, for its record. Of what is
// known from records alone, they stay as they were.
func (a *app) generatedPaths(t *target) []string {
	if last := a.lastRecord(); t.remnant && last != nil {
		return last.Generated
	}
	var paths []string
	for _, g := range t.Spec.Helm.Generated {
		paths = append(paths, g.Path)
	}
	return paths
}

// finish stores the record of a deploy, then says how the deploy ended and lets
// go of those who are attached: what they are told is on disk.
func (a *app) finish(j *job, rec record.Record) {
	rec.Seconds = time.Since(rec.Started).Seconds()
	rec.Undone = a.rollsBack(j, rec)
	if a.repeats(rec) && !rec.Undone {
		j.run.Printf("%s", Outcome(rec))
		j.run.finish(rec)
		return
	}
	a.save(j, rec)
	j.run.Printf("%s", Outcome(rec))
	if rec.Result != record.Superseded || rec.Digest != "" {
		a.remember(rec)
	}
	a.sealApplied(a.wanted(), rec)
	a.log(rec)
	a.publishRecord(rec)
	if rec.Undone {
		a.rollBack(j.run, rec)
	}
	j.run.finish(rec)
}

// save stores a record. Without it the deploy stands all the same, and the next
// record has what this one lacks.
func (a *app) save(j *job, rec record.Record) {
	ctx, cancel := context.WithTimeout(context.Background(), saveTimeout)
	defer cancel()
	entry := a.entry(j.plan, rec)
	entry.Log = j.run.logWith(Outcome(rec))
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
		WithField("revision", ShortRevision(rec.Revision)).WithField("cause", rec.Cause).
		WithField("operator", rec.Operator)
	if rec.Result.OK() || rec.Result == record.Superseded || rec.Result == record.Skipped || rec.Standing != "" {
		entry.Infof("%s", rec.Result)
		return
	}
	entry.Warnf("%s: %s", rec.Result, manifest.Clean(rec.Message))
}

// removal says what has become of the objects of an app that is no more.
func removal(r record.Record) string {
	switch {
	case r.Renamed != "":
		return fmt.Sprintf("%s: renamed to %s, nothing deleted", r.App, r.Renamed)
	case r.NoPrune:
		return fmt.Sprintf("%s: removed, nothing deleted (prune: false)", r.App)
	}
	return fmt.Sprintf("%s: removed, %s deleted", r.App, manifest.Plural(len(r.Deleted), "object"))
}

// outcome says at the end of a deploy what has become of it, why, and what to
// do if it is not what was wanted.
func Outcome(r record.Record) string {
	took := Seconds(time.Duration(r.Seconds * float64(time.Second)))
	rev, id := ShortRevision(r.Revision), "(deploy "+r.ID()+")"
	why := "\n  " + strings.ReplaceAll(r.Message, "\n", "\n  ")
	if r.Cancelled != "" {
		return cancelledText(r, took, id, why)
	}
	switch r.Result {
	case record.Deployed:
		return fmt.Sprintf("%s: deployed %s in %s, healthy %s", r.App, rev, took, id)
	case record.Corrected:
		return fmt.Sprintf("%s: corrected to %s in %s %s", r.App, rev, took, id)
	case record.Suspended:
		return heldText(r)
	case record.Resumed:
		return fmt.Sprintf("%s: resumed %s", r.App, id)
	case record.DriftFound:
		return fmt.Sprintf("%s: %s %s\nhint: take it back with: ssh HOST sync %s", r.App, r.Message, id, r.App)
	case record.Removed:
		return removal(r) + " " + id
	case record.Skipped:
		return fmt.Sprintf("%s: %s stored, not deployed %s\nhint: deploy it with: ssh HOST sync %s", r.App, rev, id, r.App)
	case record.Superseded:
		return fmt.Sprintf("%s: %s superseded: %s %s", r.App, rev, r.Message, id)
	case record.Unhealthy:
		if r.HookFailed() {
			return fmt.Sprintf("%s: %s is applied, but a hook failed after %s %s%s\nhint: %s", r.App, rev, took, id, why, whatNext(r))
		}
		return fmt.Sprintf("%s: %s is applied, but not healthy after %s %s%s\nhint: %s", r.App, rev, took, id, why, whatNext(r))
	}
	return fmt.Sprintf("%s: deploying %s failed %s%s\nhint: %s", r.App, rev, id, why, whatNext(r))
}

// next says what becomes of a deploy that did not end well, and what to do.
func whatNext(r record.Record) string {
	switch {
	case r.Undone:
		return "the commit was kept; onFailure: rollback takes the app back next"
	case r.Result == record.Unhealthy:
		return "the commit was kept; push a fix, or see: ssh HOST status " + r.App
	case r.HookFailed():
		return "the commit was kept; a hook is not run again by itself: push a fix, or run: ssh HOST sync " + r.App
	}
	return "the commit was kept and is tried again; push a fix, or run: ssh HOST sync " + r.App
}
