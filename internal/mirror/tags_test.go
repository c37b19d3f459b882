package mirror

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
)

func TestChooseTags(t *testing.T) {
	a := advertised{others: map[string]git.Hash{
		"refs/tags/v1.0.0": hashA, "refs/tags/v1.1.0": hashB, "refs/tags/nightly": hashA, "refs/tags/a\u200bb": hashA, "refs/pushboat/deploys/x": hashA,
	}}
	for _, test := range []struct {
		mirror rules.Mirror
		want   []name.Tag
	}{
		{rules.Mirror{}, nil},
		{rules.Mirror{UsedBy: []glob.Pattern{"fleet"}}, []name.Tag{"v1.1.0", "v1.0.0"}},
		{rules.Mirror{UsedBy: []glob.Pattern{"fleet"}, Tags: []string{}}, nil},
		{rules.Mirror{Tags: []string{"n*", ">=1.1"}}, []name.Tag{"nightly", "v1.1.0"}},
	} {
		if got, err := chooseTags(&test.mirror, a); err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%+v: got %q, %v", test.mirror, got, err)
		}
	}
	for i := range maxTags {
		a.others[fmt.Sprintf("refs/tags/x%d", i)] = hashA
	}
	if _, err := chooseTags(&rules.Mirror{Repo: "shop", Tags: []string{"*"}}, a); err == nil || !strings.Contains(err.Error(), "tags of mirrors/shop.yaml fits 1003 tags") {
		t.Errorf("too many tags are chosen: %v", err)
	}
}

func TestJudgeTags(t *testing.T) {
	for _, test := range []struct {
		sight  sight
		follow bool
		want   verdict
	}{
		{sight{here: hashA, upstream: hashA}, false, stays},
		{sight{upstream: hashA}, false, moves},
		{sight{upstream: hashA}, true, moves},
		{sight{here: hashA, upstream: hashB}, false, refused},
		{sight{here: hashA, upstream: hashB}, true, rewrites},
		{sight{here: hashA}, false, stays},
		{sight{here: hashA}, true, rewrites},
		{sight{}, true, stays},
	} {
		got, problem := judgeTag(&rules.Mirror{Repo: "shop"}, "v1", test.sight, test.follow)
		if got != test.want || (problem != nil) != (test.want == refused) {
			t.Errorf("%+v, follow %v: got %v, %v", test.sight, test.follow, got, problem)
		}
	}
}

// TestTagsAreFetched: tags that are new are taken, together; one that moved upstream, or is gone
// there, is as a history that was rewritten.
func TestTagsAreFetched(t *testing.T) {
	w := newWorld(t, git.StoreOptions{})
	up := w.http()
	w.rule(map[string]string{"shop": "url: http://" + up.Addr + "/shop.git\ntags: [v*]\n"})
	tag := func(tag name.Tag) git.Hash {
		repo, err := w.repos.Open("shop")
		if err != nil {
			t.Fatal(err)
		}
		at, err := headOf(t.Context(), repo, tag.Ref())
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	one := w.commit("one")
	w.git("tag", "v1")
	w.git("tag", "-a", "-m", "x", "v2")
	w.git("tag", "other")
	w.git("push", "-q", "origin", "v1", "v2", "other")
	annotated := git.Hash(w.git("rev-parse", "v2"))
	if done, err := w.fetch(func(a *Asking) { a.Options = []string{"plan"} }); err != nil || len(done.Tags) > 0 || tag("v1") != "" {
		t.Errorf("a plan: %+v, %v", done, err)
	}
	if done, err := w.fetch(nil); err != nil || !slices.Equal(done.Tags, []name.Tag{"v1", "v2"}) || tag("v1") != one || tag("v2") != annotated || tag("other") != "" {
		t.Fatalf("new tags: %+v, %v", done, err)
	}
	if done, err := w.fetch(nil); err != nil || len(done.Tags) > 0 {
		t.Errorf("nothing new: %+v, %v", done, err)
	}

	two := w.commit("two")
	w.git("tag", "-f", "v1")
	w.git("push", "-q", "-f", "origin", "v1")
	for range 2 {
		w.keeper.Wake("shop")
		w.settle()
	}
	if s := w.state(); tag("v1") != one || w.head("main") != two || !strings.Contains(s.Refused["refs/tags/v1"].Reason, "was moved upstream") || w.gate.told != 1 {
		t.Errorf("moved: %+v, told %d times", s, w.gate.told)
	}
	if done, err := w.fetch(func(a *Asking) { a.Rewrite = true }); err != nil || tag("v1") != two || w.state().Refused != nil {
		t.Errorf("taken over: %+v, %v, %+v", done, err, w.state())
	}

	w.git("push", "-q", "origin", ":v2")
	if _, err := w.fetch(nil); err != nil || tag("v2") != annotated || !slices.Equal(w.state().GoneTags, []name.Tag{"v2"}) {
		t.Errorf("gone: %v, %+v", err, w.state())
	}
	if _, err := w.fetch(func(a *Asking) { a.Rewrite = true }); err != nil || tag("v2") != "" || w.state().GoneTags != nil {
		t.Errorf("taken away: %v, %+v", err, w.state())
	}

	// What is wrong with tags keeps no branch back.
	w.rule(map[string]string{"shop": "url: http://" + up.Addr + "/shop.git\ntags: ['*']\n"})
	three := w.commit("three")
	var packed strings.Builder
	for i := range maxTags {
		fmt.Fprintf(&packed, "%s refs/tags/x%d\n", two, i)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "upstream", "shop.git", "packed-refs"), []byte(packed.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.fetch(nil); err == nil || w.head("main") != three || w.state().Untagged == nil || w.state().Trouble != nil {
		t.Errorf("too many: %v, %+v", err, w.state())
	}
	w.rule(map[string]string{"shop": "url: http://" + up.Addr + "/shop.git\n"})
	if _, err := w.fetch(nil); err != nil || w.state().Untagged != nil {
		t.Errorf("without tags: %v, %+v", err, w.state())
	}
}
