package kube

import (
	"errors"
	"net/url"
	"path"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestPaths(t *testing.T) {
	deployments := schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	with := func(change func(*schema.GroupVersionResource)) schema.GroupVersionResource {
		changed := deployments
		change(&changed)
		return changed
	}
	for _, c := range []struct {
		resource        schema.GroupVersionResource
		namespace, name string
		want            string // the path, or the part that is wrong
	}{
		{deployments, "shop", "web", "/apis/apps/v1/namespaces/shop/deployments/web"},
		{deployments, "", "web", "/apis/apps/v1/deployments/web"},
		{with(func(r *schema.GroupVersionResource) { r.Group = "" }), "shop", "web", "/api/v1/namespaces/shop/deployments/web"},
		{deployments, "shop", "system:node", "/apis/apps/v1/namespaces/shop/deployments/system:node"},
		{with(func(r *schema.GroupVersionResource) { r.Resource = "namespaces/shop/deployments" }), "", "web", "resource"},
		{with(func(r *schema.GroupVersionResource) { r.Resource = "deployments/scale" }), "shop", "web", "resource"},
		{with(func(r *schema.GroupVersionResource) { r.Resource = "" }), "shop", "web", "resource"},
		{with(func(r *schema.GroupVersionResource) { r.Group = "apps/v1/namespaces" }), "shop", "web", "group"},
		{with(func(r *schema.GroupVersionResource) { r.Group = ".." }), "shop", "web", "group"},
		{with(func(r *schema.GroupVersionResource) { r.Version = "v1/namespaces/shop/pods?x=" }), "shop", "web", "version"},
		{with(func(r *schema.GroupVersionResource) { r.Version = "" }), "shop", "web", "version"},
		{deployments, "shop/secrets", "web", "namespace"},
		{deployments, "..", "web", "namespace"},
		{deployments, "shop", "../../kube-system/deployments/web", "name"},
		{deployments, "shop", "..", "name"},
		{deployments, "shop", "web%2f..", "name"},
		{deployments, "shop", "", "name"},
	} {
		got, err := objectPath(c.resource, c.namespace, c.name)
		if wrong, ok := errors.AsType[*PathError](err); ok {
			got = wrong.Part
		}
		if got != c.want {
			t.Errorf("%v %q %q: %q, not %q", c.resource, c.namespace, c.name, got, c.want)
		}
	}
}

// FuzzPaths builds paths from arbitrary parts. A path that is built leads exactly to the
// object that its parts name, however a server or a proxy reads it.
func FuzzPaths(f *testing.F) {
	f.Add("apps", "v1", "deployments", "shop", "web")
	f.Add("", "v1", "secrets", "", "a")
	f.Add("apps", "v1", "namespaces/shop/deployments", "", "web")
	f.Add("apps/../..", "v1#", "pods?watch=1", "a%2fb", "..")
	f.Add("x.org", "v1", "widgets", "shop", "a\x00b\n")
	f.Fuzz(func(t *testing.T, group, version, resource, namespace, name string) {
		gvr := schema.GroupVersionResource{Group: group, Version: version, Resource: resource}
		built, err := objectPath(gvr, namespace, name)
		if err != nil {
			return
		}
		if path.Clean(built) != built {
			t.Fatalf("%q is %q when it is cleaned", built, path.Clean(built))
		}
		parts := []string{"", "apis", group, version}
		if group == "" {
			parts = []string{"", "api", version}
		}
		if namespace != "" {
			parts = append(parts, "namespaces", namespace)
		}
		if got := strings.Split(built, "/"); strings.Join(append(parts, resource, name), "\n") != strings.Join(got, "\n") {
			t.Fatalf("%q has the parts %q", built, got)
		}
		sent := (&url.URL{Scheme: "https", Host: "cluster", Path: built}).String()
		read, err := url.Parse(sent)
		if err != nil || read.Path != built || read.RawQuery != "" || read.Fragment != "" {
			t.Fatalf("%q is sent as %q and read as %v: %v", built, sent, read, err)
		}
	})
}
