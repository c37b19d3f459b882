package deploy

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// Lock is something that others have to wait for, or that keeps an app from being deployed.
type Lock struct {
	Kind  LockKind   `json:"kind"`
	Repo  name.Repo  `json:"repository,omitempty"`
	App   name.App   `json:"app,omitempty"`
	Apps  []name.App `json:"apps,omitempty"` // whose names a push has reserved
	What  string     `json:"what"`
	Since time.Time  `json:"since,omitzero"` // zero: it is not known
	By    string     `json:"by,omitempty"`
	End   string     `json:"end,omitempty"` // the verb that ends it
}

// LockKind is what a lock is.
type LockKind string

// The kinds of locks.
const (
	LockPush    LockKind = "push"      // between its gate and the moment when Git has moved the branch
	LockDeploy  LockKind = "deploy"    // it goes on
	LockQueued  LockKind = "queued"    // a deploy that waits for the one before it
	LockSuspend LockKind = "suspended" // by an operator
	LockSkip    LockKind = "skipped"   // the newest revision was pushed with -o skip
	LockUnread  LockKind = "unread"    // the app's branch cannot be rendered: its name and objects stay its own
	LockLease   LockKind = "lease"     // of the server that leads
)

// Locks lists what holds what now, pushes first, then app by app.
func (e *Engine) Locks() []Lock {
	e.known()
	locks := e.reservations.locks()
	for _, a := range e.sorted() {
		if a.removed() {
			continue
		}
		for _, lock := range append(a.queue.locks(), a.standingLocks()...) {
			lock.App, lock.Repo = a.name, a.repository()
			locks = append(locks, lock)
		}
	}
	return locks
}

// locks lists the pushes that have reserved apps and objects.
func (r *reservations) locks() []Lock {
	r.mu.Lock()
	defer r.mu.Unlock()
	var locks []Lock
	for p, since := range r.under {
		lock := Lock{Kind: LockPush, Repo: p.Repo, What: "a push to branch " + string(p.Branch), Since: since.UTC(), By: p.Caller.Operator}
		for _, t := range p.targets {
			lock.Apps = append(lock.Apps, t.Spec.Name)
		}
		slices.Sort(lock.Apps)
		locks = append(locks, lock)
	}
	slices.SortFunc(locks, func(a, b Lock) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(string(a.Repo)+a.What, string(b.Repo)+b.What))
	})
	return locks
}

// locks lists the deploy that goes on, and the one that waits for it. Checks that have
// nothing to show are none.
func (q *queue) locks() []Lock {
	q.mu.Lock()
	defer q.mu.Unlock()
	var locks []Lock
	if j := q.doing; j != nil && j.run != nil {
		lock := lockOf(LockDeploy, j)
		lock.What += j.run.waitsFor()
		locks = append(locks, lock)
	}
	if j := q.next; j != nil && j.run != nil {
		locks = append(locks, lockOf(LockQueued, j))
	}
	return locks
}

func lockOf(kind LockKind, j *job) Lock {
	return Lock{
		Kind: kind, What: j.run.ID() + ", " + string(j.cause), Since: j.run.started.UTC(), By: j.caller.Operator,
		End: "cancel " + string(j.run.App),
	}
}

// waitsFor says what the deploy waits for; "" if it does not wait.
func (r *Run) waitsFor() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.awaited.what == "" {
		return ""
	}
	first, _, _ := strings.Cut(r.awaited.what, "\n")
	return ": waits for " + manifest.Clean(first)
}

// standingLocks are those that outlast any work.
func (a *app) standingLocks() []Lock {
	if a.isUnselected() {
		return append(locksOf(a.suspended.current(), a.skippedRevision(), "", a.name, a.lastRecord()),
			Lock{Kind: LockUnread, What: a.unrenderedWhy(), End: "sync " + string(a.name)})
	}
	return locksOf(a.suspended.current(), a.skippedRevision(), a.unrenderedWhy(), a.name, a.lastRecord())
}

// locksOf lists the locks of an app that is suspended, whose newest revision was skipped, or
// whose branch cannot be rendered; each may be missing.
func locksOf(s *record.Suspension, skipped name.Revision, unread string, app name.App, last *record.Record) []Lock {
	var locks []Lock
	if s != nil {
		what := "left alone: " + s.Reason
		if !s.Until.IsZero() {
			what += ", until " + s.Until.UTC().Format("2006-01-02 15:04 UTC")
		}
		locks = append(locks, Lock{Kind: LockSuspend, What: what, Since: s.Since, By: s.By, End: "resume " + string(app)})
	}
	if skipped != "" {
		lock := Lock{Kind: LockSkip, What: skipped.Short() + " was pushed with -o skip", End: "sync " + string(app)}
		if last != nil && last.Skipped == skipped && last.Result == record.Skipped {
			lock.Since, lock.By = last.Started.UTC(), last.Operator
		}
		locks = append(locks, lock)
	}
	if unread != "" {
		first, _, _ := strings.Cut(unread, "\n")
		locks = append(locks, Lock{Kind: LockUnread, What: "its branch cannot be rendered, so it stays as it is: " + manifest.Clean(first)})
	}
	return locks
}
