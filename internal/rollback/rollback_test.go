package rollback

import (
	"testing"

	"github.com/pushboat/pushboat/internal/deploy"
)

func TestGoodBefore(t *testing.T) {
	record := func(result deploy.Result, digest, content string) deploy.Record {
		return deploy.Record{Result: result, Digest: digest, Content: content}
	}
	last := record(deploy.Unhealthy, "d2", "c2")
	for name, c := range map[string]struct {
		record deploy.Record
		last   *deploy.Record
		want   bool
	}{
		"other content":                  {record(deploy.Deployed, "d1", "c1"), &last, true},
		"same content, other settings":   {record(deploy.Deployed, "d1", "c2"), &last, false},
		"not healthy":                    {record(deploy.Unhealthy, "d1", "c1"), &last, false},
		"drift corrected":                {record(deploy.Corrected, "d1", "c1"), &last, false},
		"only stored":                    {record(deploy.Skipped, "d1", "c1"), &last, false},
		"old record, other digest":       {record(deploy.Deployed, "d1", ""), &last, true},
		"old record, same digest":        {record(deploy.Deployed, "d2", ""), &last, false},
		"no deploy yet":                  {record(deploy.Deployed, "d1", "c1"), nil, true},
		"last of which nothing is known": {record(deploy.Deployed, "d1", "c1"), &deploy.Record{}, true},
	} {
		if got := goodBefore(c.record, c.last); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
