package apply

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
)

// TestCauseOfAWorkload: the cause is that of the first of the workload's own pods that has
// trouble.
func TestCauseOfAWorkload(t *testing.T) {
	for name, test := range map[string]struct {
		pods func(w *world) []*unstructured.Unstructured
		want string
	}{
		"no pods": {func(*world) []*unstructured.Unstructured { return nil }, ""},
		"one that is well": {
			func(w *world) []*unstructured.Unstructured {
				return []*unstructured.Unstructured{podOf(w, deploymentID("a"), "p", ready)}
			}, "",
		},
		"one in trouble": {
			func(w *world) []*unstructured.Unstructured {
				return []*unstructured.Unstructured{podOf(w, deploymentID("a"), "p1", ready), podOf(w, deploymentID("a"), "p2", pulling)}
			}, "ImagePullBackOff",
		},
		"two in trouble": {
			func(w *world) []*unstructured.Unstructured {
				return []*unstructured.Unstructured{podOf(w, deploymentID("a"), "p2", pulling), podOf(w, deploymentID("a"), "p1", crashing)}
			}, "CrashLoopBackOff",
		},
		"another's in trouble": {
			func(w *world) []*unstructured.Unstructured {
				return []*unstructured.Unstructured{podOf(w, deploymentID("other"), "p", pulling)}
			}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.runs(deployment("a"))
			cause, ok := w.app.Cluster.CauseOf(t.Context(), deploymentID("a"), test.pods(w))
			if cause.Reason != test.want || ok != (test.want != "") {
				t.Errorf("the cause is %v, %v", cause, ok)
			}
		})
	}
}

func TestWorkloadThatCannotBeReadHasNoCause(t *testing.T) {
	w := newWorld(t)
	w.runs(deployment("a"))
	pods := []*unstructured.Unstructured{podOf(w, deploymentID("a"), "p", pulling)}
	w.api.refuse("get Deployment shop/a", kubetest.Refused)
	if cause, ok := w.app.Cluster.CauseOf(t.Context(), deploymentID("a"), pods); ok {
		t.Errorf("the cause is %v", cause)
	}
	if cause, ok := w.app.Cluster.CauseOf(t.Context(), manifest.ID{Group: "example.org", Kind: "Widget", Name: "a"}, pods); ok {
		t.Errorf("for a kind that is not served, the cause is %v", cause)
	}
}

// TestFailedPodIsTheNewest: of several failed pods, the newest is chosen.
func TestFailedPodIsTheNewest(t *testing.T) {
	w := newWorld(t)
	w.runs(job("a"), config("a", "1"))
	for _, name := range []string{"p2", "p3", "p1"} {
		w.pods.pods["shop"] = append(w.pods.pods["shop"], podOf(w, jobID("a"), name, endedPod))
	}
	w.pods.pods["shop"] = append(w.pods.pods["shop"], podOf(w, jobID("a"), "p4", ready), podOf(w, jobID("b"), "p5", endedPod))
	if pod, cause := w.app.Cluster.failedPod(t.Context(), jobID("a")); pod.GetName() != "p3" || cause.Container != "main" {
		t.Errorf("the failed pod is %s: %v", pod.GetName(), cause)
	}
	w.pods.listed = 0
	for _, id := range []manifest.ID{configMap("a"), {Group: "example.org", Kind: "Widget", Name: "a"}} {
		if pod, _ := w.app.Cluster.failedPod(t.Context(), id); pod != nil || w.pods.listed > 0 {
			t.Errorf("for %s, the failed pod is %v, after %d lists", id, pod, w.pods.listed)
		}
	}
}

func TestSlotsAreGivenBack(t *testing.T) {
	w := newWorld(t)
	for range 2 * applies {
		w.app.Cluster.slot()()
	}
	if got := len(w.app.Cluster.slots); got != 0 {
		t.Errorf("%d slots are not given back", got)
	}
}
