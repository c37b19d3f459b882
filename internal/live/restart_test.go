package live

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/test/cluster"
)

func TestClusterGoesAndComesBack(t *testing.T) {
	if running.External {
		t.Skip("the test stops the cluster")
	}
	dir := t.TempDir()
	own, err := cluster.StartDevcluster(context.Background(), dir, cluster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = own.Stop() })
	f := newFixtureOn(t, "live-restart", own.Config)
	left := printOf(f.apply("1"))
	f.await("the object is made", func(e Event) bool { return e.Entry.Fingerprint == left })

	if err := own.Stop(); err != nil {
		t.Fatal(err)
	}
	until(t, "the index says that it does not see the cluster", func() bool { return f.index.Down().Err != nil })
	down := f.index.Down()
	if !kube.IsUnreachable(down.Err) || time.Since(down.Since) > patience {
		t.Errorf("the cluster is reported as down since %v: %v", down.Since, down.Err)
	}
	if _, ok := f.index.Get(f.id()); !ok {
		t.Error("an unreachable cluster counts as an empty one")
	}

	if own, err = cluster.StartDevcluster(context.Background(), dir, cluster.Options{}); err != nil {
		t.Fatal(err)
	}
	f.edit(func(u *unstructured.Unstructured) { _ = unstructured.SetNestedField(u.Object, "2", "data", "a") })
	f.await("a change after the restart is seen", func(e Event) bool { return !e.Deleted && e.Entry.Fingerprint != left })
	until(t, "the index sees the cluster again", func() bool { return f.index.Down().Err == nil })
}

func TestSecretsAreWatchedByTheirMetadata(t *testing.T) {
	l, config := onLine()
	c, err := kube.Open("default", config, quiet())
	if err != nil {
		t.Fatal(err)
	}
	x := New(t.Context(), c, owner.DefaultTools, quiet())
	for gk, want := range map[schema.GroupKind]bool{{Kind: "Secret"}: true, {Kind: "Service"}: false} {
		kind, err := c.KindOf(t.Context(), gk)
		if err == nil {
			err = x.Follow(t.Context(), kind)
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(l.accepted(kind.Resource.Resource), "as=PartialObjectMetadata"); got != want {
			t.Errorf("%s: metadata alone is %v, want %v", gk.Kind, got, want)
		}
	}
}

func TestDownTellsAKindFromACluster(t *testing.T) {
	x := New(t.Context(), unasked(t), owner.DefaultTools, quiet())
	gone := errors.New("gone")
	for _, name := range []string{"Boat", "Ship"} {
		f := &follow{index: x, kind: kube.Kind{GVK: schema.GroupVersionKind{Kind: name}}}
		x.follows[f.gk()] = f
	}
	x.Use("boats", []schema.GroupKind{{Kind: "Boat"}})
	x.Use("ships", []schema.GroupKind{{Kind: "Ship"}})
	if down := x.Down(); down != (Down{}) || x.Blind("boats") != nil {
		t.Fatalf("the cluster is down although no watch has failed: %+v", down)
	}
	x.follows[schema.GroupKind{Kind: "Boat"}].fail(gone)
	if down := x.Down(); down.Err == nil || down.Part != "Boat" {
		t.Errorf("one kind of two has failed: %+v", down)
	}
	if x.Blind("boats") == nil || x.Blind("ships") != nil {
		t.Errorf("blind for boats: %v, for ships: %v", x.Blind("boats"), x.Blind("ships"))
	}
	x.follows[schema.GroupKind{Kind: "Ship"}].fail(gone)
	if down := x.Down(); down.Err == nil || down.Part != "" {
		t.Errorf("every kind has failed: %+v", down)
	}
}
