package deploy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Node is an object of an app, or one that a controller has created for it, with the
// objects below it. It has no content of the object.
type Node struct {
	ID       manifest.ID `json:"-"`
	Object   string      `json:"object"` // "Deployment shop/web"
	Health   string      `json:"health"` // healthy, suspended, progressing, terminating, failing, unknown or missing
	Message  string      `json:"message,omitempty"`
	Created  time.Time   `json:"created,omitzero"`
	Drifted  bool        `json:"drifted,omitempty"` // differs from the revision, and is left alone
	Old      bool        `json:"old,omitempty"`     // of a revision before, and without pods
	Children []Node      `json:"children,omitempty"`
}

// MissingHealth is the health of an object that is not on the cluster.
const MissingHealth = "missing"

// Tree holds the objects of an app on its cluster.
type Tree struct {
	App     name.App `json:"app"`
	Objects []Node   `json:"objects"`
	Partial []string `json:"partial,omitempty"` // why something may lack below the objects
}

// Tree returns an app's objects down to their pods. It lists the objects of controllers
// on the cluster; ok is false if there is no such app.
func (e *Engine) Tree(ctx context.Context, app name.App) (tree Tree, ok bool) {
	e.known()
	a := e.app(app)
	if a == nil {
		return Tree{}, false
	}
	members := a.members()
	owned, partial := a.owned(ctx, members)
	return Tree{App: app, Objects: a.grow(members, owned), Partial: texts(partial)}, true
}

// Overview returns the tree of an app without the objects of controllers. It asks
// nothing of the cluster.
func (e *Engine) Overview(app name.App) []Node {
	e.known()
	if a := e.app(app); a != nil {
		return a.grow(a.members(), nil)
	}
	return nil
}

// members are the app's objects on its cluster, sorted.
func (a *app) members() []live.Entry {
	t := a.wanted()
	if t == nil || a.engine.Clusters.Get(t.Spec.Cluster) == nil {
		return nil
	}
	entries := a.engine.Clusters.Get(t.Spec.Cluster).Index.Members(a.set)
	entries = slices.DeleteFunc(entries, func(entry live.Entry) bool { return !a.ledger.Made(entry) })
	slices.SortFunc(entries, func(x, y live.Entry) int {
		if x.ID.Less(y.ID) {
			return -1
		}
		return 1
	})
	return entries
}

// grow makes the tree of the members, and enters which of them have drifted and
// which objects lack.
func (a *app) grow(members []live.Entry, owned []*unstructured.Unstructured) []Node {
	nodes := growTree(members, owned)
	a.wanted().clearNodes(nodes)
	there := map[manifest.ID]bool{}
	for i := range nodes {
		there[nodes[i].ID] = true
		nodes[i].Drifted = a.drifts.has(nodes[i].ID)
	}
	for id := range a.ledger.Each {
		if !there[id] {
			nodes = append(nodes, Node{ID: id, Object: id.String(), Health: MissingHealth})
		}
	}
	slices.SortFunc(nodes, func(x, y Node) int { return x.ID.Compare(y.ID) })
	return nodes
}

// owned lists the objects of controllers in the namespaces of the members, as far as
// the members' kinds have any.
func (a *app) owned(ctx context.Context, members []live.Entry) (owned []*unstructured.Unstructured, partial []error) {
	t := a.wanted()
	if t == nil || a.engine.Clusters.Get(t.Spec.Cluster) == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, explainTimeout)
	defer cancel()
	as, lists := a.engine.lookerOf(t), listsBelow(members)
	found := make([]listed, len(lists))
	var group errgroup.Group
	group.SetLimit(listsAtOnce)
	for i, in := range lists {
		group.Go(func() error {
			found[i] = in.ask(ctx, as.api)
			return nil
		})
	}
	_ = group.Wait() // never fails
	for _, each := range found {
		owned, partial = append(owned, each.objects...), append(partial, each.lacks...)
	}
	return owned, partial
}

// listsAtOnce bounds the lists that one tree asks a cluster for at a time.
const listsAtOnce = 4

// listed is what a cluster has answered for a list, and why some of it may be missing.
type listed struct {
	objects []*unstructured.Unstructured
	lacks   []error
}

// ask asks a cluster for the list.
func (in listBelow) ask(ctx context.Context, api clusterAPI) (l listed) {
	kind, err := api.KindOf(ctx, in.kind)
	if err != nil {
		return listed{lacks: []error{err}}
	}
	objects, more, err := api.Owned(ctx, kind, in.namespace)
	if l.objects = objects; err != nil {
		l.lacks = append(l.lacks, err)
	}
	if more {
		l.lacks = append(l.lacks, fmt.Errorf("namespace %s has more %s than are shown", in.namespace, kind.Resource.Resource))
	}
	return l
}

// texts are the texts of errors.
func texts(errs []error) (lines []string) {
	for _, err := range errs {
		lines = append(lines, err.Error())
	}
	return lines
}

