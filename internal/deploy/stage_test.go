package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/datadir"
	"github.com/pushboat/pushboat/internal/record"
)

// allStages are the stages in the order in which an attempt passes them.
var allStages = []stage{
	stageQueued, stageJudging, stageComparing, stageDepending, stagePlanning, stageApplying, stageGathering,
	stagePruning, stageSettling, stageConcluding, stageCleaning, stageRecording, stageEnded,
}

// eventEndings are the endings to which events lead; "" for an event that leads to none of
// its own.
var eventEndings = map[stageEvent]ending{
	eventDone: "", eventNothing: "", eventNews: "", eventDeploy: "", eventCompare: "", eventDiffers: "", eventRemoved: "", eventCorrected: "",
	eventHeld: endedHeld, eventSuspended: endedHeld, eventWaits: endedHeld, eventForbidden: endedHeld, eventInPart: endedInPart, eventLater: endedInPart,
	eventFailed: endedFailed, eventCrashed: endedFailed, eventHookFailed: endedHookFailed, eventUnhealthy: endedUnhealthy,
	eventCancelled: endedCancelled, eventSuperseded: endedSuperseded, eventInterrupted: endedInterrupted,
}

// diagram reads the arrows of the diagram in ARCHITECTURE.md: the next stage, by stage and
// event.
func diagram(t *testing.T) map[stage]map[stageEvent]stage {
	t.Helper()
	text, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, drawn, found := strings.Cut(string(text), "stateDiagram-v2\n")
	drawn, _, closed := strings.Cut(drawn, "```")
	if !found || !closed {
		t.Fatal("ARCHITECTURE.md has no diagram of the stages")
	}
	arrow := regexp.MustCompile(`^ +(\w+) --> (\w+): (.+)$`)
	arrows := map[stage]map[stageEvent]stage{}
	for line := range strings.SplitSeq(strings.TrimRight(drawn, "\n"), "\n") {
		m := arrow.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("ARCHITECTURE.md: %q is not an arrow", line)
		}
		from, to := stage(m[1]), stage(m[2])
		if arrows[from] == nil {
			arrows[from] = map[stageEvent]stage{}
		}
		for e := range strings.SplitSeq(m[3], ", ") {
			if known, twice := arrows[from][stageEvent(e)]; twice {
				t.Errorf("ARCHITECTURE.md: %s leads from %s to %s and to %s", e, from, known, to)
			}
			arrows[from][stageEvent(e)] = to
		}
	}
	return arrows
}

// TestEveryStageWithEveryEvent compares the transitions with the diagram of
// ARCHITECTURE.md. The diagram leaves out the two transitions that every stage has.
func TestEveryStageWithEveryEvent(t *testing.T) {
	drawn := diagram(t)
	for _, from := range allStages {
		for e := range eventEndings {
			want, can := drawn[from][e]
			if e == eventInterrupted || e == eventCrashed {
				want, can = stageEnded, from != stageEnded
			}
			got, err := progress{stage: from, ending: endedWell}.next(e)
			if (err == nil) != can || can && got.stage != want {
				t.Errorf("%s, %s: leads to %q (%v); the diagram says %q (%v)", from, e, got.stage, err, want, can)
			}
		}
		for e := range drawn[from] {
			if _, known := eventEndings[e]; !known {
				t.Errorf("the diagram has an event %q", e)
			}
		}
	}
	for from := range drawn {
		if !slices.Contains(allStages, from) {
			t.Errorf("the diagram has a stage %q", from)
		}
	}
}

// TestAttemptsGoForward follows every path: each one ends, and records an apply.
func TestAttemptsGoForward(t *testing.T) {
	reached := map[stage]bool{stageQueued: true}
	for _, from := range allStages {
		if !reached[from] {
			t.Errorf("no attempt is ever %s", from)
		}
		if len(transitions[from]) == 0 && from != stageEnded {
			t.Errorf("no transition leads on from %s", from)
		}
		for e, to := range transitions[from] {
			reached[to] = true
			if slices.Index(allStages, to) <= slices.Index(allStages, from) {
				t.Errorf("%s, %s: leads back to %s", from, e, to)
			}
			if slices.Index(allStages, from) >= slices.Index(allStages, stageApplying) && to == stageEnded && from != stageRecording {
				t.Errorf("%s, %s: the attempt has applied something, and ends without a record", from, e)
			}
		}
	}
}

func TestEndingsOfEvents(t *testing.T) {
	for from, events := range transitions {
		for e := range events {
			p, err := progress{stage: from, ending: endedInPart, turned: stageComparing}.next(e)
			if err != nil {
				t.Fatal(err)
			}
			want, turned := eventEndings[e], from
			if want == "" {
				want, turned = endedInPart, stageComparing
			}
			if p.ending != want || p.turned != turned {
				t.Errorf("%s, %s: ends %s because of %s, want %s because of %s", from, e, p.ending, p.turned, want, turned)
			}
		}
	}
}

