package apply

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
)

// TestSickObjects: the app's sick objects are those that somebody has to wait for, sorted,
// and without the values that the app hides. What somebody else has given its label is none
// of them, unlike an object of the app whose managedFields are lost.
func TestSickObjects(t *testing.T) {
	w := newWorld(t)
	w.hides("s3cret")
	for _, name := range []string{"f", "e", "d", "c"} {
		w.runs(deployment(name))
	}
	w.runs(deployment("b"), deployment("a"), deployment("well"), deployment("dying"), deployment("other"), config("x", "1"))
	w.becomes(deploymentID("well"), available)
	w.becomes(deploymentID("b"), "{observedGeneration: 1, conditions: [{type: ReplicaFailure, status: 'True', message: s3cret is wrong}]}")
	w.edited(deploymentID("dying"), beginDeletion)
	w.takenBy("blog", deploymentID("other"))
	w.made("kube-controller-manager", deployment("copied"))
	w.edited(deploymentID("copied"), func(u *unstructured.Unstructured) { u.SetLabels(map[string]string{kube.PartOfLabel: w.app.set()}) })
	w.edited(deploymentID("f"), func(u *unstructured.Unstructured) { u.SetManagedFields(nil) })
	var got []string
	for _, entry := range w.app.Sick(w.order.Target) {
		got = append(got, entry.ID.Name+": "+entry.Health.Message)
	}
	want := []string{"a: not seen by its controller yet", "b: pods cannot be created: *** is wrong"}
	for _, name := range []string{"c", "d", "e", "f"} {
		want = append(want, name+": not seen by its controller yet")
	}
	if !slices.Equal(got, want) {
		t.Errorf("the sick objects are %q, want %q", got, want)
	}
}

// TestMembers: the app's objects are its members, and its hooks are not.
func TestMembers(t *testing.T) {
	w := newWorld(t)
	w.hides("seen")
	w.runs(deployment("a"), job("hook"), config("other", "1"))
	w.edited(jobID("hook"), func(u *unstructured.Unstructured) { live.MarkHook(u, live.Hook{Key: "k"}) })
	w.takenBy("blog", configMap("other"))
	if entry, ok := w.app.member(w.order.Target, deploymentID("a")); !ok || entry.Health.Message != "not *** by its controller yet" {
		t.Errorf("%v, %v", entry.Health, ok)
	}
	if _, ok := w.app.member(w.order.Target, jobID("hook")); ok {
		t.Error("a hook counts as a member")
	}
	if _, ok := w.app.member(w.order.Target, configMap("other")); ok {
		t.Error("an object of another app counts as a member")
	}
	if _, ok := w.app.member(w.order.Target, configMap("missing")); ok {
		t.Error("a missing object counts as a member")
	}
}

func TestWhomNobodyWaitsFor(t *testing.T) {
	for status, want := range map[health.Status]bool{
		health.Healthy: true, health.Suspended: true, health.Progressing: false, health.Failed: false,
	} {
		if got := isWell(live.Entry{Health: health.Health{Status: status}}); got != want {
			t.Errorf("%s: %v", status, got)
		}
		if !isWell(live.Entry{Health: health.Health{Status: status}, Terminating: true}) {
			t.Errorf("%s, and being deleted: not well", status)
		}
	}
}
