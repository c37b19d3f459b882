package deploy

import (
	"context"
	"sync"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// queue holds the jobs of an app: the current one, and at most one next one. It numbers
// the app's deploys. Its methods are safe for concurrent use; they call nothing outside
// while they hold the lock.
type queue struct {
	app  name.App
	wake chan struct{} // holds one signal while there is a job

	mu        sync.Mutex
	next      *job
	tests     *job                    // begun when there is nothing else to do
	doing     *job                    // nil while the worker is at none, or at tests
	testing   *job                    // tests at work
	overtaken []*job                  // deploys that a newer one has replaced
	looks     map[manifest.ID]Fight   // the objects of the look that comes next
	unseen    map[manifest.ID]bool    // objects that changed while a job was at work
	endWait   context.CancelCauseFunc // of the job at work; nil while there is none
	resting   chan struct{}           // closed when nothing is queued or at work; nil then
	newest    *Run                    // the newest deploy, going on or ended
	numbers   int                     // the highest number given to a deploy
}

func newQueue(app name.App) *queue { return &queue{app: app, wake: make(chan struct{}, 1)} }

// entry is how a job comes into a queue.
type entry int

// The entries of jobs.
const (
	comesNext entry = iota // there is none that comes next, or it is a look, which the job includes
	adopted                // the job that comes next does it too
	overtakes              // it takes the place of the job that comes next, and ends the waits of the one at work
)

// entryOf decides how a job enters the queue. next comes next; nil if nothing does.
func entryOf(next, j *job) entry {
	switch {
	case !j.checks():
		return overtakes
	case next == nil, next.kind == lookJob && j.kind == checkJob:
		return comesNext
	}
	return adopted
}

// add queues a deploy or a check.
func (q *queue) add(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.addLocked(j)
}

func (q *queue) addLocked(j *job) {
	switch entryOf(q.next, j) {
	case adopted:
		q.next.adopt(j)
		return
	case overtakes:
		q.overtakeLocked(j)
	case comesNext:
	}
	q.next = j
	if q.resting == nil {
		q.resting = make(chan struct{})
	}
	q.wakeLocked()
}

func (q *queue) overtakeLocked(j *job) {
	if q.next != nil {
		j.adopt(q.next)
		if q.next.run != nil {
			q.overtaken = append(q.overtaken, q.next)
		}
	}
	if q.endWait != nil {
		q.endWait(apply.ErrSuperseded)
	}
}

func (q *queue) wakeLocked() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// addLook has one more object looked at.
func (q *queue) addLook(id manifest.ID, fight Fight) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.looks == nil {
		q.looks = map[manifest.ID]Fight{}
	}
	q.looks[id] = fight
	look := systemJob(record.CauseDrift)
	look.kind = lookJob
	q.addLocked(look)
}

// addTests queues the tests that a run is to show, and reports whether none were queued.
func (q *queue) addTests(run *Run) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.tests != nil {
		return false
	}
	q.tests = &job{kind: testJob, run: run}
	q.wakeLocked()
	return true
}

// take returns the job to do, nil for none, and those that a newer one has overtaken. A
// look is given its objects; any other job sees them by itself.
func (q *queue) take() (j *job, overtaken []*job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	overtaken, q.overtaken = q.overtaken, nil
	if q.next == nil {
		j, q.testing, q.tests = q.tests, q.tests, nil
		return j, overtaken
	}
	j, q.doing, q.next = q.next, q.next, nil
	if j.kind == lookJob {
		j.looks = q.looks
	}
	q.looks = nil
	if q.tests != nil {
		q.wakeLocked()
	}
	return j, overtaken
}

// drain returns all jobs that are queued, which leaves none.
func (q *queue) drain() []*job {
	q.mu.Lock()
	defer q.mu.Unlock()
	jobs := q.overtaken
	for _, j := range []*job{q.next, q.tests} {
		if j != nil {
			jobs = append(jobs, j)
		}
	}
	q.overtaken, q.next, q.tests, q.looks = nil, nil, nil, nil
	q.restLocked()
	return jobs
}

