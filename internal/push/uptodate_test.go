package push

import (
	"testing"

	"github.com/pushboat/pushboat/internal/deploy"
)

func TestDown(t *testing.T) {
	last := func(result deploy.Result) *deploy.Record {
		return &deploy.Record{App: "shop", Number: 4, Result: result, Message: "not ready\nmore"}
	}
	for name, test := range map[string]struct {
		status deploy.Status
		want   string
	}{
		"never deployed": {deploy.Status{Sync: deploy.Pending}, ""},
		"well":           {deploy.Status{Sync: deploy.InSync, Health: "healthy", Last: last(deploy.Deployed)}, ""},
		"well since":     {deploy.Status{Sync: deploy.InSync, Health: "healthy", Last: last(deploy.Unhealthy)}, ""},
		"broke later":    {deploy.Status{Sync: deploy.InSync, Health: "failing", Last: last(deploy.Deployed)}, ""},
		"suspended":      {deploy.Status{Sync: deploy.NotSynced, Last: last(deploy.Failed), Suspension: &deploy.Suspension{}}, ""},
		"held":           {deploy.Status{Sync: deploy.Held, Last: last(deploy.Skipped)}, ""},
		"failed":         {deploy.Status{App: "shop", Sync: deploy.NotSynced, Last: last(deploy.Failed)}, "shop is not deployed (deploy shop-4): not ready"},
		"unhealthy":      {deploy.Status{App: "shop", Sync: deploy.InSync, Health: "failing", Last: last(deploy.Unhealthy)}, "shop is deployed, but failing (deploy shop-4): not ready"},
		"stands":         {deploy.Status{App: "shop", Sync: deploy.InSync, Health: "progressing", Last: &deploy.Record{App: "shop", Number: 5, Result: deploy.Corrected, Standing: deploy.Unhealthy}}, "shop is deployed, but progressing (deploy shop-5): "},
	} {
		if got := down(test.status); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
