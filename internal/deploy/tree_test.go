package deploy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
)

// madeBy is an object of namespace shop with owners, the controller first.
func madeBy(kind, name string, owners ...types.UID) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetAPIVersion(map[string]string{"Pod": "v1", "ReplicaSet": "apps/v1", "Job": "batch/v1"}[kind])
	u.SetKind(kind)
	u.SetName(name)
	u.SetNamespace("shop")
	u.SetUID(types.UID(name))
	var refs []metav1.OwnerReference
	for i, owner := range owners {
		controller := i == 0
		refs = append(refs, metav1.OwnerReference{UID: owner, Controller: &controller})
	}
	u.SetOwnerReferences(refs)
	return u
}

func member(group, kind, name string) live.Entry {
	return live.Entry{
		ID: manifest.ID{Group: group, Kind: kind, Namespace: "shop", Name: name}, UID: types.UID(name),
		Health: health.Health{Status: health.Healthy},
	}
}

// drawn writes a tree as text: "web(web-1(web-1-a web-1-b))".
func drawn(nodes []Node) string {
	var parts []string
	for _, node := range nodes {
		text := node.ID.Name
		if node.Old {
			text += "!"
		}
		if len(node.Children) > 0 {
			text += "(" + drawn(node.Children) + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

func TestGrowTree(t *testing.T) {
	members := []live.Entry{member("apps", "Deployment", "web"), member("batch", "CronJob", "nightly"), member("", "ConfigMap", "cm")}
	for want, owned := range map[string][]*unstructured.Unstructured{
		"web nightly cm": nil,
		"web(web-1(web-1-a web-1-b)) nightly cm": {
			madeBy("Pod", "web-1-b", "web-1"), madeBy("ReplicaSet", "web-1", "web"), madeBy("Pod", "web-1-a", "web-1"),
		},
		"web(web-0! web-1(web-1-a)) nightly cm": {
			madeBy("ReplicaSet", "web-0", "web"), madeBy("ReplicaSet", "web-1", "web"), madeBy("Pod", "web-1-a", "web-1"),
		},
		"web nightly(nightly-1(nightly-1-a)) cm": {madeBy("Job", "nightly-1", "nightly"), madeBy("Pod", "nightly-1-a", "nightly-1")},
		// a pod of another owner, one without an owner, one with several owners, a cycle,
		// and a member itself
		"web(a) nightly cm": {
			madeBy("Pod", "other", "elsewhere"), madeBy("Pod", "a", "web", "nightly"),
			madeBy("Pod", "x", "y"), madeBy("Pod", "y", "x"), madeBy("Pod", "cm", "web"),
		},
	} {
		if got := drawn(growTree(members, owned)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestListsBelow(t *testing.T) {
	for want, members := range map[string][]live.Entry{
		"":                    {member("", "ConfigMap", "a"), member("", "Secret", "b"), member("networking.k8s.io", "Ingress", "c"), member("", "Pod", "p")},
		"ReplicaSet.apps Pod": {member("apps", "Deployment", "a"), member("apps", "Deployment", "b")},
		"Pod Job.batch":       {member("apps", "StatefulSet", "a"), member("batch", "CronJob", "b")},
		"Deployment.apps StatefulSet.apps DaemonSet.apps CronJob.batch ReplicaSet.apps Job.batch Pod": {member("db.example.org", "Cluster", "a")},
	} {
		var got []string
		for _, list := range listsBelow(members) {
			if list.namespace != "shop" {
				t.Errorf("growTree looks in namespace %q", list.namespace)
			}
			got = append(got, list.kind.String())
		}
		if fmt.Sprint(strings.Join(got, " ")) != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}
	wide := member("db.example.org", "ClusterThing", "a")
	wide.ID.Namespace = ""
	if lists := listsBelow([]live.Entry{wide}); len(lists) > 0 {
		t.Errorf("of an object without a namespace all pods are listed: %v", lists)
	}
}

// TestTreeSaysHowItsObjectsAre: a tree shows which objects fail, which are being deleted,
// and which run pods.
func TestTreeSaysHowItsObjectsAre(t *testing.T) {
	dying := metav1.Time{Time: time.Unix(1, 0)}
	failing, ending := member("apps", "Deployment", "web"), member("", "ConfigMap", "cm")
	failing.Health.Status, ending.Terminating = health.Failed, true
	pod, crashed := madeBy("Pod", "a", "web"), madeBy("Pod", "b", "web")
	pod.SetDeletionTimestamp(&dying)
	_ = unstructured.SetNestedField(crashed.Object, "Failed", "status", "phase")
	nodes := growTree([]live.Entry{failing, ending}, []*unstructured.Unstructured{pod, crashed})
	got := []string{nodes[0].Health, nodes[1].Health, nodes[0].Children[0].Health, nodes[0].Children[1].Health}
	if want := []string{"failing", "terminating", "terminating", "failing"}; !slices.Equal(got, want) {
		t.Errorf("the nodes' health is %q, want %q", got, want)
	}
	if healthWord("") != "unknown" {
		t.Error("the health of an object without a verdict is not unknown")
	}
	if !nodes[0].RunsPods() || !nodes[0].Children[0].RunsPods() || nodes[1].RunsPods() {
		t.Error("the wrong nodes run pods")
	}
}

func TestOwnersInTheTree(t *testing.T) {
	controlled, owned := madeBy("Pod", "a", "first", "second"), madeBy("Pod", "b", "first", "second")
	refs := owned.GetOwnerReferences()
	for i := range refs {
		refs[i].Controller = nil
	}
	owned.SetOwnerReferences(refs)
	if ownerOf(controlled) != "first" || ownerOf(owned) != "first" || ownerOf(madeBy("Pod", "c")) != "" {
		t.Error("the wrong owners")
	}
	refs[1].Controller = controlled.GetOwnerReferences()[0].Controller
	if owned.SetOwnerReferences(refs); ownerOf(owned) != "second" {
		t.Error("the controller is not the owner")
	}
	// A cycle below a member ends: two objects have one UID, and one is below the other.
	below, twin := madeBy("ReplicaSet", "x", "web"), madeBy("Pod", "twin", "y")
	twin.SetUID("x")
	nodes := growTree([]live.Entry{member("apps", "Deployment", "web")}, []*unstructured.Unstructured{below, madeBy("Pod", "y", "x"), twin})
	if got := drawn(nodes); got != "web(x(y(twin)))" {
		t.Errorf("got %s", got)
	}
}

// TestTreeThatIsNotWhole: the tree of an app names each object once, hides secret values,
// and says which objects may be missing.
func TestTreeThatIsNotWhole(t *testing.T) {
	o := newOffice(t)
	api := o.answering()
	a := o.deployed(wanted("web", func(t *target) {
		t.Telling = func() func(string) string {
			return func(text string) string { return strings.ReplaceAll(text, "controller", "***") }
		}
	}))
	u := o.member(a, "web", func(u *unstructured.Unstructured) {
		u.SetAPIVersion("apps/v1")
		u.SetKind("Deployment")
		u.SetUID("d")
	})
	o.left(a, u)
	nodes := o.Overview("web")
	if len(nodes) != 1 || nodes[0].Health != "progressing" || nodes[0].Message != "not seen by its *** yet" {
		t.Errorf("got %+v", nodes)
	}
	api.owned = []*unstructured.Unstructured{madeBy("Pod", "a", "d"), madeBy("Pod", "b", "d"), madeBy("Pod", "c", "d")}
	if tree, _ := o.Tree(t.Context(), "web"); len(tree.Partial) != 1 || tree.Partial[0] != "namespace shop has more Pod than are shown" {
		t.Errorf("partial: %q", tree.Partial)
	}
	delete(api.kinds, replicaSetKind.WithVersion("v1"))
	if tree, _ := o.Tree(t.Context(), "web"); len(tree.Partial) != 2 || !strings.Contains(tree.Partial[0], "does not know the kind ReplicaSet") {
		t.Errorf("partial: %q", tree.Partial)
	}
}
