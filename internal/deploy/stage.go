package deploy

import (
	"errors"
	"fmt"

	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/datadir"
	"github.com/pushboat/pushboat/internal/record"
)

// An attempt is one job at work. It goes through stages: each does its part and ends in an
// event, and the two decide which stage comes next. ARCHITECTURE.md has the diagram, and a
// test holds it to the table here. Nothing in this file waits or asks anything.

// stage is where an attempt is.
type stage string

// The stages of an attempt, in their order.
const (
	stageQueued     stage = "queued"     // until the worker has time
	stageJudging    stage = "judging"    // decides between a deploy, a check and nothing
	stageComparing  stage = "comparing"  // finds the differences between cluster and target
	stageDepending  stage = "depending"  // waits for the apps that this one depends on
	stagePlanning   stage = "planning"   // makes a plan if there is none, or an old one
	stageApplying   stage = "applying"   // applies the objects wave by wave, with the hooks that come before and among them
	stageGathering  stage = "gathering"  // waits until the other apps of the push have applied theirs
	stagePruning    stage = "pruning"    // deletes the objects that the revision no longer has
	stageSettling   stage = "settling"   // waits until every object is healthy
	stageConcluding stage = "concluding" // makes the last deletions, and runs the hooks that come after all
	stageCleaning   stage = "cleaning"   // runs the hooks of a failure, and deletes the objects that hooks have left
	stageRecording  stage = "recording"  // writes the record, and says how the attempt ended
	stageEnded      stage = "ended"
)

// stageEvent is how a stage ended.
type stageEvent string

// The events of stages.
const (
	eventDone        stageEvent = "done"        // the stage did its part
	eventNothing     stageEvent = "nothing"     // there is nothing to do
	eventNews        stageEvent = "news"        // there is nothing to do but to record the finding
	eventDeploy      stageEvent = "deploy"      // the app must be brought to its target
	eventCompare     stageEvent = "compare"     // the app was brought to its target before
	eventHeld        stageEvent = "held"        // the app is not to be deployed until somebody acts
	eventSuspended   stageEvent = "suspended"   // the same, by an operator, and a record has to say so
	eventWaits       stageEvent = "waits"       // a window is closed, and a record has to say so
	eventForbidden   stageEvent = "forbidden"   // the same, by the repository's grant
	eventDiffers     stageEvent = "differs"     // the differences must be reverted
	eventInPart      stageEvent = "in part"     // some of them are, and another attempt has to do the rest
	eventLater       stageEvent = "later"       // another attempt has to do all of it
	eventRemoved     stageEvent = "removed"     // the app has left its cluster: nobody waits for its health
	eventCorrected   stageEvent = "corrected"   // drift is taken back: nobody waits for its health
	eventFailed      stageEvent = "failed"      // the attempt is made again
	eventHookFailed  stageEvent = "hook failed" // it is not: a hook must not run again and again
	eventUnhealthy   stageEvent = "unhealthy"   // all is applied, and something does not become healthy
	eventCancelled   stageEvent = "cancelled"   // an operator has ended the wait: the rest is left
	eventSuperseded  stageEvent = "superseded"  // a newer revision should be deployed
	eventInterrupted stageEvent = "interrupted" // the server stops, or another one has its place
	eventCrashed     stageEvent = "crashed"     // the server has a fault
)

// ending is how an attempt ended, or would if it ended now.
type ending string

// The endings of an attempt.
const (
	endedWell        ending = "well"        // the app is as it should be, or as its settings leave it
	endedInPart      ending = "in part"     // the same, but for a rest that another attempt has to do
	endedHeld        ending = "held"        // nothing was done, until somebody acts
	endedFailed      ending = "failed"      // something went wrong
	endedHookFailed  ending = "hook failed" // a hook stopped it
	endedUnhealthy   ending = "unhealthy"   // all is applied, and not healthy
	endedCancelled   ending = "cancelled"   // an operator left the rest
	endedSuperseded  ending = "superseded"  // a newer revision takes its place
	endedInterrupted ending = "interrupted" // the next start of the server takes it up
)

