package deploy

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/render/charts"
)

// Cause says why a deploy ran.
type Cause string

// The causes.
const (
	CausePush     Cause = "push"     // a push moved the branch
	CauseSync     Cause = "sync"     // an operator asked for it
	CauseStart    Cause = "start"    // the server started and found work undone
	CauseSchedule Cause = "schedule" // the app's cron expression
	CauseCheck    Cause = "check"    // an operator asked how it is
	CauseDrift    Cause = "drift"    // a watch saw an owned object change
	CauseRetry    Cause = "retry"    // the deploy before failed
	CauseSuspend  Cause = "suspend"  // an operator suspended the app
	CauseResume   Cause = "resume"   // an operator resumed it, or its time was over
	CauseValues   Cause = "values"   // what the app takes from its cluster has changed
	CauseHealth   Cause = "health"   // an object of an unhealthy deploy became healthy
	CauseRollback Cause = "rollback" // an operator, or onFailure, took the app back
	CauseRotate   Cause = "rotate"   // an operator had its generated values replaced
)

// check reports whether the cause only compares, and deploys nothing new.
func (c Cause) check() bool {
	return c != CausePush && c != CauseSync && c != CauseRollback && c != CauseResume && c != CauseRotate
}

// Result is how a deploy ended.
type Result string

// The results.
const (
	Deployed   Result = "deployed"   // applied, and everything became healthy
	Unhealthy  Result = "unhealthy"  // applied, but not healthy in time
	Failed     Result = "failed"     // not applied, or only in part
	Superseded Result = "superseded" // a newer revision came before this one was healthy
	Corrected  Result = "corrected"  // drift was taken back
	DriftFound Result = "drifted"    // drift was found and left alone
	Suspended  Result = "suspended"  // the app was suspended, or a deploy waits for its end
	Resumed    Result = "resumed"    // the app was resumed
	Skipped    Result = "skipped"    // pushed with -o skip; nothing was done
	Removed    Result = "removed"    // the app left pushboat.yaml; its objects are deleted
)

// OK reports whether the cluster was left as the revision says.
func (r Result) OK() bool { return r == Deployed || r == Corrected || r == Removed }

// applied reports whether the revision's objects reached the cluster in full.
func (r Result) applied() bool { return r.OK() || r == Unhealthy || r == Superseded }

// Record is the durable account of one deploy.
type Record struct {
	Number    int          `json:"number"` // from 1, per app
	App       string       `json:"app"`
	Repo      string       `json:"repository"`
	Branch    string       `json:"branch"`
	Revision  string       `json:"revision"`
	Cluster   string       `json:"cluster"`
	Cause     Cause        `json:"cause"`
	Operator  string       `json:"operator"`
	Key       string       `json:"key,omitempty"` // fingerprint of the operator's key
	Push      string       `json:"push,omitempty"`
	Started   time.Time    `json:"started"`
	Seconds   float64      `json:"seconds"`
	Result    Result       `json:"result"`
	Message   string       `json:"message,omitempty"`   // why the result is not what was wanted
	Digest    string       `json:"digest"`              // of the rendered app, see target.digest
	Content   string       `json:"content,omitempty"`   // of its objects and their place, see contentDigest
	Skipped   string       `json:"skipped,omitempty"`   // the newest revision, while -o skip keeps it from being deployed
	Held      string       `json:"held,omitempty"`      // the revision that stays deployed instead
	Standing  Result       `json:"standing,omitempty"`  // of a record that changed nothing: the result that still stands
	NoPrune   bool         `json:"noPrune,omitempty"`   // what leaves the revision stays on the cluster
	Had       string       `json:"had,omitempty"`       // of a removal: the last revision that has the app
	Formerly  []string     `json:"formerly,omitempty"`  // the apps that this one was before it was renamed
	Renamed   string       `json:"renamed,omitempty"`   // the app that has all objects of this one, which is removed
	Objects   []Object     `json:"objects,omitempty"`   // what this deploy has changed
	Deleted   []string     `json:"deleted,omitempty"`   // manifest.ID keys
	Hooks     []HookResult `json:"hooks,omitempty"`     // that ran, or failed to
	Warnings  []Warning    `json:"warnings,omitempty"`  // of the API server, up to maxRecorded
	Same      int          `json:"unchanged"`           // how many objects stayed as they were
	Cancelled string       `json:"cancelled,omitempty"` // the operator who ended its wait
	Undone    bool         `json:"undone,omitempty"`    // onFailure has the app taken back next

	Charts    []charts.Chart `json:"charts,omitempty"`    // of registries, that it was rendered from
	Generated []string       `json:"generated,omitempty"` // the paths of values that were generated once

	Suspension *Suspension `json:"suspension,omitempty"` // while it lasts
}

