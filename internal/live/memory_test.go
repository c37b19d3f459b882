package live

import (
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/owner"
)

// heap returns the number of bytes in use.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// madeEntry returns an entry with strings of its own, as a watch makes it.
func madeEntry(i int) Entry {
	own := func(format string, args ...any) string { return fmt.Sprintf(format, args...) }
	kinds := []string{"ConfigMap", "Deployment", "Service", "Secret"}
	return Entry{
		ID:              manifest.ID{Kind: own("%s", kinds[i%4]), Namespace: own("namespace-%d", i/4), Name: own("settings-%d", i)},
		PartOf:          own("set-%d", i/4),
		UID:             types.UID(own("0c9a8b12-0000-4000-8000-%012d", i)),
		ResourceVersion: strconv.Itoa(100_000 + i),
		Fingerprint:     own("%016x", i),
		Health:          health.Health{Status: health.Healthy, Message: own("1 of 1 pod ready")},
	}
}

func TestSinceIsWhenHealthChanged(t *testing.T) {
	x := New(t.Context(), unasked(t), owner.DefaultTools, quiet())
	entry := madeEntry(1)
	enter := func(version string, status health.Status) time.Time {
		entry.ResourceVersion, entry.Health = version, health.Health{Status: status}
		entry.Since = time.Time{}
		x.put(entry)
		got, _ := x.Get(entry.ID)
		return got.Since
	}
	made := enter("1", health.Progressing)
	if made.IsZero() {
		t.Fatal("there is no time since when the object is progressing")
	}
	if got := enter("2", health.Failed); !got.Equal(made) {
		t.Errorf("the object is unhealthy since %v, want the time when that began, %v", made, got)
	}
	well := enter("3", health.Healthy)
	if !well.After(made) {
		t.Errorf("the object is healthy since %v", well)
	}
	if got := enter("4", health.Failed); !got.After(well) {
		t.Errorf("the object is unhealthy again since %v", got)
	}
}

func TestEntriesAreSmall(t *testing.T) {
	const n = 10_000
	x := New(t.Context(), unasked(t), owner.DefaultTools, quiet())
	before := heap()
	for i := range n {
		x.put(madeEntry(i))
	}
	bytes := (heap() - before) / n
	t.Logf("%d bytes an object", bytes)
	if len(x.Members("set-7")) != 4 {
		t.Errorf("a set has %d members", len(x.Members("set-7")))
	}
	if bytes > 800 { // about 100 of these are shared with the ledger, as names
		t.Errorf("an object takes %d bytes of the index", bytes)
	}
}

func TestChangedAt(t *testing.T) {
	if at := changedAt(manifesttest.Running(t, scaled)); !at.IsZero() {
		t.Errorf("without conditions, the object changed at %v", at)
	}
	u := manifesttest.Running(t, scaled+`
status:
  conditions:
    - {type: Progressing, lastTransitionTime: "2026-01-01T12:00:00Z"}
    - {type: Available, lastTransitionTime: "2026-01-02T12:00:00Z"}
    - {type: Odd, lastTransitionTime: yesterday}
    - odd
`)
	if at := changedAt(u); !at.Equal(time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("the object changed at %v", at)
	}
}
