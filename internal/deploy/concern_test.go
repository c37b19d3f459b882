package deploy

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

// Whoever names an object of another tool that the grant does not give learns nothing of it, unless
// it deploys to what the grant gives.
func TestRivalsOutsideOfTheGrant(t *testing.T) {
	has := func(kind string, spec, status map[string]any) *unstructured.Unstructured {
		u := rivalObject(kind, "a", spec)
		u.Object["status"] = status
		return u
	}
	inventory := func(ids ...string) map[string]any {
		var entries []any
		for _, id := range ids {
			entries = append(entries, map[string]any{"id": id, "v": "v1"})
		}
		return map[string]any{"inventory": map[string]any{"entries": entries}}
	}
	resources := func(entries ...any) map[string]any { return map[string]any{"resources": entries} }
	automated := map[string]any{"syncPolicy": map[string]any{"automated": map[string]any{}}, "destination": map[string]any{"namespace": "shop"}}
	manifestsOnly := giving("shop")
	manifestsOnly.Kinds = grant.Kinds{Allow: []grant.Kind{"ConfigMap"}}
	scoped := giving("shop")
	scoped.ClusterScoped = []grant.Kind{"ClusterRole"}
	for what, test := range map[string]struct {
		object *unstructured.Unstructured
		grant  *grant.Grant
		want   bool
	}{
		"all is granted":                       {has("Kustomization", nil, nil), nil, true},
		"its namespace is granted":             {has("Kustomization", nil, nil), giving("system"), true},
		"nothing is known of it":               {has("Kustomization", nil, nil), giving("shop"), false},
		"it has objects elsewhere":             {has("Kustomization", nil, inventory("blog_web_apps_Deployment", "_blog__Namespace")), giving("shop"), false},
		"it has an object here":                {has("Kustomization", nil, inventory("blog_web_apps_Deployment", "shop_web_apps_Deployment")), giving("shop"), true},
		"it has an object of a kind not given": {has("Kustomization", nil, inventory("shop_web_apps_Deployment")), manifestsOnly, true},
		"it has the Namespace":                 {has("Kustomization", nil, inventory("_shop__Namespace")), giving("shop"), true},
		"it has a role that is given":          {has("Kustomization", nil, inventory("_a__b_rbac.authorization.k8s.io_ClusterRole")), scoped, true},
		"it has a role that is not given":      {has("Kustomization", nil, inventory("_a__b_rbac.authorization.k8s.io_ClusterRole")), giving("shop"), false},
		"its inventory is no such":             {has("Kustomization", nil, inventory("shop", "")), giving("shop"), false},
		"it is to deploy here":                 {has("Kustomization", map[string]any{"targetNamespace": "shop"}, nil), giving("shop"), true},
		"it is to deploy elsewhere":            {has("HelmRelease", map[string]any{"targetNamespace": "blog"}, nil), giving("shop"), false},
		"a release here":                       {has("HelmRelease", map[string]any{"targetNamespace": "shop"}, nil), manifestsOnly, true},
		"an Application for here":              {has("Application", automated, nil), giving("shop"), true},
		"an Application that has gone on":      {has("Application", automated, resources(map[string]any{"kind": "Service", "namespace": "blog", "name": "web"})), giving("shop"), false},
		"an Application here":                  {has("Application", automated, resources(map[string]any{"kind": "Service", "namespace": "shop", "name": "web"}, "x")), giving("shop"), true},
		"no grant":                             {has("Kustomization", nil, inventory("shop_web_apps_Deployment")), grant.Find([]*grant.Grant{}, "shop"), false},
	} {
		api := newFakeAPI()
		api.kinds = kubetest.NewKinds(controllers["Kustomization"].GroupVersionKind, controllers["HelmRelease"].GroupVersionKind, controllers["Application"].GroupVersionKind)
		api.running[manifest.IDOf(test.object)] = test.object
		within := plan.Bounds{Grant: test.grant, Repo: "shop"}
		live, rivals, err := rivalsOf(t.Context(), api, within, meaning.Ref{Kind: test.object.GetKind(), Namespace: "system", Name: "a"})
		if got := len(rivals) > 0; err != nil || got != test.want || (live.object != nil) != test.want {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
}
