package apply

import (
	"errors"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

var errForeign = errors.New("is the inventory of another server")

// ourParent is the app's own inventory, which has ConfigMaps.
func ourParent() kube.Parent {
	return kubetest.Parent("shop", "shop", "server", "1", kubetest.Extent{Kinds: "ConfigMap", Namespaces: "shop"})
}

// wantInventory checks the inventory on the cluster, as toldOf writes it.
func (w *world) wantInventory(want string) {
	w.t.Helper()
	if got := toldOf(w.api.parent); got != want {
		w.t.Errorf("the inventory is %q, want %q", got, want)
	}
}

func TestInventoryIsReadOnce(t *testing.T) {
	w := newWorld(t)
	w.api.parent = ourParent()
	for range 2 {
		parent, err := w.app.ReadInventory(t.Context())
		if err != nil || toldOf(parent) != "ConfigMap in shop, of shop by server" {
			t.Errorf("%s, %v", toldOf(parent), err)
		}
	}
	w.wantAsked("read the inventory")
}

func TestUnreadInventoryIsUnknown(t *testing.T) {
	w := newWorld(t)
	w.api.refuse("read the inventory", kubetest.Down)
	if _, err := w.app.ReadInventory(t.Context()); !errors.Is(err, kubetest.Down) {
		t.Errorf("the error is %v", err)
	}
	if _, known := w.app.Inventory.Known(); known {
		t.Error("an inventory that was not read is known")
	}
}

// TestForeignInventoryIsNotRemembered: the next time, it may no longer be another server's.
func TestForeignInventoryIsNotRemembered(t *testing.T) {
	w := newWorld(t)
	w.api.parent, w.others.foreign = ourParent(), errForeign
	if parent, err := w.app.ReadInventory(t.Context()); err != nil || !parent.Exists() {
		t.Errorf("%s, %v", toldOf(parent), err)
	}
	if _, known := w.app.Inventory.Known(); known || w.index.used != nil {
		t.Errorf("known: %v, the watched kinds are %v", known, w.index.used)
	}
}

// TestInventoryIsSigned: the app's identity is written into the inventory, and its other
// content stays.
func TestInventoryIsSigned(t *testing.T) {
	w := newWorld(t)
	w.app.Epoch = 7
	got := w.app.signed(kubetest.Parent("shop", "blog", "other", "1", kubetest.Extent{Kinds: "ConfigMap", Namespaces: "shop"}))
	if toldOf(got) != "ConfigMap in shop, of shop by server" || got.Epoch != 7 {
		t.Errorf("the inventory is %s, epoch %d", toldOf(got), got.Epoch)
	}
}

func TestKindsOfTheInventoryAreWatched(t *testing.T) {
	w := newWorld(t)
	parent := ourParent()
	w.app.SetInventory(&parent)
	if len(w.index.used) != 1 || w.index.used[0] != (schema.GroupKind{Kind: "ConfigMap"}) {
		t.Errorf("the watched kinds are %v", w.index.used)
	}
	w.app.SetInventory(nil)
	if _, known := w.app.Inventory.Known(); known || len(w.index.used) > 0 {
		t.Errorf("known: %v, the watched kinds are %v", known, w.index.used)
	}
}

// TestMendedInventory: an inventory is complete again after it was mended, whatever
// somebody has changed in it.
func TestMendedInventory(t *testing.T) {
	ours := ourParent()
	for name, test := range map[string]struct {
		known   *kube.Parent
		there   kube.Parent
		written bool
		want    string
	}{
		"as it is to be":             {&ours, ourParent(), false, "ConfigMap in shop, of shop by server"},
		"deleted":                    {&ours, kube.NewParent("shop", "shop"), true, "ConfigMap in shop, of shop by server"},
		"without a kind":             {&ours, kubetest.Parent("shop", "shop", "server", "1", kubetest.Extent{Kinds: "", Namespaces: "shop"}), true, "ConfigMap in shop, of shop by server"},
		"without a namespace":        {&ours, kubetest.Parent("shop", "shop", "server", "1", kubetest.Extent{Kinds: "ConfigMap", Namespaces: ""}), true, "ConfigMap in shop, of shop by server"},
		"with more":                  {&ours, kubetest.Parent("shop", "shop", "server", "1", kubetest.Extent{Kinds: "ConfigMap,Secret", Namespaces: "blog,shop"}), false, "ConfigMap,Secret in blog,shop, of shop by server"},
		"without a server":           {&ours, kubetest.Parent("shop", "shop", "", "1", kubetest.Extent{Kinds: "ConfigMap", Namespaces: "shop"}), true, "ConfigMap in shop, of shop by server"},
		"of another repository":      {&ours, kubetest.Parent("shop", "blog", "server", "1", kubetest.Extent{Kinds: "ConfigMap", Namespaces: "shop"}), true, "ConfigMap in shop, of shop by server"},
		"less than what was left":    {new(kubetest.Parent("shop", "shop", "server", "1", kubetest.Extent{Kinds: "ConfigMap,Job.batch", Namespaces: "old,shop"})), ourParent(), true, "ConfigMap,Job.batch in old,shop, of shop by server"},
		"nothing is known of it yet": {nil, ourParent(), false, "ConfigMap in shop, of shop by server"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.app.Inventory.set(test.known, "default")
			w.api.parent = test.there
			w.plans(w.step(config("a", "1")))
			written, err := w.app.MendInventory(t.Context(), w.order.Plan)
			if err != nil || written != test.written {
				t.Errorf("written: %v, %v", written, err)
			}
			w.wantInventory(test.want)
			if known, _ := w.app.Inventory.Known(); toldOf(known) != test.want {
				t.Errorf("the known inventory is %s", toldOf(known))
			}
		})
	}
}

