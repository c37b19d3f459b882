package deploy

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
)

// madeBy is an object of namespace shop that others own, the controller first.
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

// drawn writes a tree in few letters: "web(web-1(web-1-a web-1-b))".
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
		// of somebody else, of nobody, with several owners, in a circle, and a member itself
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
				t.Errorf("it looks in namespace %q", list.namespace)
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
