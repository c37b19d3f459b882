package live

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/test/cluster"
)

// patience is how long a test waits for an event before it fails.
const patience = 2 * time.Minute

var running *cluster.Cluster

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "pushboat-live-")
	if err == nil {
		running, err = cluster.Start(context.Background(), dir, cluster.Options{})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := running.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	_ = os.RemoveAll(dir)
	return code
}

func quiet() *logrus.Entry {
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	return logrus.NewEntry(logger)
}

// fixture is an index of a real cluster and one namespace on it.
type fixture struct {
	*testing.T
	cluster   *kube.Cluster
	index     *Index
	maps      kube.Kind
	namespace string
	events    chan Event
}

func newFixture(t *testing.T, namespace string) *fixture {
	t.Helper()
	return newFixtureOn(t, namespace, running.Config)
}

func newFixtureOn(t *testing.T, namespace string, config *rest.Config) *fixture {
	t.Helper()
	c, err := kube.Open("default", config, quiet())
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{T: t, cluster: c, index: New(t.Context(), c, owner.DefaultTools, quiet()), namespace: namespace, events: make(chan Event, 100)}
	f.index.OnChange(func(event Event) {
		if event.Entry.ID.Namespace == namespace {
			f.events <- event
		}
	})
	if f.maps, err = c.KindOf(t.Context(), schema.GroupKind{Kind: "ConfigMap"}); err != nil {
		t.Fatal(err)
	}
	f.makeNamespace()
	if err := f.index.Follow(t.Context(), f.maps); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) makeNamespace() {
	kind, err := f.cluster.KindOf(f.Context(), manifest.NamespaceKind)
	if err != nil {
		f.Fatal(err)
	}
	namespace := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": f.namespace},
	}}
	if _, err := f.cluster.Apply(f.Context(), kind, namespace, kube.ApplyOptions{}); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := f.cluster.Delete(context.Background(), kind, "", f.namespace, kube.DeleteOptions{}); err != nil {
			f.Error(err)
		}
	})
}

// apply creates a labelled ConfigMap with the value as Pushboat does.
func (f *fixture) apply(value string) *unstructured.Unstructured {
	f.Helper()
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{
			"name": "web", "namespace": f.namespace, "labels": map[string]any{kube.PartOfLabel: "set-" + f.namespace},
		},
		"data": map[string]any{"a": value},
	}}
	applied, err := f.cluster.Apply(f.Context(), f.maps, object, kube.ApplyOptions{})
	if err != nil {
		f.Fatal(err)
	}
	return applied
}

// edit changes the ConfigMap as a person would.
func (f *fixture) edit(change func(u *unstructured.Unstructured)) {
	f.Helper()
	f.editAs("kubectl-edit", change)
}

func (f *fixture) editAs(manager string, change func(u *unstructured.Unstructured)) {
	f.Helper()
	client := f.cluster.Dynamic().Resource(f.maps.Resource).Namespace(f.namespace)
	u, err := client.Get(f.Context(), "web", metav1.GetOptions{})
	if err != nil {
		f.Fatal(err)
	}
	change(u)
	if _, err := client.Update(f.Context(), u, metav1.UpdateOptions{FieldManager: manager}); err != nil {
		f.Fatal(err)
	}
}

// await returns the first event that the test wants.
func (f *fixture) await(what string, want func(Event) bool) Event {
	f.Helper()
	timeout := time.After(patience)
	for {
		select {
		case event := <-f.events:
			if want(event) {
				return event
			}
		case <-timeout:
			f.Fatalf("no event: %s", what)
		}
	}
}

func (f *fixture) id() manifest.ID {
	return manifest.ID{Kind: "ConfigMap", Namespace: f.namespace, Name: "web"}
}