// TestInventoryThatCannotBeMended: an inventory that is another's, or cannot be read, is
// read again the next time.
func TestInventoryThatCannotBeMended(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(w *world)
		known   bool
		want    string
	}{
		"it cannot be read":    {func(w *world) { w.api.refuse("read the inventory", kubetest.Refused) }, false, "check the inventory on the cluster: refused"},
		"it is another's":      {func(w *world) { w.others.foreign = errForeign }, false, "check the inventory on the cluster: is the inventory of another server"},
		"it cannot be written": {func(w *world) { w.api.refuse("write the inventory", kubetest.Refused) }, true, "write the inventory on the cluster: refused"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.app.SetInventory(new(ourParent()))
			w.plans(w.step(config("a", "1")))
			test.happens(w)
			written, err := w.app.MendInventory(t.Context(), w.order.Plan)
			wantError(t, err, test.want)
			if _, known := w.app.Inventory.Known(); written || known != test.known {
				t.Errorf("written: %v, known: %v", written, known)
			}
		})
	}
}

// TestInventoryIsWidenedFirst: the inventory has every kind before an object of it is
// applied, so that a crash loses no object.
func TestInventoryIsWidenedFirst(t *testing.T) {
	w := newWorld(t)
	w.runs(deployment("old"))
	w.prunes(deploymentID("old"))
	w.plans(w.steps(config("a", "1"), job("migrate", hookOf("PreSync")))...)
	w.order.Plan.Same = []*plan.Placed{{Key: manifest.ID{Kind: "Secret", Namespace: "other", Name: "same"}}}
	w.api.answer("get Job shop/migrate", func() error {
		w.wantInventory("ConfigMap,Deployment.apps,Job.batch,Secret in other,shop, of shop by server")
		return kubetest.Refused
	})
	wantError(t, w.work().Apply(), "PreSync hook: refused")
}

// TestInventoryThatCannotBeWidened: if the inventory cannot be widened, nothing is applied.
func TestInventoryThatCannotBeWidened(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(w *world)
		want    string
	}{
		"it cannot be read":    {func(w *world) { w.api.refuse("read the inventory", kubetest.Refused) }, "note the app's kinds on the cluster: refused"},
		"it cannot be written": {func(w *world) { w.api.refuse("write the inventory", kubetest.Refused) }, "note the app's kinds on the cluster: refused"},
		"it is another's":      {func(w *world) { w.others.foreign = errForeign }, "note the app's kinds on the cluster: is the inventory of another server"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.plans(w.step(config("a", "1")))
			test.happens(w)
			wantError(t, w.work().Apply(), test.want)
			w.wantRunning()
			if got := len(w.app.Cluster.slots); got != 0 {
				t.Errorf("%d slots are not given back", got)
			}
		})
	}
}

// TestInventoryIsWidenedInTurn: the inventory's requests wait for a slot, as any other
// request does.
func TestInventoryIsWidenedInTurn(t *testing.T) {
	inTime(t, func(w *world) {
		var frees []func()
		for range applies {
			frees = append(frees, w.app.Cluster.slot())
		}
		w.plans(w.step(config("a", "1")))
		ended := w.begins(w.work().widenInventory)
		w.wantAsked()
		for _, free := range frees {
			free()
		}
		wantError(t, <-ended, "")
		w.wantAsked("read the inventory", "write the inventory")
	})
}

// TestInventoryOfAnAppThatGoes: the inventory of a removed app has the app's objects until
// they are deleted.
func TestInventoryOfAnAppThatGoes(t *testing.T) {
	w := newWorld(t)
	w.api.parent = ourParent()
	w.runs(deployment("old"))
	w.prunes(deploymentID("old"))
	w.order.Target.Gone, w.order.Plan.Gone = true, true
	wantError(t, w.work().widenInventory(), "")
	w.wantInventory("ConfigMap,Deployment.apps in shop, of shop by server")
}

// TestInventoryOfALaterServer: if a later server has written the inventory, the next plan
// reads it again.
func TestInventoryOfALaterServer(t *testing.T) {
	later := &kube.SupersededError{App: "shop", Epoch: 2, Own: 1}
	for name, test := range map[string]struct {
		err   error
		known bool
	}{
		"a later server has written it": {later, false}, "it is refused": {kubetest.Refused, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.app.SetInventory(new(ourParent()))
			w.plans(w.step(job("a")))
			w.api.refuse("write the inventory", test.err)
			wantCause(t, w.work().widenInventory(), test.err)
			if _, known := w.app.Inventory.Known(); known != test.known {
				t.Errorf("the inventory is known: %v", known)
			}
		})
	}
}

