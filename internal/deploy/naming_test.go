package deploy

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/manifest"
)

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
	if named, _ := parseNaming("Namespace/shop", nil); !named.is(manifest.ID{Kind: "Namespace", Name: "shop"}) {
		t.Error("a naming without a namespace does not match the object")
	}
}
