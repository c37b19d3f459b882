package apply

import (
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

// TestSystemNamespaceIsMadeAnew: the system namespace is made again if the inventory cannot
// be written without it.
func TestSystemNamespaceIsMadeAnew(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(w *world)
		asked   []string
		want    string
		took    time.Duration
	}{
		"it is there": {func(*world) {}, []string{"write the inventory"}, "", 0},
		"it is gone": {
			func(w *world) { w.api.refuse("write the inventory", kubetest.NoNamespace(kube.SystemNamespace)) },
			[]string{"write the inventory", "make the system namespace", "write the inventory"},
			"", againFirst,
		},
		"it cannot be made": {
			func(w *world) {
				w.api.refuse("write the inventory", kubetest.NoNamespace(kube.SystemNamespace))
				w.api.refuse("make the system namespace", kubetest.Refused)
			},
			[]string{"write the inventory", "make the system namespace"},
			"refused", 0,
		},
		"it is on its way out": {
			func(w *world) {
				w.api.refuse("write the inventory", kubetest.Ends(secretID), kubetest.Ends(secretID), kubetest.NoNamespace(kube.SystemNamespace))
			},
			[]string{"write the inventory", "write the inventory", "write the inventory", "make the system namespace", "write the inventory"},
			"", 2*goneCheck + againFirst,
		},
		"it is refused": {func(w *world) { w.api.refuse("write the inventory", kubetest.Refused) }, []string{"write the inventory"}, "refused", 0},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(w *world) {
				test.happens(w)
				began := time.Now()
				_, err := w.app.Cluster.WriteParent(w.t.Context(), w.api.parent, ourParent())
				wantError(t, err, test.want)
				w.wantAsked(test.asked...)
				if took := time.Since(began); took != test.took {
					t.Errorf("the write takes %s", took)
				}
			})
		})
	}
}

var secretID = manifest.ID{Kind: "Secret", Namespace: kube.SystemNamespace, Name: "pushboat-app-shop"}

func TestNamespaceThatDoesNotEndIsNotWaitedForLongerThanARequest(t *testing.T) {
	inTime(t, func(w *world) {
		for range 100 {
			w.api.refuse("write the inventory", kubetest.Ends(secretID))
		}
		w.plans(w.step(config("a", "1")))
		began := time.Now()
		wantError(t, w.work().Apply(), "is being terminated")
		if took := time.Since(began); took != requestTimeout {
			t.Errorf("the write takes %s", took)
		}
	})
}

// TestInventoryHasEachKindAndNamespace: the inventory gets each kind and namespace of the
// steps, in whatever order they come.
func TestInventoryHasEachKindAndNamespace(t *testing.T) {
	secret := func(group, namespace string) plan.Step {
		return plan.Step{ID: manifest.ID{Group: group, Kind: "Secret", Namespace: namespace, Name: "s"}}
	}
	for name, test := range map[string]struct {
		lists [][]plan.Step
		want  string
	}{
		"nothing":               {nil, "ConfigMap in shop"},
		"what it has":           {[][]plan.Step{{{ID: configMap("a")}, {ID: configMap("b")}}}, "ConfigMap in shop"},
		"another kind":          {[][]plan.Step{{{ID: configMap("a")}, secret("", "shop")}}, "ConfigMap,Secret in shop"},
		"another group":         {[][]plan.Step{{secret("", "shop"), secret("example.org", "shop")}}, "ConfigMap,Secret,Secret.example.org in shop"},
		"another namespace":     {[][]plan.Step{{secret("", "shop"), secret("", "blog")}}, "ConfigMap,Secret in blog,shop"},
		"no namespace":          {[][]plan.Step{{{ID: plan.NamespaceID("blog")}}}, "ConfigMap,Namespace in shop"},
		"the same of two lists": {[][]plan.Step{{secret("", "shop")}, {secret("", "shop")}}, "ConfigMap,Secret in shop"},
		"two lists":             {[][]plan.Step{{secret("", "shop")}, {secret("", "blog"), {ID: jobID("a")}}}, "ConfigMap,Job.batch,Secret in blog,shop"},
	} {
		if got := toldOf(adding(ourParent(), test.lists...)); got != test.want+", of shop by server" {
			t.Errorf("%s: the inventory has %s", name, got)
		}
	}
}
