package live

import (
	"context"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/owner"
)

// until polls for a condition that no event announces.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	late := time.After(patience)
	for !so() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-late:
			t.Fatalf("not true after %s: %s", patience, what)
		}
	}
}

func TestKindsThatNobodyUsesAreNotWatched(t *testing.T) {
	f := newFixture(t, "live-unused")
	f.index.grace = 0
	maps := []schema.GroupKind{{Kind: "ConfigMap"}}
	f.index.Use("set-a", maps)
	f.index.Use("set-b", maps)
	f.index.Use("set-a", nil)
	f.index.sweep()
	if f.watch().Kind == "" {
		t.Fatal("a kind is no longer watched although a set still has it")
	}
	f.index.Use("set-b", nil)
	until(t, "the kind is not watched any more", func() bool { return f.watch().Kind == "" })
	f.index.mu.Lock()
	f.index.grace = unusedGrace // the watch has to outlive the rest of the test, however slow that is
	f.index.mu.Unlock()
	if err := f.index.Follow(t.Context(), f.maps); err != nil {
		t.Fatal(err)
	}
	f.apply("1")
	f.await("the kind is watched again", func(e Event) bool { return !e.Deleted })
}

var definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

const boats = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.live.example.org}
spec:
  group: live.example.org
  names: {kind: Boat, plural: boats}
  scope: Cluster
  versions:
    - name: v1alpha1
      served: true
      storage: false
      schema: &schema {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
    - {name: v1, served: true, storage: true, schema: *schema}
`

func TestDefinitionsComeAndChangeAndGo(t *testing.T) {
	c := unasked(t)
	events := make(chan Event, 100)
	x := New(t.Context(), c, owner.DefaultTools, quiet())
	x.OnChange(func(event Event) { events <- event })
	crds := c.Dynamic().Resource(definitions)
	if _, err := crds.Create(t.Context(), manifesttest.Running(t, boats), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = crds.Delete(context.Background(), "boats.live.example.org", metav1.DeleteOptions{}) })
	alpha := schema.GroupVersionKind{Group: "live.example.org", Version: "v1alpha1", Kind: "Boat"}
	var kind kube.Kind
	until(t, "the kind is served", func() (ok bool) {
		var err error
		c.Invalidate()
		kind, err = c.Kind(t.Context(), alpha)
		return err == nil && x.Follow(t.Context(), kind) == nil
	})

	boat := func(name string) *unstructured.Unstructured {
		u := &unstructured.Unstructured{Object: map[string]any{}}
		u.SetAPIVersion("live.example.org/v1")
		u.SetKind("Boat")
		u.SetName(name)
		u.SetLabels(map[string]string{kube.PartOfLabel: "set-boats"})
		return u
	}
	served := c.Dynamic().Resource(kind.Resource.GroupVersion().WithResource("boats"))
	one := boat("one")
	one.SetAPIVersion("live.example.org/v1alpha1")
	if _, err := served.Create(t.Context(), one, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	next := func(what string) Event {
		t.Helper()
		select {
		case event := <-events:
			return event
		case <-time.After(patience):
			t.Fatalf("no event: %s", what)
			return Event{}
		}
	}
	if event := next("a boat is made"); event.Deleted || event.Entry.ID.Name != "one" {
		t.Fatalf("%+v", event)
	}

	patch := []byte(`[{"op": "replace", "path": "/spec/versions/0/served", "value": false}]`)
	if _, err := crds.Patch(t.Context(), "boats.live.example.org", types.JSONPatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	until(t, "the watch has gone over to v1", func() bool {
		watches := x.Watches()
		return len(watches) == 1 && watches[0].Version == "v1"
	})
	kind.Resource.Version = "v1"
	until(t, "a second boat can be made", func() bool {
		_, err := c.Dynamic().Resource(kind.Resource).Create(t.Context(), boat("two"), metav1.CreateOptions{})
		return err == nil
	})
	if event := next("a second boat is made"); event.Deleted || event.Entry.ID.Name != "two" {
		t.Fatalf("the change of the kind's version caused an event: %+v", event)
	}

	if err := crds.Delete(t.Context(), "boats.live.example.org", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	gone := map[string]bool{}
	for len(gone) < 2 {
		if event := next("the boats go with their definition"); event.Deleted {
			gone[event.Entry.ID.Name] = true
		}
	}
	until(t, "the watch has ended", func() bool { return len(x.Watches()) == 0 })
}
