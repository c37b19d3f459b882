package rules

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/repos"
)

// TestFirstRules: the rules of a new server are valid, and its admins can log in, whatever
// their names and keys.
func TestFirstRules(t *testing.T) {
	base, err := repos.Admin()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		admins []access.AdminKey
		want   []string
	}{
		"one":                {[]access.AdminKey{{Name: "ana", Key: keyText(t, 0)}}, []string{"ana"}},
		"two keys of one":    {[]access.AdminKey{{Name: "ana", Key: keyText(t, 0)}, {Name: "ana", Key: keyText(t, 1)}}, []string{"ana"}},
		"two":                {[]access.AdminKey{{Name: "ben", Key: keyText(t, 1), From: "192.0.2.0/24,::1/128"}, {Name: "ana@laptop", Key: keyText(t, 0)}}, []string{"ana@laptop", "ben"}},
		"capitals":           {[]access.AdminKey{{Name: "Ana", Key: keyText(t, 0)}, {Name: "ana", Key: keyText(t, 1)}}, []string{"Ana"}},
		"reserved names":     {[]access.AdminKey{{Name: "admins", Key: keyText(t, 0)}, {Name: "everyone", Key: keyText(t, 1)}}, []string{"admins-1", "everyone-1"}},
		"names like numbers": {[]access.AdminKey{{Name: "7", Key: keyText(t, 0)}, {Name: "0x1", Key: keyText(t, 1)}, {Name: "true", Key: keyText(t, 2)}}, []string{"0x1", "7", "true"}},
	} {
		files, err := First(base, test.admins)
		if err != nil {
			t.Fatal(err)
		}
		tree := fstest.MapFS{}
		for path, data := range files {
			tree[path] = &fstest.MapFile{Data: data}
		}
		r := parsedTree(t, tree)
		if got := r.Admins(noon); !slices.Equal(got, test.want) {
			t.Errorf("%s: admins are %q, want %q", name, got, test.want)
		}
		if len(r.keys) != len(test.admins) {
			t.Errorf("%s: %d keys of %d", name, len(r.keys), len(test.admins))
		}
		want := []string{"README.md", "access.yaml", "clusters/README.md", "groups.yaml", "repositories.yaml"}
		got := slices.DeleteFunc(slices.Sorted(maps.Keys(files)), func(path string) bool { return strings.HasPrefix(path, "operators/") })
		if !slices.Equal(got, want) {
			t.Errorf("%s: files are %q", name, got)
		}
	}
	if _, err := First(base, nil); err == nil {
		t.Error("rules without an admin were made")
	}
}
