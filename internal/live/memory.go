package live

import (
	"time"
	"unique"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// intern makes the strings that many entries share, or others keep as well, the same
// memory: of ten thousand objects, a handful of kinds, and some hundred namespaces and
// sets.
func (e *Entry) intern() {
	e.ID = e.ID.Interned()
	e.PartOf, e.Health.Message = unique.Make(e.PartOf).Value(), unique.Make(e.Health.Message).Value()
}

// succeed carries over what an object's own newest state no longer tells: that it came
// to its end before its deletion began.
func (e *Entry) succeed(old *Entry) {
	if old != nil && old.UID == e.UID && e.Ended == "" {
		e.Ended = old.Ended
	}
}

// age carries over since when the object has been as well, or as unwell, as it
// is. old is nil for an object that was not known: then what its conditions say
// stands, or now.
func (e *Entry) age(old *Entry) {
	switch {
	case old != nil && old.UID == e.UID && old.Health.OK() == e.Health.OK():
		e.Since = old.Since
	case old != nil || e.Since.IsZero():
		e.Since = time.Now()
	}
}

// changedAt is when the newest of an object's conditions changed; zero if it has
// none. For an object that this server sees for the first time it is the nearest
// to since when it has been as it is.
func changedAt(u *unstructured.Unstructured) time.Time {
	var newest time.Time
	found, _, _ := unstructured.NestedFieldNoCopy(u.Object, "status", "conditions")
	conditions, _ := found.([]any) // whatever else is there says nothing
	for _, condition := range conditions {
		fields, _ := condition.(map[string]any)
		text, _ := fields["lastTransitionTime"].(string)
		if at, err := time.Parse(time.RFC3339, text); err == nil && at.After(newest) {
			newest = at
		}
	}
	return newest
}