// stands is the result that tells how the cluster was left.
func (r Record) stands() Result { return cmp.Or(r.Standing, r.Result) }

// carryOn makes the record one that changed nothing of what the last one left,
// which is nil if there is none.
func (r *Record) carryOn(last *Record) {
	if last != nil {
		r.Digest, r.Content, r.Standing = last.Digest, last.Content, last.stands()
	}
}

// Object is one object that a deploy has changed.
type Object struct {
	Key     string   `json:"key"` // manifest.ID key
	Action  Action   `json:"action"`
	Fields  []string `json:"fields,omitempty"`  // what was not as it should be, up to maxFields
	Culprit *Culprit `json:"culprit,omitempty"` // of a correction: who had changed it
}

// Culprit is who changed an object of ours, as its managedFields tell.
type Culprit = owner.Culprit

// Changed counts the objects that the deploy has changed or deleted.
func (r Record) Changed() int {
	n := len(r.Deleted)
	for _, o := range r.Objects {
		if o.Action != Unchanged && o.Action != Left {
			n++
		}
	}
	return n
}

// Culprits lists who had changed what a correction took back, each once.
func (r Record) Culprits() []Culprit {
	var list []Culprit
	seen := map[string]bool{}
	for _, o := range r.Objects {
		if o.Culprit == nil || seen[o.Culprit.String()] {
			continue
		}
		seen[o.Culprit.String()] = true
		list = append(list, *o.Culprit)
	}
	return list
}

// ID names the deploy: the app, and its number among the app's deploys.
func (r Record) ID() string { return DeployID(r.App, r.Number) }

// DeployID writes a deploy's name: "shop-42".
func DeployID(app string, number int) string { return app + "-" + strconv.Itoa(number) }

// ParseDeployID reads what DeployID wrote. The error says what an id looks
// like.
func ParseDeployID(id string) (app string, number int, err error) {
	dash := strings.LastIndexByte(id, '-')
	if dash > 0 {
		number, err = strconv.Atoi(id[dash+1:])
	}
	if dash <= 0 || err != nil || number < 1 {
		return "", 0, fmt.Errorf("%q is no deploy; one is written like shop-42 (see history APP)", manifest.Clean(id))
	}
	return id[:dash], number, nil
}

// Noted is how an object was when it was last applied or found right. While
// both are the same, there is nothing to ask of the cluster.
type Noted struct {
	Digest      string // of the object as rendered; keyed for a Secret
	Fingerprint string // see live.Fingerprint
	Ended       health.End
}

// Saved is an app as its newest record has it.
type Saved struct {
	Record  Record
	Noted   map[manifest.ID]Noted // every object that it owned then
	Damaged error                 // why the newest record cannot be read: the rest is that of an older one, or only the app's name
}

// Entry is what is kept of one deploy.
type Entry struct {
	Record Record
	Log    []byte                // the lines that were shown, outcome included
	Noted  map[manifest.ID]Noted // every object that the app owns now
	Kept   []Kept                // those whose Noted or manifest is another than before
}

// Kept is an object that is to be written, because it is not as the record
// before has it.
type Kept struct {
	ID       manifest.ID
	Manifest []byte // as applied, in YAML, secrets masked; nil: as it was
	Gone     bool   // it is not the app's any more
}

// Recorder keeps records. Package history implements it in Git.
type Recorder interface {
	// Newest returns every app of a repository that has records, as its newest
	// record has it.
	Newest(ctx context.Context, repo string) (map[string]Saved, error)
	// Manifests returns an app's objects in YAML as its newest record has them,
	// secrets masked, in no order; none if it has no record.
	Manifests(ctx context.Context, repo, app string) ([][]byte, error)
	// Save appends a record. When it returns without an error, the record is
	// on disk.
	Save(ctx context.Context, entry Entry) error
}
