package plan

import (
	"testing"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// TestFormerObjects: the revision no longer has an object of the app.
func TestFormerObjects(t *testing.T) {
	const (
		pruneFalse  = "argocd.argoproj.io/sync-options: Prune=false"
		deleteFalse = "argocd.argoproj.io/sync-options: Delete=false"
	)
	for name, test := range map[string]struct {
		runs     string // the object; ConfigMap old if ""
		change   func(w *world)
		revision []string
		want     []string
		kept     int
	}{
		"it is deleted":          {want: []string{"deleted ConfigMap shop/old"}},
		"the revision keeps it":  {revision: []string{config("old", "1")}, want: []string{"same ConfigMap shop/old"}},
		"the app does not prune": {change: func(w *world) { w.Target.Spec.Prune = false }},
		"the app is gone, and did not prune": {
			change: func(w *world) { w.Target.Spec.Prune, w.Target.Gone = false, true }, kept: 1,
		},
		"only some objects are looked at": {change: func(w *world) { w.Partial = true }},
		"it is kept from prunes": {
			runs: config("old", "1", pruneFalse), want: []string{"released ConfigMap shop/old: kept, no longer managed"},
		},
		"it is kept from prunes, but the app is gone": {
			runs: config("old", "1", pruneFalse), change: func(w *world) { w.Target.Gone = true }, want: []string{"deleted ConfigMap shop/old"},
		},
		"it is kept when the app goes": {
			runs: config("old", "1", deleteFalse), change: func(w *world) { w.Target.Gone = true },
			want: []string{"released ConfigMap shop/old: kept, no longer managed"},
		},
		"it is a definition of an app of Argo CD that goes": {
			runs: widgetDefinition, change: func(w *world) { w.Target.Gone, w.Target.Defining = true, true },
			want: []string{"released CustomResourceDefinition widgets.example.org: kept, no longer managed"},
		},
		"it is no definition of such an app": {
			change: func(w *world) { w.Target.Gone, w.Target.Defining = true, true }, want: []string{"deleted ConfigMap shop/old"},
		},
		"it is kept when the app goes, which stays": {runs: config("old", "1", deleteFalse), want: []string{"deleted ConfigMap shop/old"}},
		"it is not to be reconciled": {
			runs: config("old", "1", frozen), want: []string{"released ConfigMap shop/old: kept, no longer managed"},
		},
		"its deletion has begun": {
			change: func(w *world) { w.deleting(manifesttest.ConfigMap("old")) }, want: []string{"unchanged ConfigMap shop/old: is being deleted (dying)"},
		},
		"another app wants it": {
			change: func(w *world) { w.Claims.Set("blog", "default", wants("old")) },
			want:   []string{"moved ConfigMap shop/old: moved to app blog"},
		},
		"another app wants it on another cluster": {
			change: func(w *world) { w.Claims.Set("blog", "other", wants("old")) }, want: []string{"deleted ConfigMap shop/old"},
		},
		"another app wants it, and this one does not prune": {
			change: func(w *world) { w.Claims.Set("blog", "default", wants("old")); w.Target.Spec.Prune = false },
			want:   []string{"moved ConfigMap shop/old: moved to app blog"},
		},
		"it is skipped from now on": {revision: []string{config("old", "1", skip)}},
		"it is a copy of ours that somebody else made": {
			change: func(w *world) {
				w.Ledger.Forget(manifesttest.ConfigMap("old"))
				w.api.running[manifesttest.ConfigMap("old")].SetManagedFields(nil)
				w.index.Note(w.api.store(w.api.running[manifesttest.ConfigMap("old")]))
			},
		},
		"it is ours, and managedFields was wiped": {
			change: func(w *world) {
				w.api.running[manifesttest.ConfigMap("old")].SetManagedFields(nil)
				w.index.Note(w.api.store(w.api.running[manifesttest.ConfigMap("old")]))
			},
			want: []string{"deleted ConfigMap shop/old"},
		},
		"it is the app's by its fields alone": {
			change: func(w *world) { w.Ledger.Forget(manifesttest.ConfigMap("old")) }, want: []string{"deleted ConfigMap shop/old"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if test.runs == "" {
				test.runs = config("old", "1")
			}
			w.deployed(test.runs)
			if test.change != nil {
				test.change(w)
			}
			plan, problems := w.planned(test.revision...)
			wantProblems(t, problems)
			wantTold(t, plan, test.want...)
			if plan.Kept != test.kept {
				t.Errorf("%d objects are kept, want %d", plan.Kept, test.kept)
			}
			if len(plan.Moved) == 1 && plan.Moved[0].Other != "blog" {
				t.Errorf("the object moves to %q", plan.Moved[0].Other)
			}
		})
	}
}

// TestSystemObjectsStay: the server's own objects are never pruned, even if somebody gives
// them an app's label.
func TestSystemObjectsStay(t *testing.T) {
	w := newWorld(t)
	w.runs("kubectl-create", namespaceText(kube.SystemNamespace))
	u := parsed(t, config("own", "1"))[0]
	u.SetNamespace(kube.SystemNamespace)
	labelled(u.Unstructured, SetID("shop"))
	w.applied(kube.FieldManager, u.Unstructured)
	plan, _ := w.planned()
	wantTold(t, plan)
}

// TestPrunesGoBackwards: workloads are deleted before the objects that they use, and
// namespaces last.
func TestPrunesGoBackwards(t *testing.T) {
	w := newWorld(t)
	w.deployed(namespaceText("shop"), config("a", "1"), config("b", "1", secondWave), job("j"))
	plan, _ := w.planned()
	wantTold(t, plan, "deleted ConfigMap shop/b", "deleted Job shop/j", "deleted ConfigMap shop/a", "deleted Namespace shop")
}

// TestNamespacesGoLast: namespaces are deleted last, whatever their wave.
func TestNamespacesGoLast(t *testing.T) {
	w := newWorld(t)
	w.deployed(namespaceText("shop", secondWave), config("a", "1"))
	plan, _ := w.planned()
	wantTold(t, plan, "deleted ConfigMap shop/a", "deleted Namespace shop")
}

// TestFormerObjectsAreSorted: objects that move or are being deleted are always reported in
// the same order.
func TestFormerObjectsAreSorted(t *testing.T) {
	w := newWorld(t)
	var texts, moved, dying []string
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		texts = append(texts, config(name, "1"), config("dying-"+name, "1"))
		moved = append(moved, "moved ConfigMap shop/"+name+": moved to app blog")
		dying = append(dying, "unchanged ConfigMap shop/dying-"+name+": is being deleted (dying)")
	}
	w.deployed(texts...)
	w.Claims.Set("blog", "default", wants("a", "b", "c", "d", "e", "f"))
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		w.deleting(manifesttest.ConfigMap("dying-" + name))
	}
	plan, _ := w.planned()
	wantTold(t, plan, append(moved, dying...)...)
}

