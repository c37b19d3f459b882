package rollback

import (
	"testing"

	"github.com/pushboat/pushboat/internal/record"
)

func TestGoodBefore(t *testing.T) {
	rec := func(result record.Result, digest, content string) record.Record {
		return record.Record{Result: result, Digest: digest, Content: content}
	}
	last := rec(record.Unhealthy, "d2", "c2")
	for name, c := range map[string]struct {
		record record.Record
		last   *record.Record
		want   bool
	}{
		"other content":                  {rec(record.Deployed, "d1", "c1"), &last, true},
		"same content, other settings":   {rec(record.Deployed, "d1", "c2"), &last, false},
		"not healthy":                    {rec(record.Unhealthy, "d1", "c1"), &last, false},
		"drift corrected":                {rec(record.Corrected, "d1", "c1"), &last, false},
		"only stored":                    {rec(record.Skipped, "d1", "c1"), &last, false},
		"old record, other digest":       {rec(record.Deployed, "d1", ""), &last, true},
		"old record, same digest":        {rec(record.Deployed, "d2", ""), &last, false},
		"no deploy yet":                  {rec(record.Deployed, "d1", "c1"), nil, true},
		"last of which nothing is known": {rec(record.Deployed, "d1", "c1"), &record.Record{}, true},
	} {
		if got := goodBefore(c.record, c.last); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
