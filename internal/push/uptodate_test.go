package push

import (
	"testing"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/record"
)

func TestDown(t *testing.T) {
	last := func(result record.Result) *record.Record {
		return &record.Record{App: "shop", Number: 4, Result: result, Message: "not ready\nmore"}
	}
	for name, test := range map[string]struct {
		status deploy.Status
		want   string
	}{
		"never deployed": {deploy.Status{Sync: deploy.Pending}, ""},
		"well":           {deploy.Status{Sync: deploy.InSync, Health: "healthy", Last: last(record.Deployed)}, ""},
		"well since":     {deploy.Status{Sync: deploy.InSync, Health: "healthy", Last: last(record.Unhealthy)}, ""},
		"broke later":    {deploy.Status{Sync: deploy.InSync, Health: "failing", Last: last(record.Deployed)}, ""},
		"suspended":      {deploy.Status{Sync: deploy.NotSynced, Last: last(record.Failed), Suspension: &record.Suspension{}}, ""},
		"held":           {deploy.Status{Sync: deploy.Held, Last: last(record.Skipped)}, ""},
		"failed":         {deploy.Status{App: "shop", Sync: deploy.NotSynced, Last: last(record.Failed)}, "shop is not deployed (deploy shop-4): not ready"},
		"unhealthy":      {deploy.Status{App: "shop", Sync: deploy.InSync, Health: "failing", Last: last(record.Unhealthy)}, "shop is deployed, but failing (deploy shop-4): not ready"},
		"stands":         {deploy.Status{App: "shop", Sync: deploy.InSync, Health: "progressing", Last: &record.Record{App: "shop", Number: 5, Result: record.Corrected, Standing: record.Unhealthy}}, "shop is deployed, but progressing (deploy shop-5): "},
	} {
		if got := down(test.status); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
