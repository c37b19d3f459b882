package deploy

import (
	"context"
	"errors"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// ErrNothingGoesOn says that an app has no deploy whose wait could be ended.
var ErrNothingGoesOn = errors.New("no deploy of the app goes on")

// Cancel ends the wait of an app's running deploy, or of its tests: for health, a wave,
// a hook, or other apps. A running apply comes to its end; later steps are left out.
// Nothing is reverted, and a hook that has begun keeps running on the cluster. The
// deploy that it returns ends soon. The error is ErrNothingGoesOn if there is none, and
// ErrNoApp if there is no such app.
func (e *Engine) Cancel(app name.App, caller access.Caller) (*Run, error) {
	a := e.app(app)
	if a == nil {
		return nil, ErrNoApp
	}
	run, ok := a.queue.cancel(caller)
	if !ok {
		return nil, ErrNothingGoesOn
	}
	return run, nil
}

// enterCancel notes who ended the wait in the record of a deploy that did not end well.
func enterCancel(wait context.Context, r *record.Record) {
	if r.Result == record.Failed || r.Result == record.Unhealthy {
		r.Cancelled = apply.CancelledBy(wait)
	}
}

// held reports whether the newest deploy of the target is not tried again by itself:
// an operator has cancelled it, or a hook stopped it.
func (a *app) held(t *target) bool {
	last := a.lastRecord()
	cancelled := !t.Gone && last != nil && last.Result == record.Failed && last.Cancelled != "" && last.Digest == a.digestFor(t)
	return cancelled || a.heldByHook(t)
}
