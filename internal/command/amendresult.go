package command

import (
	"io"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// amendOutcome is what became of a change of values, in a word for programs.
type amendOutcome string

// The outcomes.
const (
	amendDeployed  amendOutcome = "deployed"  // committed, and its deploys have ended well
	amendDeploying amendOutcome = "deploying" // committed, with --detach
	amendWaiting   amendOutcome = "waiting"   // committed, and deployed when a window opens
	amendSuspended amendOutcome = "suspended" // committed, and deployed when the app is resumed
	amendOffered   amendOutcome = "offered"   // upstream has a branch with it
	amendUnchanged amendOutcome = "unchanged" // it is so already
	amendPlanned   amendOutcome = "planned"   // nothing was changed, with --plan
	amendRefused   amendOutcome = "refused"   // nothing was changed
	amendFailed    amendOutcome = "failed"    // committed, and a deploy did not end well
)

// amendResult is what a change of values prints as JSON.
type amendResult struct {
	App     name.App      `json:"app"`
	Outcome amendOutcome  `json:"outcome"` // deployed, deploying, waiting, suspended, offered, unchanged, planned, refused, failed
	Changes []amendedLine `json:"changes"`
	// Branch has moved to the commit; omitted where nothing was committed here.
	Branch name.Branch `json:"branch,omitempty"`
	Commit git.Hash    `json:"commit,omitempty"`
	// Upstream has the change as a branch; omitted unless the repository is a mirror.
	Upstream *amendedUpstream `json:"upstream,omitempty"`
	Deploys  []string         `json:"deploys"`           // that began, such as shop-42
	Message  string           `json:"message,omitempty"` // why it is not as wanted

	planned, detached bool
	results           []record.Result // of the deploys that have ended
}

// amendedLine is a line that changes.
type amendedLine struct {
	File string `json:"file"`
	Line int    `json:"line"` // from 1
	From string `json:"from"`
	To   string `json:"to"`
}

// amendedUpstream is where upstream has a change.
type amendedUpstream struct {
	URL    string      `json:"url"` // of the repository
	Branch name.Branch `json:"branch"`
	Onto   name.Branch `json:"onto"` // that it is to be merged into
	Commit git.Hash    `json:"commit"`
	Known  bool        `json:"known,omitempty"` // it was there already
	Link   string      `json:"link,omitempty"`  // the page that takes a request to merge it
}

// take keeps the lines that change.
func (r *amendResult) take(made *amended) {
	r.Changes, r.planned = []amendedLine{}, made.options.Plan
	for _, change := range made.changes {
		r.Changes = append(r.Changes, amendedLine{change.File, change.Line, change.From, change.To})
	}
	r.detached = made.options.Detach
}

// begun keeps the deploys that began.
func (r *amendResult) begun(runs []*deploy.Run) {
	for _, run := range runs {
		r.Deploys = append(r.Deploys, run.ID())
	}
}

// ended keeps how the deploys have ended, as far as they have.
func (r *amendResult) ended(runs []*deploy.Run) {
	for _, run := range runs {
		if rec, ended := run.Outcome(); ended {
			r.results = append(r.results, rec.Result)
		}
	}
}

// held is the outcome where what was committed is not deployed yet; "" where it is, or where a
// deploy failed.
func (r *amendResult) held() amendOutcome {
	others := slices.ContainsFunc(r.results, func(result record.Result) bool {
		return !result.OK() && result != record.Waiting && result != record.Suspended
	})
	switch {
	case others:
	case slices.Contains(r.results, record.Suspended):
		return amendSuspended
	case slices.Contains(r.results, record.Waiting):
		return amendWaiting
	}
	return ""
}

// end says what became of it.
func (r *amendResult) end(err error) {
	if err != nil {
		message, hint := spelling.Explain(err)
		r.Message = strings.TrimSuffix(message+"\n"+hint, "\n")
	}
	committed := !r.Commit.IsZero()
	switch {
	case committed && r.held() != "":
		r.Outcome = r.held()
	case err != nil && committed:
		r.Outcome = amendFailed
	case err != nil:
		r.Outcome = amendRefused
	case r.Upstream != nil:
		r.Outcome = amendOffered
	case len(r.Changes) == 0:
		r.Outcome = amendUnchanged
	case r.planned:
		r.Outcome = amendPlanned
	case r.detached && len(r.Deploys) > 0:
		r.Outcome = amendDeploying
	default:
		r.Outcome = amendDeployed
	}
}

// aside is a session of whose output programs read the end alone: what people read of it goes
// to the other output.
type aside struct{ Session }

// Write writes to the caller's error output.
func (a aside) Write(p []byte) (int, error) { return a.Stderr().Write(p) }

var _ io.Writer = aside{}

// at finds a line of a text, and how many before it read the same: this names it also when others
// have come in between.
func at(text []byte, line int) (what string, before int) {
	lines := strings.Split(string(text), "\n")
	if line < 1 || line > len(lines) {
		return "", 0
	}
	what = lines[line-1]
	return what, len(slices.DeleteFunc(lines[:line-1], func(one string) bool { return one != what }))
}