// wait returns a context for the waits of the job at work. It ends with ctx, when a
// deploy is queued (apply.ErrSuperseded) and when an operator cancels it (apply.CancelledError). Call
// done when the job waits no more.
func (q *queue) wait(ctx context.Context) (wait context.Context, done func()) {
	wait, end := context.WithCancelCause(ctx)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.endWait = end
	if q.deploysNextLocked() {
		end(apply.ErrSuperseded)
	}
	return wait, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.endWait = nil
		end(nil)
	}
}

// cancel ends the waits of the current job, and returns its run. ok is false if no
// visible job is running.
func (q *queue) cancel(caller access.Caller) (run *Run, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.testing != nil:
		run = q.testing.run
	case q.doing != nil:
		run = q.doing.run
	}
	if q.endWait == nil || run == nil {
		return nil, false
	}
	if _, ended := run.Outcome(); ended {
		return nil, false
	}
	q.endWait(apply.CancelledError{By: caller.Operator})
	return run, true
}

// rest marks the worker as done with its job.
func (q *queue) rest() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.doing, q.testing = nil, nil
	q.restLocked()
}

func (q *queue) restLocked() {
	if q.doing == nil && q.next == nil && q.resting != nil {
		close(q.resting)
		q.resting = nil
	}
}

// awaitRest returns when nothing is queued or at work, or with ctx's error. Tests do not
// count.
func (q *queue) awaitRest(ctx context.Context) error {
	q.mu.Lock()
	resting := q.resting
	q.mu.Unlock()
	if resting == nil {
		return nil
	}
	select {
	case <-resting:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// load reports whether the worker is at a job, and whether another comes next.
func (q *queue) load() (working, waiting bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.doing != nil, q.next != nil
}

// isDeploying reports whether the worker is at a job that shows something.
func (q *queue) isDeploying() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.doing != nil && q.doing.run != nil
}

// deploysNext reports whether the job that comes next is a deploy.
func (q *queue) deploysNext() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.deploysNextLocked()
}

func (q *queue) deploysNextLocked() bool { return q.next != nil && !q.next.checks() }

// seeLater notes an object that has changed while a job is at work, and reports whether
// one is.
func (q *queue) seeLater(id manifest.ID) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.doing == nil {
		return false
	}
	if q.unseen == nil {
		q.unseen = map[manifest.ID]bool{}
	}
	q.unseen[id] = true
	return true
}

// takeUnseen returns the objects that seeLater has noted, once.
func (q *queue) takeUnseen() map[manifest.ID]bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	unseen := q.unseen
	q.unseen = nil
	return unseen
}

// newRun begins a deploy that can be attached to.
func (q *queue) newRun() *Run {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.newRunLocked()
}

func (q *queue) newRunLocked() *Run {
	q.numbers++
	q.newest = newRun(q.app, q.numbers)
	return q.newest
}

// begin gives a job a run. Others may ask for the current job's run, so once the worker
// has the job, nothing else sets it.
func (q *queue) begin(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	j.run = q.newRunLocked()
}

// countFrom has the next deploy numbered higher than the given one.
func (q *queue) countFrom(number int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.numbers = max(q.numbers, number)
}

// newestRun returns the newest deploy of this process, nil if there was none.
func (q *queue) newestRun() *Run {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.newest
}

// runOf returns the deploy of a number, if it is the newest or the one at work; 0 stands
// for either. It is nil for any other.
func (q *queue) runOf(number int) *Run {
	q.mu.Lock()
	defer q.mu.Unlock()
	candidates := []*Run{q.newest}
	if q.doing != nil {
		candidates = append(candidates, q.doing.run)
	}
	for _, run := range candidates {
		if run != nil && (run.Number == number || number == 0) {
			return run
		}
	}
	return nil
}
