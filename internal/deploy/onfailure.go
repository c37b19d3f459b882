package deploy

import (
	"context"
	"time"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

// OnFailure sets the function that takes an app back after a failed deploy: it makes a
// commit that restores the app as of its last good deploy, puts it through the gate,
// and returns the deploy that begins. Call it before Start.
func (e *Engine) OnFailure(rollback func(ctx context.Context, failed record.Record) (Sequel, error)) {
	e.rollback = rollback
}

// Sequel is a deploy that follows from the outcome of another one.
type Sequel struct {
	*Run
	// Closing returns the last line for those who watch both, once the sequel has
	// ended.
	Closing func(outcome record.Record) string
}

// rollbackTimeout bounds the making of a rollback, gate included.
const rollbackTimeout = gateTimeout + time.Minute

// rollsBack reports whether the app should be taken back: once, after a push that did
// not end well, unless a newer revision is about to be deployed.
func (a *app) rollsBack(j *job, rec record.Record) bool {
	t := a.wanted()
	if t == nil || t.Gone || t.Spec.OnFailure != appfile.OnFailureRollback || a.engine.rollback == nil {
		return false
	}
	if rec.Cancelled != "" || !a.isFirst(j, rec) || rec.Result != record.Unhealthy && rec.Result != record.Failed {
		return false
	}
	return t.Revision == rec.Revision && !a.queue.deploysNext()
}

// isFirst reports whether a deploy is the one that a push has begun, even if the server
// was stopped before its end and has resumed it. The deploy after a due rollback is the
// rollback itself, which is not taken back.
func (a *app) isFirst(j *job, rec record.Record) bool {
	if j.cause != record.CauseStart {
		return j.cause == record.CausePush || j.cause == record.CauseWindow
	}
	last := a.lastRecord()
	return last == nil || last.Undone == (last.Revision == rec.Revision)
}

// rollBackLate takes the app back if that was due when the server stopped, and
// still is.
func (a *app) rollBackLate(t *target, j *job) {
	last := a.lastRecord()
	if j.cause == record.CauseStart && last != nil && last.Undone && last.Revision == t.Revision && a.engine.rollback != nil {
		a.rollBack(nil, *last)
	}
}

// rollBack takes the app back and shows that to those who watch the failed deploy.
func (a *app) rollBack(run *Run, rec record.Record) {
	ctx, cancel := context.WithTimeout(a.engine.ctx, rollbackTimeout)
	defer cancel()
	next, err := a.engine.rollback(ctx, rec)
	if err != nil {
		a.engine.Log.WithField("app", a.name).Errorf("roll back after %s: %v", rec.ID(), err)
	}
	switch {
	case run == nil:
	case err != nil:
		run.Printf("error: %s: not rolled back: %v\n%s", a.name, err, report.Hints(report.AsProblem(err).Hint))
	default:
		run.follow(&next)
	}
}
