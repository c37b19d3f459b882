package deploy

import (
	"maps"
	"testing"

	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// TestWhoseAppsAreByTheirRecords: an app belongs to the repository whose records do not say
// that it was removed, even if the branch or the history of another repository names it.
func TestWhoseAppsAreByTheirRecords(t *testing.T) {
	saved := func(result record.Result) record.Saved { return record.Saved{Record: record.Record{Result: result}} }
	owners := ownersBy([]name.Repo{"shop", "blog"}, []map[name.App]record.Saved{
		{"moved": saved(record.Removed), "shop": saved(record.Deployed), "failed": saved(record.Failed), "damaged": {}},
		{"moved": saved(record.Deployed), "gone": saved(record.Removed)},
	})
	want := map[name.App]name.Repo{"moved": "blog", "shop": "shop", "failed": "shop", "damaged": "shop"}
	if !maps.Equal(owners, want) {
		t.Errorf("got %v, want %v", owners, want)
	}
}

func TestACheckSaysThatAnAppCannotBeRendered(t *testing.T) {
	for _, test := range []struct {
		found CheckResult
		why   string
		want  CheckResult
	}{
		{CheckUnchanged, "", CheckUnchanged},
		{CheckUnchanged, "a key is away", CheckFailed},
		{CheckCorrected, "a key is away", CheckFailed},
		{CheckDrifted, "a key is away", CheckDrifted},
	} {
		f := Finding{Result: test.found}
		if f.unrendered(test.why, false); f.Result != test.want {
			t.Errorf("%s, %q: %s", test.found, test.why, f.Result)
		}
	}
}
