package mirror

import (
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/push"
)

// refsOf are the refs of landings, each landing's in one text.
func refsOf(landed []push.Landing) (all []string) {
	for _, l := range landed {
		var refs []string
		for _, u := range l.Updates {
			refs = append(refs, strings.TrimPrefix(u.Ref, "refs/heads/"))
		}
		slices.Sort(refs)
		all = append(all, strings.Join(refs, " "))
	}
	return all
}

// TestMainBranchMayNeedOthers: apps of the main branch may be rendered from other branches. So the
// first branches come as one push, and later the main branch last; but no other branch that is
// refused holds the main branch up, nor the other way round.
func TestMainBranchMayNeedOthers(t *testing.T) {
	begin := func(judge func(push.Landing) string) *world {
		w := newWorld(t, git.StoreOptions{})
		w.gate.judge = judge
		up := w.http()
		w.rule(map[string]string{"shop": "url: http://" + up.Addr + "/shop.git\nbranches: ['*']\n"})
		w.commit("one")
		w.git("push", "-q", "origin", "HEAD:refs/heads/staging", "HEAD:refs/heads/dev")
		return w
	}
	needs := func(l push.Landing) string { // the main branch needs staging
		refs := refsOf([]push.Landing{l})[0]
		if _, err := l.Repo.Head(t.Context(), "refs/heads/staging"); err != nil && strings.Contains(refs, "main") && !strings.Contains(refs, "staging") {
			return "no branch staging"
		}
		return ""
	}
	w := begin(needs)
	done, err := w.fetch(nil)
	if err != nil || len(done.Moved) != 3 || len(done.Refused) > 0 || w.gate.told > 0 || w.head("main") == "" || w.head("dev") == "" {
		t.Fatalf("%+v, %v, told %d times", done, err, w.gate.told)
	}
	if refs := refsOf(w.gate.landed); !slices.Equal(refs, []string{"dev main staging"}) {
		t.Errorf("landed %q", refs)
	}
	w.gate.landed = nil
	w.commit("two")
	w.git("push", "-q", "origin", "HEAD:refs/heads/staging")
	if _, err := w.fetch(nil); err != nil || !slices.Equal(refsOf(w.gate.landed), []string{"staging", "main"}) {
		t.Errorf("later, landed %q, %v", refsOf(w.gate.landed), err)
	}

	w = begin(func(l push.Landing) string { // dev is bad
		if strings.Contains(refsOf([]push.Landing{l})[0], "dev") {
			return "problem in dev"
		}
		return ""
	})
	done, err = w.fetch(nil)
	slices.Sort(done.Moved)
	if err != nil || !slices.Equal(done.Moved, []name.Branch{"main", "staging"}) || !slices.Equal(done.Refused, []name.Branch{"dev"}) || w.gate.told != 1 {
		t.Errorf("%+v, %v, told %d times", done, err, w.gate.told)
	}

	w = begin(func(push.Landing) string { return "problem" })
	if done, err = w.fetch(nil); err != nil || len(done.Moved) > 0 || !slices.Equal(done.Refused, []name.Branch{"main"}) || w.gate.told != 1 {
		t.Errorf("%+v, %v, told %d times", done, err, w.gate.told)
	}
	before := len(w.gate.landed)
	w.keeper.Wake("shop")
	w.settle()
	if n := len(w.gate.landed); n != before {
		t.Errorf("what was refused is judged again at once: %d times", n-before)
	}
}
