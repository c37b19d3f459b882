package live

import (
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/owner"
)

// TestSets: the sets of unhealthy objects, of hooks, of surplus objects and of those that
// Pushboat has not applied stay right as entries come, change and go.
func TestSets(t *testing.T) {
	x := New(t.Context(), unasked(t), owner.DefaultTools, quiet())
	id := func(name string) manifest.ID { return manifest.ID{Kind: "Pod", Namespace: "shop", Name: name} }
	well, ill := health.Health{Status: health.Healthy}, health.Health{Status: health.Progressing}
	version := 0
	put := func(name, partOf string, change func(*Entry)) {
		version++
		entry := Entry{ID: id(name), PartOf: partOf, ResourceVersion: string(rune('0' + version)), Health: well, Fingerprint: "f"}
		change(&entry)
		x.put(entry)
	}
	names := func(entries []Entry) string {
		text := ""
		slices.SortFunc(entries, func(a, b Entry) int {
			if a.ID.Less(b.ID) {
				return -1
			}
			return 1
		})
		for _, entry := range entries {
			text += entry.ID.Name
		}
		return text
	}
	check := func(when, sick, hooks, beyond string) {
		t.Helper()
		ids := slices.Values([]manifest.ID{id("a"), id("b"), id("z")})
		for what, pair := range map[string][2]string{
			"not healthy": {names(x.Sick("set")), sick}, "hooks": {names(x.Hooks("set")), hooks}, "beyond": {names(x.Beyond("set", ids)), beyond},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s: the objects of the set %q are %q, want %q", when, what, pair[0], pair[1])
			}
		}
	}
	healthy := func(*Entry) {}
	put("a", "set", healthy)
	put("b", "set", func(e *Entry) { e.Health = ill })
	put("h", "set", func(e *Entry) { e.Health, e.Hook = ill, &Hook{} })
	check("at first", "b", "h", "")
	put("c", "set", func(e *Entry) { e.Health = ill })
	put("b", "set", healthy)
	check("when b is well and c came", "c", "h", "c")
	put("c", "set", func(e *Entry) { e.Health, e.Terminating = ill, true })
	put("z", "other", func(e *Entry) { e.Health = ill })
	check("when c is being deleted", "", "h", "c")
	put("a", "other", func(e *Entry) { e.Health = ill })
	check("when a changes hands", "", "h", "c")
	x.drop(Entry{ID: id("c")})
	x.drop(Entry{ID: id("h")})
	put("u", "set", func(e *Entry) { e.Fingerprint = "" })
	if unowned := names(x.Unowned("set")); unowned != "u" || x.Count("set") != 2 {
		t.Errorf("of %d objects, those that are not owned are %q", x.Count("set"), unowned)
	}
	put("u", "set", healthy)
	x.drop(Entry{ID: id("u")})
	check("when c and the hook are gone", "", "", "")
	if len(x.sick) != 1 || len(x.hooks) != 0 || len(x.unowned) != 0 {
		t.Errorf("empty sets are kept: %v, %v, %v", x.sick, x.hooks, x.unowned)
	}
}