func TestWhatIsTriedAgain(t *testing.T) {
	type when struct{ app, gone bool }
	never, always, ofGone := when{}, when{true, true}, when{gone: true}
	for end, want := range map[ending]when{
		endedWell: never, endedInPart: always, endedHeld: never, endedFailed: always, endedHookFailed: ofGone,
		endedUnhealthy: never, endedCancelled: ofGone, endedSuperseded: never, endedInterrupted: never,
	} {
		if got := (when{end.again(false), end.again(true)}); got != want {
			t.Errorf("%s: got %v, want %v", end, got, want)
		}
	}
}

func TestResultsOfEndings(t *testing.T) {
	for end, want := range map[ending]record.Result{
		endedWell: record.Corrected, endedInPart: record.Corrected, endedFailed: record.Failed, endedHookFailed: record.Failed,
		endedUnhealthy: record.Unhealthy, endedCancelled: record.Failed, endedSuperseded: record.Superseded,
	} {
		if got := end.result(record.Corrected); got != want {
			t.Errorf("%s: got %s, want %s", end, got, want)
		}
	}
}

func TestWhatWasBroughtThere(t *testing.T) {
	for p, want := range map[progress]bool{
		{ending: endedWell}:                                true,
		{ending: endedFailed, turned: stageApplying}:       true, // the digest says which target
		{ending: endedSuperseded, turned: stageQueued}:     false,
		{ending: endedSuperseded, turned: stageDepending}:  false,
		{ending: endedSuperseded, turned: stageApplying}:   false,
		{ending: endedSuperseded, turned: stageGathering}:  false,
		{ending: endedSuperseded, turned: stagePruning}:    false,
		{ending: endedSuperseded, turned: stageSettling}:   true,
		{ending: endedSuperseded, turned: stageConcluding}: true,
		{ending: endedUnhealthy, turned: stageSettling}:    true,
		{ending: endedCancelled, turned: stageConcluding}:  true,
		{ending: endedHookFailed, turned: stagePruning}:    true,
		{ending: endedInPart, turned: stageComparing}:      true,
		{ending: endedInterrupted, turned: stageSettling}:  true,
		{ending: endedHeld, turned: stageJudging}:          true,
	} {
		if got := p.broughtThere(); got != want {
			t.Errorf("%+v: got %v", p, got)
		}
	}
}

func TestEventOfAnError(t *testing.T) {
	other := errors.New("forbidden")
	for _, test := range []struct {
		err             error
		cancelled, hook bool
		want            stageEvent
	}{
		{nil, false, false, eventDone},
		{nil, true, true, eventDone},
		{other, false, false, eventFailed},
		{other, false, true, eventHookFailed},
		{other, true, false, eventCancelled},
		{other, true, true, eventCancelled},
		{apply.CancelledError{By: "dora"}, true, false, eventCancelled},
		{apply.ErrSuperseded, false, false, eventSuperseded},
		{fmt.Errorf("prune: %w", apply.ErrSuperseded), true, true, eventSuperseded},
		{apply.ErrInterrupted, false, true, eventInterrupted},
		{fmt.Errorf("apply: %w", &datadir.StaleError{}), true, true, eventInterrupted},
		{apply.UnhealthyError{Reason: "sick"}, false, false, eventUnhealthy},
		{apply.UnhealthyError{Reason: "sick"}, true, false, eventUnhealthy},
	} {
		if got := eventOf(test.err, test.cancelled, test.hook); got != test.want {
			t.Errorf("%v, cancelled %v, hook %v: got %s, want %s", test.err, test.cancelled, test.hook, got, test.want)
		}
	}
}

func TestWhyAWaitEnded(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, test := range []struct{ cause, want error }{
		{apply.ErrSuperseded, apply.ErrSuperseded}, {apply.CancelledError{By: "dora"}, apply.CancelledError{By: "dora"}}, {context.Canceled, apply.ErrInterrupted},
	} {
		wait, end := context.WithCancelCause(t.Context())
		end(test.cause)
		if got := apply.WaitError(wait); !errors.Is(got, test.want) {
			t.Errorf("%v: got %v, want %v", test.cause, got, test.want)
		}
	}
	if got := apply.WaitError(stopped); !errors.Is(got, apply.ErrInterrupted) {
		t.Errorf("got %v", got)
	}
	if by := apply.CancelledBy(stopped); by != "" {
		t.Errorf("cancelled by %q", by)
	}
}

func TestEventsWhenAllIsApplied(t *testing.T) {
	for e := range eventEndings {
		want := e
		if e == eventHookFailed {
			want = eventUnhealthy
		}
		if got := whenApplied(e); got != want {
			t.Errorf("%s: got %s", e, got)
		}
	}
}
