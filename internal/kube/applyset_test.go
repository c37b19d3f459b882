package kube

import (
	"context"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/pushboat/pushboat/internal/name"
)

// TestApplySetID has the test vector of kubectl's own tests (k8s.io/kubectl, pkg/cmd/apply:
// the Secret my-set in the namespace test).
func TestApplySetID(t *testing.T) {
	if got, want := applySetID("my-set", "test", schema.GroupKind{Kind: "Secret"}), "applyset-0eFHV8ySqp7XoShsGvyWFQD3s96yqwHmzc4e0HR1dsY-v1"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if id := NewParent("shop", "shop").ID(); len(validation.IsValidLabelValue(id)) > 0 {
		t.Errorf("%s is no label value", id)
	}
}

func TestParentName(t *testing.T) {
	seen := map[string]string{}
	for _, app := range []string{"shop", "shop.example", "Shop", "a_b", strings.Repeat("a", 300), "", "ü", "-a"} {
		name := NewParent(name.App(app), "repo").Name()
		if errs := validation.IsDNS1123Subdomain(name); len(errs) > 0 {
			t.Errorf("app %q has the parent %q: %v", app, name, errs)
		}
		if other, ok := seen[name]; ok {
			t.Errorf("apps %q and %q have one parent", app, other)
		}
		seen[name] = app
	}
}

// TestParentIsReadAsWritten copies a parent's object, as on its way to the cluster. The
// copy panics on any type but those of JSON.
func TestParentIsReadAsWritten(t *testing.T) {
	wrote := Parent{
		App: "shop", Repository: "team/shop", Server: "s1", Epoch: 3, Kinds: NewGroupKinds(schema.GroupKind{Kind: "Service"}),
		Namespaces: NewNamespaces("shop"), Data: map[string][]byte{"x": []byte("y")},
	}
	read, ok := ParseParent(wrote.secret().DeepCopy())
	if !ok || !read.Equal(wrote) || read.App != "shop" || read.Repository != "team/shop" || read.Server != "s1" || read.Epoch != 3 {
		t.Errorf("read %+v, %v", read, ok)
	}
}

func TestSets(t *testing.T) {
	deployment, service := schema.GroupKind{Group: "apps", Kind: "Deployment"}, schema.GroupKind{Kind: "Service"}
	kinds := NewGroupKinds(service, deployment, service)
	if kinds.String() != "Deployment.apps,Service" || !kinds.Has(service) || kinds.Has(schema.GroupKind{Kind: "Secret"}) {
		t.Errorf("%v", kinds)
	}
	wider := kinds.With(schema.GroupKind{Kind: "Secret"})
	if len(kinds) != 2 || wider.String() != "Deployment.apps,Secret,Service" || parseGroupKinds(wider.String()).String() != wider.String() {
		t.Errorf("%v from %v", wider, kinds)
	}
	namespaces := NewNamespaces("shop", "", "blog", "shop")
	if namespaces.String() != "blog,shop" || !namespaces.Has("blog") || namespaces.Has("") || len(namespaces.With("a")) != 3 || len(namespaces) != 2 {
		t.Errorf("%v", namespaces)
	}
	if parseGroupKinds("") != nil && len(parseGroupKinds("")) > 0 || len(NewNamespaces(splitList("")...)) > 0 {
		t.Error("an empty text gives kinds or namespaces")
	}
}

func TestParents(t *testing.T) {
	c := open(t)
	if err := c.EnsureSystemNamespace(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.EnsureSystemNamespace(t.Context()); err != nil {
		t.Fatalf("the second time: %v", err)
	}
	app := name.App("shop-" + run)
	none := must[Parent](t)(c.ReadParent(t.Context(), app, "store"))
	if none.Exists() || none.App != app || none.Repository != "store" {
		t.Fatalf("%+v", none)
	}
	parent := none
	parent.Server = "git.example.org"
	parent.Kinds = NewGroupKinds(schema.GroupKind{Group: "apps", Kind: "Deployment"}, schema.GroupKind{Kind: "Service"})
	parent.Namespaces = NewNamespaces("shop", "blog")
	parent.Data = map[string][]byte{"digests": {0, 1, 255}}
	written := must[Parent](t)(c.WriteParent(t.Context(), none, parent))
	read := must[Parent](t)(c.ReadParent(t.Context(), app, "store"))
	if !read.Exists() || !read.Equal(parent) || !read.Equal(written) {
		t.Fatalf("wrote %+v, read %+v", parent, read)
	}
	u := must[*unstructured.Unstructured](t)(c.Get(t.Context(), secrets, SystemNamespace, parent.Name()))
	for annotation, want := range map[string]string{
		"applyset.kubernetes.io/tooling":               "pushboat/v1",
		"applyset.kubernetes.io/contains-group-kinds":  "Deployment.apps,Service",
		"applyset.kubernetes.io/additional-namespaces": "blog,shop",
	} {
		if got := u.GetAnnotations()[annotation]; got != want {
			t.Errorf("%s is %q, want %q", annotation, got, want)
		}
	}
	if u.GetLabels()[IDLabel] != parent.ID() {
		t.Errorf("labels %v", u.GetLabels())
	}

	must[Parent](t)(c.WriteParent(t.Context(), read, parent)) // unchanged: not written
	again := must[*unstructured.Unstructured](t)(c.Get(t.Context(), secrets, SystemNamespace, parent.Name()))
	if again.GetResourceVersion() != u.GetResourceVersion() {
		t.Error("an unchanged parent was written")
	}
	narrow := read
	narrow.Kinds, narrow.Data = NewGroupKinds(schema.GroupKind{Kind: "Service"}), nil
	must[Parent](t)(c.WriteParent(t.Context(), read, narrow))
	if got := must[Parent](t)(c.ReadParent(t.Context(), app, "store")); !got.Equal(narrow) {
		t.Errorf("narrowed to %+v", got)
	}

	found := false
	for _, p := range must[[]Parent](t)(c.ListParents(t.Context())) {
		found = found || p.App == app && p.Equal(narrow)
	}
	if !found {
		t.Error("not listed")
	}
	if err := c.DeleteParent(t.Context(), read); err != nil {
		t.Fatal(err)
	}
	if err := c.DeleteParent(t.Context(), read); err != nil {
		t.Errorf("the second time: %v", err)
	}
}

// TestForeignParent: somebody else's Secret with the name of a parent does not count as
// one.
func TestForeignParent(t *testing.T) {
	c := open(t)
	if err := c.EnsureSystemNamespace(t.Context()); err != nil {
		t.Fatal(err)
	}
	name := NewParent("foreign", "x").Name()
	o := object(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: "+name+", namespace: pushboat-system, labels: {applyset.kubernetes.io/id: other}}")
	must[*unstructured.Unstructured](t)(c.Apply(t.Context(), secrets, o.Unstructured, ApplyOptions{}))
	t.Cleanup(func() { _ = c.Delete(context.Background(), secrets, SystemNamespace, name, DeleteOptions{}) })
	if _, err := c.ReadParent(t.Context(), "foreign", "x"); err == nil || !strings.Contains(err.Error(), "rename or delete it") {
		t.Errorf("%v", err)
	}
	for _, p := range must[[]Parent](t)(c.ListParents(t.Context())) {
		if p.App == "foreign" {
			t.Error("the foreign Secret is listed as a parent")
		}
	}
}
