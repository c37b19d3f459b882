package command

import (
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/view"
)

func TestPrintDrift(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	d := appDrift{Drift: deploy.Drift{
		App: "shop", Cluster: "default", Revision: "3f2c1ab3f2c1ab3f2c1ab3f2c1ab3f2c1ab3f2c1",
		Deviations: []deploy.Deviation{{
			Object: "ConfigMap shop/a", What: "changed by kubectl\x1b", Fate: "left alone, by drift: warn",
			Fields: []record.Difference{{Field: "data.x", Found: "1", Wanted: "2"}, {Field: "data.y", Found: "3"}, {Field: "data.z", Wanted: "4"}},
		}},
	}}
	var out strings.Builder
	printDrift(&out, d, 24*time.Hour, now)
	d.Deviations, d.Left, d.Unseen = nil, []string{"ConfigMap shop/kept"}, "it does not answer"
	d.Lately = []view.Finding{
		{Deploy: "shop-3", Time: now.Add(-2 * time.Hour), Result: record.Corrected, Object: "ConfigMap shop/a", What: "was deleted"},
		{Deploy: "shop-2", Time: now.Add(-3 * time.Hour), Result: record.DriftFound, Object: "ConfigMap shop/a", What: "changed"},
	}
	printDrift(&out, d, 90*time.Minute, now)
	want := `shop: 1 object differs from 3f2c1ab on cluster default

  ConfigMap shop/a
    changed by kubectl\x1b
      data.x: 1, in Git 2
      data.y: 3, in Git absent
      data.z: missing, in Git 4
    left alone, by drift: warn

found in the last 24h: nothing
shop: nothing differs from 3f2c1ab on cluster default
  left as it is: ConfigMap shop/kept

  not all fields are known: it does not answer

found in the last 1h30m, newest first:

  ConfigMap shop/a
    was deleted
    corrected 2 h ago   (show shop-3)

  ConfigMap shop/a
    changed
    left alone 3 h ago   (show shop-2)
`
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
}

func TestVerdictOnDriftSaysWhatToDo(t *testing.T) {
	one := func(corrected bool, s *record.Suspension) []appDrift {
		return []appDrift{{}, {Drift: deploy.Drift{App: "shop", Suspension: s, Deviations: []deploy.Deviation{{Corrected: corrected}}}}}
	}
	for want, list := range map[string][]appDrift{
		"":                     {{}},
		"drift shop":           one(true, nil),
		"sync shop; or commit": one(false, nil),
		"resume shop":          one(false, &record.Suspension{}),
	} {
		err := verdictOnDrift(list)
		if (err == nil) != (want == "") {
			t.Errorf("%q: %v", want, err)
			continue
		}
		if err != nil {
			if _, hint := spelling.Explain(err); !strings.Contains(hint, want) {
				t.Errorf("%q: the hint is %q", want, hint)
			}
		}
	}
}
