package deploy

import (
	"cmp"
	"fmt"
	"sync"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// app is an app and its worker. At most one deploy of an app runs at a time.
//
// The queue, the ledger, the suspension, the ills, the drifts, the fights, the confinement,
// the trouble and the hooks each have a lock of their own; mu guards the rest. The order of locks:
//
//	Engine.wants, before Engine.mu
//	Engine.mu, before any lock of an app
//	suspension.mu and openings.mu, before timers.mu
//	queue.mu, before Run.mu
//	Ledger.mu, before the lock of a live.Index
//
// No other lock is taken under another: no lock of a part under mu or under that of
// another part, nor mu under that of a part. No callback runs under a lock, except the
// one that ranges over the ledger (Ledger.Each), which must not call back into the app.
type app struct {
	engine     *Engine
	name       name.App
	set        string // its ApplySet
	repo       name.Repo
	queue      *queue
	hurry      chan struct{} // holds one signal that a failed attempt may succeed now
	gone       chan struct{} // closed when its repository is deleted
	ledger     *plan.Ledger  // of its objects
	suspended  *suspension
	ills       ills         // objects that are not healthy since their deploy
	drifts     drifts       // differences left alone
	retakes    retakes      // objects that have lost what says whose they are
	fights     fights       // objects that drift again and again
	confined   confinement  // what its repository's grant does not give
	trouble    trouble      // why the last check could not be done
	told       lastTold     // the last reason why the app is not in sync
	hooks      *apply.Hooks // as they were last
	hookMemory apply.HookMemory
	inventory  apply.Inventory
	tally      appTally

	mu         sync.Mutex
	branch     name.Branch
	want       *target // nil: leave the cluster alone
	last       *record.Record
	skipped    name.Revision // the branch's newest revision, if it was pushed with -o skip
	unrendered string        // the reason why the branch's wish is unknown; "" if it is known
	unselected bool          // that reason is that its cluster is no longer selected

	digest, sealed string // the digest of a target, and its form in records, see sealLocked

	appliedDigest string // of the target that was sealed as applied last
}

func newApp(e *Engine, name name.App, repo name.Repo, branch name.Branch) *app {
	a := &app{
		engine: e, name: name, set: plan.SetID(name), repo: repo, branch: branch,
		queue: newQueue(name), hurry: make(chan struct{}, 1), gone: make(chan struct{}),
		hooks: apply.NewHooks(), ledger: plan.NewLedger(e.Masker.Seal),
	}
	a.suspended = newSuspension(&e.timers, a.timeIsOver)
	return a
}

// goneTarget is the target of an app that pushboat.yaml no longer names. Its objects
// are deleted, unless keeping says otherwise. The cluster is "" for an app
// that was only pushed with -o skip, by a server that did not record the cluster.
func goneTarget(app name.App, repo name.Repo, branch name.Branch, cluster string, revision name.Revision) *target {
	spec := appfile.App{Name: app, Branch: branch, Cluster: cmp.Or(cluster, appfile.DefaultCluster), Prune: true, Timeout: goneTimeout}
	return &target{Target: plan.Target{Spec: spec, Repo: repo, Revision: revision, Digest: "gone", Gone: true}}
}

// givenTo returns the target of an app that is gone and released as a whole to a repository,
// "" for none: nothing of it is deleted, and no hook of its removal runs.
func (t *target) givenTo(repo name.Repo) *target {
	if repo != "" {
		t.GivenTo, t.Spec.Prune, t.LastHooks = repo, false, nil
	}
	return t
}

// sameHome is an error if another repository or branch has the app. An app
// that was removed is nobody's.
func (a *app) sameHome(repo name.Repo, branch name.Branch) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.repo == repo && (a.branch == branch || a.branch == "") || a.removedLocked() { // "": its record is damaged
		return nil
	}
	return fmt.Errorf("app %s is deployed from branch %s of repository %s", a.name, a.branch, a.repo)
}

// isFedBy reports whether a branch feeds the app, which has not been removed.
func (a *app) isFedBy(repo name.Repo, branch name.Branch) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.repo == repo && (a.branch == branch || a.branch == "") && !a.removedLocked()
}

func (a *app) removedLocked() bool { return a.last != nil && a.last.Result == record.Removed }

// removed reports whether the app has been deleted from its cluster, and is
// in no pushboat.yaml.
func (a *app) removed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.removedLocked()
}

// home returns the repository and the branch that the app is deployed from.
func (a *app) home() (repo name.Repo, branch name.Branch) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.repo, a.branch
}

func (a *app) repository() name.Repo {
	repo, _ := a.home()
	return repo
}

