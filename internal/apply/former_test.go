package apply

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
)

// TestOlderFailures: a failure counts as the deploy's own once the object was seen without
// it.
func TestOlderFailures(t *testing.T) {
	id := manifest.ID{Kind: "Job", Name: "a"}
	entry := func(uid types.UID, generation int64, h health.Health) live.Entry {
		return live.Entry{ID: id, UID: uid, Generation: generation, Health: h}
	}
	failed, progressing := health.Health{Status: health.Failed}, health.Health{Status: health.Progressing}
	deployment := parsedObject(t, "apiVersion: apps/v1\nkind: Deployment\nstatus: {observedGeneration: 1}")
	deployment.SetGeneration(2)
	unseen := health.Of(deployment)
	for _, c := range []struct {
		name              string
		before            []live.Entry
		seen              []live.Entry
		now               live.Entry
		failed, unchanged bool
	}{
		{"healthy before", nil, nil, entry("1", 1, failed), false, false},
		{"failed as before", []live.Entry{entry("1", 1, failed)}, []live.Entry{entry("1", 1, failed)}, entry("1", 1, failed), true, true},
		{"changed, still failed", []live.Entry{entry("1", 1, failed)}, []live.Entry{entry("1", 2, failed)}, entry("1", 2, failed), true, false},
		{"not looked at yet", []live.Entry{entry("1", 1, failed)}, []live.Entry{entry("1", 2, unseen)}, entry("1", 2, failed), true, false},
		{"recovered and failed anew", []live.Entry{entry("1", 1, failed)}, []live.Entry{entry("1", 1, progressing)}, entry("1", 1, failed), false, false},
		{"made anew", []live.Entry{entry("1", 1, failed)}, []live.Entry{entry("2", 1, failed)}, entry("2", 1, failed), false, false},
		{"only slow before", []live.Entry{entry("1", 1, progressing)}, []live.Entry{entry("1", 1, progressing)}, entry("1", 1, failed), false, true},
	} {
		before := newFormer(c.before)
		for _, e := range c.seen {
			before.see(e)
		}
		if got := before.failed(c.now); got != c.failed {
			t.Errorf("%s: an older failure: %v, want %v", c.name, got, c.failed)
		}
		if got := before.unchanged(c.now); got != c.unchanged {
			t.Errorf("%s: unchanged: %v, want %v", c.name, got, c.unchanged)
		}
	}
}

func parsedObject(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}
