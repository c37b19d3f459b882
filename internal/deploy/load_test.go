package deploy

import (
	"maps"
	"testing"

	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// An app is that of the repository in which it was not removed, whatever another one's
// branch or history names.
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
		if f.unrendered(test.why); f.Result != test.want {
			t.Errorf("%s, %q: %s", test.found, test.why, f.Result)
		}
	}
}
