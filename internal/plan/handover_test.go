package plan

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

func TestWhatAnAppKeeps(t *testing.T) {
	for name, test := range map[string]struct {
		holder holder
		want   string // part of the refusal; "" for none
	}{
		"an app of the same repository":        {holder{app: "blog", repo: "shop"}, ""},
		"one of another":                       {holder{app: "blog", repo: "blog"}, "has left it on the cluster (prune: false)"},
		"one that cannot be rendered":          {holder{app: "blog", repo: "shop", unrendered: true}, "cannot be rendered at the moment"},
		"another repository's, nor rendered":   {holder{app: "blog", repo: "blog", unrendered: true}, "cannot be rendered at the moment"},
		"a set of no app, or of a deleted one": {holder{set: "applyset-x-v1"}, `the ApplySet "applyset-x-v1"`},
	} {
		kept := test.holder.keeps("shop")
		switch {
		case kept == nil && test.want != "":
			t.Errorf("%s: handed over", name)
		case kept != nil && (test.want == "" || !strings.Contains(kept.Message, test.want) || kept.Hint == "" && kept.Remedy.When == ""):
			t.Errorf("%s: %+v", name, *kept)
		}
	}
}

// TestHandOver: an object runs under another label than the app's. The app takes it over,
// or the plan refuses it.
func TestHandOver(t *testing.T) {
	relabelled := func(set string) func(w *world) {
		return func(w *world) {
			w.deployed(config("a", "1"))
			w.edited(manifesttest.ConfigMap("a"), "kubectl-label", func(u *unstructured.Unstructured) { labelled(u, set) })
		}
	}
	for name, test := range map[string]struct {
		runs    func(w *world)
		want    string
		other   name.App
		refused string
	}{
		"an app of the repository": {
			runs: func(w *world) { w.deployedBy("blog", "shop", config("a", "1")) },
			want: "configured ConfigMap shop/a: moved from app blog", other: "blog",
		},
		"an app of another repository": {
			runs: func(w *world) { w.deployedBy("blog", "blog", config("a", "1")) },
			want: "unchanged ConfigMap shop/a", refused: "belongs to app blog of repository blog, which has left it",
		},
		"an app of another repository, which releases it": {
			runs: func(w *world) {
				w.deployedBy("blog", "blog", config("a", "1"))
				w.others["blog"] = fakeApp{repo: "blog", gives: "shop"}
			},
			want: "configured ConfigMap shop/a: moved from another repository, which has released it", other: "blog",
		},
		"one that releases it to a third": {
			runs: func(w *world) {
				w.deployedBy("blog", "blog", config("a", "1"))
				w.others["blog"] = fakeApp{repo: "blog", gives: "other"}
			},
			want: "unchanged ConfigMap shop/a", refused: "belongs to app blog of repository blog",
		},
		"one that releases it and cannot be rendered": {
			runs: func(w *world) {
				w.deployedBy("blog", "blog", config("a", "1"))
				w.others["blog"] = fakeApp{repo: "blog", gives: "shop", unrendered: true}
			},
			want: "unchanged ConfigMap shop/a", refused: "cannot be rendered",
		},
		"what another repository has left, whose app's name is ours now": {
			runs: func(w *world) {
				w.deployedBy("blog", "shop", config("a", "1"))
				w.others["blog"] = fakeApp{repo: "shop", left: "blog"}
			},
			want: "unchanged ConfigMap shop/a", refused: "belongs to app blog of repository blog",
		},
		"an app of which nobody can tell whose it is": {
			runs: func(w *world) {
				w.deployedBy("blog", "shop", config("a", "1"))
				w.others["blog"] = fakeApp{repo: "shop", gives: "shop", broken: errors.New("no answer")}
			},
			want: "unchanged ConfigMap shop/a", refused: "it cannot be told whose it is: no answer",
		},
		"an app that cannot be rendered": {
			runs: func(w *world) {
				w.deployedBy("blog", "shop", config("a", "1"))
				w.others["blog"] = fakeApp{repo: "shop", unrendered: true}
			},
			want: "unchanged ConfigMap shop/a", refused: "cannot be rendered",
		},
		"a set of no app": {
			runs: func(w *world) { w.deployedBy("blog", "shop", config("a", "1")); delete(w.others, "blog") },
			want: "unchanged ConfigMap shop/a", refused: "none of this server's apps",
		},
		"nobody's": {
			runs: func(w *world) { w.runs("helm", config("a", "1")) }, want: "configured ConfigMap shop/a: was not managed, taken over",
		},
		"ours, without its label": {
			runs: relabelled(""), want: "configured ConfigMap shop/a: had lost the label that makes it part of the app",
		},
		"ours, with another label": {
			runs: func(w *world) { w.Claims.Set("shop", "default", wants("a")); relabelled("applyset-x-v1")(w) },
			want: "configured ConfigMap shop/a: had the label of another set than the app's",
		},
		"a set of no app, and wanted by ours": {
			runs: func(w *world) {
				w.deployedBy("blog", "shop", config("a", "1"))
				delete(w.others, "blog")
				w.Claims.Set("shop", "default", wants("a"))
			},
			want: "unchanged ConfigMap shop/a", refused: "none of this server's apps",
		},
		"ours once, and wanted by another": {
			runs: func(w *world) { w.Claims.Set("blog", "default", wants("a")); relabelled("applyset-x-v1")(w) },
			want: "unchanged ConfigMap shop/a", refused: "none of this server's apps",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.runs(w)
			plan, problems := w.planned(config("a", "1"))
			wantTold(t, plan, test.want)
			if step := plan.Steps[0]; step.Other != test.other || step.OnlyMoves() != (test.other != "") {
				t.Errorf("the object comes from %q, and only moves: %v", step.Other, step.OnlyMoves())
			}
			if test.refused == "" {
				wantProblems(t, problems)
				return
			}
			wantProblems(t, problems, test.refused)
			if len(problems) == 1 && (problems[0].Hint == "" && problems[0].Remedy.When == "" || problems[0].Source.Line == 0 || problems[0].Object != "ConfigMap shop/a") {
				t.Errorf("the problem is %+v", problems[0])
			}
		})
	}
}

