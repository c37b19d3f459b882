package secrets

import (
	"maps"
	"slices"
)

// Give adds values, by any names, that are no file's and as secret as those that are
// decrypted: what is made of them is not shown either. It is to be called before
// anything is rendered.
func (f *Files) Give(values map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.given = maps.Clone(values)
}

// Given are the values that were given; those of a variant are others.
func (f *Files) Given() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.given)
}

// givenValues lists the values that were given.
func (f *Files) givenValues() []string { return slices.Sorted(maps.Values(f.given)) }

// variedGiven are given values as a variant has them: others of the same form.
func variedGiven(values map[string]string, n int) map[string]string {
	others := make(map[string]string, len(values))
	for name, value := range values {
		others[name] = another("str", value, n)
	}
	return others
}