func TestInventoryThatThePlanHasFoundIsNotReadAgain(t *testing.T) {
	w := newWorld(t)
	w.api.parent = ourParent()
	w.order.Plan.Parent = new(ourParent())
	w.plans(w.step(config("a", "1")))
	wantError(t, w.work().widenInventory(), "")
	w.wantAsked()
}

func TestKnownInventoryIsNewerThanThePlan(t *testing.T) {
	w := newWorld(t)
	w.app.SetInventory(new(kubetest.Parent("shop", "shop", "server", "3", kubetest.Extent{Kinds: "ConfigMap,Secret", Namespaces: "shop"})))
	w.order.Plan.Parent = new(ourParent())
	w.plans(w.step(config("a", "1")))
	wantError(t, w.work().widenInventory(), "")
	if known, _ := w.app.Inventory.Known(); !known.Kinds.Has(schema.GroupKind{Kind: "Secret"}) {
		t.Errorf("the known inventory is %s", toldOf(known))
	}
}

func TestInventoryOfAnAppThatHasNothingAndGoesIsNotWritten(t *testing.T) {
	w := newWorld(t)
	w.order.Target.Gone = true
	w.others.foreign = errForeign // an app that has nothing does not need the inventory
	wantError(t, w.work().widenInventory(), "")
	w.wantAsked("read the inventory")
}

// TestInventoryIsNarrowedLast: in the end, the inventory is narrowed to the objects that
// the app still has.
func TestInventoryIsNarrowedLast(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(w *world)
		want    string
	}{
		"all is deleted": {func(*world) {}, "ConfigMap in shop, of shop by server"},
		"prune is false": {func(w *world) { w.order.Target.Spec.Prune = false }, "ConfigMap,Deployment.apps in shop, of shop by server"},
		"a finalizer may hold it": {
			func(w *world) { w.order.Plan.Prune[0].Entry.Held = true }, "ConfigMap,Deployment.apps in shop, of shop by server",
		},
		"another app is to take something": {
			func(w *world) { w.runs(job("moved")); w.others.heirs[jobID("moved")] = "blog" }, "ConfigMap,Job.batch in shop, of shop by server",
		},
		"another app is to take what dies": {
			func(w *world) {
				w.runs(job("moved"))
				w.others.heirs[jobID("moved")] = "blog"
				w.edited(jobID("moved"), beginDeletion)
			}, "ConfigMap in shop, of shop by server",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.api.parent = kubetest.Parent("shop", "shop", "server", "1", kubetest.Extent{Kinds: "ConfigMap,Deployment.apps", Namespaces: "shop"})
			w.runs(deployment("old"))
			w.prunes(deploymentID("old"))
			w.plans(w.step(config("a", "1")))
			test.happens(w)
			work := w.work()
			wantError(t, work.Apply(), "")
			wantError(t, work.Prune(), "")
			w.wantInventory(test.want)
		})
	}
}

func TestInventoryThatCannotBeNarrowedFailsThePrune(t *testing.T) {
	w := newWorld(t)
	w.order.Plan.Moved = []plan.Step{{}}
	w.api.refuse("read the inventory", kubetest.Refused)
	wantError(t, w.work().Prune(), "note the app's kinds on the cluster: refused")
}

// TestInventoryOfARemovedApp: the inventory is deleted with its app.
func TestInventoryOfARemovedApp(t *testing.T) {
	for name, test := range map[string]struct {
		happens   func(w *world)
		inventory string
		disclaims bool
		want      string
	}{
		"it goes":                 {func(*world) {}, "none", true, ""},
		"there is none":           {func(w *world) { w.api.parent = kube.NewParent("shop", "shop") }, "none", true, ""},
		"it is another's":         {func(w *world) { w.others.foreign = errForeign }, "ConfigMap in shop, of shop by server", true, ""},
		"objects stay":            {func(w *world) { w.order.Plan.Kept = 1 }, "ConfigMap in shop, of shop by server", false, ""},
		"the cluster hesitates":   {func(w *world) { w.api.refuse("delete the inventory", kubetest.Down) }, "none", true, ""},
		"its deletion is refused": {func(w *world) { w.api.refuse("delete the inventory", kubetest.Refused) }, "ConfigMap in shop, of shop by server", true, "note the app's kinds on the cluster: refused"},
		"it cannot be read":       {func(w *world) { w.api.refuse("read the inventory", kubetest.Refused) }, "ConfigMap in shop, of shop by server", true, "note the app's kinds on the cluster: refused"},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				w.api.parent = ourParent()
				w.order.Target.Gone, w.order.Plan.Gone = true, true
				test.happens(w)
				wantError(t, w.work().Prune(), test.want)
				w.wantInventory(test.inventory)
				if (len(w.others.quits) > 0) != test.disclaims {
					t.Errorf("the targets that disclaim their objects are %q", w.others.quits)
				}
				if known, _ := w.app.Inventory.Known(); known.Exists() {
					t.Errorf("the known inventory is %s", toldOf(known))
				}
			})
		})
	}
}
