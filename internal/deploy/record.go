package deploy

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Cause says why a deploy ran.
type Cause string

// The causes.
const (
	CausePush     Cause = "push"     // a push moved the branch
	CauseSync     Cause = "sync"     // an operator asked for it
	CauseStart    Cause = "start"    // the server started and found work undone
	CauseSchedule Cause = "schedule" // the app's cron expression
	CauseDrift    Cause = "drift"    // a watch saw an owned object change
	CauseRetry    Cause = "retry"    // the deploy before failed
	CauseHealth   Cause = "health"   // an object of an unhealthy deploy became healthy
)

// check reports whether the cause only compares, and deploys nothing new.
func (c Cause) check() bool {
	return c != CausePush && c != CauseSync
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
	Skipped    Result = "skipped"    // pushed with -o skip; nothing was done
	Removed    Result = "removed"    // the app left pushboat.yaml; its objects are deleted
)

// OK reports whether the cluster was left as the revision says.
func (r Result) OK() bool { return r == Deployed || r == Corrected || r == Removed }

// applied reports whether the revision's objects reached the cluster in full.
func (r Result) applied() bool { return r.OK() || r == Unhealthy || r == Superseded }

// Record is the durable account of one deploy.
type Record struct {
	Number   int       `json:"number"` // from 1, per app
	App      string    `json:"app"`
	Repo     string    `json:"repository"`
	Branch   string    `json:"branch"`
	Revision string    `json:"revision"`
	Cluster  string    `json:"cluster"`
	Cause    Cause     `json:"cause"`
	Operator string    `json:"operator"`
	Key      string    `json:"key,omitempty"` // fingerprint of the operator's key
	Push     string    `json:"push,omitempty"`
	Started  time.Time `json:"started"`
	Seconds  float64   `json:"seconds"`
	Result   Result    `json:"result"`
	Message  string    `json:"message,omitempty"` // why the result is not what was wanted
	Digest   string    `json:"digest"`            // of the rendered app, see target.digest
	Skipped  string    `json:"skipped,omitempty"` // the newest revision, while -o skip keeps it from being deployed
	Held     string    `json:"held,omitempty"`    // the revision that stays deployed instead
	Objects  []Object  `json:"objects,omitempty"`
	Deleted  []string  `json:"deleted,omitempty"` // manifest.ID keys
}

// Object is one object of a record.
type Object struct {
	Key         string `json:"key"` // manifest.ID key
	Action      Action `json:"action"`
	Digest      string `json:"digest,omitempty"`      // of the object as rendered
	Fingerprint string `json:"fingerprint,omitempty"` // live.Fingerprint after the apply
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

// Recorder keeps records. Package history implements it in Git.
type Recorder interface {
	// Last returns an app's newest record; ok is false if there is none.
	Last(ctx context.Context, repo, app string) (record Record, ok bool, err error)
	// Apps lists the apps of a repository that have records.
	Apps(ctx context.Context, repo string) ([]string, error)
	// Save appends a record, with the lines that were shown and the objects
	// as applied, whose secret values are masked.
	Save(ctx context.Context, record Record, log, manifests []byte) error
}
