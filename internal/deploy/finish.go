package deploy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
)

// newRecord begins the account of a job.
func (a *app) newRecord(j *job, result Result, message string) Record {
	t := a.wanted()
	started := time.Now()
	if j.run != nil {
		started = j.run.started
	}
	repo, branch := a.home()
	record := Record{
		App: a.name, Repo: repo, Branch: branch, Cause: j.cause,
		Operator: j.caller.Operator, Key: j.caller.Fingerprint, Push: j.push,
		Started: started, Result: result, Message: message, Formerly: j.formerly,
	}
	if t != nil {
		record.Revision, record.Cluster, record.NoPrune, record.Had = t.revision, t.spec.Cluster, !t.spec.Prune, t.had
		record.Charts, record.Generated = t.charts, a.generatedPaths(t)
	}
	if record.Skipped = a.skippedRevision(); record.Skipped != "" && t != nil {
		record.Held = t.revision
	}
	record.Suspension = a.suspension()
	if j.run != nil {
		record.Number = j.run.Number
		if j.run.revision != "" {
			record.Revision = j.run.revision
		}
	}
	return record
}

// generatedPaths are the paths of the app's generated values, for its record. Of what is
// known from records alone, they stay as they were.
func (a *app) generatedPaths(t *target) []string {
	if last := a.lastRecord(); t.remnant && last != nil {
		return last.Generated
	}
	var paths []string
	for _, g := range t.spec.Helm.Generated {
		paths = append(paths, g.Path)
	}
	return paths
}

// finish stores the record of a deploy, then says how the deploy ended and lets
// go of those who are attached: what they are told is on disk.
func (a *app) finish(j *job, record Record) {
	record.Seconds = time.Since(record.Started).Seconds()
	record.Undone = a.rollsBack(j, record)
	if a.repeats(record) && !record.Undone {
		j.run.Printf("%s", outcome(record))
		j.run.finish(record)
		return
	}
	a.save(j, record)
	j.run.Printf("%s", outcome(record))
	if record.Result != Superseded || record.Digest != "" {
		a.remember(record)
	}
	a.sealApplied(a.wanted(), record)
	a.log(record)
	a.publishRecord(record)
	if record.Undone {
		a.rollBack(j.run, record)
	}
	j.run.finish(record)
}

// save stores a record. Without it the deploy stands all the same, and the next
// record has what this one lacks.
func (a *app) save(j *job, record Record) {
	ctx, cancel := context.WithTimeout(context.Background(), saveTimeout)
	defer cancel()
	entry := a.entry(j.plan, record)
	entry.Log = j.run.logWith(outcome(record))
	err := a.engine.Recorder.Save(ctx, entry)
	if err == nil {
		return
	}
	a.engine.Log.WithField("app", a.name).Errorf("write record %s: %v", record.ID(), err)
	j.run.Printf("warning: this deploy could not be recorded: %v", err)
	a.keepUnsaved(entry.Kept)
}

// saveTimeout bounds the writing of one record, with the wait for those that
// are written before it.
const saveTimeout = 2 * time.Minute

// repeats reports whether a retry failed just as the deploy before it did.
func (a *app) repeats(record Record) bool {
	last := a.lastRecord()
	return last != nil && record.Cause.check() && record.Result == Failed &&
		last.Result == Failed && last.Revision == record.Revision && last.Message == record.Message
}

func (a *app) log(record Record) {
	entry := a.engine.Log.WithField("app", a.name).WithField("deploy", record.ID()).
		WithField("revision", short(record.Revision)).WithField("cause", record.Cause).
		WithField("operator", record.Operator)
	if record.Result.OK() || record.Result == Superseded || record.Result == Skipped || record.Standing != "" {
		entry.Infof("%s", record.Result)
		return
	}
	entry.Warnf("%s: %s", record.Result, manifest.Clean(record.Message))
}

// removal says what has become of the objects of an app that is no more.
func removal(r Record) string {
	switch {
	case r.Renamed != "":
		return fmt.Sprintf("%s: renamed to %s, nothing deleted", r.App, r.Renamed)
	case r.NoPrune:
		return fmt.Sprintf("%s: removed, nothing deleted (prune: false)", r.App)
	}
	return fmt.Sprintf("%s: removed, %s deleted", r.App, plural(len(r.Deleted), "object"))
}

// outcome says at the end of a deploy what has become of it, why, and what to
// do if it is not what was wanted.
func outcome(r Record) string {
	took := seconds(time.Duration(r.Seconds * float64(time.Second)))
	rev, id := short(r.Revision), "(deploy "+r.ID()+")"
	why := "\n  " + strings.ReplaceAll(r.Message, "\n", "\n  ")
	if r.Cancelled != "" {
		return cancelledText(r, took, id, why)
	}
	switch r.Result {
	case Deployed:
		return fmt.Sprintf("%s: deployed %s in %s, healthy %s", r.App, rev, took, id)
	case Corrected:
		return fmt.Sprintf("%s: corrected to %s in %s %s", r.App, rev, took, id)
	case Suspended:
		return heldText(r)
	case Resumed:
		return fmt.Sprintf("%s: resumed %s", r.App, id)
	case DriftFound:
		return fmt.Sprintf("%s: %s %s\nhint: take it back with: ssh HOST sync %s", r.App, r.Message, id, r.App)
	case Removed:
		return removal(r) + " " + id
	case Skipped:
		return fmt.Sprintf("%s: %s stored, not deployed %s\nhint: deploy it with: ssh HOST sync %s", r.App, rev, id, r.App)
	case Superseded:
		return fmt.Sprintf("%s: %s superseded: %s %s", r.App, rev, r.Message, id)
	case Unhealthy:
		if r.hookFailed() {
			return fmt.Sprintf("%s: %s is applied, but a hook failed after %s %s%s\nhint: %s", r.App, rev, took, id, why, next(r))
		}
		return fmt.Sprintf("%s: %s is applied, but not healthy after %s %s%s\nhint: %s", r.App, rev, took, id, why, next(r))
	}
	return fmt.Sprintf("%s: deploying %s failed %s%s\nhint: %s", r.App, rev, id, why, next(r))
}

// next says what becomes of a deploy that did not end well, and what to do.
func next(r Record) string {
	switch {
	case r.Undone:
		return "the commit was kept; onFailure: rollback takes the app back next"
	case r.Result == Unhealthy:
		return "the commit was kept; push a fix, or see: ssh HOST status " + r.App
	case r.hookFailed():
		return "the commit was kept; a hook is not run again by itself: push a fix, or run: ssh HOST sync " + r.App
	}
	return "the commit was kept and is tried again; push a fix, or run: ssh HOST sync " + r.App
}
