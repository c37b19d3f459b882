package plan

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/name"
)

func TestWhatReadersSee(t *testing.T) {
	only := Reader(func(repo name.Repo) bool { return repo == "blog" })
	for what, test := range map[string]struct {
		reader Reader
		other  name.Repo
		want   bool
	}{
		"the own repository":         {nil, "shop", true},
		"another one, in a record":   {nil, "blog", false},
		"another one that is theirs": {only, "blog", true},
		"one that is not":            {only, "bank", false},
	} {
		if got := test.reader.Sees("shop", test.other); got != test.want {
			t.Errorf("%s: seen: %t", what, got)
		}
	}
}

// TestHiddenOwners: who may not know of a repository learns from a plan only that an object
// belongs to another one, whatever that one does with the object.
func TestHiddenOwners(t *testing.T) {
	for what, unrendered := range map[string]bool{"left on the cluster": false, "cannot be rendered": true} {
		w := newWorld(t)
		w.Reader = nil
		w.deployedBy("blog", "blog", config("a", "1"))
		w.others["blog"] = fakeApp{repo: "blog", unrendered: unrendered}
		_, problems := w.planned(config("a", "1"))
		wantProblems(t, problems, "ConfigMap shop/a: belongs to another repository")
		for _, problem := range problems {
			if text := problem.Message + problem.Hint + problem.Remedy.When; strings.Contains(text, "blog") || problem.Hint != AskAdmin {
				t.Errorf("%s: %+v", what, problem)
			}
		}
	}
}

// TestDisputedObjects: of an object that another app wants, the gate has told already.
func TestDisputedObjects(t *testing.T) {
	w := newWorld(t)
	w.deployedBy("blog", "blog", config("a", "1"))
	w.Disputed = map[manifest.ID]bool{manifesttest.ConfigMap("a"): true}
	_, problems := w.planned(config("a", "1"))
	wantProblems(t, problems)
}

// TestNaming: plans and records name another app only if it is of the same repository.
func TestNaming(t *testing.T) {
	shop := asking("shop", "default", "shop")
	shop.Repo = "shop"
	others := fakeOthers{"web": {repo: "shop"}, "blog": {repo: "blog"}, "moved": {repo: "blog"}}
	with := &Companions{Targets: []*Target{asking("moved", "default", "shop")}}
	for app, want := range map[name.App]string{
		"web": "app web", "blog": "another repository", "new": "app new", "moved": "app moved",
	} {
		if got := Naming(app, shop, with, others); got != want {
			t.Errorf("%s is %q", app, got)
		}
	}
}
