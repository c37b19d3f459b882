package command

import (
	"errors"
	"fmt"
	"testing"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/record"
)

func TestJudgeWait(t *testing.T) {
	for name, test := range map[string]struct {
		status    deploy.Status
		contained bool
		done      bool
		fails     bool
	}{
		"there":        {deploy.Status{Sync: deploy.InSync, Health: "healthy"}, true, true, false},
		"no objects":   {deploy.Status{Sync: deploy.InSync, Health: "-"}, true, true, false},
		"running":      {deploy.Status{Sync: deploy.Deploying, Running: "shop-1"}, false, false, false},
		"progressing":  {deploy.Status{Sync: deploy.InSync, Health: "progressing"}, true, false, false},
		"not seen":     {deploy.Status{Sync: deploy.InSync, Health: "healthy", Outage: &deploy.Outage{}}, true, false, false},
		"pending":      {deploy.Status{Sync: deploy.Pending}, true, false, false},
		"failing":      {deploy.Status{Sync: deploy.InSync, Health: "failing"}, true, false, true},
		"failed":       {deploy.Status{Sync: deploy.NotSynced, Health: "healthy"}, true, false, true},
		"held":         {deploy.Status{Sync: deploy.Held, Health: "healthy"}, true, false, true},
		"suspended":    {deploy.Status{Sync: deploy.InSync, Health: "healthy", Suspension: &record.Suspension{}}, true, true, false},
		"kept from it": {deploy.Status{Sync: deploy.NotSynced, Suspension: &record.Suspension{}}, true, false, true},
		"elsewhere":    {deploy.Status{Sync: deploy.InSync, Health: "healthy"}, false, false, true},
	} {
		done, err := judgeWait(test.status, "1111111111111111111111111111111111111111", test.contained, func() bool { return false })
		if done != test.done || (err != nil) != test.fails {
			t.Errorf("%s: %v, %v", name, done, err)
		}
	}
}

// The statuses are for pipelines, and stay.
func TestWaitStatuses(t *testing.T) {
	failed := deploy.Status{Sync: deploy.NotSynced, Health: "failing"}
	judged := func(s deploy.Status, contained, before bool) error {
		_, err := judgeWait(s, "1111111111111111111111111111111111111111", contained, func() bool { return before })
		return err
	}
	for what, test := range map[string]struct {
		err    error
		want   waitOutcome
		status int
	}{
		"deployed":              {nil, waitDeployed, 0},
		"failed":                {judged(failed, true, true), waitFailed, 1},
		"anything else":         {errors.New("x"), waitFailed, 1},
		"superseded":            {judged(deploy.Status{Sync: deploy.InSync}, false, true), waitSuperseded, 3},
		"timed out":             {&waitEnd{waitTimedOut, errors.New("x")}, waitTimedOut, 4},
		"never on the branch":   {judged(deploy.Status{Sync: deploy.InSync}, false, false), waitUnknown, 5},
		"an app that is none":   {fmt.Errorf("app: %w", ErrNotFound), waitUnknown, 5},
		"a revision of nothing": {&waitEnd{waitUnknown, errors.New("x")}, waitUnknown, 5},
	} {
		if got := outcomeOf(test.err); got != test.want || waitStatuses[got] != test.status {
			t.Errorf("%s: %s, status %d", what, got, waitStatuses[got])
		}
	}
}
