package deploy

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

// Another tool's controller leaves an app alone when its object says so.
func TestStoppedControllers(t *testing.T) {
	spec := func(fields map[string]any) map[string]any { return map[string]any{"spec": fields} }
	policy := func(automated any) map[string]any {
		return spec(map[string]any{"syncPolicy": map[string]any{"automated": automated}})
	}
	for _, test := range []struct {
		kind   string
		object map[string]any
		want   bool
	}{
		{"Kustomization", spec(map[string]any{"suspend": true}), true},
		{"Kustomization", spec(map[string]any{"suspend": false}), false},
		{"HelmRelease", spec(nil), false},
		{"HelmRelease", spec(map[string]any{"suspend": true}), true},
		{"Application", spec(nil), true},
		{"Application", policy(map[string]any{"prune": true}), false},
		{"Application", policy(map[string]any{}), false},
		{"Application", policy(map[string]any{"enabled": false}), true},
		{"Application", policy(nil), true},
	} {
		if got := controllers[test.kind].stopped(test.object); got != test.want {
			t.Errorf("%s %v: %v", test.kind, test.object, got)
		}
	}
}

// A controller that is halted has stopped.
func TestHaltedControllersAreStopped(t *testing.T) {
	for kind, by := range controllers {
		object := map[string]any{"spec": map[string]any{"syncPolicy": map[string]any{"automated": map[string]any{"prune": true}}}}
		if by.stopped(object) {
			t.Errorf("%s: it is stopped", kind)
		}
		if err := by.halt(object); err != nil || !by.stopped(object) {
			t.Errorf("%s: it goes on, %v", kind, err)
		}
	}
}

// rivalObject is an object of another tool on a cluster.
func rivalObject(kind, name string, spec map[string]any, owners ...metav1.OwnerReference) *unstructured.Unstructured {
	by := controllers[kind]
	u := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	u.SetGroupVersionKind(by.GroupVersionKind)
	u.SetNamespace("system")
	u.SetName(name)
	u.SetOwnerReferences(owners)
	return u
}

func TestRivals(t *testing.T) {
	automated := func() map[string]any {
		return map[string]any{"syncPolicy": map[string]any{"automated": map[string]any{}}}
	}
	bySet := metav1.OwnerReference{APIVersion: "argoproj.io/v1alpha1", Kind: "ApplicationSet", Name: "set"}
	for _, test := range []struct {
		name    string
		kind    string
		objects []*unstructured.Unstructured
		want    string
	}{
		{"nothing there", "Kustomization", nil, ""},
		{"one that goes on", "Kustomization", []*unstructured.Unstructured{rivalObject("Kustomization", "a", map[string]any{})}, "Kustomization system/a"},
		{"one that is suspended", "HelmRelease", []*unstructured.Unstructured{rivalObject("HelmRelease", "a", map[string]any{"suspend": true})}, ""},
		{"an Application", "Application", []*unstructured.Unstructured{rivalObject("Application", "a", automated())}, "Application system/a"},
		{"an Application of a set", "Application", []*unstructured.Unstructured{rivalObject("Application", "a", automated(), bySet), rivalObject("ApplicationSet", "set", map[string]any{})}, "ApplicationSet system/set, Application system/a"},
		{"an Application of a set that leaves it as it is", "Application", []*unstructured.Unstructured{
			rivalObject("Application", "a", automated(), bySet), rivalObject("ApplicationSet", "set", map[string]any{"syncPolicy": map[string]any{"applicationsSync": "create-only"}}),
		}, "Application system/a"},
		{"an Application of a set that is gone", "Application", []*unstructured.Unstructured{rivalObject("Application", "a", automated(), bySet)}, "Application system/a"},
		{"a kind that nobody knows", "Widget", nil, ""},
	} {
		api := newFakeAPI()
		api.kinds = kubetest.NewKinds(controllers["Kustomization"].GroupVersionKind, controllers["HelmRelease"].GroupVersionKind, controllers["Application"].GroupVersionKind, controllers["ApplicationSet"].GroupVersionKind)
		for _, u := range test.objects {
			api.running[manifest.IDOf(u)] = u
		}
		_, rivals, err := rivalsOf(t.Context(), api, plan.Bounds{}, meaning.Ref{Kind: test.kind, Namespace: "system", Name: "a"})
		names := make([]string, len(rivals))
		for i, r := range rivals {
			names[i] = r.id.Kind + " " + r.id.Namespace + "/" + r.id.Name
		}
		if got := strings.Join(names, ", "); err != nil || got != test.want {
			t.Errorf("%s: %q, %v", test.name, got, err)
		}
	}
	if _, rivals, err := rivalsOf(t.Context(), newFakeAPI(), plan.Bounds{}, meaning.Ref{Kind: "Kustomization", Namespace: "system", Name: "a"}); len(rivals) > 0 || err != nil {
		t.Errorf("without the kind: %v, %v", rivals, err)
	}
}

// Before somebody deletes what the other tool has left, they learn what that would do.
func TestBeforeDeletion(t *testing.T) {
	finalized := rivalObject("Application", "a", nil)
	finalized.SetFinalizers([]string{"resources-finalizer.argocd.argoproj.io"})
	for _, test := range []struct {
		object        *unstructured.Unstructured
		message, hint string
	}{
		{rivalObject("Kustomization", "a", map[string]any{"prune": true}), "Flux deletes what it has applied", `kubectl -n system patch kustomization.kustomize.toolkit.fluxcd.io a --type merge -p '{"spec":{"prune":false}}'`},
		{rivalObject("Kustomization", "a", map[string]any{"prune": false}), "", ""},
		{finalized, "with its finalizers: resources-finalizer.argocd.argoproj.io", `kubectl -n system patch application.argoproj.io a --type merge -p '{"metadata":{"finalizers":null}}'`},
		{rivalObject("Application", "a", nil), "", ""},
		{rivalObject("HelmRelease", "a", nil), "sh.helm.release.v1.shop.*", "kubectl -n system delete secret -l owner=helm,name=shop"},
		{rivalObject("HelmRelease", "a", map[string]any{"storageNamespace": "store"}), "helm uninstall", "kubectl -n store delete secret"},
	} {
		r := rival{controller: controllers[test.object.GetKind()], id: manifest.IDOf(test.object), object: test.object}
		message, hint := beforeDeletion(r, appfile.App{Helm: appfile.Helm{ReleaseName: "shop"}})
		if test.message == "" && message+hint != "" || !strings.Contains(message, test.message) || !strings.Contains(hint, test.hint) {
			t.Errorf("%s: %q, %q", test.object.GetKind(), message, hint)
		}
	}
}
