package plain

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/manifest"
)

// hashing is a revision with hashes. It notes which files are opened.
type hashing struct {
	fstest.MapFS
	opened *[]string
}

func (h hashing) Open(name string) (fs.File, error) {
	if strings.HasSuffix(name, ".yaml") {
		*h.opened = append(*h.opened, name)
	}
	return h.MapFS.Open(name)
}

func (h hashing) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := h.MapFS.ReadDir(name)
	for i, entry := range entries {
		file := h.MapFS[under(name, entry.Name())]
		if file != nil {
			entries[i] = hashedEntry{entry, string(file.Data)}
		}
	}
	return entries, err
}

type hashedEntry struct {
	fs.DirEntry
	hash string
}

func (e hashedEntry) ContentHash() string { return e.hash }

// TestRenderAgain: in a known folder, only changed files are read. The result is the same
// as for an unknown folder.
func TestRenderAgain(t *testing.T) {
	const all = "a.yaml: a\nx/b.yaml: b\nx/c.yaml: c\nx/y/d.yaml: d\n"
	for _, test := range []struct {
		name, changed string // the difference
		gone          string // a file that no longer exists
		exclude       []string
		opened        string
	}{
		{"nothing changed", "", "", nil, ""},
		{"a changed file", "x/b.yaml: b2\n", "", nil, "x/b.yaml"},
		{"a new file", "x/new.yaml: n\n", "", nil, "x/new.yaml"},
		{"a new file before all others", "x/0.yaml: n\n", "", nil, "x/0.yaml"},
		{"new files among those that are gone", "x/a.yaml: n\nx/b2.yaml: n\n", "x/b.yaml", nil, "x/a.yaml x/b2.yaml"},
		{"a file that became a folder", "x/b.yaml/a.yaml: b\n", "x/b.yaml", nil, "x/b.yaml/a.yaml"},
		{"a file that is gone", "", "a.yaml", nil, ""},
		{"a file in a moved folder", "z/d.yaml: d\n", "x/y/d.yaml", nil, "z/d.yaml"},
		{"a file that became a link", "a.yaml: @x\n", "", nil, ""},
		{"a new ignore file above", ".pushboatignore: =b.yaml\n", "", nil, "a.yaml x/c.yaml x/y/d.yaml"},
		{"a new ignore file in a folder", "x/.pushboatignore: =b.yaml\n", "", nil, "x/c.yaml x/y/d.yaml"},
		{"a folder more that is no part", "", "", []string{"x/y"}, "a.yaml x/b.yaml x/c.yaml"},
		{"a file with problems", "x/c.yaml: =broken: [\n", "", nil, "x/c.yaml"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var opened []string
			before, problems := Render(hashing{tree(all), &opened}, Folder{Path: "."})
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			now := tree(all)
			maps.Copy(now, tree(test.changed))
			delete(now, test.gone)
			opened = nil
			again, problems := Render(hashing{now, &opened}, Folder{Path: ".", Exclude: test.exclude, Before: before})
			if got := strings.Join(opened, " "); got != test.opened {
				t.Errorf("opened %q, want %q", got, test.opened)
			}
			afresh, all := Render(now, Folder{Path: ".", Exclude: test.exclude})
			if got, want := names(again.Objects), names(afresh.Objects); got != want || told(problems) != told(all) {
				t.Errorf("objects %s and problems %v, want %s and %v", got, problems, want, all)
			}
			if !slices.Equal(again.Digests, afresh.Digests) {
				t.Errorf("digests %v, want %v", again.Digests, afresh.Digests)
			}
			if !slices.Equal(again.Sorted, afresh.Sorted) || !slices.IsSorted(again.Sorted) {
				t.Errorf("sorted digests %v, want %v", again.Sorted, afresh.Sorted)
			}
			files := 0
			for _, of := range again.folders {
				files += len(of)
			}
			if files > len(again.Objects) {
				t.Errorf("%d files are remembered for %d objects", files, len(again.Objects))
			}
		})
	}
}

// TestProblemsAreNotRemembered: an unchanged file with problems has them again.
func TestProblemsAreNotRemembered(t *testing.T) {
	var opened []string
	broken := hashing{tree("a.yaml: a\nb.yaml: =broken: [\n"), &opened}
	before, first := Render(broken, Folder{Path: "."})
	_, second := Render(broken, Folder{Path: ".", Before: before})
	if told(first) == "" || told(first) != told(second) {
		t.Errorf("problems %q, then %q; want the same", told(first), told(second))
	}
}

// TestReadKeepsObjects: the object of an unchanged file stays the same pointer, which
// others may hold.
func TestReadKeepsObjects(t *testing.T) {
	var opened []string
	fsys := hashing{tree("a.yaml: a\nb.yaml: b\n"), &opened}
	before, _ := Render(fsys, Folder{Path: "."})
	digests := []string{manifest.Digest(before.Objects[0].Unstructured), manifest.Digest(before.Objects[1].Unstructured)}
	again, _ := Render(fsys, Folder{Path: ".", Before: before})
	if !slices.Equal(again.Objects, before.Objects) {
		t.Error("objects of unchanged files were read again")
	}
	if !slices.Equal(again.Digests, digests) {
		t.Errorf("digests %v, want those of the objects: %v", again.Digests, digests)
	}
}
