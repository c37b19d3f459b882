package mirror

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/report"
)

func TestLinks(t *testing.T) {
	o := Offer{Branch: "pushboat/shop-abc", Onto: "main"}
	for _, test := range []struct{ url, forge, want string }{
		{"git@github.com:team/shop.git", rules.GitHub, "https://github.com/team/shop/compare/main...pushboat/shop-abc?expand=1"},
		{"ssh://git@ssh.github.com:443/team/shop.git", rules.GitHub, "https://github.com/team/shop/compare/main...pushboat/shop-abc?expand=1"},
		{"https://gitlab.com/a/b/shop", rules.GitLab, "https://gitlab.com/a/b/shop/-/merge_requests/new?merge_request%5Bsource_branch%5D=pushboat%2Fshop-abc&merge_request%5Btarget_branch%5D=main"},
		{"ssh://git@git.example.org:2222/team/shop.git", rules.Gitea, "https://git.example.org/team/shop/compare/main...pushboat/shop-abc"},
		{"http://127.0.0.1:3000/team/shop.git", rules.Gitea, "http://127.0.0.1:3000/team/shop/compare/main...pushboat/shop-abc"},
		{"git@bitbucket.org:team/shop.git", rules.Bitbucket, "https://bitbucket.org/team/shop/pull-requests/new?dest=main&source=pushboat%2Fshop-abc"},
		{"https://git.example.org/scm/T/shop.git", rules.Bitbucket, "https://git.example.org/projects/T/repos/shop/pull-requests?create=&sourceBranch=refs%2Fheads%2Fpushboat%2Fshop-abc&targetBranch=refs%2Fheads%2Fmain"},
		{"ssh://git@git.example.org:7999/~ana/shop.git", rules.Bitbucket, "https://git.example.org/users/ana/repos/shop/pull-requests?create=&sourceBranch=refs%2Fheads%2Fpushboat%2Fshop-abc&targetBranch=refs%2Fheads%2Fmain"},
		{"https://git.example.org/x", "", ""},
	} {
		if got := linkOf(&rules.Mirror{Far: rules.Far{URL: test.url, Forge: test.forge}}, o); got != test.want {
			t.Errorf("%s: %s, want %s", test.url, got, test.want)
		}
	}
	o.Onto = "team #1/main"
	if got := linkOf(&rules.Mirror{Far: rules.Far{URL: "https://git.example.org/x", Forge: rules.Gitea}}, o); !strings.Contains(got, "/compare/team%20%231/main...") {
		t.Errorf("a branch with other letters: %s", got)
	}
}

func TestOffersAreJudged(t *testing.T) {
	const there = hashA
	o := Offer{Repo: "shop", Base: hashA, Commit: hashB, Branch: "pushboat/shop-abc", Onto: "main"}
	for what, test := range map[string]struct {
		sight offerSight
		sends bool
		err   string
	}{
		"a new one":                {offerSight{onto: there, based: true}, true, ""},
		"as many as may be":        {offerSight{onto: there, based: true, others: maxOffers - 1}, true, ""},
		"one too many":             {offerSight{onto: there, based: true, others: maxOffers}, false, "upstream has 100 branches pushboat/… already"},
		"there already":            {offerSight{onto: there, based: true, there: hashA, others: maxOffers}, false, ""},
		"there, as it is":          {offerSight{onto: there, based: true, there: hashB, forward: true}, false, ""},
		"merged, and to do anew":   {offerSight{onto: there, based: true, there: hashA, forward: true}, true, ""},
		"no such branch to merge":  {offerSight{unseen: true}, false, `upstream has no branch "main" any more`},
		"it has moved":             {offerSight{onto: there, unseen: true}, false, "has moved to"},
		"its history is rewritten": {offerSight{onto: there}, false, "which does not contain"},
	} {
		sends, err := judgeOffer(o, test.sight)
		if sends != test.sends || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: sends %t, %v", what, sends, err)
		}
	}
}

// offers is a world whose mirror writes back, and a commit for upstream.
func offers(t *testing.T, fields string) (w *world, bare string, o Offer) {
	t.Helper()
	w = newWorld(t, git.StoreOptions{})
	w.rule(map[string]string{"shop": fmt.Sprintf(fields, w.http().Addr)})
	one := w.commit("one")
	if err := w.keeper.Refresh(t.Context(), "shop"); err != nil || w.head("main") != one {
		t.Fatalf("refreshed: %v, main is at %s", err, w.head("main"))
	}
	o = Offer{Repo: "shop", Base: one, Branch: "pushboat/shop-abc", Onto: "main"}
	o.Commit = w.change(one, "two")
	return w, filepath.Join(w.dir, "upstream", "shop.git"), o
}

// change makes a commit here that is on no branch.
func (w *world) change(parent git.Hash, text string) git.Hash {
	w.Helper()
	repo, err := w.repos.Open("shop")
	if err != nil {
		w.Fatal(err)
	}
	made, err := repo.Import(w.Context(), parent, git.NewCommit{Message: text, Files: map[string][]byte{"file": []byte(text)}})
	if err != nil {
		w.Fatal(err)
	}
	return made
}