// transitions are the stages that follow a stage, by its event. In addition every stage
// may be interrupted, or crash; then the attempt ends at once.
var transitions = map[stage]map[stageEvent]stage{
	stageQueued: {eventDone: stageJudging, eventSuperseded: stageRecording},
	stageJudging: {
		eventNothing: stageEnded, eventHeld: stageEnded, eventSuperseded: stageEnded, eventSuspended: stageRecording, eventWaits: stageRecording,
		eventForbidden: stageRecording, eventCompare: stageComparing, eventDeploy: stageDepending,
	},
	stageComparing: {
		eventNothing: stageEnded, eventLater: stageEnded, eventFailed: stageEnded, eventNews: stageRecording,
		eventDiffers: stageApplying, eventInPart: stageApplying,
	},
	stageDepending: {eventDone: stagePlanning, eventFailed: stageRecording, eventCancelled: stageRecording, eventSuperseded: stageRecording},
	stagePlanning:  {eventDone: stageApplying, eventFailed: stageRecording, eventCancelled: stageRecording},
	stageApplying: {
		eventDone: stageGathering, eventFailed: stageCleaning, eventHookFailed: stageCleaning,
		eventCancelled: stageCleaning, eventSuperseded: stageCleaning,
	},
	stageGathering: {eventDone: stagePruning, eventCancelled: stageCleaning, eventSuperseded: stageCleaning},
	stagePruning: {
		eventDone: stageSettling, eventCorrected: stageConcluding, eventRemoved: stageCleaning, eventFailed: stageCleaning,
		eventHookFailed: stageCleaning, eventCancelled: stageCleaning, eventSuperseded: stageCleaning,
	},
	stageSettling: {eventDone: stageConcluding, eventUnhealthy: stageCleaning, eventSuperseded: stageCleaning},
	stageConcluding: {
		eventDone: stageCleaning, eventFailed: stageCleaning, eventUnhealthy: stageCleaning,
		eventCancelled: stageCleaning, eventSuperseded: stageCleaning,
	},
	stageCleaning:  {eventDone: stageRecording},
	stageRecording: {eventDone: stageEnded},
}

// endings maps events to endings. Other events do not change the ending.
var endings = map[stageEvent]ending{
	eventInPart: endedInPart, eventLater: endedInPart, eventHeld: endedHeld, eventSuspended: endedHeld, eventWaits: endedHeld, eventForbidden: endedHeld,
	eventFailed: endedFailed, eventCrashed: endedFailed, eventHookFailed: endedHookFailed,
	eventUnhealthy: endedUnhealthy, eventCancelled: endedCancelled,
	eventSuperseded: endedSuperseded, eventInterrupted: endedInterrupted,
}

// progress is how far an attempt has come.
type progress struct {
	stage  stage
	ending ending
	turned stage // the stage whose event led to the ending; "" without a failure
}

// start is the progress of a job that waits for the worker.
var start = progress{stage: stageQueued, ending: endedWell}

// next returns the progress after an event of the stage. It is an error if the stage does
// not have the event.
func (p progress) next(e stageEvent) (progress, error) {
	to, ok := transitions[p.stage][e]
	if e == eventInterrupted || e == eventCrashed {
		to, ok = stageEnded, p.stage != stageEnded
	}
	if !ok {
		return p, fmt.Errorf("an attempt that is %s has no event %q", p.stage, e)
	}
	if end, turns := endings[e]; turns {
		p.ending, p.turned = end, p.stage
	}
	p.stage = to
	return p, nil
}

// again reports whether an attempt that ended so is made again by itself. Nobody can push
// a fix to an app that is gone: its removal is always tried again.
func (e ending) again(gone bool) bool {
	switch e {
	case endedFailed, endedInPart:
		return true
	case endedHookFailed, endedCancelled:
		return gone
	}
	return false
}

// result is the result in the record of an attempt that was to end with the result good.
func (e ending) result(good record.Result) record.Result {
	switch e {
	case endedFailed, endedHookFailed, endedCancelled:
		return record.Failed
	case endedUnhealthy:
		return record.Unhealthy
	case endedSuperseded:
		return record.Superseded
	}
	return good
}

// broughtThere reports whether the cluster has all of the target, or was to: the record
// then has the target's digest. A newer revision may have come when only a part of it
// was applied.
func (p progress) broughtThere() bool {
	return p.ending != endedSuperseded || p.turned == stageSettling || p.turned == stageConcluding
}

// eventOf is the event of a stage that ended with err. Whether the operator has cancelled
// the wait, and a hook has failed, say of which kind a failure is.
func eventOf(err error, isCancelled, isHook bool) stageEvent {
	switch {
	case err == nil:
		return eventDone
	case errors.Is(err, apply.ErrInterrupted), errors.As(err, new(*datadir.StaleError)):
		return eventInterrupted
	case errors.Is(err, apply.ErrSuperseded):
		return eventSuperseded
	case errors.As(err, new(apply.UnhealthyError)):
		return eventUnhealthy
	case isCancelled:
		return eventCancelled
	case isHook:
		return eventHookFailed
	}
	return eventFailed
}

// whenApplied is the event of a failure after everything was applied: a hook that fails
// then has stopped nothing.
func whenApplied(e stageEvent) stageEvent {
	if e == eventHookFailed {
		return eventUnhealthy
	}
	return e
}