// isLeftBy reports whether a repository would get the name of an app that another one had:
// nothing that is known of that one's counts.
func (a *app) isLeftBy(repo name.Repo) bool { return a.removed() && a.repository() != repo }

// moveIn makes a repository and branch the home of an app that was removed.
func (a *app) moveIn(repo name.Repo, branch name.Branch) {
	if a.isLeftBy(repo) {
		a.inventory.Forget()
		a.ledger.Retain(func(func(manifest.ID) bool) {})
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.repo, a.branch = repo, branch
}

// remember makes a record the app's newest. It does not keep in memory which objects
// the record changed: history has them.
func (a *app) remember(rec record.Record) {
	rec.Objects, rec.Deleted, rec.Stages = nil, nil, nil
	a.queue.countFrom(rec.Number)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = &rec
}

// recall restores an app from its newest record.
func (a *app) recall(saved record.Saved) {
	a.remember(saved.Record)
	a.ledger.Recall(saved.Noted)
}

func (a *app) wanted() *target {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.want
}

// setWant changes the app's target. Call tellSchedules after it, under no lock.
func (a *app) setWant(t *target) {
	defer a.engine.bell.ring(a.name)
	a.engine.setRules(a.name, t)
	a.suspendAs(t)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.want = t
	if t != nil {
		a.branch = t.Spec.Branch
	}
}

// tellSchedules reports the current schedules of the app's checks. If another goroutine
// changes the target meanwhile, the later of the two reports the newest.
func (a *app) tellSchedules() {
	if a.engine.wanted == nil {
		return
	}
	for {
		t := a.wanted()
		if t == nil {
			a.engine.wanted(a.name, "", "")
		} else {
			a.engine.wanted(a.name, t.Spec.Schedule, t.Spec.FullSchedule)
		}
		if a.wanted() == t {
			return
		}
	}
}

func (a *app) lastRecord() *record.Record {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last
}

// setSkipped notes the revision that -o skip keeps from being deployed; "" when
// there is none any more.
func (a *app) setSkipped(revision name.Revision) {
	defer a.engine.bell.ring(a.name)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.skipped = revision
}

func (a *app) skippedRevision() name.Revision {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.skipped
}

// knows reports whether the app has applied the object in its current form, and nobody
// has deleted it since. It serves plan.NewCompanions, for definitions, which have no
// namespace.
func (a *app) knows(t *plan.Target, o *manifest.Object) bool {
	n, ok := a.ledger.Of(o.ID())
	return ok && n.Digest == t.DigestOf(o) && !a.engine.Clusters.Get(t.Spec.Cluster).Index.Lacks(o.ID())
}

// settled reports whether the target was the last to be applied completely.
func (a *app) settled(t *target) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return t.origin == fromRecord || a.last != nil && (a.last.Stands().Applied() || a.last.Result == record.Skipped) && a.last.Digest == a.sealLocked(t.Digest)
}

// runs reports whether the target was applied last.
func (a *app) runs(t *target) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last != nil && a.last.Stands().Applied() && a.last.Digest == a.sealLocked(t.Digest)
}

// sealLocked is the form of a target's digest in records. Every look at an app needs it.
func (a *app) sealLocked(digest string) string {
	if a.sealed == "" || a.digest != digest {
		a.digest, a.sealed = digest, a.engine.Masker.Seal(digest)
		if a.last != nil && a.last.Digest == a.sealed {
			a.sealed = a.last.Digest // one text for both
		}
	}
	return a.sealed
}

// digestFor returns a target's digest for a record: a remnant stands for the target
// that was applied last.
func (a *app) digestFor(t *target) string {
	if t.origin != fromRecord {
		return a.engine.Masker.Seal(t.Digest)
	}
	if last := a.lastRecord(); last != nil {
		return last.Digest
	}
	return ""
}

// enqueue hands the worker a job.
func (a *app) enqueue(j *job) {
	a.queue.add(j)
	a.engine.bell.ring(a.name)
	if a.isOver() { // the worker may have ended
		a.abandon()
	}
}

// isOver reports whether the app's worker has ended, or is about to.
func (a *app) isOver() bool {
	select {
	case <-a.gone:
		return true
	case <-a.engine.ctx.Done():
		return true
	default:
		return false
	}
}

// take returns the job to do and those that it made superfluous, see queue.take.
func (a *app) take() (*job, []*job) {
	defer a.engine.bell.ring(a.name)
	return a.queue.take()
}

// rest marks the worker as done with its job.
func (a *app) rest() {
	a.queue.rest()
	a.engine.bell.ring(a.name)
}
