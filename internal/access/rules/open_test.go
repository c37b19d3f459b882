package rules

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/name"
)

func TestOpen(t *testing.T) {
	repos := []name.Repo{"blog", "shop", "admin"}
	const grants = "grants:\n- {repositories: [shop, team/**], serviceAccount: team/deployer}\n"
	for access, test := range map[string]struct {
		grants string
		open   map[string]name.Repo
	}{
		"- {who: [ana], may: [admin]}":                                             {"", map[string]name.Repo{}},
		"- {who: [ben], may: [deploy]}":                                            {"", map[string]name.Repo{"ben": "blog"}},
		"- {who: [ben], repositories: [shop], may: [deploy]}":                      {grants, map[string]name.Repo{}},
		"- {who: [ben], repositories: [shop, blog], branches: [x], may: [deploy]}": {grants, map[string]name.Repo{}},
		"- {who: [everyone], repositories: ['team/*'], may: [deploy]}":             {grants, map[string]name.Repo{}},
		"- {who: [dora], repositories: ['web/*'], may: [deploy]}":                  {"", map[string]name.Repo{"dora": "web/x"}},
		"- {who: [dora], may: [push]}":                                             {"", map[string]name.Repo{}},
		"- {who: [ci], repositories: [blog], may: [admin]}":                        {"", map[string]name.Repo{"ci": "blog"}},
	} {
		files := map[string]string{"access.yaml": "rules:\n- {who: [ana], may: [admin]}\n" + access + "\n", "repositories.yaml": test.grants}
		if open := parsedTree(t, world(t, files)).Open(repos); !maps.Equal(open, test.open) {
			t.Errorf("%s, %q: %v, want %v", access, test.grants, open, test.open)
		}
	}
}

func TestAccounts(t *testing.T) {
	files := map[string]string{"repositories.yaml": "grants:\n- {repositories: [b], serviceAccount: b/d}\n- {repositories: [a], serviceAccount: a/d}\n- {serviceAccount: b/d}\n"}
	if accounts := parsedTree(t, world(t, files)).Accounts(); !slices.Equal(accounts, []string{"a/d", "b/d"}) {
		t.Error(accounts)
	}
}

func TestSigners(t *testing.T) {
	files := signing(t, "- {repositories: [shop]}", "- {repositories: [shop], by: [dora, ben]}", "- {repositories: [blog], by: [dora]}")
	files["operators/dora.yaml"] = "keys: [{key: " + keyText(t, 3) + ", expires: 2026-12-01}]\n"
	r := parsedTree(t, world(t, files))
	for at, want := range map[time.Time]map[string]int{
		noon:                          {"shop": 2, "blog": 1},
		noon.Add(30 * 24 * time.Hour): {"shop": 1, "blog": 0},
	} {
		if able := r.Signers(at); !maps.Equal(able, want) {
			t.Errorf("at %s: %v, want %v", at, able, want)
		}
	}
}
