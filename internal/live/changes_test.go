package live

import (
	"fmt"
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/owner"
)

// TestChangedSince: a caller that passes the number of its last answer gets every entry of
// the ApplySet that came, changed or went since, or the answer that any entry may have.
func TestChangedSince(t *testing.T) {
	x := New(t.Context(), unasked(t), owner.DefaultTools, quiet())
	id := func(i int) manifest.ID { return manifest.ID{Kind: "Pod", Namespace: "shop", Name: fmt.Sprint(i)} }
	version := 0
	put := func(i int, partOf string) {
		version++
		x.put(Entry{ID: id(i), PartOf: partOf, ResourceVersion: fmt.Sprint(version)})
	}
	if ids, next, ok := x.ChangedSince("set", 0); !ok || next != 0 || len(ids) != 0 {
		t.Errorf("before the first entry, %v have changed (%d, %v)", ids, next, ok)
	}
	if _, _, ok := x.ChangedSince("set", 3); ok {
		t.Error("a number that was never given out is accepted")
	}
	for i := range 100 {
		put(i, "set")
	}
	_, next, _ := x.ChangedSince("set", 0)
	put(3, "set")
	put(4, "other")
	x.drop(Entry{ID: id(5)})
	put(100, "set")
	put(100, "other")
	x.removeLocked(x.entries[id(6)])
	changed, last, ok := x.ChangedSince("set", next)
	changed = slices.CompactFunc(slices.Clone(changed), func(a, b manifest.ID) bool { return a == b })
	if want := []manifest.ID{id(3), id(4), id(5), id(100), id(6)}; !ok || !slices.Equal(changed, want) {
		t.Errorf("changed are %v (%v), want %v", changed, ok, want)
	}
	if again, same, ok := x.ChangedSince("set", last); !ok || same != last || len(again) != 0 {
		t.Errorf("without a change, %v have changed (%d, %v)", again, same, ok)
	}
	for i := range 60 {
		put(i, "set")
	}
	if _, _, ok := x.ChangedSince("set", last); ok {
		t.Error("more changes are kept than there are objects")
	}
	if kept := len(x.changes["set"].ids); kept > 100 {
		t.Errorf("%d changes of 100 objects are kept", kept)
	}
}
