package deploy

import (
	"fmt"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/record"
)

// Trail is the audit trail. Package audit has it.
type Trail interface {
	// Write returns when the events are on disk, or cannot be written.
	Write(events ...audit.Event) error
	// Note has events written soon.
	Note(events ...audit.Event)
	// NoteLimited is Note with a quota for the source of the event.
	NoteLimited(source string, e audit.Event)
}

// noTrail is for an engine that only plans.
type noTrail struct{}

// Write writes nothing.
func (noTrail) Write(...audit.Event) error { return nil }

// Note writes nothing.
func (noTrail) Note(...audit.Event) {}

// NoteLimited writes nothing.
func (noTrail) NoteLimited(string, audit.Event) {}

// trailBegun puts the begin of a deploy on the audit trail. That of a push, or of a verb,
// was decided there before. Where the server decides by itself, the line is on disk before
// the cluster changes; a full disk keeps no app from what its branch says.
func (at *attempt) trailBegun() {
	e := audit.Of(audit.DeployStarted, at.job.caller)
	e.App, e.Repository, e.Ref = string(at.name), string(at.target.Repo), at.target.Spec.Branch.Ref()
	e.New = string(at.target.Revision)
	if last := at.lastRecord(); last != nil {
		e.Old = string(last.Revision)
	}
	e.Reason = fmt.Sprintf("%s, %s", at.job.run.ID(), at.job.cause)
	if at.job.override != "" {
		e.Reason += fmt.Sprintf(", windows overridden: %q", at.job.override)
	}
	if !at.job.caller.System || at.engine.Trail.Write(e) != nil {
		at.engine.Trail.Note(e)
	}
}

// trailEnded puts a record on the audit trail. Its message is for those who may read the
// repository.
func (a *app) trailEnded(r record.Record) {
	kind := audit.DeployEnded
	if r.Result == record.Corrected || r.Result == record.DriftFound {
		kind = audit.Correction
	}
	e := audit.Of(kind, access.Caller{Operator: r.Operator, Fingerprint: r.Key})
	e.App, e.Repository, e.Ref, e.New = string(r.App), string(r.Repo), r.Branch.Ref(), string(r.Revision)
	e.Reason = fmt.Sprintf("%s, %s: %s", r.ID(), r.Cause, r.Result)
	if r.Cancelled != "" {
		e.Reason += ", cancelled by " + r.Cancelled
	}
	if kind == audit.Correction {
		a.engine.Trail.NoteLimited(string(r.App), e)
		return
	}
	a.engine.Trail.Note(e)
}
