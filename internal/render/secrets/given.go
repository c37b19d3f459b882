package secrets

import (
	"maps"
	"slices"
)

// Give adds values, by name, that are in no file and as secret as decrypted ones:
// fields that depend on them are hidden as well. It must be called before anything is
// rendered.
func (f *Files) Give(values map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.given = maps.Clone(values)
}

// Given returns the given values; those of a variant differ.
func (f *Files) Given() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.given)
}

// givenValues lists the values that were given.
func (f *Files) givenValues() []string { return slices.Sorted(maps.Values(f.given)) }

// variedGiven returns other values of the same form for a variant.
func variedGiven(values map[string]string, n int) map[string]string {
	others := make(map[string]string, len(values))
	for name, value := range values {
		others[name] = another("str", value, n)
	}
	return others
}
