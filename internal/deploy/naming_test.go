package deploy

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/manifest"
)

// TestRenderedObjectsAreNamedAsOnTheCluster: one that names no namespace is in that of its app,
// or in the one that Kubernetes takes.
func TestRenderedObjectsAreNamedAsOnTheCluster(t *testing.T) {
	config := parsed(t, "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}")[0]
	for _, test := range []struct {
		text, namespace string
		want            bool
	}{
		{"ConfigMap/a", "", true},
		{"ConfigMap./default/a", "", true},
		{"ConfigMap/shop/a", "", false},
		{"ConfigMap/shop/a", "shop", true},
		{"ConfigMap/default/a", "shop", false},
	} {
		named, err := parseNaming(test.text, nil)
		if err != nil || named.rendered(test.namespace)(config) != test.want {
			t.Errorf("%s in an app of namespace %q: not %v, %v", test.text, test.namespace, test.want, err)
		}
	}
}

func TestNaming(t *testing.T) {
	kinds := func(word string) []schema.GroupKind {
		if word == "deploy" || word == "deployments.apps" {
			return []schema.GroupKind{{Group: "apps", Kind: "Deployment"}}
		}
		return nil
	}
	web := manifest.ID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	for text, want := range map[string]bool{
		"deploy/web": true, "Deployment/web": true, "deployment/web": true, "deployments.apps/web": true,
		"Deployment.apps/web": true, "deployment.apps/shop/web": true, "shop/Deployment.apps/web": true, "Deployment./web": false, "Deployment.extensions/web": false,
		"deploy/shop/web": true, "shop/deploy/web": true, "Deployment/shop/web": true, "shop/Deployment/web": true,
		"svc/web": false, "deploy/api": false, "other/deploy/web": false, "deploy/other/web": false, "shop/web": false,
	} {
		named, err := parseNaming(text, kinds)
		if err != nil || named.is(web) != want {
			t.Errorf("%s: got %v, %v; want %v", text, named.is(web), err, want)
		}
	}
	for _, text := range []string{"", "web", "/web", "deploy/", "a/b/c/d", "shop//web", "deploy/shop/"} {
		if _, err := parseNaming(text, nil); err == nil {
			t.Errorf("%q is taken for the name of an object", text)
		}
	}
	for text, want := range map[string]bool{"Service/web": true, "Service./shop/web": true, "Service.serving.knative.dev/web": false} {
		if named, _ := parseNaming(text, nil); named.is(manifest.ID{Kind: "Service", Namespace: "shop", Name: "web"}) != want {
			t.Errorf("%s: of a kind without a group, it is not %v", text, want)
		}
	}
	if named, _ := parseNaming("Namespace/shop", nil); !named.is(manifest.ID{Kind: "Namespace", Name: "shop"}) {
		t.Error("a naming without a namespace does not match the object")
	}
}