// TestMadeNamespaceIsTakenOverOnlyFromOurs: the namespace of createNamespace keeps its
// owner, unless the app has it already or another app of the repository hands it over.
func TestMadeNamespaceIsTakenOverOnlyFromOurs(t *testing.T) {
	const left = "unchanged Namespace shop: exists already, and stays when the app goes"
	for name, test := range map[string]struct {
		runs func(w *world)
		want string
	}{
		"it is there":                  {func(*world) {}, left},
		"it is the app's":              {func(w *world) { w.deployed(namespaceText("shop")); w.Depth = ByTrial }, "unchanged Namespace shop"},
		"it is the app's by its label": {func(w *world) { w.deployed(namespaceText("shop")); w.Ledger.Forget(NamespaceID("shop")) }, "unchanged Namespace shop"},
		"it has lost its label":        {func(w *world) { w.Ledger.Note(NamespaceID("shop"), record.Noted{}) }, "configured Namespace shop: had lost the label that makes it part of the app"},
		"it is of another app":         {func(w *world) { w.ownNamespace("blog", "shop") }, "configured Namespace shop: moved from app blog"},
		"it is of another repository":  {func(w *world) { w.ownNamespace("blog", "blog") }, left},
		"it is released by another one": {func(w *world) {
			w.ownNamespace("blog", "blog")
			w.others["blog"] = fakeApp{repo: "blog", gives: "shop"}
		}, "configured Namespace shop: moved from another repository, which has released it"},
		"it is not there": {func(w *world) { delete(w.api.running, NamespaceID("shop")) }, "created Namespace shop"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.runs(w)
			w.Target.Spec.CreateNamespace = true
			w.Target.Objects, _ = WithNamespace(w.Target.Spec, nil, nil)
			objects, _ := Resolve(t.Context(), w.api, w.Target, w.With, Bounds{})
			plan, problems, err := w.Plan(t.Context(), objects)
			if err != nil {
				t.Fatal(err)
			}
			wantProblems(t, problems)
			wantTold(t, plan, test.want)
		})
	}
}

// ownNamespace makes an app own the namespace shop.
func (w *world) ownNamespace(app name.App, repo name.Repo) {
	w.others[app] = fakeApp{repo: repo}
	w.Claims.Know(app)
	w.edited(NamespaceID("shop"), "pushboat", func(u *unstructured.Unstructured) { labelled(u, SetID(app)) })
}

// TestValuesOfMovedObjectsStayHidden: what an app has out of a Secret is not shown when another app
// takes the object over, which has nothing of it.
func TestValuesOfMovedObjectsStayHidden(t *testing.T) {
	for what, test := range map[string]struct {
		app  name.App
		repo name.Repo
	}{
		"of the repository":            {"blog", "shop"},
		"of another one that is asked": {"blog", "blog"},
		"of the app itself, as ever":   {"shop", "shop"},
	} {
		w := newWorld(t)
		w.deployedBy(test.app, test.repo, config("a", "hidden-value"))
		w.others[test.app] = fakeApp{repo: test.repo, gives: "shop", hidden: []string{"hidden-value"}}
		if test.app == "shop" {
			w.Target.Hidden = []string{"hidden-value"}
			w.Masker = manifest.Masker{}.Hiding(w.Target.Hidden)
		}
		plan, problems := w.planned(config("a", "plain"))
		if len(problems) > 0 || len(plan.Steps) != 1 || len(plan.Steps[0].Changes) == 0 {
			t.Fatalf("%s: %+v, %v", what, plan.Steps, problems)
		}
		for _, change := range plan.Steps[0].Changes {
			if text := fmt.Sprint(change); strings.Contains(text, "hidden-value") {
				t.Errorf("%s: %s", what, text)
			}
		}
	}
}
