package command

import (
	"errors"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/amend"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

func TestAmendOutcomes(t *testing.T) {
	lines := []amendedLine{{"web.yaml", 1, "a", "b"}}
	failed := report.WithHint(errors.New("no"), "try again")
	for what, test := range map[string]struct {
		result amendResult
		err    error
		want   amendOutcome
	}{
		"it is so already":       {amendResult{}, nil, amendUnchanged},
		"it is down":             {amendResult{}, failed, amendRefused},
		"a plan":                 {amendResult{Changes: lines, planned: true}, nil, amendPlanned},
		"the gate refuses it":    {amendResult{Changes: lines}, failed, amendRefused},
		"deployed":               {amendResult{Changes: lines, Commit: "c", Deploys: []string{"shop-1"}}, nil, amendDeployed},
		"the deploy fails":       {amendResult{Changes: lines, Commit: "c", Deploys: []string{"shop-1"}}, failed, amendFailed},
		"a window is closed":     {amendResult{Changes: lines, Commit: "c", results: []record.Result{record.Deployed, record.Waiting}}, nil, amendWaiting},
		"the app is suspended":   {amendResult{Changes: lines, Commit: "c", results: []record.Result{record.Suspended}}, failed, amendSuspended},
		"both":                   {amendResult{Changes: lines, Commit: "c", results: []record.Result{record.Waiting, record.Suspended}}, failed, amendSuspended},
		"one fails beside it":    {amendResult{Changes: lines, Commit: "c", results: []record.Result{record.Waiting, record.Failed}}, failed, amendFailed},
		"detached":               {amendResult{Changes: lines, Commit: "c", Deploys: []string{"shop-1"}, detached: true}, nil, amendDeploying},
		"detached, no deploy":    {amendResult{Changes: lines, Commit: "c", detached: true}, nil, amendDeployed},
		"upstream has a branch":  {amendResult{Changes: lines, Upstream: &amendedUpstream{}}, nil, amendOffered},
		"upstream does not take": {amendResult{Changes: lines}, failed, amendRefused},
	} {
		test.result.end(test.err)
		if test.result.Outcome != test.want || (test.result.Message != "") != (test.err != nil) {
			t.Errorf("%s: %s, %q", what, test.result.Outcome, test.result.Message)
		}
	}
}

func TestBranchesForUpstream(t *testing.T) {
	text := "a: {n: 1}\nb: {n: 1}\nn: 1\nn: 1\n"
	of := func(text string, changes ...amend.Change) string {
		return string(branchFor("shop", "main", &amended{before: amend.Files{"f": []byte(text)}, changes: changes}))
	}
	third := amend.Change{File: "f", Line: 3, From: "1", To: "2"}
	name := of(text, third)
	if !strings.HasPrefix(name, "pushboat/shop-") || len(name) != len("pushboat/shop-")+10 {
		t.Errorf("it is called %s", name)
	}
	moved := third
	moved.Line = 4
	if again := of("# new\n"+text, moved); again != name {
		t.Errorf("where a line has come before it, it is called %s and not %s", again, name)
	}
	other := of(text, amend.Change{File: "f", Line: 1, From: "1", To: "2"})
	seen := map[string]string{name: "the third line", other: "the first line"}
	for what, change := range map[string]amend.Change{
		"the fourth line, which reads as the third": {File: "f", Line: 4, From: "1", To: "2"},
		"another value": {File: "f", Line: 3, From: "1", To: "3"}, "from another value": {File: "f", Line: 3, From: "0", To: "2"},
		"a line that is not there": {File: "f", Line: 9, From: "1", To: "2"},
	} {
		is := of(text, change)
		if before, twice := seen[is]; twice {
			t.Errorf("%s is called as %s: %s", what, before, is)
		}
		seen[is] = what
	}
	if string(branchFor("shop", "prod", &amended{before: amend.Files{"f": []byte(text)}, changes: []amend.Change{third}})) == name {
		t.Error("for another branch, it is called the same")
	}
	both := amend.Change{File: "f", Line: 1, From: "1", To: "2"}
	if of(text, third, both) != of(text, both, third) {
		t.Error("the order of changes gives another name")
	}
}
