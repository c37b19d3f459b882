package push

import (
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/access"
)

// TestRecordsAreShownByRight: only callers who may read a repository's deploys see its
// records.
func TestRecordsAreShownByRight(t *testing.T) {
	d := &Door{Policy: access.NewPolicy(logrus.NewEntry(logrus.New()), nil, nil)}
	for name, test := range map[string]struct {
		caller access.Caller
		hidden bool
	}{
		"nobody":          {access.Caller{Operator: "eve"}, true},
		"a reader":        {access.Caller{Operator: "rea", Role: access.RoleRead}, false},
		"of another":      {access.Caller{Operator: "ci", Role: access.RoleAdmin, Repos: "blog"}, true},
		"of this one too": {access.Caller{Operator: "ci", Role: access.RoleRead, Repos: "blog shop"}, false},
	} {
		if hidden := d.hidesRecords(test.caller, "shop"); hidden != test.hidden {
			t.Errorf("%s: hidden = %v", name, hidden)
		}
	}
}
