package plan

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
)

// Annotations of other tools.
const (
	frozen       = "kustomize.toolkit.fluxcd.io/reconcile: disabled"
	ifNotPresent = "kustomize.toolkit.fluxcd.io/ssa: IfNotPresent"
	merges       = "kustomize.toolkit.fluxcd.io/ssa: Merge"
	forces       = "argocd.argoproj.io/sync-options: Force=true"
	replaces     = "argocd.argoproj.io/sync-options: Replace=true"
	remakes      = `argocd.argoproj.io/sync-options: "Force=true,Replace=true"`
	preSync      = "argocd.argoproj.io/hook: PreSync"
	skip         = "argocd.argoproj.io/hook: Skip"
	secondWave   = `argocd.argoproj.io/sync-wave: "2"`
)

func wantAsked(t *testing.T, w *world, want ...string) {
	t.Helper()
	slices.Sort(w.api.asked)
	if !slices.Equal(w.api.asked, want) {
		t.Errorf("the cluster was asked %q, want %q", w.api.asked, want)
	}
}

func TestPlanTellsNewChangedAndSameObjects(t *testing.T) {
	w := newWorld(t)
	w.deployed(config("same", "1"), config("changed", "1"))
	plan, problems := w.planned(config("same", "1"), config("changed", "2"), config("new", "1"))
	wantProblems(t, problems)
	wantTold(t, plan, "same ConfigMap shop/same", "configured ConfigMap shop/changed", "created ConfigMap shop/new")
	if got := changed(plan.Steps[0]); !slices.Equal(got, []string{"data.value"}) {
		t.Errorf("the step changes %q", got)
	}
	// A new object is tried in one request, and an unchanged object needs none.
	wantAsked(t, w, "apply ConfigMap shop/changed", "get ConfigMap shop/changed", "try ConfigMap shop/new")
	if plan.Steps[0].Refused || plan.Steps[1].Refused {
		t.Error("a step without a problem is refused")
	}
	if plan.First || plan.Partial || plan.App != "shop" || plan.Cluster != "default" || plan.Revision != "r1" || plan.Digest != "d1" || plan.Target != w.Target || plan.Made.IsZero() {
		t.Errorf("the plan is %+v", plan)
	}
}

func TestPlanOfAnEmptyClusterIsTheFirst(t *testing.T) {
	w := newWorld(t)
	if plan, _ := w.planned(config("a", "1")); !plan.First {
		t.Error("the plan of an app without objects is not the first")
	}
	w.deployed(namespaceText("shop"))
	if plan, _ := w.planned(config("a", "1"), namespaceText("shop")); !plan.First {
		t.Error("the plan of an app with nothing but a namespace is not the first")
	}
	w.runs("kube-controller-manager", config("copied", "1"))
	w.edited(manifesttest.ConfigMap("copied"), "kube-controller-manager", func(u *unstructured.Unstructured) {
		u.SetLabels(map[string]string{kube.PartOfLabel: SetID(w.Target.Spec.Name)})
	})
	if plan, _ := w.planned(config("a", "1"), namespaceText("shop")); !plan.First {
		t.Error("the plan is not the first, as others have given its label to an object of theirs")
	}
	w.deployed(config("b", "1"))
	if plan, _ := w.planned(config("a", "1"), namespaceText("shop")); plan.First {
		t.Error("the plan of an app with an object is the first")
	}
}

