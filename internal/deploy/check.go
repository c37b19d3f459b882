package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// Finding is what a check found of one app.
type Finding struct {
	App     string      `json:"app"`
	Result  CheckResult `json:"result"`
	Objects []string    `json:"objects,omitempty"` // that differed
	Message string      `json:"message,omitempty"` // why it could not be done, or why it left what differs
}

// CheckResult says how an app was found, and what has become of it.
type CheckResult string

// The results of a check.
const (
	CheckUnchanged CheckResult = "unchanged" // everything is as the revision says
	CheckCorrected CheckResult = "corrected" // it differed, and does not any more
	CheckDrifted   CheckResult = "drifted"   // it differs, and the app's drift setting leaves it
	CheckDeployed  CheckResult = "deployed"  // it was not deployed yet, and is now
	CheckFailed    CheckResult = "failed"    // it could not be checked, or not be corrected
)

// OK reports whether the app is as its revision says.
func (f Finding) OK() bool { return f.Result != CheckDrifted && f.Result != CheckFailed }

// CheckNow compares apps with their clusters as they are now, and corrects them
// as their drift settings say. What it asks the clusters it asks for all apps
// together. A full check tries every object on the cluster. It returns one
// finding an app, in the order of the names. If ctx ends first it returns ctx's
// error, and the checks go on.
func (e *Engine) CheckNow(ctx context.Context, caller access.Caller, full bool, names ...string) ([]Finding, error) {
	now := time.Now()
	answers := make([]chan Finding, len(names))
	for i, name := range names {
		a := e.app(name)
		if a == nil {
			return nil, fmt.Errorf("app %q not found", name)
		}
		answers[i] = make(chan Finding, 1)
		j := newJob(record.CauseCheck, caller)
		j.fresh, j.askers = now, answers[i:i+1]
		if full {
			j.depth = byTrial
		}
		a.enqueue(j)
	}
	findings := make([]Finding, len(names))
	for i, name := range names {
		select {
		case findings[i] = <-answers[i]:
			findings[i].App = name
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-e.ctx.Done():
			return nil, errors.New("the server is stopping")
		}
	}
	return findings, nil
}

// unrendered has those who wait for a check know that what the branch wants cannot be
// told: the app is as it was last applied, which need not be what its branch says.
func (j *job) unrendered(why string) {
	if why != "" && j.finding.OK() {
		j.finding.Result, j.finding.Message = CheckFailed, "cannot be rendered: "+why
	}
}

// answer tells those who wait for a job what it found. A check finds no app in order
// that its status says is not.
func (a *app) answer(j *job) {
	switch {
	case j.finding.Result != "":
	case j.run == nil:
		j.finding.Result = CheckUnchanged
	default:
		rec, ended := j.run.Outcome()
		j.finding.Result, j.finding.Message = CheckDeployed, rec.Message
		if !ended || !rec.Result.OK() {
			j.finding.Result = CheckFailed
		}
	}
	if len(j.askers) > 0 && j.finding.OK() {
		a.doubt(&j.finding)
	}
	for _, asker := range j.askers {
		asker <- j.finding
	}
	j.askers = nil
}

// doubt makes a finding say what the app's status knows to differ.
func (a *app) doubt(f *Finding) {
	s := a.status()
	if s.Sync != Drifted && s.Sync != Unsure {
		return
	}
	f.Result = CheckDrifted
	if s.Sync == Unsure {
		f.Result = CheckFailed
	}
	for _, object := range s.Drift {
		if !slices.Contains(f.Objects, object) {
			f.Objects = append(f.Objects, object)
		}
	}
	f.Message = strings.Join(s.Reasons, "\n")
}

// found says what a plan means for an app with a drift setting, and that may be
// suspended.
func found(plan *plan.Plan, drift string, s *record.Suspension) Finding {
	if plan.Empty() {
		return Finding{Result: CheckUnchanged}
	}
	f := Finding{Result: CheckCorrected}
	for _, step := range plan.Changes() {
		f.Objects = append(f.Objects, step.ID.String())
	}
	switch {
	case s != nil:
		f.Result, f.Message = CheckDrifted, "left alone, "+s.Describe()
	case drift != appfile.DriftCorrect:
		f.Result, f.Message = CheckDrifted, "left alone, by drift: "+drift
	}
	return f
}
