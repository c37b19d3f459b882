package apply

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

const heldText = "is being deleted, waits for example.org/keep"

// recreates returns a step that recreates a running ConfigMap.
func (w *world) recreates(name string) plan.Step {
	step := w.step(config(name, "2"))
	step.Action = record.Recreate
	return step
}

// dying returns a step that creates a ConfigMap again. The deletion of the running one has
// begun.
func (w *world) dying(name string) plan.Step {
	w.holds(configMap(name))
	w.edited(configMap(name), beginDeletion)
	step := w.step(config(name, "2"))
	step.Action, step.Dying = record.Create, true
	return step
}

func TestObjectIsMadeAnewWhenTheOldOneIsGone(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(config("a", "1"))
		w.holds(configMap("a"))
		step := w.recreates("a")
		ended := w.begins(func() error { return w.work().applyStage([]plan.Step{step}) })
		w.wantAsked("delete ConfigMap shop/a", "get ConfigMap shop/a")
		w.api.vanish(configMap("a"))
		wantError(t, <-ended, "")
		if u := w.api.look(configMap("a")); u == nil || u.GetUID() == step.Entry.UID {
			t.Errorf("the running object is %v", u)
		}
		w.wantLog("recreated ConfigMap shop/a")
	})
}

// TestNothingEndsTheMakingAnew: between its deletion and its creation, an object does not
// exist, so the step has to come to its end.
func TestNothingEndsTheMakingAnew(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(config("a", "1"))
		w.holds(configMap("a"))
		step := w.recreates("a")
		ended := w.begins(func() error { return w.work().applyStage([]plan.Step{step}) })
		w.end(ErrSuperseded)
		w.api.vanish(configMap("a"))
		wantError(t, <-ended, "")
		w.wantRunning("ConfigMap shop/a")
	})
}

func TestObjectThatDoesNotGoIsNotMadeAnew(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(w *world)
		want    string
	}{
		"its deletion is refused": {func(w *world) { w.api.refuse("delete ConfigMap shop/a", kubetest.Refused) }, "ConfigMap shop/a: refused"},
		"a finalizer holds it":    {func(*world) {}, "ConfigMap shop/a: " + heldText},
		"the cluster hangs": {func(w *world) {
			w.api.answer("get ConfigMap shop/a", func() error { return nil }, func() error { <-time.After(requestTimeout); return kubetest.Down })
		}, "ConfigMap shop/a: " + heldText},
		"it cannot be read": {func(w *world) { w.api.refuse("get ConfigMap shop/a", kubetest.Refused) }, "ConfigMap shop/a: refused"},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				w.runs(config("a", "1"))
				w.holds(configMap("a"))
				step := w.recreates("a")
				test.happens(w)
				wantError(t, w.work().applyStage([]plan.Step{step}), test.want)
				if slices.Contains(w.api.asked, "apply ConfigMap shop/a") {
					t.Error("the object is applied")
				}
			})
		})
	}
}

// TestEndOfAnObjectIsSeen: the watch reports the end at once. If it is silent, the end is
// noticed a little later.
func TestEndOfAnObjectIsSeen(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(w *world)
		within  time.Duration
	}{
		"it goes":                 {func(w *world) { w.api.vanish(configMap("a")) }, 0},
		"the watch is silent":     {func(w *world) { w.api.tell = nil; w.api.vanish(configMap("a")) }, goneCheck},
		"another is in its place": {func(w *world) { w.api.vanish(configMap("a")); w.made("kubectl-create", config("a", "9")) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				w.runs(config("a", "1"))
				step := w.dying("a")
				ended := w.begins(func() error { return w.work().applyStage([]plan.Step{step}) })
				began := time.Now()
				test.happens(w)
				wantError(t, <-ended, "")
				if took := time.Since(began); took > test.within {
					t.Errorf("the step takes %s", took)
				}
			})
		})
	}
}

func TestDyingObjectIsWaitedForAndNotDeleted(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(config("a", "1"))
		step := w.dying("a")
		ended := w.begins(func() error { return w.work().applyStage([]plan.Step{step}) })
		w.wantAsked("get ConfigMap shop/a")
		w.wantLog("waiting ConfigMap shop/a " + heldText)
		if got := w.log.waits[len(w.log.waits)-1]; got != "ConfigMap shop/a: "+heldText {
			t.Errorf("the deploy waits for %q", got)
		}
		w.api.vanish(configMap("a"))
		wantError(t, <-ended, "")
		w.wantRunning("ConfigMap shop/a")
	})
}

func TestPlacesOfDyingObjectsBecomeFreeOneByOne(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(config("a", "1"), config("b", "1"))
		steps := []plan.Step{w.dying("a"), w.dying("b")}
		ended := w.begins(func() error { return w.work().applyStage(steps) })
		w.api.vanish(configMap("b"))
		synctest.Wait()
		w.api.vanish(configMap("a"))
		wantError(t, <-ended, "")
		w.wantRunning("ConfigMap shop/a", "ConfigMap shop/b")
	})
}

