package secrets

import (
	"maps"
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/access/grant"
)

// TestKeysHaveNames: a file is called by its name, or by its path where two have one name.
func TestKeysHaveNames(t *testing.T) {
	config := Config{
		SSHKeys: []string{"/data/ssh/host"}, AgeKeys: []string{"/etc/a/team.age", "/etc/b/key", "/etc/server", "/etc/a/team.age"},
		PGPKeys: []string{"/etc/c/key"}, Keys: []string{"arn:x:*"},
	}
	want := []string{"/etc/b/key", "/etc/c/key", "/etc/server", "arn:x:*", "server", "team.age"}
	if got := Names(config); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	want = []string{"/data/ssh/host=server", "/etc/a/team.age=team.age", "/etc/b/key=/etc/b/key", "/etc/c/key=/etc/c/key", "/etc/server=/etc/server"}
	var got []string
	for file, name := range keyNames(config) {
		got = append(got, file+"="+name)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestRequestsSayWhichKeys: the program is told which keys it may use, and what was decrypted
// for some is in the cache for nobody who may use others.
func TestRequestsSayWhichKeys(t *testing.T) {
	d := New(Config{SSHKeys: []string{"/data/host"}, AgeKeys: []string{"/etc/a.age", "/etc/b.age"}})
	plain := request{Format: "yaml"}
	seen := map[string]string{}
	for what, test := range map[string]struct {
		keys                grant.Names
		limited             bool
		files, only, except []string
	}{
		"all":            {},
		"all by a star":  {keys: grant.Names{Given: []grant.Name{"*"}}},
		"one":            {keys: grant.Names{Given: []grant.Name{"a.age"}}, limited: true, files: []string{"/etc/a.age"}, only: []string{"a.age"}},
		"two":            {keys: grant.Names{Given: []grant.Name{"server", "b.*"}}, limited: true, files: []string{"/data/host", "/etc/b.age"}, only: []string{"server", "b.*"}},
		"none":           {keys: grant.Names{Given: []grant.Name{}}, limited: true, only: []string{}},
		"but those of a": {keys: grant.Names{Taken: []grant.Name{"a.age"}}, limited: true, files: []string{"/data/host", "/etc/b.age"}, except: []string{"a.age"}},
	} {
		got := d.limited(plain, test.keys)
		if got.Limited != test.limited || !slices.Equal(got.Files, test.files) || !slices.Equal(got.Only, test.only) ||
			(got.Only == nil) != (test.only == nil) || !slices.Equal(got.Except, test.except) {
			t.Errorf("%s: %+v", what, got)
		}
		seen[got.cacheKey("hash")] = what
	}
	if len(seen) != 5 || seen["yaml hash"] == "" { // both of all have one
		t.Errorf("the keys of the cache are of %q", slices.Sorted(maps.Values(seen)))
	}
}
