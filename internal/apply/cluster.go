package apply

import (
	"context"
	"iter"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/plan"
)

// API has the requests to a cluster. A *kube.Cluster implements it.
type API interface {
	Name() string
	Kind(ctx context.Context, gvk schema.GroupVersionKind) (kube.Kind, error)
	KindOf(ctx context.Context, gk schema.GroupKind) (kube.Kind, error)
	Served(ctx context.Context, gk schema.GroupKind) (kind kube.Kind, served bool, err error)
	Invalidate()
	Explain(ctx context.Context, o *manifest.Object, err error) manifest.Problems

	Get(ctx context.Context, kind kube.Kind, namespace, name string) (*unstructured.Unstructured, error)
	Create(ctx context.Context, kind kube.Kind, u *unstructured.Unstructured, dryRun bool) (*unstructured.Unstructured, error)
	Apply(ctx context.Context, kind kube.Kind, u *unstructured.Unstructured, options kube.ApplyOptions) (*unstructured.Unstructured, error)
	Replace(ctx context.Context, kind kube.Kind, u *unstructured.Unstructured, version string, dryRun bool) (*unstructured.Unstructured, error)
	Succeed(ctx context.Context, kind kube.Kind, u *unstructured.Unstructured) (*unstructured.Unstructured, error)
	SetManagedFields(ctx context.Context, kind kube.Kind, u *unstructured.Unstructured, fields []metav1.ManagedFieldsEntry) error
	Release(ctx context.Context, kind kube.Kind, id manifest.ID, uid types.UID) (*unstructured.Unstructured, error)
	Delete(ctx context.Context, kind kube.Kind, namespace, name string, options kube.DeleteOptions) error

	HasNamespace(ctx context.Context, name string) (bool, error)
	EnsureSystemNamespace(ctx context.Context) error
	ReadParent(ctx context.Context, app name.App, repository name.Repo) (kube.Parent, error)
	WriteParent(ctx context.Context, was, parent kube.Parent) (kube.Parent, error)
	DeleteParent(ctx context.Context, parent kube.Parent) error

	Logs(ctx context.Context, namespace, pod, container string, lines int) ([]string, error)
}

// Index has the questions to the index of running objects. A *live.Index implements it.
type Index interface {
	Follow(ctx context.Context, kinds ...kube.Kind) error
	Use(partOf string, kinds []schema.GroupKind)
	Changed(partOf string) (signal <-chan struct{}, done func())
	Note(u *unstructured.Unstructured)
	EntryOf(u *unstructured.Unstructured) live.Entry
	Tools() owner.Tools

	plan.Sight
	Sick(partOf string) []live.Entry
	Hooks(partOf string) []live.Entry
	Beyond(partOf string, ids iter.Seq[manifest.ID]) []live.Entry
}

// Cluster is a cluster that plans are carried out on.
type Cluster struct {
	API   API
	Index Index

	pods     *podWatches
	podsOnce podSource // where pods are listed once
	classes  *classes
	slots    chan struct{} // one for each request under way
}

// NewCluster pairs a cluster with its index.
func NewCluster(cluster *kube.Cluster, index *live.Index) *Cluster {
	return newCluster(cluster, index, kubePods{cluster})
}

func newCluster(api API, index Index, pods podSource) *Cluster {
	return &Cluster{
		API: api, Index: index, pods: &podWatches{source: pods}, podsOnce: pods,
		classes: &classes{cluster: api}, slots: make(chan struct{}, applies),
	}
}

// As returns the cluster as another caller of it sees it. Watches, storage classes and
// slots are the same.
func (c *Cluster) As(caller *kube.Cluster) *Cluster {
	as := *c
	as.API, as.podsOnce = caller, kubePods{caller}
	return &as
}

// applies is how many applies and deletions one cluster is sent at a time, by
// all apps together. Whoever waits for a slot is served in the order of
// waiting, and no app waits for more than plan.Parallel: so a small app is through
// soon while one of ten thousand objects is deployed, and a thousand apps of one
// push do not all hold a request's time limit while they wait.
const applies = 2 * plan.Parallel

// slot waits for a slot and returns the function that frees it.
func (c *Cluster) slot() (free func()) {
	c.slots <- struct{}{}
	return func() { <-c.slots }
}

// get reads an object in the version that the API server prefers.
func (c *Cluster) get(ctx context.Context, id manifest.ID) (*unstructured.Unstructured, error) {
	kind, err := c.API.KindOf(ctx, id.GroupKind())
	if err != nil {
		return nil, err
	}
	return c.API.Get(ctx, kind, id.Namespace, id.Name)
}

// CauseOf finds the reason why the pods of a workload's current revision are not ready.
func (c *Cluster) CauseOf(ctx context.Context, id manifest.ID, pods []*unstructured.Unstructured) (health.Cause, bool) {
	workload, err := c.get(ctx, id)
	if err != nil {
		return health.Cause{}, false
	}
	slices.SortFunc(pods, func(x, y *unstructured.Unstructured) int { return strings.Compare(x.GetName(), y.GetName()) })
	for _, pod := range pods {
		if cause, ok := health.PodCause(pod); ok && health.Selects(workload, pod) {
			return cause, true
		}
	}
	return health.Cause{}, false
}

// failedPod finds the newest pod of an object that has something to say.
func (c *Cluster) failedPod(ctx context.Context, id manifest.ID) (*unstructured.Unstructured, health.Cause) {
	workload, err := c.get(ctx, id)
	if err != nil || !health.RunsPods(workload) {
		return nil, health.Cause{}
	}
	pods, err := c.podsOnce.List(ctx, id.Namespace)
	if err != nil {
		return nil, health.Cause{}
	}
	var newest *unstructured.Unstructured
	var why health.Cause
	for _, pod := range pods {
		cause, ok := health.PodCause(pod)
		if !ok || !health.Selects(workload, pod) {
			continue
		}
		if at := pod.GetCreationTimestamp(); newest == nil || newest.GetCreationTimestamp().Time.Before(at.Time) {
			newest, why = pod, cause
		}
	}
	return newest, why
}
