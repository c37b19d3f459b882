package plan

import (
	"maps"
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/record"
)

var (
	webService = manifest.ID{Kind: "Service", Namespace: "shop", Name: "web"}
	webSecret  = manifest.ID{Kind: "Secret", Namespace: "shop", Name: "web"}
	migration  = manifest.ID{Group: "batch", Kind: "Job", Namespace: "shop", Name: "migrate"}
)

func testLedger() *Ledger {
	return NewLedger(func(digest string) string { return "sealed " + digest })
}

func TestLedgerKeepsDigestsOfSecretsSealed(t *testing.T) {
	l := testLedger()
	l.Note(webService, record.Noted{Digest: "d", Fingerprint: "f"})
	l.Note(webSecret, record.Noted{Digest: "d", Fingerprint: "f"})
	all, _ := l.Save()
	if all[webService].Digest != "d" || all[webSecret].Digest != "sealed d" {
		t.Errorf("noted %v", all)
	}
	for _, id := range []manifest.ID{webService, webSecret} {
		if !l.IsWritten(id, "d") || l.IsWritten(id, "other") {
			t.Errorf("%s: the written digest is not recognized, or any digest is", id)
		}
	}
	if l.IsWritten(migration, "") {
		t.Error("an object that the app does not have is as written")
	}
}

func TestLedgerIsAsLeft(t *testing.T) {
	l := testLedger()
	l.Note(webService, record.Noted{Digest: "d", Fingerprint: "f"})
	l.Note(webSecret, record.Noted{Digest: "d"})
	for name, test := range map[string]struct {
		digest  string
		running live.Entry
		want    bool
	}{
		"as left":               {"d", live.Entry{ID: webService, Fingerprint: "f"}, true},
		"written otherwise":     {"e", live.Entry{ID: webService, Fingerprint: "f"}, false},
		"changed by others":     {"d", live.Entry{ID: webService, Fingerprint: "g"}, false},
		"being deleted":         {"d", live.Entry{ID: webService, Fingerprint: "f", Terminating: true}, false},
		"never applied":         {"d", live.Entry{ID: migration, Fingerprint: "f"}, false},
		"without a fingerprint": {"d", live.Entry{ID: webSecret}, false},
	} {
		if got := l.IsAsLeft(test.digest, test.running); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestLedgerTellsWhatIsUnsaved(t *testing.T) {
	l := testLedger()
	l.Recall(map[manifest.ID]record.Noted{webService: {Digest: "d", Fingerprint: "f"}, migration: {Digest: "m"}})
	unsaved := func() []manifest.ID {
		_, ids := l.Save()
		return slices.SortedFunc(maps.Keys(ids), manifest.ID.Compare)
	}
	for _, step := range []struct {
		name string
		do   func()
		want []manifest.ID
	}{
		{"after a recall", func() {}, nil},
		{"noted as before", func() { l.Note(webService, record.Noted{Digest: "d", Fingerprint: "f"}) }, nil},
		{"noted otherwise", func() { l.Note(webService, record.Noted{Digest: "d", Fingerprint: "g"}) }, []manifest.ID{webService}},
		{"ended", func() { l.NoteEnd(migration, health.Succeeded) }, []manifest.ID{migration}},
		{"ended as before", func() { l.NoteEnd(migration, health.Succeeded) }, nil},
		{"forgotten", func() { l.Forget(webService) }, []manifest.ID{webService}},
		{"forgotten twice", func() { l.Forget(webService) }, nil},
		{"not written", func() { l.Unsave([]record.Kept{{ID: webService}}) }, []manifest.ID{webService}},
	} {
		step.do()
		if got := unsaved(); !slices.Equal(got, step.want) {
			t.Errorf("%s: unsaved %v", step.name, got)
		}
	}
}

func TestLedgerKeepsEnds(t *testing.T) {
	l := testLedger()
	if l.NoteEnd(migration, health.Succeeded) {
		t.Error("an object that the app does not have has ended")
	}
	l.Note(migration, record.Noted{Digest: "m"})
	if l.HasEnded(migration, "m") || l.EndsUnsaved() {
		t.Error("the object counts as ended before its end was noted")
	}
	if !l.NoteEnd(migration, health.Exhausted) || l.NoteEnd(migration, health.Exhausted) {
		t.Error("the first end is no news, or the same end is news again")
	}
	if !l.HasEnded(migration, "m") || l.HasEnded(migration, "changed") || !l.EndsUnsaved() {
		t.Error("the end does not belong to the written object alone, or counts as saved")
	}
	if failed := l.Exhausted(); !slices.Equal(failed, []manifest.ID{migration}) {
		t.Errorf("failed for good: %v", failed)
	}
	l.Save()
	if l.EndsUnsaved() {
		t.Error("an end that was saved counts as unsaved")
	}
}

func TestLedgerRetains(t *testing.T) {
	for name, test := range map[string]struct {
		keep []manifest.ID
		want int
	}{
		"all":       {[]manifest.ID{webService, webSecret}, 2},
		"all, more": {[]manifest.ID{webService, migration, webSecret}, 2},
		"one":       {[]manifest.ID{webSecret, migration}, 1},
		"none":      {nil, 0},
		"others":    {[]manifest.ID{migration, manifesttest.ConfigMap("a")}, 0},
	} {
		l := testLedger()
		l.Note(webService, record.Noted{})
		l.Note(webSecret, record.Noted{})
		l.Save()
		l.Retain(slices.Values(test.keep))
		if _, unsaved := l.Save(); l.Count() != test.want || len(unsaved) != 2-test.want {
			t.Errorf("%s: %d stay, %d unsaved", name, l.Count(), len(unsaved))
		}
	}
}

func TestLedgerCountsApplies(t *testing.T) {
	l := testLedger()
	l.Applied()
	l.Applied()
	if l.Applies() != 2 {
		t.Error(l.Applies())
	}
	seen := 0
	l.Note(webService, record.Noted{})
	l.Note(webSecret, record.Noted{})
	for range l.Each {
		seen++
		break
	}
	if seen != 1 || !l.Has(webService) {
		t.Error("Each keeps the lock, or continues after the break")
	}
}

func TestLedgerListsWhatIsExhausted(t *testing.T) {
	l := testLedger()
	other := migration
	other.Name = "after"
	for id, end := range map[manifest.ID]health.End{migration: health.Exhausted, other: health.Exhausted, webService: health.Succeeded} {
		l.Note(id, record.Noted{Ended: end})
	}
	if failed := l.Exhausted(); !slices.Equal(failed, []manifest.ID{other, migration}) {
		t.Errorf("failed for good: %v", failed)
	}
	if l.Count() != 3 {
		t.Errorf("the ledger has %d objects", l.Count())
	}
}
