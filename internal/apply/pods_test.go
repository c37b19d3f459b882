package apply

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/manifest"
)

// States of pods, as the kubelet writes them.
const (
	crashing = "{phase: Running, containerStatuses: [{name: main, restartCount: 3, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {exitCode: 1, reason: Error}}}]}"
	pulling  = "{phase: Pending, containerStatuses: [{name: main, image: x:1, state: {waiting: {reason: ImagePullBackOff, message: not found}}}]}"
	misnamed = "{phase: Pending, containerStatuses: [{name: main, image: X, state: {waiting: {reason: InvalidImageName, message: cannot parse X}}}]}"
	notReady = "{phase: Running, conditions: [{type: Ready, status: 'False', message: probe fails}]}"
	ready    = "{phase: Running, conditions: [{type: Ready, status: 'True'}]}"
	endedPod = "{phase: Failed, containerStatuses: [{name: main, state: {terminated: {exitCode: 2, reason: Error}}}]}"
)

// podOf is a pod of a running workload. Its name gives its age: "p2" is newer than "p1".
func podOf(w *world, id manifest.ID, name, status string) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Pod"}}
	u.SetNamespace(id.Namespace)
	u.SetName(name)
	u.SetLabels(map[string]string{"app": id.Name})
	if owner := w.api.look(id); owner != nil {
		controls := true
		u.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: owner.GetAPIVersion(), Kind: id.Kind, Name: id.Name, UID: owner.GetUID(), Controller: &controls}})
	}
	u.SetCreationTimestamp(metav1.Time{Time: time.Unix(int64(name[len(name)-1]), 0)})
	_ = unstructured.SetNestedField(u.Object, "Never", "spec", "restartPolicy")
	give(u, status)
	return u
}

func TestPodsAreWatchedOnceForAllWhoWait(t *testing.T) {
	inTime(t, func(w *world) {
		watches := w.app.Cluster.pods
		first, second := make(chan struct{}, 1), make(chan struct{}, 1)
		_, partFirst := watches.join("shop", first)
		_, partSecond := watches.join("shop", second)
		if w.pods.begun != 1 {
			t.Errorf("there are %d watches", w.pods.begun)
		}
		w.pods.become("shop")
		synctest.Wait()
		if len(first) != 1 || len(second) != 1 {
			t.Errorf("the first listener has %d signals, the second %d", len(first), len(second))
		}
		partFirst()
		<-second
		w.pods.become("shop")
		synctest.Wait()
		if len(first) != 1 || len(second) != 1 { // the first listener has not taken its earlier signal
			t.Errorf("the first listener has %d signals, the second %d", len(first), len(second))
		}
		partSecond()
	})
}

func TestPodsOfNamespacesAreWatchedApart(t *testing.T) {
	inTime(t, func(w *world) {
		w.pods.pods["blog"] = []*unstructured.Unstructured{{}}
		nudge := make(chan struct{}, 1)
		for _, namespace := range []string{"shop", "blog"} {
			pods, part := w.app.Cluster.pods.join(namespace, nudge)
			defer part()
			if got := fmt.Sprint(namespace, len(pods.List())); got != "shop0" && got != "blog1" {
				t.Errorf("the list is %s", got)
			}
		}
		if w.pods.begun != 2 {
			t.Errorf("there are %d watches", w.pods.begun)
		}
	})
}

// TestWatchOfPodsEndsWithTheLastWhoWaits: the watch ends when nobody waits any more, and
// the next listener begins a new one.
func TestWatchOfPodsEndsWithTheLastWhoWaits(t *testing.T) {
	inTime(t, func(w *world) {
		watches := w.app.Cluster.pods
		for round := range 2 {
			_, part := watches.join("shop", make(chan struct{}, 1))
			watch := w.pods.watches["shop"]
			part()
			if len(watches.watches) != 0 || w.pods.begun != round+1 || !watch.waited {
				t.Errorf("%d watches of %d are left", len(watches.watches), w.pods.begun)
			}
		}
	})
}

func TestSignalsThatNobodyTakesHoldNobodyUp(t *testing.T) {
	inTime(t, func(w *world) {
		slow, quick := make(chan struct{}, 1), make(chan struct{}, 1)
		_, partSlow := w.app.Cluster.pods.join("shop", slow)
		defer partSlow()
		_, partQuick := w.app.Cluster.pods.join("shop", quick)
		defer partQuick()
		for range 3 {
			w.pods.become("shop")
			<-quick
		}
		if len(slow) != 1 {
			t.Errorf("there are %d signals", len(slow))
		}
	})
}
