package flux

import (
	"cmp"

	"github.com/pushboat/pushboat/internal/importer/meaning"
)

// turn parts the items of a kind that are not read yet: those whose turn it is, and those that
// wait for what the others are rendered to. An item that has values of an object which is not known
// yet waits while there are others, since one of them may make the object; then for those that it
// depends on. Items that wait for each other are read together.
func (t *Tree) turn(kind string) (now, later []*item) {
	waiting := map[meaning.Ref]bool{}
	var ready, unfilled, others []*item
	for _, it := range t.waiting {
		switch {
		case it.ref.Kind != kind:
			others = append(others, it)
			continue
		case t.lacks(it):
			unfilled = append(unfilled, it)
		default:
			ready = append(ready, it)
		}
		waiting[it.ref] = true
	}
	if len(ready) > 0 {
		return ready, append(others, unfilled...)
	}
	var free, bound []*item
	for _, it := range unfilled {
		if it.waitsFor(waiting) {
			bound = append(bound, it)
		} else {
			free = append(free, it)
		}
	}
	if len(free) == 0 {
		return bound, others
	}
	return free, append(others, bound...)
}

// lacks reports whether an item has values of an object that no app makes which is known so far.
func (t *Tree) lacks(it *item) bool {
	for _, from := range it.from {
		if _, known := t.data[from]; !known {
			return true
		}
	}
	return false
}

// waitsFor reports whether an item depends on one of those.
func (it *item) waitsFor(waiting map[meaning.Ref]bool) bool {
	for _, on := range it.after {
		if waiting[on] {
			return true
		}
	}
	return false
}

// link notes which objects an item has values of, and on which items it depends. What is malformed
// is said when the item is read.
func (it *item) link() {
	for _, field := range []string{"spec.postBuild.substituteFrom", "spec.valuesFrom"} {
		for _, from := range mapsAt(it, field) {
			it.from = append(it.from, meaning.Ref{Kind: textOf(from, "kind"), Namespace: it.ref.Namespace, Name: textOf(from, "name")})
		}
	}
	for _, on := range mapsAt(it, "spec.dependsOn") {
		it.after = append(it.after, meaning.Ref{Kind: it.ref.Kind, Namespace: cmp.Or(textOf(on, "namespace"), it.ref.Namespace), Name: textOf(on, "name")})
	}
}

// mapsAt are the mappings in a list of an item's object.
func mapsAt(it *item, field string) (maps []map[string]any) {
	value, _ := it.object.ValueAt(field)
	list, _ := value.([]any)
	for _, entry := range list {
		if one, ok := entry.(map[string]any); ok {
			maps = append(maps, one)
		}
	}
	return maps
}

func textOf(fields map[string]any, key string) string {
	text, _ := fields[key].(string)
	return text
}
