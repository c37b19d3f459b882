package command

import (
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
		done, err := judgeWait(test.status, "1111111111111111111111111111111111111111", test.contained)
		if done != test.done || (err != nil) != test.fails {
			t.Errorf("%s: %v, %v", name, done, err)
		}
	}
}
