package apply

import (
	"errors"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// TestDeletion checks how a planned deletion ends, given the cluster's state at that
// moment.
func TestDeletion(t *testing.T) {
	gone := &kube.UnknownKindError{GVK: schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}}
	for name, test := range map[string]struct {
		happens func(w *world) // after the plan was made
		asked   []string
		log     string
		deleted bool
	}{
		"as planned": {
			func(*world) {}, []string{"served ConfigMap", "delete ConfigMap shop/a"}, "deleted ConfigMap shop/a", true,
		},
		"it is gone already": {
			func(w *world) { w.api.vanish(configMap("a")) },
			[]string{"served ConfigMap", "delete ConfigMap shop/a"},
			"deleted ConfigMap shop/a", true,
		},
		"another app has it by now": {
			func(w *world) { w.takenBy("blog", configMap("a")) }, nil, "", false,
		},
		"another app wants it by now": {
			func(w *world) { w.others.heirs[configMap("a")] = "blog" }, nil, "", false,
		},
		"its kind is gone, as the cluster knows": {
			func(w *world) { delete(w.api.kinds, gone.GVK) }, []string{"served ConfigMap"}, "deleted ConfigMap shop/a", true,
		},
		"its kind has no namespaces any more": {
			func(w *world) { w.api.kinds[gone.GVK] = kube.Kind{GVK: gone.GVK} }, []string{"served ConfigMap"}, "deleted ConfigMap shop/a", true,
		},
		"its kind goes at this moment": {
			func(w *world) {
				w.api.answer("delete ConfigMap shop/a", func() error { delete(w.api.kinds, gone.GVK); return gone })
			},
			[]string{"served ConfigMap", "delete ConfigMap shop/a", "served ConfigMap"},
			"deleted ConfigMap shop/a", true,
		},
		"its kind is served otherwise at this moment": {
			func(w *world) { w.api.refuse("delete ConfigMap shop/a", gone) },
			[]string{"served ConfigMap", "delete ConfigMap shop/a", "served ConfigMap", "delete ConfigMap shop/a"},
			"deleted ConfigMap shop/a", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.runs(config("a", "1"))
			w.prunes(configMap("a"))
			test.happens(w)
			work := w.work()
			wantError(t, work.pruneWaves(w.order.Plan.Prune), "")
			w.wantAsked(test.asked...)
			w.wantLog(slices.DeleteFunc([]string{test.log}, func(line string) bool { return line == "" })...)
			if got := slices.Contains(work.Deleted(), configMap("a").Key()); got != test.deleted || w.app.Ledger.Has(configMap("a")) {
				t.Errorf("the object is deleted: %v, in the ledger: %v", got, w.app.Ledger.Has(configMap("a")))
			}
		})
	}
}

// takenBy makes another app of the server take an object over.
func (w *world) takenBy(app name.App, id manifest.ID) {
	w.edited(id, func(u *unstructured.Unstructured) { u.SetLabels(map[string]string{kube.PartOfLabel: plan.SetID(app)}) })
}

// TestDeletionThatFails: the object stays in the ledger, so that the next deploy deletes
// it.
func TestDeletionThatFails(t *testing.T) {
	gone := &kube.UnknownKindError{GVK: schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}}
	for name, test := range map[string]struct {
		happens func(w *world)
		want    string
	}{
		"refused":                     {func(w *world) { w.api.refuse("delete ConfigMap shop/a", kubetest.Refused) }, "ConfigMap shop/a: refused"},
		"nobody knows if its kind is": {func(w *world) { w.api.refuse("served ConfigMap", kubetest.Refused) }, "ConfigMap shop/a: refused"},
		"its kind is, and is not":     {func(w *world) { w.api.refuse("delete ConfigMap shop/a", gone, gone) }, "ConfigMap"},
		"the cluster is down all along": {func(w *world) {
			w.api.refuse("served ConfigMap", kubetest.Down, kubetest.Down, kubetest.Down, kubetest.Down, kubetest.Down, kubetest.Down)
		}, "does not answer"},
		"it was made anew by another": {func(w *world) {
			w.api.vanish(configMap("a"))
			w.made("kubectl-create", config("a", "mine"))
		}, "the UID in the precondition does not match"},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				w.runs(config("a", "1"))
				w.prunes(configMap("a"))
				test.happens(w)
				work := w.work()
				wantError(t, work.pruneWaves(w.order.Plan.Prune), test.want)
				w.wantRunning("ConfigMap shop/a")
				if len(work.Deleted()) > 0 || !w.app.Ledger.Has(configMap("a")) {
					t.Errorf("deleted are %q, the object is in the ledger: %v", work.Deleted(), w.app.Ledger.Has(configMap("a")))
				}
			})
		})
	}
}

