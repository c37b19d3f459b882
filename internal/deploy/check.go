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
	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// Finding is the result of checking one app.
type Finding struct {
	App     name.App    `json:"app"`
	Result  CheckResult `json:"result"`
	Objects []string    `json:"objects,omitempty"` // that differed
	Message string      `json:"message,omitempty"` // why it could not be done, or why it left the differences
}

// CheckResult says how an app was found and left.
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

// CheckNow compares apps with their clusters now, and corrects them as their drift
// settings say. It makes its requests to the clusters for all apps together. It returns
// one finding an app, in the order of the names. If ctx ends first it returns ctx's
// error, and the checks go on.
func (e *Engine) CheckNow(ctx context.Context, caller access.Caller, depth Depth, names ...name.App) ([]Finding, error) {
	now := time.Now()
	answers := make([]chan Finding, len(names))
	for i, app := range names {
		a := e.app(app)
		if a == nil {
			return nil, fmt.Errorf("app %q not found", app)
		}
		answers[i] = make(chan Finding, 1)
		j := newJob(record.CauseCheck, caller)
		j.fresh, j.depth, j.askers = now, depth, answers[i:i+1]
		a.enqueue(j)
	}
	findings := make([]Finding, len(names))
	for i, app := range names {
		select {
		case findings[i] = <-answers[i]:
			findings[i].App = app
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-e.ctx.Done():
			return nil, errors.New("the server is stopping")
		}
	}
	return findings, nil
}

// unrendered says in a finding that the app's branch cannot be rendered, or does not make the
// app: the app is as it was last applied, which need not be as its branch says.
func (f *Finding) unrendered(why string, unselected bool) {
	switch {
	case why == "" || !f.OK():
	case unselected:
		f.Result, f.Message = CheckFailed, "held: "+why
	default:
		f.Result, f.Message = CheckFailed, "cannot be rendered: "+why
	}
}

// answer sends the finding to the callers that wait for it. No finding says that an app
// is in order when its status says that it is not.
func (at *attempt) answer() {
	j := at.job
	f := at.finding.after(at.ending, j.run)
	if at.checked {
		at.engine.tallies.checks.Add(f.Result, 1)
	}
	if len(j.askers) > 0 && f.OK() {
		at.doubt(&f)
	}
	for _, asker := range j.askers {
		asker <- f
	}
	j.askers = nil
}

// after is the finding of an attempt that ended so. Without a finding of a check it tells
// the outcome of the deploy that was made in its place; run is nil if there was none.
func (f Finding) after(end ending, run *Run) Finding {
	switch {
	case f.Result != "":
	case end == endedInterrupted:
		f.Result, f.Message = CheckFailed, "the check was not made: "+apply.ErrInterrupted.Error()
	case run == nil && end == endedFailed:
		f.Result, f.Message = CheckFailed, crashMessage
	case run == nil:
		f.Result = CheckUnchanged
	default:
		rec, ended := run.Outcome()
		f.Result, f.Message = CheckDeployed, rec.Message
		if !ended || !rec.Result.OK() {
			f.Result = CheckFailed
		}
	}
	return f
}

// doubt adds the differences that the app's status knows to a finding.
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

// found returns the finding of a plan, for an app with a drift setting that may be
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