// TestUnchangedObjectsAreAskedFor checks when a plan asks the cluster for an object that is
// as it was left.
func TestUnchangedObjectsAreAskedFor(t *testing.T) {
	for name, test := range map[string]struct {
		change func(w *world)
		asks   bool
	}{
		"an object as it was left": {func(*world) {}, false},
		"a full check":             {func(w *world) { w.Depth = ByTrial }, true},
		"a forced deploy":          {func(w *world) { w.Depth = ByForce }, true},
		"an unknown object":        {func(w *world) { w.Ledger.Forget(manifesttest.ConfigMap("a")) }, true},
		"our fields under the label of another app": {func(w *world) {
			labelled(w.api.running[manifesttest.ConfigMap("a")], SetID("blog"))
			w.index.Note(w.api.store(w.api.running[manifesttest.ConfigMap("a")]))
		}, true},
		"the label of another app": {func(w *world) {
			w.edited(manifesttest.ConfigMap("a"), "kubectl-label", func(u *unstructured.Unstructured) { labelled(u, SetID("blog")) })
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Claims.Set("shop", "default", wants("a"))
			w.deployed(config("a", "1"))
			test.change(w)
			w.planned(config("a", "1"))
			if asks := len(w.api.asked) > 0; asks != test.asks {
				t.Errorf("the cluster was asked %q", w.api.asked)
			}
		})
	}
}

func TestFullCheckOfAnUnchangedObjectNotesItAgain(t *testing.T) {
	w := newWorld(t)
	w.deployed(config("a", "1"))
	noted, _ := w.Ledger.Of(manifesttest.ConfigMap("a"))
	w.Ledger.Forget(manifesttest.ConfigMap("a"))
	plan, _ := w.planned(config("a", "1"))
	wantTold(t, plan, "unchanged ConfigMap shop/a")
	if again, _ := w.Ledger.Of(manifesttest.ConfigMap("a")); again != noted {
		t.Errorf("noted is %+v, want %+v", again, noted)
	}
}

func TestPlanFollowsTheKindsThatTheAppHasAndHad(t *testing.T) {
	w := newWorld(t)
	w.Parent = kube.NewParent("shop", "shop")
	w.Parent.Kinds = kube.NewGroupKinds(schema.GroupKind{Kind: "Secret"}, schema.GroupKind{Group: "gone.example.org", Kind: "Widget"})
	w.planned(config("a", "1"), job("skipped", skip))
	if want := []string{"ConfigMap", "Secret"}; !slices.Equal(w.index.followed, want) {
		t.Errorf("the followed kinds are %q, want %q", w.index.followed, want)
	}
	if !w.index.fresh.IsZero() {
		t.Error("a plan asked for no fresh list, and got one")
	}
	w.Fresh = time.Unix(7, 0)
	if w.planned(config("a", "1")); !w.index.fresh.Equal(w.Fresh) {
		t.Errorf("the index is required to be as new as %s, want %s", w.index.fresh, w.Fresh)
	}
}

func TestPlanEndsWhereTheClusterDoesNotAnswer(t *testing.T) {
	unserved := "served Secret"
	for name, test := range map[string]struct {
		refuse string // the request that fails
		index  error
		app    []string
	}{
		"listing what runs":               {"", kubetest.Down, []string{config("a", "1")}},
		"asking for a kind of before":     {unserved, nil, []string{config("a", "1")}},
		"reading an object":               {"get ConfigMap shop/b", nil, []string{config("b", "2")}},
		"trying an object":                {"apply ConfigMap shop/b", nil, []string{config("b", "2")}},
		"trying an object that is ending": {"apply ConfigMap shop/ends", nil, []string{config("ends", "1")}},
		"looking for a hook":              {"get Job shop/h", nil, []string{job("h", preSync)}},
		"trying a hook":                   {"apply Job shop/h", nil, []string{job("h", preSync)}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.deployed(config("b", "1"), config("ends", "1"))
			w.deleting(manifesttest.ConfigMap("ends"))
			w.Parent.Kinds = kube.NewGroupKinds(schema.GroupKind{Kind: "Secret"})
			w.index.err = test.index
			w.api.refuses[test.refuse] = []error{kubetest.Down, kubetest.Down}
			objects, _ := w.resolved(test.app...)
			plan, problems, err := w.Plan(t.Context(), objects)
			if !errors.Is(err, kubetest.Down) || plan != nil || len(problems) > 0 {
				t.Errorf("the plan is %v, the problems %v, the error %v", plan, problems, err)
			}
			if len(w.trials.sound) > 0 {
				t.Errorf("the hooks that are known to be sound are %v", w.trials.sound)
			}
		})
	}
}

