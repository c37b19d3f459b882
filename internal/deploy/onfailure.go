package deploy

import (
	"context"
	"time"

	"github.com/pushboat/pushboat/internal/appfile"
)

// OnFailure sets who takes an app back whose deploy has failed: it makes a
// commit that restores the app as of its last good deploy, puts it through the
// gate, and returns the deploy that begins. Call it before Start.
func (e *Engine) OnFailure(rollback func(ctx context.Context, failed Record) (*Run, error)) {
	e.rollback = rollback
}

// rollbackTimeout bounds the making of a rollback, gate included.
const rollbackTimeout = gateTimeout + time.Minute

// rollsBack reports whether the app is to be taken back: once, after a push
// that did not end well, unless something newer is about to be deployed.
func (a *app) rollsBack(j *job, record Record) bool {
	t := a.wanted()
	if t == nil || t.gone || t.spec.OnFailure != appfile.OnFailureRollback || a.engine.rollback == nil {
		return false
	}
	if j.cause != CausePush || record.Result != Unhealthy && record.Result != Failed {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return t.revision == record.Revision && (a.job == nil || a.job.cause.check())
}

// rollBack takes the app back and has those who watch the failed deploy see it.
func (a *app) rollBack(run *Run, record Record) {
	ctx, cancel := context.WithTimeout(a.engine.ctx, rollbackTimeout)
	defer cancel()
	next, err := a.engine.rollback(ctx, record)
	if err != nil {
		a.engine.Log.WithField("app", a.name).Errorf("roll back after %s: %v", record.ID(), err)
		run.Printf("error: %s: not rolled back: %v", a.name, err)
		return
	}
	run.follow(next)
}
