package deploy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
)

// pulseEvery is how long a deploy that waits may say nothing. A person is to have a line
// every 15 s, and CI systems end jobs that are silent for long; the rest is for the way.
const pulseEvery = 14 * time.Second

// watchEvery is how long somebody who watches a wait may see nothing: 5 s, less the way.
const watchEvery = 4500 * time.Millisecond

// awaited is the object of a deploy's wait.
type awaited struct {
	what  string // "Deployment shop/web: 0 of 1 pod ready"; further lines are its cause
	since time.Time
	limit time.Duration // 0 for none
}

// at writes the wait for the log: "30 s of 5 min, for Deployment shop/web: ...".
func (w awaited) at(now time.Time) string {
	took := manifest.Waited(now.Sub(w.since))
	if w.limit > 0 {
		took += " of " + manifest.Waited(w.limit)
	}
	what := strings.ReplaceAll(w.what, "\n", "\n"+strings.Repeat(" ", len("  waiting     ")))
	return fmt.Sprintf("  %-10s  %s, for %s", "waiting", took, what)
}

// brief is at in one line, without the cause.
func (w awaited) brief(now time.Time) string {
	w.what, _, _ = strings.Cut(w.what, "\n")
	return manifest.Clean(w.at(now))
}

// standing is brief for a line that moves: with what is left of the limit.
func (w awaited) standing(now time.Time) string {
	what, _, _ := strings.Cut(w.what, "\n")
	took := now.Sub(w.since)
	text := manifest.Waited(took)
	if w.limit > 0 {
		text += ", " + manifest.Waited(max(w.limit-took, 0)) + " left"
	}
	return manifest.Clean(fmt.Sprintf("  %-10s  %s, for %s", "waiting", text, what))
}

// Standing says how the wait of the deploy stands, or of the rollback that follows it, in one
// line: for how long it waits, how long it may still do so, and for what. It is "" once that has
// ended.
func (r *Run) Standing(now time.Time) string {
	r.mu.Lock()
	wait, ended, next := r.awaited, r.outcome != nil, r.next
	r.mu.Unlock()
	switch {
	case !ended:
		return wait.standing(now)
	case next != nil:
		return next.Standing(now)
	}
	return ""
}

// awaitMore returns when there is more, or ctx's error. Whenever it was quiet, it prints how
// the wait stands; never, if quiet is 0.
func (r *Run) awaitMore(ctx context.Context, more <-chan struct{}, print func(line string), quiet time.Duration) error {
	var silent <-chan time.Time
	if quiet > 0 {
		ticker := time.NewTicker(quiet)
		defer ticker.Stop()
		silent = ticker.C
	}
	for {
		select {
		case <-more:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case now := <-silent:
			r.mu.Lock()
			line := r.awaited.brief(now)
			r.mu.Unlock()
			print(line)
		}
	}
}

// WaitsFor sets the object of the deploy's current wait, and its limit (0: none). A
// line reports it whenever there was none for pulseEvery.
func (r *Run) WaitsFor(what string, limit time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.awaited = awaited{what: what, since: time.Now(), limit: limit}
	r.spans.waitLocked(what)
	r.course.waitFor(what, time.Since(r.started))
}

// StillWaitsFor says how the wait stands.
func (r *Run) StillWaitsFor(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.awaited.what = what
	r.course.waitFor(what, time.Since(r.started))
}

// beat reports the current wait if the log has been silent for long, and schedules
// itself again. finish stops it.
func (r *Run) beat() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.outcome != nil {
		return
	}
	quiet := time.Since(r.spoke)
	if quiet >= pulseEvery {
		r.addLocked(r.awaited.at(time.Now()))
		quiet = 0
	}
	r.pulse.Reset(pulseEvery - quiet)
}
