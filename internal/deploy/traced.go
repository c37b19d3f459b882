package deploy

import (
	"time"

	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/trace"
)

// traced are the spans of a deploy; all nil while there are no traces. Run.mu guards them.
type traced struct {
	whole *trace.Span
	stage *trace.Span
	wait  *trace.Span
	begun bool // its time in the queue is over
}

// takesObjects is what a deploy awaits while it does not wait for anything.
const takesObjects = "the cluster to take its objects"

// traceIn makes the deploy a part of a push's trace.
func (r *Run) traceIn(push *trace.Span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spans.whole = push.ChildAt("deploy", r.started)
	r.spans.whole.Set("pushboat.app", string(r.App))
	r.spans.whole.Set("pushboat.deploy", r.ID())
	r.spans.whole.Set("pushboat.revision", string(r.revision))
}

// traceID is the id of the deploy's trace; "" if it is in none.
func (r *Run) traceID() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spans.whole.TraceID()
}

// enter begins a stage, and its span. The run may be nil.
func (r *Run) enter(s stage) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.course.enter(s, time.Since(r.started))
	r.spans.enterLocked(s, r.started)
}

// leave ends the stage and a wait in it, and their spans. The run may be nil.
func (r *Run) leave() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.course.leave(time.Since(r.started))
	r.spans.leaveLocked()
}

// enterLocked begins the span of a stage, and ends that of the queue.
func (t *traced) enterLocked(s stage, started time.Time) {
	if !t.begun {
		t.begun = true
		t.whole.ChildAt("queued", started).End()
	}
	t.stage = t.whole.Child(string(s))
}

// leaveLocked ends the span of the stage, and that of a wait in it.
func (t *traced) leaveLocked() {
	t.wait.End()
	t.stage.End()
	t.wait, t.stage = nil, nil
}

// waitLocked begins the span of a wait, and ends that of the one before.
func (t *traced) waitLocked(what string) {
	t.wait.End()
	if t.wait = nil; what != takesObjects {
		t.wait = t.stage.Child("wait")
		t.wait.Set("pushboat.for", what)
	}
}

// endLocked ends the spans of a deploy.
func (t *traced) endLocked(result record.Result) {
	t.wait.End()
	t.stage.End()
	t.whole.Set("pushboat.result", string(result))
	if !result.OK() {
		t.whole.Fail(string(result))
	}
	t.whole.End()
}
