package apply

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

func class(name, mode string) string {
	return "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: " + name + "}\nprovisioner: x\nvolumeBindingMode: " + mode + "\n"
}

var classID = manifest.ID{Group: "storage.k8s.io", Kind: "StorageClass", Name: "local"}

// TestClaimThatIsBoundLater: an unbound claim counts as healthy if its class binds when the
// first consumer comes.
func TestClaimThatIsBoundLater(t *testing.T) {
	pending := health.Health{Status: health.Progressing, Message: "Pending"}
	for name, test := range map[string]struct {
		entry   live.Entry
		class   string // runs on the cluster
		written string // comes with the app
		want    string
	}{
		"binds late":                 {live.Entry{UnusedClass: "local", Health: pending}, class("local", plan.FirstConsumer), "", "waits for its first consumer"},
		"binds at once":              {live.Entry{UnusedClass: "local", Health: pending}, class("local", "Immediate"), "", "Pending"},
		"has no class there":         {live.Entry{UnusedClass: "local", Health: pending}, "", "", "Pending"},
		"its class comes later":      {live.Entry{UnusedClass: "local", Health: pending}, "", class("local", plan.FirstConsumer), "waits for its first consumer"},
		"another class comes later":  {live.Entry{UnusedClass: "local", Health: pending}, "", class("other", plan.FirstConsumer), "Pending"},
		"is used":                    {live.Entry{Health: pending}, class("local", plan.FirstConsumer), "", "Pending"},
		"is bound":                   {live.Entry{UnusedClass: "local", Health: health.Health{Status: health.Healthy, Message: "Bound"}}, class("local", plan.FirstConsumer), "", "Bound"},
		"is being deleted meanwhile": {live.Entry{UnusedClass: "local", Health: pending, Terminating: true}, class("local", plan.FirstConsumer), "", "Pending"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if test.class != "" {
				w.made("x", test.class)
			}
			if test.written != "" {
				w.order.Target.Objects = parsed(t, test.written)
			}
			got := w.app.Cluster.Settled(w.order.Target, test.entry)
			if got.Health.Message != test.want || got.Health.OK() != (test.want != "Pending") {
				t.Errorf("the claim's health is %v", got.Health)
			}
		})
	}
}

// TestClassIsRemembered: a class is remembered for a while, since status and every wait ask
// for it.
func TestClassIsRemembered(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(w *world)
		after   time.Duration // the time before the second question
		asked   int
	}{
		"a class, soon":                 {func(w *world) { w.made("x", class("local", "Immediate")) }, classFor - time.Millisecond, 1},
		"a class, later":                {func(w *world) { w.made("x", class("local", "Immediate")) }, classFor, 2},
		"none, soon":                    {func(*world) {}, missingFor - time.Millisecond, 1},
		"none, later":                   {func(*world) {}, missingFor, 2},
		"a cluster that is down, later": {func(w *world) { w.api.refuse("get StorageClass local", kubetest.Down, kubetest.Down) }, missingFor, 2},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				test.happens(w)
				classes := w.app.Cluster.classes
				late := classes.bindsLate("local")
				<-time.After(test.after)
				if late || classes.bindsLate("local") {
					t.Error("a class that does not bind late counts as one that does")
				}
				if got := len(w.api.asked); got != test.asked {
					t.Errorf("the cluster is asked for the class %d times", got)
				}
			})
		})
	}
}

func TestClassesAreRememberedApart(t *testing.T) {
	w := newWorld(t)
	w.made("x", class("local", plan.FirstConsumer), class("remote", "Immediate"))
	classes := w.app.Cluster.classes
	for range 2 {
		if !classes.bindsLate("local") || classes.bindsLate("remote") {
			t.Error("the two classes are confused")
		}
	}
}

func TestClusterWithoutClassesBindsAtOnce(t *testing.T) {
	w := newWorld(t)
	delete(w.api.kinds, plan.StorageClass.WithVersion("v1"))
	if w.app.Cluster.classes.bindsLate("local") {
		t.Error("without storage classes, a class counts as binding late")
	}
}

func TestPendingClaimKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.made("x", class("local", plan.FirstConsumer))
		w.api.status["PersistentVolumeClaim"] = "{phase: Pending}"
		w.plans(w.step("apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {storageClassName: local}\n"))
		work := w.work()
		wantError(t, work.Apply(), "")
		wantError(t, work.AwaitHealthy(), "")
		if !slices.Contains(w.api.asked, "get "+classID.String()) {
			t.Errorf("the requests do not include the class: %q", w.api.asked)
		}
	})
}