// TestWaitForADyingObjectEnds: if the wait ends before the object is gone, the object is
// not applied.
func TestWaitForADyingObjectEnds(t *testing.T) {
	for name, test := range map[string]struct {
		cause  error
		want   string
		within time.Duration
	}{
		"a newer push comes":  {ErrSuperseded, "a newer revision came", 0},
		"an operator cancels": {CancelledError{"alice"}, "cancelled by alice", 0},
		"it takes too long":   {nil, heldText, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				w.runs(config("a", "1"))
				step := w.dying("a")
				began := time.Now()
				ended := w.begins(func() error { return w.work().applyStage([]plan.Step{step}) })
				if test.cause != nil {
					w.end(test.cause)
				}
				err := <-ended
				wantError(t, err, "ConfigMap shop/a: "+test.want)
				if took := time.Since(began); took != test.within {
					t.Errorf("the wait takes %s", took)
				}
				if errors.Is(test.cause, ErrSuperseded) {
					wantCause(t, err, ErrSuperseded)
				}
				if slices.Contains(w.api.asked, "apply ConfigMap shop/a") {
					t.Error("the object is applied")
				}
			})
		})
	}
}

// TestDyingObjectsHoldNobodyUp: other objects of the stage, and other apps, do not wait for
// a dying object.
func TestDyingObjectsHoldNobodyUp(t *testing.T) {
	inTime(t, func(w *world) {
		var steps []plan.Step
		for i := range plan.Parallel {
			name := fmt.Sprint("dying", i)
			w.runs(config(name, "1"))
			steps = append(steps, w.dying(name))
		}
		steps = append(steps, w.step(config("other", "1")))
		ended := w.begins(func() error { return w.work().applyStage(steps) })
		if got := w.log.String(); !strings.HasPrefix(got, "created ConfigMap shop/other\n") {
			t.Errorf("the log is\n%s", got)
		}
		if got := len(w.app.Cluster.slots); got != 0 {
			t.Errorf("%d slots are held", got)
		}
		w.end(ErrSuperseded)
		wantCause(t, <-ended, ErrSuperseded)
	})
}

func TestDyingObjectThatIsToBeMadeAnewIsDeletedAllTheSame(t *testing.T) {
	inTime(t, func(w *world) {
		w.runs(config("a", "1"))
		step := w.dying("a")
		step.Action = record.Recreate
		ended := w.begins(func() error { return w.work().applyStage([]plan.Step{step}) })
		w.wantAsked("delete ConfigMap shop/a", "get ConfigMap shop/a")
		w.api.vanish(configMap("a"))
		wantError(t, <-ended, "")
	})
}

// TestDyingNamespaceIsWaitedForOnce: there is one wait for the namespace, even if hooks
// need it too.
func TestDyingNamespaceIsWaitedForOnce(t *testing.T) {
	inTime(t, func(w *world) {
		w.api.status["Job"] = complete
		step := w.step(namespaceText("shop"))
		step.Action, step.Dying = record.Create, true
		w.plans(step, w.step(job("migrate", hookOf("PreSync"))))
		ended := w.begins(w.work().Apply)
		w.api.vanish(step.ID)
		wantError(t, <-ended, "")
		w.wantLog("waiting Namespace shop is being deleted", "created Namespace shop",
			"started Job shop/migrate PreSync hook", "succeeded Job shop/migrate 1 of 1 completed")
	})
}

func TestObjectOfADyingNamespaceIsNotWaitedFor(t *testing.T) {
	w := newWorld(t)
	step := w.step(config("a", "1"))
	step.Dying = true
	wantError(t, w.work().applyStage([]plan.Step{step}), "")
	w.wantAsked("apply ConfigMap shop/a")
}

// TestHeldObjects: the kinds of held objects stay watched, since their deletion may take
// long.
func TestHeldObjects(t *testing.T) {
	w := newWorld(t)
	w.plans()
	w.order.Plan.Dying = []plan.Step{{ID: configMap("dying")}}
	w.order.Plan.Prune = []plan.Step{
		{ID: configMap("plain")},
		{ID: configMap("held"), Entry: live.Entry{Held: true}},
		{ID: plan.NamespaceID("full")},
	}
	var got []string
	for _, step := range w.work().held() {
		got = append(got, step.ID.Name)
	}
	if !slices.Equal(got, []string{"dying", "held", "full"}) {
		t.Errorf("the held objects are %q", got)
	}
}

// TestDyingObjectsAreTold: dying objects are reported, unless the revision has them. Those
// are waited for.
func TestDyingObjectsAreTold(t *testing.T) {
	w := newWorld(t)
	w.runs(config("b", "1"), config("a", "1"), config("wanted", "1"), config("well", "1"))
	for _, name := range []string{"b", "a", "wanted"} {
		w.dying(name)
	}
	w.made("kubectl-create", config("foreign", "1")) // has the app's label, but none of its fields is the app's
	w.edited(configMap("foreign"), func(u *unstructured.Unstructured) {
		u.SetLabels(w.api.look(configMap("a")).GetLabels())
	})
	w.dying("foreign")
	w.order.Target.Objects = parsed(t, config("wanted", "1"))
	w.work().TellDying()
	w.wantLog("deleting ConfigMap shop/a "+heldText, "deleting ConfigMap shop/b "+heldText)
}

func TestDyingObjectsAreSorted(t *testing.T) {
	w := newWorld(t)
	const objects = 8
	for i := range objects { // backwards, since a small map iterates in the order of insertion
		name := fmt.Sprint("c", objects-i)
		w.runs(config(name, "1"))
		w.edited(configMap(name), beginDeletion)
	}
	var got []string
	for _, entry := range w.app.Dying() {
		got = append(got, entry.ID.Key())
	}
	if !slices.IsSorted(got) || len(got) != objects {
		t.Errorf("the dying objects are %q", got)
	}
}