// TestDeletionOfAKindWithoutNamespaces: a kind that is not served looks like a kind without
// namespaces.
func TestDeletionOfAKindWithoutNamespaces(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(w *world)
		asked   []string
		want    string
	}{
		"it is served":             {func(*world) {}, []string{"served StorageClass.storage.k8s.io", "delete StorageClass local"}, ""},
		"it is gone":               {func(w *world) { delete(w.api.kinds, plan.StorageClass.WithVersion("v1")) }, []string{"served StorageClass.storage.k8s.io"}, ""},
		"nobody knows if it is":    {func(w *world) { w.api.refuse("served StorageClass.storage.k8s.io", kubetest.Refused) }, []string{"served StorageClass.storage.k8s.io"}, "refused"},
		"it has namespaces by now": {func(w *world) { w.namespaced(plan.StorageClass) }, []string{"served StorageClass.storage.k8s.io"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.runs(class("local", "Immediate"))
			w.prunes(classID)
			test.happens(w)
			wantError(t, w.work().pruneWaves(w.order.Plan.Prune), test.want)
			w.wantAsked(test.asked...)
		})
	}
}

// namespaced makes the cluster serve a kind in namespaces.
func (w *world) namespaced(gk schema.GroupKind) {
	gvk := gk.WithVersion("v1")
	w.api.kinds[gvk] = kube.Kind{GVK: gvk, Namespaced: true}
}

func TestDeletionIsMadeAgainWhenTheClusterAnswers(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(config("a", "1"))
		w.prunes(configMap("a"))
		w.api.refuse("delete ConfigMap shop/a", kubetest.Down, kubetest.Down)
		wantError(t, w.work().pruneWaves(w.order.Plan.Prune), "")
		w.wantRunning()
	})
}

// TestSystemObjectsAreNeverDeleted: an earlier version of the server let apps own system
// objects.
func TestSystemObjectsAreNeverDeleted(t *testing.T) {
	w := newWorld(t)
	id := plan.NamespaceID(kube.SystemNamespace)
	w.runs(namespaceText(kube.SystemNamespace))
	w.prunes(id)
	wantError(t, w.work().pruneWaves(w.order.Plan.Prune), "")
	w.wantAsked()
	if w.app.Ledger.Has(id) {
		t.Error("the namespace is still in the ledger")
	}
}

// TestNamespaceThatIsAskedFor: a namespace that another app has come to ask for is
// released, although its deletion was planned.
func TestNamespaceThatIsAskedFor(t *testing.T) {
	for name, test := range map[string]struct {
		asks string
		want []string
	}{
		"nobody asks":      {"", []string{"served Namespace", "delete Namespace shop"}},
		"the app itself":   {"shop", []string{"served Namespace", "delete Namespace shop"}},
		"another app asks": {"blog", []string{"served Namespace", "release Namespace shop"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.runs(namespaceText("shop"))
			w.prunes(plan.NamespaceID("shop"))
			w.others.asks = test.asks
			work := w.work()
			wantError(t, work.pruneWaves(w.order.Plan.Prune), "")
			w.wantAsked(test.want...)
			if released := w.api.look(plan.NamespaceID("shop")) != nil; released == (len(work.Deleted()) > 0) {
				t.Errorf("released: %v, deleted: %q", released, work.Deleted())
			}
		})
	}
}

// TestRelease: a released object stays, without the app's label.
func TestRelease(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(w *world)
		want    string
		log     []string
	}{
		"as planned":    {func(*world) {}, "", []string{"released ConfigMap shop/a kept, no longer managed"}},
		"it is gone":    {func(w *world) { w.api.vanish(configMap("a")) }, "", nil},
		"it is refused": {func(w *world) { w.api.refuse("release ConfigMap shop/a", kubetest.Refused) }, "refused", []string{"failed ConfigMap shop/a refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.runs(config("a", "1"))
			w.prunes(configMap("a"))
			w.order.Plan.Prune[0].Action, w.order.Plan.Prune[0].Note = record.Release, "kept, no longer managed"
			test.happens(w)
			work := w.work()
			wantError(t, work.pruneWaves(w.order.Plan.Prune), test.want)
			w.wantLog(test.log...)
			if u := w.api.look(configMap("a")); test.want == "" && u != nil && len(u.GetLabels()) > 0 || len(work.Deleted()) > 0 {
				t.Errorf("deleted are %q, the object is %v", work.Deleted(), u)
			}
			if test.want == "" && w.app.Ledger.Has(configMap("a")) {
				t.Error("the object is still in the ledger")
			}
		})
	}
}

func TestReleasedObjectLeavesTheIndexAtOnce(t *testing.T) {
	w := newWorld(t)
	w.runs(config("a", "1"))
	w.prunes(configMap("a"))
	w.order.Plan.Prune[0].Action = record.Release
	w.api.tell = nil
	wantError(t, w.work().pruneWaves(w.order.Plan.Prune), "")
	if _, known := w.index.Get(configMap("a")); known {
		t.Error("the released object is still in the index")
	}
}

func TestFailuresOfDeletionsNameTheFirst(t *testing.T) {
	w := newWorld(t)
	w.runs(config("a", "1"), config("b", "1"), config("c", "1"))
	w.prunes(configMap("a"), configMap("b"), configMap("c"))
	for _, name := range []string{"a", "b", "c"} {
		w.api.refuse("delete ConfigMap shop/"+name, kubetest.Refused)
	}
	err := w.work().pruneWaves(w.order.Plan.Prune)
	wantError(t, err, "refused (and 2 more)")
	if !errors.Is(err, kubetest.Refused) {
		t.Errorf("%v does not wrap the first cause", err)
	}
}
