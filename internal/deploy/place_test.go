package deploy

import (
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// TestPlaces: what a place of a repository is, by what the repository has.
func TestPlaces(t *testing.T) {
	source := &fakeSource{
		branches: map[name.Repo]map[name.Branch]name.Revision{"lib": {"main": "m", "both": "b", "1.x": "x"}},
		tags:     map[name.Repo]map[name.Tag]name.Revision{"lib": {"v1.0.0": "1", "v1.1.0": "2", "2.0": "3", "both": "t", "main": "t"}},
	}
	for _, test := range []struct {
		at   meaning.At
		want spot
	}{
		{meaning.At{}, spot{branch: "main", revision: "m"}},
		{meaning.At{Branch: "both"}, spot{branch: "both", revision: "b"}},
		{meaning.At{Branch: "none"}, spot{}},
		{meaning.At{Tag: "both"}, spot{tag: "both", revision: "t"}},
		{meaning.At{Tag: "none"}, spot{}},
		{meaning.At{Commit: "c"}, spot{revision: "c"}},
		{meaning.At{Word: "both"}, spot{branch: "both", revision: "b"}},
		{meaning.At{Word: "2.0"}, spot{tag: "2.0", revision: "3"}},
		{meaning.At{Word: "none"}, spot{}},
		{meaning.At{Range: "1.x"}, spot{tag: "v1.1.0", revision: "2"}},
		{meaning.At{Range: "2.x"}, spot{}},
		{meaning.At{Range: "2.x", Loose: true}, spot{tag: "2.0", revision: "3"}},
		{meaning.At{Range: "1.x", Loose: true, Word: "1.x"}, spot{tag: "v1.1.0", revision: "2"}},
		{meaning.At{Range: "3.x", Loose: true, Word: "1.x"}, spot{branch: "1.x", revision: "x"}},
	} {
		if got, err := spotOf(t.Context(), source, "lib", test.at); err != nil || got != test.want {
			t.Errorf("%s is %+v, %v; want %+v", test.at, got, err, test.want)
		}
	}
	if _, err := spotOf(t.Context(), source, "lib", meaning.At{Range: "latest"}); err == nil {
		t.Error("a word is a range")
	}
}

// TestRefsThatMovePlaces: a ref may make a place another if it is it, or could take its place.
func TestRefsThatMovePlaces(t *testing.T) {
	for _, test := range []struct {
		at    meaning.At
		spot  spot
		moves []string
		stays []string
	}{
		{meaning.At{}, spot{branch: "main"}, []string{"refs/heads/main"}, []string{"refs/heads/next", "refs/tags/main"}},
		{meaning.At{Branch: "next"}, spot{branch: "next"}, []string{"refs/heads/next"}, []string{"refs/heads/main", "refs/notes/next"}},
		{meaning.At{Tag: "v1"}, spot{tag: "v1"}, []string{"refs/tags/v1"}, []string{"refs/tags/v2", "refs/heads/v1"}},
		{meaning.At{Range: "1.x"}, spot{tag: "v1.0.0"}, []string{"refs/tags/v1.0.0", "refs/tags/v1.5.0"}, []string{"refs/tags/v2.0.0", "refs/heads/main"}},
		{meaning.At{Word: "v1"}, spot{tag: "v1"}, []string{"refs/tags/v1", "refs/heads/v1"}, []string{"refs/tags/v2"}},
		{meaning.At{Commit: "c"}, spot{revision: "c"}, nil, []string{"refs/heads/main", "refs/tags/v1"}},
	} {
		f := followed{repo: "lib", at: test.at, spot: test.spot}
		for _, ref := range slices.Concat(test.moves, test.stays) {
			if f.moves(ref) != slices.Contains(test.moves, ref) {
				t.Errorf("%s moves %s: %v", ref, test.at, f.moves(ref))
			}
		}
	}
}

// TestSourcesOfARecord: a record names the places that the app is rendered from, and not those of
// other apps of its revision.
func TestSourcesOfARecord(t *testing.T) {
	at := &target{others: []followed{
		{repo: "lib", folder: ".repositories/lib~v1", spot: spot{tag: "v1", revision: "1"}},
		{repo: "lib", folder: ".repositories/lib~v1.1", spot: spot{tag: "v1.1", revision: "2"}},
	}}
	at.Spec.Path = ".repositories/lib~v1/deploy"
	if got, want := at.sources(), []record.Place{{Repo: "lib", Tag: "v1", Revision: "1"}}; !slices.Equal(got, want) {
		t.Errorf("it comes from %v", got)
	}
	if got := (record.Place{Repo: "lib", Branch: "main", Revision: "0123456789"}).String(); got != "lib main 0123456" {
		t.Errorf("a place is written as %s", got)
	}
}

// TestAppsFollowRefs: the apps that are rendered from a ref of another repository, or a tag of
// their own, are found, and look again when it moves.
func TestAppsFollowRefs(t *testing.T) {
	o := newOffice(t)
	a := o.has("web", "shop", wanted("web", func(t *target) {
		t.others = []followed{{repo: "lib", at: meaning.At{Range: "1.x"}, spot: spot{tag: "v1.0.0"}}}
	}))
	b := o.has("api", "shop", wanted("api"))
	if !o.Follows("lib", "refs/tags/v1.1.0") || o.Follows("lib", "refs/tags/v2.0.0") || o.Follows("shop", "refs/tags/v1.1.0") {
		t.Error("it follows other refs")
	}
	o.RefMoved("lib", "refs/tags/v2.0.0")
	wantLines(t, "after another tag", jobNames(a, b))
	o.RefMoved("lib", "refs/tags/v1.1.0")
	wantLines(t, "after a tag in the range", jobNames(a, b), "web: schedule")
}

// TestWantedRevisions: only where all apps of a branch are to be at its newest commit does a push to
// another one deploy them again.
func TestWantedRevisions(t *testing.T) {
	o := newOffice(t)
	now := shop().Revision
	web, blog := o.has("web", "shop", wanted("web")), o.has("blog", "shop", wanted("blog"))
	if !o.Wants("shop", "main", now) || o.Wants("shop", "main", "newer") || !o.Wants("shop", "other", "newer") {
		t.Error("they want another revision")
	}
	blog.setSkipped("newer")
	if o.Wants("shop", "main", now) {
		t.Error("a revision was skipped")
	}
	blog.setSkipped("")
	if web.setWant(nil); o.Wants("shop", "main", now) {
		t.Error("nothing is known of one of them")
	}
}
