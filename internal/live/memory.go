package live

import (
	"time"
	"unique"
)

// intern makes the strings that many entries share the same memory: of ten
// thousand objects, a handful of kinds, and some hundred namespaces and sets.
func (e *Entry) intern() {
	for _, s := range []*string{
		&e.ID.Group, &e.ID.Kind, &e.ID.Namespace, &e.PartOf, &e.Health.Message,
	} {
		*s = unique.Make(*s).Value()
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