// below has the kinds that the controllers of built-in kinds make, at any depth.
var below = map[schema.GroupKind][]schema.GroupKind{
	{Kind: "ReplicationController"}:      {podKind},
	{Group: "apps", Kind: "DaemonSet"}:   {podKind},
	{Group: "apps", Kind: "Deployment"}:  {replicaSetKind, podKind},
	{Group: "apps", Kind: "ReplicaSet"}:  {podKind},
	{Group: "apps", Kind: "StatefulSet"}: {podKind},
	{Group: "batch", Kind: "CronJob"}:    {jobKind, podKind},
	{Group: "batch", Kind: "Job"}:        {podKind},
}

var (
	podKind        = schema.GroupKind{Kind: "Pod"}
	replicaSetKind = schema.GroupKind{Group: "apps", Kind: "ReplicaSet"}
	jobKind        = schema.GroupKind{Group: "batch", Kind: "Job"}
)

// belowCustom are the kinds that an operator makes of a custom resource, as far as
// they lead to pods.
var belowCustom = []schema.GroupKind{
	{Group: "apps", Kind: "Deployment"},
	{Group: "apps", Kind: "StatefulSet"},
	{Group: "apps", Kind: "DaemonSet"},
	{Group: "batch", Kind: "CronJob"},
	replicaSetKind, jobKind, podKind,
}

// kindsBelow are the kinds of which objects may be below one of a kind.
func kindsBelow(gk schema.GroupKind) []schema.GroupKind {
	custom := strings.Contains(gk.Group, ".") && !strings.HasSuffix(gk.Group, ".k8s.io")
	if custom {
		return belowCustom
	}
	return below[gk]
}

// listBelow is one list to ask for.
type listBelow struct {
	namespace string
	kind      schema.GroupKind
}

// listsBelow returns the lists that cover all objects below the members, each once.
func listsBelow(members []live.Entry) []listBelow {
	var lists []listBelow
	seen := map[listBelow]bool{}
	for _, entry := range members {
		for _, gk := range kindsBelow(entry.ID.GroupKind()) {
			list := listBelow{entry.ID.Namespace, gk}
			if entry.ID.Namespace != "" && !seen[list] {
				seen[list] = true
				lists = append(lists, list)
			}
		}
	}
	return lists
}

// growTree puts each object below its owner, as their owner references say.
func growTree(members []live.Entry, owned []*unstructured.Unstructured) []Node {
	children := map[types.UID][]*unstructured.Unstructured{}
	isMember := map[types.UID]bool{}
	for _, entry := range members {
		isMember[entry.UID] = true
	}
	for _, u := range owned {
		if owner := ownerOf(u); owner != "" && !isMember[u.GetUID()] {
			children[owner] = append(children[owner], u)
		}
	}
	nodes := make([]Node, 0, len(members))
	for _, entry := range members {
		node := Node{
			ID: entry.ID, Object: entry.ID.String(), Health: healthWord(entry.Health.Status),
			Message: entry.Health.Message, Created: entry.Created, Children: growBelow(entry.UID, children),
		}
		if entry.Terminating {
			node.Health = string(health.Terminating)
		}
		nodes = append(nodes, node)
	}
	return nodes
}

// growBelow takes the children of an owner out of the map, so that references that
// lead in a circle come to an end.
func growBelow(owner types.UID, children map[types.UID][]*unstructured.Unstructured) []Node {
	found := children[owner]
	delete(children, owner)
	var nodes []Node
	for _, u := range found {
		id, state := manifest.IDOf(u), health.Of(u)
		node := Node{
			ID: id, Object: id.String(), Health: healthWord(state.Status), Message: state.Message,
			Created: u.GetCreationTimestamp().Time, Children: growBelow(u.GetUID(), children),
		}
		if u.GetDeletionTimestamp() != nil {
			node.Health = string(health.Terminating)
		}
		replicas, _, _ := unstructured.NestedInt64(u.Object, "spec", "replicas")
		node.Old = id.GroupKind() == replicaSetKind && replicas == 0 && len(node.Children) == 0
		nodes = append(nodes, node)
	}
	slices.SortFunc(nodes, func(x, y Node) int { return x.ID.Compare(y.ID) })
	return nodes
}

// ownerOf is the object's controller, or else the first of its owners.
func ownerOf(u *unstructured.Unstructured) types.UID {
	if controller := metav1.GetControllerOf(u); controller != nil {
		return controller.UID
	}
	if owners := u.GetOwnerReferences(); len(owners) > 0 {
		return owners[0].UID
	}
	return ""
}

// healthWord is a verdict in the words of status.
func healthWord(status health.Status) string {
	if status == health.Failed {
		return "failing"
	}
	return string(cmp.Or(status, health.Unknown))
}

// RunsPods reports whether the node is a pod, or of a kind whose controller creates
// pods.
func (n Node) RunsPods() bool {
	return n.ID.GroupKind() == podKind || len(below[n.ID.GroupKind()]) > 0
}

// Pods lists the pods of some nodes, and of all below them.
func Pods(nodes []Node) []Node {
	var pods []Node
	for _, node := range nodes {
		if node.ID.GroupKind() == podKind {
			pods = append(pods, node)
		}
		pods = append(pods, Pods(node.Children)...)
	}
	return pods
}

// find lists the nodes, at any depth, that a test finds.
func find(nodes []Node, is func(manifest.ID) bool) []Node {
	var found []Node
	for _, node := range nodes {
		if is(node.ID) {
			found = append(found, node)
			continue
		}
		found = append(found, find(node.Children, is)...)
	}
	return found
}
