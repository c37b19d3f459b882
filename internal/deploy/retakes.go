package deploy

import (
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// In a cluster that was restored from a backup, thousands of objects may have lost the
// marks of their app, see plan.Step.Retakes. A few are taken back at once, as drift is.
// More are known to be as they should be, and are no drift: they are taken back
// silently, at a rate that no cluster feels.

// retakeBatch is how many objects one look takes back, and all apps of a cluster together
// in a second.
const retakeBatch = 10

// retakes are the objects of an app that have to be taken back. The zero value has
// none. No other lock is taken under its lock.
type retakes struct {
	mu    sync.Mutex
	due   map[manifest.ID]live.Entry // as they were found
	look  map[manifest.ID]bool       // of those that due has, which come now
	set   bool                       // the next batch has its time
	taken int                        // since there was none to take back
}

// note notes objects that have to be taken back, in place of former notes about a
// plan's objects.
func (r *retakes) note(of *plan.Plan, steps []plan.Step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clearLocked(of)
	if r.due == nil {
		r.due, r.look = map[manifest.ID]live.Entry{}, map[manifest.ID]bool{}
	}
	for _, step := range steps {
		r.due[step.ID] = step.Entry
	}
}

// clear forgets a plan's objects, and all objects unless the plan is about some of them.
func (r *retakes) clear(of *plan.Plan) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clearLocked(of)
}

func (r *retakes) clearLocked(of *plan.Plan) {
	switch {
	case len(r.due) == 0:
		return
	case !of.Partial:
		clear(r.due)
		clear(r.look)
		return
	}
	of.IDs(func(id manifest.ID) bool {
		delete(r.due, id)
		delete(r.look, id)
		return true
	})
}

// explain reports whether an object differs from the state in which it was left only
// because it has to be taken back: it is still as it was found. there says whether the
// index has it, which sees no object without a label.
func (r *retakes) explain(entry live.Entry, there bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	found, due := r.due[entry.ID]
	if !there {
		return due && found.PartOf == ""
	}
	return due && entry.UID == found.UID && entry.ResourceVersion == found.ResourceVersion
}

// strays are those that have lost the app's label.
func (r *retakes) strays() []live.Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	var entries []live.Entry
	for _, entry := range r.due {
		if entry.PartOf == "" {
			entries = append(entries, entry)
		}
	}
	return entries
}

// appoint returns how many objects are to come next, and has nobody else appoint them
// until next is called; 0 if none are due, or the next ones have their time.
func (r *retakes) appoint() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.set || len(r.due) == 0 {
		return 0
	}
	r.set = true
	return min(len(r.due), retakeBatch)
}

// next returns n of the objects, which come now.
func (r *retakes) next(n int) []manifest.ID {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set = false
	var ids []manifest.ID
	for id := range r.due {
		if len(ids) == n {
			break
		}
		r.look[id] = true
		ids = append(ids, id)
	}
	return ids
}

// areNext reports whether all the steps are about objects that come now.
func (r *retakes) areNext(steps []plan.Step) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, step := range steps {
		if !r.look[step.ID] {
			return false
		}
	}
	return true
}

// take notes that n objects of a plan were taken back, which leaves nothing to take back
// of it. It returns how many were, of late, once none is left.
func (r *retakes) take(of *plan.Plan, n int) (taken int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clearLocked(of)
	r.taken += n
	if len(r.due) > 0 {
		return 0
	}
	taken, r.taken = r.taken, 0
	return taken
}

// retakable reports whether objects of the app may be taken back: where drift is only told
// of they may, since no value changes.
func (at *attempt) retakable() bool {
	return at.suspended.current() == nil && at.target.Spec.Drift != appfile.DriftOff
}

// seeRetakes takes care of the objects of a check's plan that have to be taken back. It
// removes from the plan those that have to wait, and all of them where the server must
// not act. ended reports that the attempt has nothing else to do.
func (at *attempt) seeRetakes(todo *plan.Plan) (e stageEvent, ended bool) {
	steps := todo.Retaking()
	switch {
	case len(steps) > 0 && at.job.kind == lookJob && at.retakes.areNext(steps) && len(steps) == len(todo.Changes()):
		return at.retake(todo), true
	case len(steps) > 0 && !at.correctsNow(len(steps)):
		at.retakes.note(todo, steps)
		todo.LeaveRetaking()
	default:
		at.retakes.clear(todo)
	}
	at.retakeSoon()
	return eventDone, false
}

// correctsNow reports whether n objects are so few that they are taken back at once, as
// drift is.
func (at *attempt) correctsNow(n int) bool {
	return at.retakable() && at.target.Spec.Drift == appfile.DriftCorrect && at.pace().take(time.Now(), n)
}

func (at *attempt) pace() *pace { return &at.engine.Clusters.Get(at.target.Spec.Cluster).retakes }

// retakeSoon has the next objects that are due taken back when it is their turn, if that
// may be.
func (at *attempt) retakeSoon() {
	if !at.retakable() {
		return
	}
	n := at.retakes.appoint()
	if n == 0 {
		return
	}
	a := at.app
	a.engine.timers.after(at.pace().reserve(time.Now(), n), func() {
		for _, id := range a.retakes.next(n) {
			a.queue.addLook(id, Fight{})
		}
	})
}

// retake takes the objects of a plan back. What it does is no deploy, and is not recorded:
// no value changes.
func (at *attempt) retake(todo *plan.Plan) stageEvent {
	at.good = record.Corrected
	work := at.engine.carry(at.order(todo, silence{}))
	if err := work.Apply(); err != nil {
		at.finding = Finding{Result: CheckFailed, Message: at.target.Shown(at.refusal(err))}
		at.logTrouble("take objects back", err)
		return eventFailed
	}
	at.finding = Finding{Result: CheckUnchanged}
	if taken := at.retakes.take(todo, len(work.Done())); taken > 0 {
		at.engine.Log.WithField("app", at.name).Infof("%s had lost what says whose they are, and are the app's again; no value was changed", manifest.Plural(taken, "object"))
	}
	at.retakeSoon()
	return eventNothing
}

// silence is an apply.Log that nobody watches.
type silence struct{}

func (silence) Printf(string, ...any)             {}
func (silence) Event(string, manifest.ID, string) {}
func (silence) Warn(manifest.Problems)            {}
func (silence) WaitsFor(string, time.Duration)    {}
func (silence) StillWaitsFor(string)              {}

// pace says how fast the objects of a cluster are taken back: retakeBatch at once, and
// then as many in a second. The zero value has taken nothing back yet.
type pace struct {
	mu   sync.Mutex
	free time.Time // when all requests so far are paid off
}

// after is when n more are paid off.
func (p *pace) after(now time.Time, n int) time.Time {
	const each = time.Second / retakeBatch
	begin := now.Add(-retakeBatch * each)
	if p.free.After(begin) {
		begin = p.free
	}
	return begin.Add(time.Duration(n) * each)
}

// take reports whether n objects may be taken back at once, and counts them if so.
func (p *pace) take(now time.Time, n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	after := p.after(now, n)
	if after.After(now) {
		return false
	}
	p.free = after
	return true
}

// reserve counts n objects, and returns how long they have to wait.
func (p *pace) reserve(now time.Time, n int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = p.after(now, n)
	return max(0, p.free.Sub(now))
}
