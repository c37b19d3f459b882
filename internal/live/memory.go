package live

import (
	"time"
	"unique"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// intern shares the memory of strings that many entries, or others, keep as well: ten
// thousand objects have a handful of kinds, and some hundred namespaces and sets.
func (e *Entry) intern() {
	e.ID = e.ID.Interned()
	e.PartOf, e.Health.Message = unique.Make(e.PartOf).Value(), unique.Make(e.Health.Message).Value()
}

// succeed carries over a fact that an object's newest state no longer tells: that it
// had ended before its deletion began.
func (e *Entry) succeed(old *Entry) {
	if old != nil && old.UID == e.UID && e.Ended == "" {
		e.Ended = old.Ended
	}
}

// age carries over the time since when the object has been as healthy as it is. old is
// nil for an unknown object: then the time in its conditions stands, or now.
func (e *Entry) age(old *Entry) {
	switch {
	case old != nil && old.UID == e.UID && old.Health.OK() == e.Health.OK():
		e.Since = old.Since
	case old != nil || e.Since.IsZero():
		e.Since = time.Now()
	}
}

// changedAt returns the time of the newest change of an object's conditions; zero if it
// has none. For an object that this server sees for the first time, this is the best
// estimate of the time since when it has been as it is.
func changedAt(u *unstructured.Unstructured) time.Time {
	var newest time.Time
	found, _, _ := unstructured.NestedFieldNoCopy(u.Object, "status", "conditions")
	conditions, _ := found.([]any) // anything else means nothing
	for _, condition := range conditions {
		fields, _ := condition.(map[string]any)
		text, _ := fields["lastTransitionTime"].(string)
		if at, err := time.Parse(time.RFC3339, text); err == nil && at.After(newest) {
			newest = at
		}
	}
	return newest
}
