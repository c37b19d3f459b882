package deploy

import (
	"slices"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// jobType is the purpose of a job.
type jobType int

// The kinds of jobs.
const (
	deployJob jobType = iota // bring a new target to the cluster
	checkJob                 // compare the app with its cluster
	lookJob                  // compare only the objects of which there were events
	testJob                  // run the tests of the deployed revision
)

// Depth is how closely a job compares the app with its cluster. A greater depth
// includes all smaller ones.
type Depth int

// The depths of a check.
const (
	BySight     Depth = iota // ask the cluster only about objects that seem to have changed
	byInventory              // compare the inventory on the cluster too
	ByTrial                  // try every object on the cluster
)

// job is one thing for an app's worker to do, as it was asked for.
type job struct {
	kind   jobType
	cause  record.Cause
	caller access.Caller
	push   string        // the push's id, for the record
	signed record.Signed // who signed the push, for the record
	depth  Depth
	fresh  time.Time             // the minimum time of the cluster's state, which the server itself gives; zero: the watches' view is enough
	looks  map[manifest.ID]Fight // the objects of a look, see queue.take
	run    *Run                  // nil until there is something to show
	askers []chan Finding        // the callers that wait for the finding of a check

	postponed bool   // the gate accepted it for when its windows open
	override  string // why it deploys although a window may be closed

	// Of the deploys of a push:
	force     bool       // recreate objects that cannot be changed in place
	plan      *plan.Plan // from the gate; nil to plan anew
	with      *plan.Companions
	after     []*Run     // of the apps that this one depends on
	entitled  bool       // the push gives rights to the app's own account: it was planned as another one
	entitling []*Run     // of the apps that give them
	together  *together  // the deploys of the same push; nil if there is no push
	formerly  []name.App // apps that leave with the push, and whose objects all come to this one
}

// newJob makes a job of a cause: a deploy, or a check if the cause only compares.
func newJob(cause record.Cause, caller access.Caller) *job {
	j := &job{kind: deployJob, cause: cause, caller: caller}
	if cause.Checks() {
		j.kind = checkJob
	}
	return j
}

// systemJob is a job that the server gives itself.
func systemJob(cause record.Cause) *job { return newJob(cause, access.System(string(cause))) }

// checks reports whether the job deploys nothing new.
func (j *job) checks() bool { return j.kind != deployJob }

// adopt makes the job as deep and as fresh as another one, and takes over its waiting
// callers.
func (j *job) adopt(other *job) {
	if other.fresh.After(j.fresh) {
		j.fresh = other.fresh
	}
	j.depth = max(j.depth, other.depth)
	j.askers = append(slices.Clip(j.askers), other.askers...)
	other.askers = nil
}

// number is that of the deploy that the job shows; 0 if it shows none.
func (j *job) number() int {
	if j.run == nil {
		return 0
	}
	return j.run.Number
}

// instead returns a job for another cause that takes the place of this one.
func (j *job) instead(cause record.Cause) *job {
	other := newJob(cause, j.caller)
	other.adopt(j)
	return other
}

// widen makes a look a check of the whole app.
func (j *job) widen() {
	if j.kind == lookJob {
		j.kind, j.looks = checkJob, nil
	}
}

// asksForBranch reports whether the job looks first whether the branch has moved past the
// server.
func (j *job) asksForBranch() bool {
	return j.cause == record.CauseSchedule || j.cause == record.CauseCheck
}