// TestSkippedTwin: an object that is written twice, once with a hook of type Skip, counts
// once.
func TestSkippedTwin(t *testing.T) {
	w := newWorld(t)
	w.deployed(config("a", "1"), config("old", "1"))
	plan, _ := w.planned(config("a", "1"), config("a", "1", skip))
	wantTold(t, plan, "same ConfigMap shop/a", "deleted ConfigMap shop/old")
}

// TestSharedNamespaceIsReleased: a namespace that another app's createNamespace makes too
// stays when one of the two apps goes.
func TestSharedNamespaceIsReleased(t *testing.T) {
	for name, test := range map[string]struct {
		others fakeOthers
		pushed []*Target
		want   string
	}{
		"nobody else asks":       {nil, nil, "deleted Namespace shop"},
		"another app asks":       {fakeOthers{"blog": {repo: "shop", asks: "shop"}}, nil, "released Namespace shop: kept, for app blog asks for it as well"},
		"another repository's":   {fakeOthers{"blog": {repo: "blog", asks: "shop"}}, nil, "released Namespace shop: kept, for another repository asks for it as well"},
		"one of the push asks":   {nil, []*Target{asking("blog", "default", "shop")}, "released Namespace shop: kept, for app blog asks for it as well"},
		"one does not any more":  {fakeOthers{"blog": {asks: "shop"}}, []*Target{asking("blog", "default", "blog")}, "deleted Namespace shop"},
		"on another cluster":     {nil, []*Target{asking("blog", "other", "shop")}, "deleted Namespace shop"},
		"it asked for it itself": {fakeOthers{"shop": {asks: "shop"}}, nil, "deleted Namespace shop"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.deployed(namespaceText("shop"))
			w.Others = test.others
			w.pushedWith(test.pushed...)
			plan, _ := w.planned()
			wantTold(t, plan, test.want)
		})
	}
}

// TestPrunePolicies: the policies of a running object apply to its deletion.
func TestPrunePolicies(t *testing.T) {
	w := newWorld(t)
	w.deployed(
		config("confirm", "1", "argocd.argoproj.io/sync-options: Prune=confirm"),
		config("last", "1", "argocd.argoproj.io/sync-options: PruneLast=true"), config("now", "1"),
	)
	plan, _ := w.planned()
	if names := toConfirm(plan.Pruned()); names != "ConfigMap shop/confirm" {
		t.Errorf("the deletions to confirm are %q", names)
	}
	now, last := SplitLast(plan.Prune)
	if len(now) != 2 || len(last) != 1 || last[0].ID != manifesttest.ConfigMap("last") {
		t.Errorf("deleted at once are %v, last are %v", now, last)
	}
}

func TestOnlyLast(t *testing.T) {
	last := Step{ID: manifesttest.ConfigMap("last"), Action: record.Delete, Policy: manifest.Policy{Policies: manifest.PruneLast}}
	now := Step{ID: manifesttest.ConfigMap("now"), Action: record.Delete}
	for name, test := range map[string]struct {
		plan Plan
		want bool
	}{
		"nothing":             {Plan{}, false},
		"the last ones":       {Plan{Prune: []Step{last}, Steps: []Step{{Action: record.Unchanged}}}, true},
		"another one as well": {Plan{Prune: []Step{last, now}}, false},
		"something is made":   {Plan{Prune: []Step{last}, Steps: []Step{{Action: record.Create}}}, false},
		"something changes":   {Plan{Prune: []Step{last}, Steps: []Step{{Action: record.Configure}}}, false},
	} {
		if got := test.plan.OnlyLast(); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// asking is the target of an app whose createNamespace makes a namespace.
func asking(app name.App, cluster, namespace string) *Target {
	t := &Target{}
	t.Spec.Name, t.Spec.Cluster, t.Spec.Namespace, t.Spec.CreateNamespace = app, cluster, namespace, true
	return t
}
