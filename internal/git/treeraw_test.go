package git

import (
	"io/fs"
	"strings"
	"testing"
)

// member is an entry of a tree object in Git's format.
func member(mode, name string) string { return mode + " " + name + "\x00" + strings.Repeat("h", 20) }

// TestTreeMembers: the entries of a tree object are read as stored. An entry that Git would
// never write is an error that names the directory.
func TestTreeMembers(t *testing.T) {
	read := func(raw string) ([]entry, error) {
		tree := &tree{limits: TreeLimits{Entries: 3}.withDefaults(), dirs: map[place]*directory{}}
		return tree.members(&entry{dir: &entry{name: "."}, name: "deploy"}, []byte(raw))
	}
	members, err := read(member("100644", "a.yaml") + member("40000", "b c") + member("120000", "d"))
	if err != nil || len(members) != 3 {
		t.Fatalf("%v, %v; want three entries", members, err)
	}
	hash := Hash(strings.Repeat("68", 20))
	for i, want := range []struct {
		path string
		mode fs.FileMode
	}{{"deploy/a.yaml", 0o644}, {"deploy/b c", fs.ModeDir | 0o755}, {"deploy/d", fs.ModeSymlink | 0o777}} {
		if e := members[i]; e.path() != want.path || e.mode != want.mode || e.hash() != hash {
			t.Errorf("entry %d is %q %v %s, want %q %v", i, e.path(), e.mode, e.hash(), want.path, want.mode)
		}
	}
	for name, raw := range map[string]string{
		"no space":     "100644",
		"no NUL":       "100644 a.yaml",
		"a short hash": strings.TrimSuffix(member("100644", "a.yaml"), "h"),
		"no mode":      member("x", "a.yaml"),
		"no name":      member("100644", ""),
		"above":        member("40000", ".."),
		"a path":       member("100644", "a/b"),
		"too many":     strings.Repeat(member("100644", "a"), 4),
	} {
		if members, err := read(raw); err == nil || !strings.Contains(err.Error(), "deploy") {
			t.Errorf("%s: %d entries, error %v; want an error that names the directory", name, len(members), err)
		}
	}
}