func TestRefusedObjectsAreProblemsOfTheApp(t *testing.T) {
	for name, test := range map[string]struct{ refuse, object string }{
		"one that is new":         {"apply ConfigMap shop/new", config("new", "1")},
		"one that is changed":     {"apply ConfigMap shop/a", config("a", "2")},
		"one that cannot be read": {"get ConfigMap shop/a", config("a", "2")},
		"one that is ending":      {"apply ConfigMap shop/ends", config("ends", "2")},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.deployed(config("a", "1"), config("ends", "1"))
			w.deleting(manifesttest.ConfigMap("ends"))
			w.api.refuses["try ConfigMap shop/new"] = []error{kubetest.Refused}
			w.api.refuses[test.refuse] = []error{kubetest.Refused}
			plan, problems := w.planned(test.object)
			wantProblems(t, problems, "refused")
			if len(problems) == 1 && (problems[0].App != "shop" || !plan.Steps[0].Refused) {
				t.Errorf("the problem is %+v, the step %+v", problems[0], plan.Steps[0])
			}
		})
	}
}

// TestEndedObjectsAreDone: a Job that has ended and was deleted is not made again until its
// manifest changes.
func TestEndedObjectsAreDone(t *testing.T) {
	w := newWorld(t)
	w.deployed(job("migrate"))
	id := manifest.ID{Group: "batch", Kind: "Job", Namespace: "shop", Name: "migrate"}
	w.edited(id, "kube-controller-manager", func(u *unstructured.Unstructured) {
		u.Object["status"] = map[string]any{"conditions": []any{map[string]any{"type": "Complete", "status": "True"}}}
	})
	plan, _ := w.planned(job("migrate"))
	wantTold(t, plan, "unchanged Job shop/migrate")
	if noted, _ := w.Ledger.Of(id); noted.Ended != health.Succeeded {
		t.Fatalf("the noted end is %q", noted.Ended)
	}

	delete(w.api.running, id)
	w.Index = newFakeIndex(t)
	plan, _ = w.planned(job("migrate"))
	wantTold(t, plan, "created Job shop/migrate") // the index does not know that the Job is gone

	listed := newFakeIndex(t)
	listed.listed[id.GroupKind()] = true
	w.Index = listed
	plan, _ = w.planned(job("migrate"))
	wantTold(t, plan, "unchanged Job shop/migrate: done, and deleted since")
	if !plan.Steps[0].Ended {
		t.Error("the step does not say that the object has ended")
	}
	plan, _ = w.planned(job("migrate", secondWave))
	wantTold(t, plan, "created Job shop/migrate")
}

func TestTerminatingObjectsAreMadeAnew(t *testing.T) {
	w := newWorld(t)
	w.deployed(config("a", "1"))
	w.deleting(manifesttest.ConfigMap("a"))
	plan, problems := w.planned(config("a", "1"))
	wantProblems(t, problems)
	wantTold(t, plan, "created ConfigMap shop/a: is being deleted")
	if !plan.Steps[0].Dying {
		t.Error("the step does not wait for the end of the object")
	}
	w.api.refuses["apply ConfigMap shop/a"] = []error{kubetest.Immutable(manifesttest.ConfigMap("a"))}
	_, problems = w.planned(config("a", "2"))
	wantProblems(t, problems) // the new object may have a value to which the dying one cannot change
}

// TestUnrecordedObjectIsCompared: an object that has lost its label is not in the index,
// and the try finds it.
func TestUnrecordedObjectIsCompared(t *testing.T) {
	w := newWorld(t)
	w.runs("helm", config("a", "1"))
	plan, problems := w.planned(config("a", "2"))
	wantProblems(t, problems)
	wantTold(t, plan, "configured ConfigMap shop/a: was not managed, taken over")
	if culprit := plan.Steps[0].Culprit.Manager; culprit != "helm" {
		t.Errorf("the object's last writer is %q", culprit)
	}
	if !plan.Steps[0].TakesOver() {
		t.Error("the step does not take the object over")
	}
}

