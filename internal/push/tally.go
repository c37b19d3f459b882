package push

import (
	"time"

	"github.com/pushboat/pushboat/internal/tally"
)

// Outcome is what became of a push.
type Outcome string

// The outcomes of pushes.
const (
	Accepted  Outcome = "accepted"  // Git may move the refs
	Refused   Outcome = "refused"   // the gate found problems
	Planned   Outcome = "planned"   // -o plan, without problems
	Abandoned Outcome = "abandoned" // the pusher went away, or the server stopped, before it was judged
	Stopped   Outcome = "stopped"   // it reached a limit before the gate
)

// Gated tells how long the gate took, by the outcome.
func (d *Door) Gated() map[Outcome]tally.Distribution { return d.gated.Read() }

// Outcomes counts the pushes by what became of them.
func (d *Door) Outcomes() map[Outcome]int64 {
	counts := map[Outcome]int64{}
	for outcome, times := range d.gated.Read() {
		counts[outcome] = int64(times.Count)
	}
	if n := d.stopped.Load(); n > 0 {
		counts[Stopped] = n
	}
	return counts
}

// note counts a push that the gate has judged.
func (p *push) note(accepted bool) {
	outcome := outcomeOf(accepted, p.ruling.reason != "", p.options.Plan)
	p.door.gated.Note(outcome, time.Since(p.began))
	p.traceJudged(outcome)
}

func outcomeOf(accepted, hasReason, plan bool) Outcome {
	switch {
	case accepted:
		return Accepted
	case hasReason:
		return Refused
	case plan:
		return Planned
	}
	return Abandoned
}