func TestOffer(t *testing.T) {
	w, bare, o := offers(t, "url: http://%s/shop.git\nwriteBack: branch\nforge: gitea\n")
	done, err := w.keeper.Offer(t.Context(), o)
	if err != nil || done.Known || done.Newer != "" || !strings.HasSuffix(done.Link, "/shop/compare/main...pushboat/shop-abc") {
		t.Fatalf("offered: %+v, %v", done, err)
	}
	if there := w.git("ls-remote", bare, o.Branch.Ref()); !strings.HasPrefix(there, string(o.Commit)) || w.head("main") != o.Base {
		t.Errorf("upstream has %q, main here is at %s", there, w.head("main"))
	}

	// The same again is there already, whoever made it anew.
	first := o.Commit
	o.Commit = w.change(o.Base, "two, again")
	if done, err = w.keeper.Offer(t.Context(), o); err != nil || !done.Known || done.Commit != first {
		t.Errorf("again: %+v, %v", done, err)
	}

	// What was merged, and is to be done once more, goes on.
	w.git("fetch", "-q", "origin")
	w.git("merge", "-q", "--ff-only", string(first))
	two := w.commit("three")
	if err := w.keeper.Refresh(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	o.Base, o.Commit = two, w.change(two, "two")
	if done, err = w.keeper.Offer(t.Context(), o); err != nil || done.Known || done.Commit != o.Commit {
		t.Errorf("once more: %+v, %v", done, err)
	}

	// What upstream has beyond that is said, and has to be known.
	four := w.commit("four")
	o.Branch = "pushboat/shop-def"
	if _, err = w.keeper.Offer(t.Context(), o); err == nil || !strings.Contains(err.Error(), "has moved to "+four.Short()) {
		t.Errorf("it moved unseen: %v", err)
	}
	w.gate.refuses = "problem at file:1"
	if err := w.keeper.Refresh(t.Context(), "shop"); err != nil || w.head("main") != two {
		t.Fatalf("refused: %v", err)
	}
	if done, err = w.keeper.Offer(t.Context(), o); err != nil || done.Newer != four {
		t.Errorf("beside a refused one: %+v, %v", done, err)
	}
}

func TestOffersAreRefused(t *testing.T) {
	w, bare, o := offers(t, "url: http://%s/shop.git\nwriteBack: branch\n")
	refused := func(what, want, hint string) {
		t.Helper()
		_, err := w.keeper.Offer(t.Context(), o)
		message, remedy := report.Door{}.Explain(err)
		if err == nil || !strings.Contains(message, want) || !strings.Contains(remedy, hint) {
			t.Errorf("%s: %q, hint %q", what, message, remedy)
		}
	}

	// By upstream's own rules.
	hook := filepath.Join(bare, "hooks", "pre-receive")
	if err := os.MkdirAll(filepath.Dir(hook), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hook, []byte("#!/bin/sh\necho 'not \x1b[31mtoday'\nexit 1\n"), 0o700); err != nil { //nolint:gosec // Git runs it
		t.Fatal(err)
	}
	refused("a hook", "upstream does not take it", "may push branches")
	if err := os.Remove(hook); err != nil {
		t.Fatal(err)
	}

	// A history that was rewritten does not come back.
	w.git("commit", "-q", "--amend", "-m", "without the secret")
	w.git("push", "-q", "--force", "origin", "HEAD")
	if err := w.keeper.Refresh(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	refused("rewritten", "which does not contain", "repo fetch shop")

	w.git("push", "-q", "origin", "HEAD:refs/heads/other")
	w.git("-C", bare, "symbolic-ref", "HEAD", "refs/heads/other")
	w.git("push", "-q", "origin", "--delete", "main")
	refused("no branch any more", `no branch "main" any more`, "repo info shop")
	if there := w.git("ls-remote", bare, "refs/heads/pushboat/*"); there != "" {
		t.Errorf("upstream has %q", there)
	}

	w.rule(map[string]string{"shop": "url: " + w.rules.Mirror("shop").URL + "\n"})
	refused("not allowed", "takes no commits of its own", "writeBack: branch in mirrors/shop.yaml")
	o.Repo = "blog"
	refused("no mirror", "is no mirror", "")
	if err := w.keeper.Refresh(t.Context(), "blog"); err == nil {
		t.Error("what is no mirror was refreshed")
	}
}

func TestOfferToNobody(t *testing.T) {
	w, _, o := offers(t, "url: http://%s/shop.git\nwriteBack: branch\n")
	w.rule(map[string]string{"shop": "url: http://127.0.0.1:1/shop.git\nwriteBack: branch\n"})
	if _, err := w.keeper.Offer(t.Context(), o); err == nil || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("offered to nobody: %v", err)
	}
	w.keeper.Stop()
	if _, err := w.keeper.Offer(t.Context(), o); err == nil || !strings.Contains(err.Error(), "about to stop") {
		t.Errorf("offered by a server that stops: %v", err)
	}
}