func TestIndexSeesWhatHandsDo(t *testing.T) {
	f := newFixture(t, "live-hands")
	left := printOf(f.apply("1"))
	f.await("the object is made", func(e Event) bool { return e.Entry.Fingerprint == left })

	f.editAs("some-controller", func(u *unstructured.Unstructured) { u.SetAnnotations(map[string]string{"note": "by a program"}) })
	f.await("a controller adds a field", func(e Event) bool { return e.Entry.Fingerprint == left && !e.Deleted })

	f.edit(func(u *unstructured.Unstructured) {
		u.SetAnnotations(map[string]string{"note": "by a program", "more": "by hand"})
	})
	f.await("a hand adds a field", func(e Event) bool { return strings.HasPrefix(e.Entry.Fingerprint, left+"+") })

	f.edit(func(u *unstructured.Unstructured) { _ = unstructured.SetNestedField(u.Object, "2", "data", "a") })
	f.await("a field of ours is changed", func(e Event) bool { return !strings.HasPrefix(e.Entry.Fingerprint, left) })

	f.edit(func(u *unstructured.Unstructured) { u.SetLabels(nil) })
	f.await("the label is taken off", func(e Event) bool { return e.Deleted })
	if members := f.index.Members("set-live-hands"); len(members) != 0 {
		t.Errorf("without the label, the set still has %v", members)
	}
}

func TestIndexNote(t *testing.T) {
	f := newFixture(t, "live-note")
	old := f.apply("1")
	applied := f.apply("2")
	f.index.Note(applied)
	f.index.Note(old)
	entry, ok := f.index.Get(f.id())
	if !ok || entry.ResourceVersion != applied.GetResourceVersion() {
		t.Errorf("an older answer replaced a newer one: %+v", entry)
	}
	if members := f.index.Members("set-live-note"); len(members) != 1 {
		t.Errorf("the set has %v", members)
	}
}

func TestIndexChanged(t *testing.T) {
	f := newFixture(t, "live-changed")
	changed, done := f.index.Changed("set-live-changed")
	other, otherDone := f.index.Changed("set-of-others")
	defer otherDone()
	f.apply("1")
	select {
	case <-changed:
	case <-time.After(patience):
		t.Fatal("nobody was told of the change")
	}
	select {
	case <-other:
		t.Error("those who wait for another set were told")
	default:
	}
	done()
	if len(f.index.waiters["set-live-changed"]) != 0 {
		t.Error("an ended subscription is still there")
	}
}

func TestFollowOfAKindThatIsNotThere(t *testing.T) {
	f := newFixture(t, "live-nokind")
	missing := kube.Kind{
		GVK:      schema.GroupVersionKind{Group: "example.org", Version: "v1", Kind: "Boat"},
		Resource: schema.GroupVersionResource{Group: "example.org", Version: "v1", Resource: "boats"},
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := f.index.Follow(ctx, missing)
	if err == nil || ctx.Err() != nil {
		t.Fatalf("got %v, want the server's answer that there is no such kind", err)
	}
}

func TestListIsBelieved(t *testing.T) {
	x := New(t.Context(), unasked(t), owner.DefaultTools, quiet())
	entry := func(version, fingerprint string) Entry {
		return Entry{ID: manifest.ID{Kind: "ConfigMap", Namespace: "a", Name: "b"}, PartOf: "set", ResourceVersion: version, Fingerprint: fingerprint}
	}
	x.put(entry("10", "new"))
	x.put(entry("9", "late"))
	if got, _ := x.Get(entry("", "").ID); got.Fingerprint != "new" {
		t.Fatalf("a late event replaced a newer one: %+v", got)
	}
	x.replace(schema.GroupKind{Kind: "ConfigMap"}, []Entry{entry("3", "restored")})
	if got, _ := x.Get(entry("", "").ID); got.Fingerprint != "restored" {
		t.Errorf("after the cluster was restored from a backup the index still has %+v", got)
	}
}

// unasked opens a cluster to which the test sends no request.
func unasked(t *testing.T) *kube.Cluster {
	t.Helper()
	c, err := kube.Open("default", running.Config, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return c
}
