package deploy

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

// maxLines bounds the lines that a run keeps. An app of the largest size
// allowed prints about three lines an object.
const maxLines = 50_000

// Run is a deploy in progress: a log that anybody can attach to, from its
// first line, and an outcome. Its methods may be called from several
// goroutines.
type Run struct {
	App    name.App
	Number int

	revision name.Revision // the target when the deploy was requested
	started  time.Time

	applied chan struct{} // closed by setApplied

	mu         sync.Mutex
	lines      []string
	spoke      time.Time   // when the last line was added
	pulse      *time.Timer // runs beat, until the deploy ends
	awaited    awaited
	more       chan struct{} // closed and replaced at each line
	outcome    *record.Record
	handedOver bool
	through    sync.Once // closes applied
	spans      traced
	course     course
	next       *Sequel // the deploy that follows from the outcome: a rollback
}

func newRun(app name.App, number int) *Run {
	now := time.Now()
	r := &Run{
		App: app, Number: number, started: now, applied: make(chan struct{}), more: make(chan struct{}),
		spoke: now, awaited: awaited{what: "its turn", since: now},
	}
	r.mu.Lock() // beat reads the timer
	defer r.mu.Unlock()
	r.pulse = time.AfterFunc(pulseEvery, r.beat)
	return r
}

// setApplied says that the deploy applies nothing more, as finish does.
func (r *Run) setApplied() { r.through.Do(func() { close(r.applied) }) }

// ID names the deploy, see DeployID.
func (r *Run) ID() string { return record.DeployID(r.App, r.Number) }

// Printf adds a line. It makes control characters visible, whatever their source.
func (r *Run) Printf(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.addLocked(text)
}

func (r *Run) addLocked(text string) {
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if len(r.lines) < maxLines {
			r.lines = append(r.lines, manifest.Clean(line))
		}
	}
	r.spoke = time.Now()
	r.wakeLocked()
}

// Event adds a line about one object in the fixed columns of the log. What more lines
// the detail has are indented below.
func (r *Run) Event(word string, id manifest.ID, detail string) {
	detail = strings.ReplaceAll(detail, "\n", "\n              ")
	r.Printf("%s", strings.TrimRight(fmt.Sprintf("  %-10s  %s  %s", word, id, detail), " "))
}

// Warn adds the lines of warnings.
func (r *Run) Warn(warnings manifest.Problems) {
	var text strings.Builder
	report.WriteWarnings(&text, warnings)
	r.Printf("%s", strings.TrimRight(text.String(), "\n"))
}

// unchanged tells of the objects that stay as they are, or of how many they are.
func (r *Run) unchanged(p *plan.Plan) {
	if n := p.Counts().Unchanged; n > maxUnchanged {
		r.Printf("  %-10s  %s", record.Unchanged, manifest.Plural(n, "object"))
		return
	}
	for _, step := range p.WithSame() {
		switch {
		case step.Ended:
			r.Event(string(record.Unchanged), step.ID, step.Note)
		case step.Action == record.Unchanged:
			r.Event(string(record.Unchanged), step.ID, "")
		}
	}
}

// maxUnchanged is how many objects that stay as they are have a line each.
const maxUnchanged = 10

// finish sets the outcome and ends every attachment.
func (r *Run) finish(rec record.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.setApplied()
	r.outcome = &rec
	r.spans.endLocked(rec.Result)
	r.pulse.Stop()
	r.wakeLocked()
}

func (r *Run) wakeLocked() {
	close(r.more)
	r.more = make(chan struct{})
}

// Outcome returns how the deploy ended; ok is false while it runs.
func (r *Run) Outcome() (rec record.Record, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.outcome == nil {
		return record.Record{}, false
	}
	return *r.outcome, true
}

// Log returns the lines so far.
func (r *Run) Log() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return []byte(strings.Join(r.lines, "\n") + "\n")
}

// logWith returns the lines so far and those that are about to follow.
func (r *Run) logWith(text string) []byte {
	log := r.Log()
	for line := range strings.SplitSeq(text, "\n") {
		log = append(append(log, manifest.Clean(line)...), '\n')
	}
	return log
}

// follow sets the deploy to show to attached callers after this one. Call it before
// finish.
func (r *Run) follow(next *Sequel) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next = next
}

// Attach calls print with each line, from the first on, until the deploy has ended, and
// with those of a rollback that follows; then it returns the outcome of the deploy
// itself. If ctx ends first it returns ctx's error, and the deploy goes on.
func (r *Run) Attach(ctx context.Context, print func(line string)) (record.Record, error) {
	return r.attachAll(ctx, print, 0)
}

// Watch is Attach for people. Whenever no line has come for watchEvery, print has one that
// says how the wait stands; it is not part of the log.
func (r *Run) Watch(ctx context.Context, print func(line string)) (record.Record, error) {
	return r.attachAll(ctx, print, watchEvery)
}

func (r *Run) attachAll(ctx context.Context, print func(line string), quiet time.Duration) (record.Record, error) {
	rec, err := r.attach(ctx, print, quiet)
	if err != nil {
		return rec, err
	}
	r.mu.Lock()
	next := r.next
	r.mu.Unlock()
	if next == nil {
		return rec, nil
	}
	after, err := next.attachAll(ctx, print, quiet)
	if err != nil {
		return rec, err
	}
	print(next.Closing(after))
	return rec, nil
}

// attach is Attach without a rollback. After quiet without a line it prints one of its own;
// never, if quiet is 0.
func (r *Run) attach(ctx context.Context, print func(line string), quiet time.Duration) (record.Record, error) {
	for next := 0; ; {
		lines, more, outcome := r.after(next)
		for _, line := range lines {
			print(line)
		}
		next += len(lines)
		if outcome != nil {
			return *outcome, nil
		}
		if err := r.awaitMore(ctx, more, print, quiet); err != nil {
			return record.Record{}, err
		}
	}
}

// after returns the lines from next on. The outcome is only given together
// with the last line.
func (r *Run) after(next int) (lines []string, more <-chan struct{}, outcome *record.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines[next:len(r.lines):len(r.lines)], r.more, r.outcome
}

// wait returns the outcome, or ctx's error if it ends first.
func (r *Run) wait(ctx context.Context) (record.Record, error) {
	return r.attach(ctx, func(string) {}, 0)
}
