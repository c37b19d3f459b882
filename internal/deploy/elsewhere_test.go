package deploy

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/name"
)

// linked is a revision with a link.
type linked struct{ fstest.MapFS }

func (linked) Through(file string) []string { return []string{file, "target"} }

// joinedOf is a revision of fleet, beside the repository team/lib, which fleet may use.
func joinedOf(t *testing.T, caller access.Caller) (fs.FS, *fakeSource) {
	t.Helper()
	source := &fakeSource{
		branches: map[name.Repo]map[name.Branch]name.Revision{"team/lib": {"main": "1", "next": "2"}},
		trees: map[name.Revision]fs.FS{
			"1": linked{fstest.MapFS{"deploy/a.yaml": {Data: []byte("one")}}}, "2": fstest.MapFS{"deploy/a.yaml": {Data: []byte("two")}},
		},
	}
	e := &Engine{Config: Config{Source: source, Sees: func(c access.Caller, repo name.Repo) bool { return c.Operator == "dora" && repo == "team/lib" }}}
	e.ctx = t.Context()
	e.Elsewhere = func(user name.Repo, address string) name.Repo {
		if user == "fleet" && meaning.Normal(address) == "example.org/lib" {
			return "team/lib"
		}
		return ""
	}
	own := fstest.MapFS{"a.yaml": {Data: []byte("own")}, ".repositories/x/b.yaml": {Data: []byte("own, too")}}
	return e.joinedTree(own, "fleet", caller), source
}

func read(t *testing.T, tree fs.FS, file string) string {
	t.Helper()
	text, err := fs.ReadFile(tree, file)
	if err != nil {
		return err.Error()
	}
	opened, err := tree.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	if info, err := fs.Stat(tree, file); err != nil || info.IsDir() {
		t.Errorf("%s is %v, %v", file, info, err)
	}
	return string(text)
}

// TestOtherRepositoriesAreFolders: a repository that is named becomes a folder, and no other does,
// whatever path somebody writes.
func TestOtherRepositoriesAreFolders(t *testing.T) {
	tree, source := joinedOf(t, access.Caller{Operator: "dora"})
	const main, next = ".repositories/team%2Flib@main", ".repositories/team%2Flib@next"
	if got := read(t, tree, main+"/deploy/a.yaml"); !strings.Contains(got, "does not exist") {
		t.Errorf("before anybody has named it, it has %s", got)
	}
	mounter, ok := tree.(meaning.Mounter)
	if !ok {
		t.Fatal("nothing can be named in the revision")
	}
	mount := func(address string, branch name.Branch, commit name.Revision) string {
		folder, _, err := mounter.Mount(address, branch, commit)
		if err != nil {
			return err.Error()
		}
		return folder
	}
	for _, test := range []struct {
		address string
		branch  name.Branch
		commit  name.Revision
		want    string
	}{
		{"https://example.org/lib.git", "main", "", main},
		{"git@example.org:lib", "next", "", next},
		{"https://example.org/lib", "", "2", ".repositories/team%2Flib@2"},
		{"https://example.org/lib", "gone", "", "repository team/lib: it has no branch gone here"},
		{"https://example.org/other", "main", "", meaning.ErrUnknown.Error()},
	} {
		if got := mount(test.address, test.branch, test.commit); got != test.want {
			t.Errorf("%s at %s%s: %s", test.address, test.branch, test.commit, got)
		}
	}
	for file, want := range map[string]string{
		"a.yaml": "own", ".repositories/x/b.yaml": "own, too", main + "/deploy/a.yaml": "one", next + "/deploy/a.yaml": "two", ".repositories/team%2Flib@2/deploy/a.yaml": "two",
	} {
		if got := read(t, tree, file); got != want {
			t.Errorf("%s has %s", file, got)
		}
	}
	if entries, err := fs.ReadDir(tree, main); err != nil || len(entries) != 1 || entries[0].Name() != "deploy" {
		t.Errorf("%s has %v, %v", main, entries, err)
	}
	links, ok := tree.(interface{ Through(string) []string })
	if !ok || !slices.Equal(links.Through(main+"/l"), []string{main + "/l", main + "/target"}) || links.Through(next+"/l") != nil {
		t.Error("links lead elsewhere")
	}
	want := []followed{{"team/lib", "main", "1"}, {"team/lib", "next", "2"}}
	if got := follows(tree); !slices.Equal(got, want) {
		t.Errorf("it follows %v", got)
	}
	reached := &target{others: follows(tree)}
	if moved, err := reached.othersMoved(t.Context(), source); err != nil || moved {
		t.Errorf("they moved: %v, %v", moved, err)
	}
	source.branches["team/lib"]["next"] = "3"
	if moved, err := reached.othersMoved(t.Context(), source); err != nil || !moved {
		t.Errorf("they moved: %v, %v", moved, err)
	}
}

// TestOtherRepositoriesAreForThoseWhoMayReadThem: who may not learns nothing, and the server
// itself reads what the admins let the repository use.
func TestOtherRepositoriesAreForThoseWhoMayReadThem(t *testing.T) {
	for _, test := range []struct {
		caller access.Caller
		may    bool
	}{{access.Caller{Operator: "dora"}, true}, {access.Caller{Operator: "eve"}, false}, {access.Caller{}, false}, {access.Caller{System: true}, true}} {
		tree, _ := joinedOf(t, test.caller)
		mounter, ok := tree.(meaning.Mounter)
		if !ok {
			t.Fatal("nothing can be named in the revision")
		}
		if _, _, err := mounter.Mount("https://example.org/lib", "main", ""); errors.Is(err, meaning.ErrUnknown) == test.may {
			t.Errorf("%+v: %v", test.caller, err)
		}
	}
}
