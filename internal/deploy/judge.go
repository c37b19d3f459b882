package deploy

import (
	"context"
	"time"

	"github.com/pushboat/pushboat/internal/record"
)

// situation holds the facts that decide between a deploy, a check and nothing.
type situation struct {
	kind      jobType
	removed   bool // the app is gone from its cluster, as is wanted
	settled   bool // the app was brought to its target before
	suspended bool // by an operator
	closed    bool // by a window
	forbidden bool // the repository's grant does not give all of the target
	held      bool // the target's newest deploy was cancelled, or stopped by a hook
}

// event is the decision.
func (s situation) event() stageEvent {
	checks := s.kind != deployJob
	switch {
	case s.removed:
		return eventNothing
	case s.forbidden && checks:
		return eventHeld
	case s.forbidden:
		return eventForbidden
	case checks && s.settled:
		return eventCompare
	case s.suspended && checks:
		return eventHeld
	case s.suspended:
		return eventSuspended
	case checks && s.held:
		return eventHeld
	case s.closed && checks:
		return eventHeld
	case s.closed:
		return eventWaits
	}
	return eventDeploy
}

// judge decides between a deploy, a check and nothing.
func (at *attempt) judge() stageEvent {
	t := at.target
	if t == nil {
		return eventNothing
	}
	if at.job.asksForBranch() && at.branchMoved() {
		if len(at.job.askers) > 0 {
			at.enqueue(at.job.instead(record.CauseStart)) // its followers are told about the newer revision
		}
		return eventSuperseded
	}
	suspension := at.suspended.current()
	closing, request := at.closing(t, time.Now()), at.request(t)
	request.postponed = at.job.postponed
	s := situation{
		kind: at.job.kind, removed: t.Gone && at.removed(), settled: at.settled(t),
		suspended: suspension != nil, held: at.held(t), closed: request.isShut(closing.verdict),
	}
	forbidden := at.confine(t)
	s.forbidden = forbidden != ""
	if !s.settled {
		at.job.widen() // the whole app must be brought there
	}
	switch e := s.event(); e {
	case eventDeploy:
		return at.deploys()
	case eventSuspended:
		at.quietly(record.Suspended, suspension.Reason)
		return e
	case eventForbidden:
		at.quietly(record.Failed, forbidden)
		return e
	case eventWaits:
		at.waitsFor(closing)
		return e
	case eventHeld:
		if s.closed && !s.forbidden && suspension == nil && !s.held {
			at.leaveClosed(closing)
			return e
		}
		at.judgeHeld(suspension, forbidden)
		return e
	default:
		return e
	}
}

// judgeHeld tells the callers that wait for a check why the app is not deployed. Drift
// in an app that waits for a push or an operator may have to be reverted first.
func (at *attempt) judgeHeld(suspension *record.Suspension, forbidden string) {
	if forbidden != "" {
		at.finding = Finding{Result: CheckFailed, Message: forbidden}
		return
	}
	if suspension != nil {
		at.finding = Finding{Result: CheckDrifted, Message: "not deployed, " + suspension.Describe()}
		return
	}
	at.rollBackLate(at.target, at.job)
}

// branchMoved looks whether the branch is where the last push has left it, and the values
// that the app takes from its cluster are as they were, and has them taken up if not.
func (at *attempt) branchMoved() bool {
	t := at.target
	repo, branch := at.home()
	head, err := at.engine.Source.Head(at.engine.ctx, repo, branch)
	switch {
	case err != nil, head == "":
		return false
	case head == t.Revision && at.takenStands():
		return false
	case head == at.skippedRevision(), at.isUnselected():
		return false
	case at.engine.reservations.expect(repo, branch): // the push that is under way brings it
		return false
	}
	cause := record.CauseStart
	if head == t.Revision {
		cause = record.CauseValues
	}
	if err := at.engine.arrive(at.engine.ctx, repo, cause); err != nil {
		at.trouble.set(err.Error())
		return false
	}
	return true
}

// valuesTimeout bounds one look at the values that an app takes from its cluster.
const valuesTimeout = time.Minute

// takenStands reports whether what the app takes from its cluster, and the versions that its
// ranges of charts mean, are unchanged. If that is unknown, the app stays as it is, and its status says why.
func (at *attempt) takenStands() bool {
	t := at.target
	if moved, err := t.othersMoved(at.engine.ctx, at.engine.Source); err != nil || moved {
		if err != nil {
			at.noValues = err.Error()
		}
		return err != nil
	}
	if t.Gone || !t.Spec.Substitute.Asks() && !t.Spec.PostBuild.Asks() && !t.Spec.AsksForValues() && !t.taken.Any() {
		return true
	}
	session := at.engine.Renderer.For(t.Repo).Session(nil).Looking()
	defer session.Close()
	ctx, cancel := context.WithTimeout(at.engine.ctx, valuesTimeout)
	defer cancel()
	stands, err := session.Stands(ctx, t.Spec, t.taken)
	if err != nil {
		at.logTrouble("look for new values", err)
		at.noValues = err.Error()
	}
	return err != nil || stands
}
