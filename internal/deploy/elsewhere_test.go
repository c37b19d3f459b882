package deploy

import (
	"context"
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
	source.tags = map[name.Repo]map[name.Tag]name.Revision{"team/lib": {"v1.0.0": "1", "v1.1.0": "2", "next": "1"}, "fleet": {"v1": "1", "bad": "2"}}
	e := &Engine{Config: Config{Source: source, Sees: func(c access.Caller, repo name.Repo) bool { return c.Operator == "dora" && repo == "team/lib" }}}
	e.ctx = t.Context()
	e.Elsewhere = func(user name.Repo, address string) name.Repo {
		if user == "fleet" && meaning.Normal(address) == "example.org/lib" {
			return "team/lib"
		}
		return ""
	}
	e.Vouched = func(_ context.Context, repo name.Repo, revision name.Revision) error {
		if repo == "fleet" && revision == "2" {
			return errors.New("2 is not signed")
		}
		return nil
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
	mount := func(address string, at meaning.At) string {
		folder, taken, err := mounter.Mount(address, at)
		if err != nil {
			return err.Error()
		}
		return folder + ": " + taken
	}
	const lib, inLib = "https://example.org/lib", "repository team/lib here, at "
	for _, test := range []struct {
		address string
		at      meaning.At
		want    string
	}{
		{"https://example.org/lib.git", meaning.At{Branch: "main"}, main + ": " + inLib + "main"},
		{"git@example.org:lib", meaning.At{Branch: "next"}, next + ": " + inLib + "next"},
		{lib, meaning.At{}, main + ": " + inLib + "main"},
		{lib, meaning.At{Commit: "2"}, ".repositories/team%2Flib@2: " + inLib + "2"},
		{lib, meaning.At{Branch: "gone"}, "repository team/lib has no branch gone here"},
		{lib, meaning.At{Tag: "v1.0.0"}, ".repositories/team%2Flib~v1.0.0: " + inLib + "tag v1.0.0, 1"},
		{lib, meaning.At{Range: "1.x"}, ".repositories/team%2Flib~v1.1.0: " + inLib + "tag v1.1.0, 2"},
		{lib, meaning.At{Range: "2.x"}, `repository team/lib has no tag in "2.x" here`},
		{lib, meaning.At{Tag: "v9"}, "repository team/lib has no tag v9 here"},
		{"", meaning.At{Tag: "v1"}, ".repositories/fleet~v1: this repository, at tag v1, 1"},
		{"", meaning.At{Tag: "bad"}, "repository fleet: 2 is not signed"},
		{"", meaning.At{Commit: "2"}, "repository fleet: 2 is not signed"},
		{"https://example.org/other", meaning.At{Branch: "main"}, meaning.ErrUnknown.Error()},
	} {
		if got := mount(test.address, test.at); got != test.want {
			t.Errorf("%s at %s: %s, want %s", test.address, test.at, got, test.want)
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
	var got []string
	for _, f := range follows(tree) {
		got = append(got, f.folder+" "+f.at.String())
	}
	wantLines(t, "it follows", got, ".repositories/fleet~v1 tag v1", ".repositories/team%2Flib@2 commit 2", main+" branch main", main+" main branch", next+" branch next",
		".repositories/team%2Flib~v1.0.0 tag v1.0.0", `.repositories/team%2Flib~v1.1.0 tag in "1.x"`)
	reached := &target{others: follows(tree)}
	if moved, err := reached.othersMoved(t.Context(), source); err != nil || moved {
		t.Errorf("they moved: %v, %v", moved, err)
	}
	source.branches["team/lib"]["next"] = "3"
	if moved, err := reached.othersMoved(t.Context(), source); err != nil || !moved {
		t.Errorf("they moved: %v, %v", moved, err)
	}
	source.branches["team/lib"]["next"], source.tags["team/lib"]["v1.2.0"] = "2", "2" // another tag of the same commit
	if moved, err := reached.othersMoved(t.Context(), source); err != nil || !moved {
		t.Errorf("with a higher tag, they moved: %v, %v", moved, err)
	}
	delete(source.tags["team/lib"], "v1.2.0")
	source.err = errors.New("the disk is away")
	if moved, err := reached.othersMoved(t.Context(), source); err == nil || moved {
		t.Errorf("when that cannot be known, they moved: %v, %v", moved, err)
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
		if _, _, err := mounter.Mount("https://example.org/lib", meaning.At{Branch: "main"}); errors.Is(err, meaning.ErrUnknown) == test.may {
			t.Errorf("%+v: %v", test.caller, err)
		}
	}
}

// TestExcerptsAreOfTheRepositoryAlone: whoever may read a repository is shown excerpts of the files
// of a refused push, and none of what its pusher may read besides.
func TestExcerptsAreOfTheRepositoryAlone(t *testing.T) {
	tree, _ := joinedOf(t, access.Caller{Operator: "dora"})
	folder, _, err := tree.(meaning.Mounter).Mount("https://example.org/lib", meaning.At{})
	if err != nil {
		t.Fatal(err)
	}
	p := &Proposal{Change: Change{Tree: tree}}
	if got := read(t, tree, folder+"/deploy/a.yaml"); got != "one" {
		t.Errorf("the revision has %s", got)
	}
	if _, err := fs.Stat(p.Excerpts(), folder+"/deploy/a.yaml"); err == nil {
		t.Error("excerpts are of another repository")
	}
	if got := read(t, p.Excerpts(), "a.yaml"); got != "own" {
		t.Errorf("excerpts have %s", got)
	}
	p.Tree = fstest.MapFS{"b.yaml": {Data: []byte("own")}}
	if read(t, p.Excerpts(), "b.yaml") != "own" {
		t.Error("a revision without other repositories")
	}
}

// TestPlacesThatAPushMoves: another branch is where the push that brings the revision moves it, if
// the rules on signatures let it be.
func TestPlacesThatAPushMoves(t *testing.T) {
	tree, source := joinedOf(t, access.Caller{System: true})
	source.tags["fleet"]["bad"] = "2"
	source.branches["fleet"] = map[name.Branch]name.Revision{"staging": "1", "gone": "1"}
	fresh := fstest.MapFS{"b.yaml": {Data: []byte("fresh")}}
	signed := errors.New("it takes what is not signed")
	j := tree.(*joined)
	j.moving = Moving{
		Refs: map[string]name.Revision{"refs/heads/main": "9", "refs/heads/staging": "8", "refs/heads/gone": "", "refs/heads/open": "7", "refs/tags/v3.0.0": "tag 8", "refs/tags/v1": ""},
		Commit: func(revision name.Revision) (name.Revision, error) {
			return map[name.Revision]name.Revision{"tag 8": "8"}[revision], nil
		},
		Tree: func(revision name.Revision) (fs.FS, error) {
			return map[name.Revision]fs.FS{"8": fresh, "7": fresh}[revision], nil
		},
		Vouched: func(ref string, _ name.Revision) error {
			return map[string]error{"refs/heads/open": signed}[ref]
		},
	}
	for _, at := range []meaning.At{{Branch: "staging"}, {Word: "staging"}, {Tag: "v3.0.0"}, {Range: "3.x"}} {
		folder, taken, err := j.Mount("", at)
		if err != nil || !strings.HasSuffix(taken, "at staging") && !strings.Contains(taken, "at tag v3") || read(t, tree, folder+"/b.yaml") != "fresh" {
			t.Errorf("%s: %s, %s, %v", at, folder, taken, err)
		}
	}
	for _, at := range []meaning.At{{Branch: "gone"}, {Tag: "v1"}, {Range: "1.x"}} {
		if _, _, err := j.Mount("", at); !errors.As(err, new(*meaning.MissingError)) {
			t.Errorf("%s, which the push deletes: %v", at, err)
		}
	}
	if _, _, err := j.Mount("", meaning.At{Branch: "open"}); !errors.Is(err, signed) {
		t.Errorf("a branch that takes what is not signed: %v", err)
	}
	if places := follows(tree); len(places) != 4 || !slices.ContainsFunc(places, func(f followed) bool { return f.branch == "staging" && f.revision == "8" }) {
		t.Errorf("it follows %v", places)
	}
	other, _ := joinedOf(t, access.Caller{System: true})
	o := other.(*joined)
	o.moving = Moving{Refs: map[string]name.Revision{"refs/heads/main": "8"}}
	if folder, _, err := o.Mount("https://example.org/lib", meaning.At{Branch: "main"}); err != nil || read(t, other, folder+"/b.yaml") == "fresh" {
		t.Errorf("a branch of another repository: %v", err)
	}
}