func TestNamespacesComeBeforeWhatIsInThem(t *testing.T) {
	w := newWorld(t)
	plan, _ := w.planned(config("a", "1", `argocd.argoproj.io/sync-wave: "-1"`), namespaceText("shop"), job("h", preSync))
	wantTold(t, plan, "configured Namespace shop: was not managed, taken over", "created ConfigMap shop/a", "hook Job shop/h")
	if wave := plan.Steps[0].Policy.Wave; wave != -1 {
		t.Errorf("the namespace comes in wave %d", wave)
	}
}

func TestIsNamespaceMissing(t *testing.T) {
	api := newFakeAPI(t)
	_, missing := api.merge(parsed(t, config("a", "1"))[0].Unstructured, "x")
	if IsNamespaceMissing(missing) {
		t.Error("an object without a namespace lacks one")
	}
	o := parsed(t, config("a", "1"))[0]
	o.SetNamespace("other")
	_, missing = api.merge(o.Unstructured, "x")
	_, gone := api.Get(t.Context(), api.kinds[o.GroupVersionKind()], "other", "a")
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"no error":                         {nil, false},
		"no namespace":                     {missing, true},
		"no object":                        {gone, false},
		"a namespace that may not be read": {apierrors.NewForbidden(schema.GroupResource{Resource: "namespaces"}, "shop", kubetest.Refused), false},
		"no details":                       {&apierrors.StatusError{ErrStatus: metav1.Status{Reason: metav1.StatusReasonNotFound}}, false},
		"an error of another kind":         {kubetest.Refused, false},
		"no answer":                        {kubetest.Down, false},
	} {
		if got := IsNamespaceMissing(test.err); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestComparable: fields that the API server keeps for itself are not compared.
func TestComparable(t *testing.T) {
	w := newWorld(t)
	w.deployed(config("a", "1"))
	u := w.api.running[manifesttest.ConfigMap("a")]
	u.SetCreationTimestamp(*u.GetManagedFields()[0].Time)
	u.SetGeneration(3)
	u.SetSelfLink("/a")
	u.Object["status"] = map[string]any{"phase": "Active"}
	want := map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"value": "1"}, "metadata": map[string]any{"name": "a", "namespace": "shop"}}
	if got := comparableOf(u).Object; !reflect.DeepEqual(got, want) {
		t.Errorf("what is compared is %v", got)
	}
	u.SetLabels(map[string]string{"x": "y", kube.PartOfLabel: "z"})
	if got := comparableOf(u).GetLabels(); len(got) != 1 || got["x"] != "y" {
		t.Errorf("the labels that are compared are %v", got)
	}
	if odd := (&unstructured.Unstructured{Object: map[string]any{"kind": "X"}}); len(comparableOf(odd).Object) != 1 {
		t.Error("an object without metadata is not compared as it is")
	}
}

func TestUnreachable(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"no error": {nil, false}, "a refusal": {kubetest.Refused, false}, "no answer": {kubetest.Down, true},
		"cancelled": {fmt.Errorf("apply: %w", context.Canceled), true}, "too late": {fmt.Errorf("apply: %w", context.DeadlineExceeded), true},
	} {
		if got := Unreachable(test.err); (got != nil) != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestRememberedPlacesAreMade: if only an object's place is remembered, the object is made
// before it is compared.
func TestRememberedPlacesAreMade(t *testing.T) {
	w := newWorld(t)
	w.Target.Places = PlacesAfter(nil, PlaceRule{})
	w.deployed(config("a", "1"))
	w.Depth = ByTrial
	plan := w.again()
	wantTold(t, plan, "unchanged ConfigMap shop/a")
	if plan.Steps[0].Written || plan.Steps[0].Object.GetNamespace() != "shop" {
		t.Errorf("the object is %v", plan.Steps[0].Object.Object)
	}
}
