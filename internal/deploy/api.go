package deploy

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
)

// clusterAPI has the requests to a cluster, of the engine and of plans. A kubeAPI
// implements it.
type clusterAPI interface {
	plan.API
	Check(ctx context.Context) (version string, err error)
	Latencies() []kube.Latency
	KindsNamed(ctx context.Context, word string) ([]schema.GroupKind, error)

	EnsureSystemNamespace(ctx context.Context) error
	ReadParent(ctx context.Context, app name.App, repository name.Repo) (kube.Parent, error)
	ListParents(ctx context.Context) ([]kube.Parent, error)
	ReadData(ctx context.Context, kind, namespace, name string) (map[string][]byte, error)

	Pods(ctx context.Context, namespace string) ([]*unstructured.Unstructured, error)
	// Owned lists objects of a kind that others own; more says that there are more of
	// them than are listed.
	Owned(ctx context.Context, kind kube.Kind, namespace string) (owned []*unstructured.Unstructured, more bool, err error)
	Containers(ctx context.Context, namespace, pod, name string) ([]kube.Container, error)
	NamespacedKinds(ctx context.Context) (kinds []kube.Kind, broken []string, err error)
	ListMetadata(ctx context.Context, kind kube.Kind, namespace string, most int) (list []metav1.PartialObjectMetadata, more bool, err error)
	Restart(ctx context.Context, kind kube.Kind, id manifest.ID, uid types.UID, at time.Time) (*unstructured.Unstructured, error)
	FollowLog(ctx context.Context, r kube.LogRequest, tell func(line string)) error
	HandBack(ctx context.Context, kind kube.Kind, u *unstructured.Unstructured, fields []metav1.ManagedFieldsEntry) error
	Occurrences(ctx context.Context, id manifest.ID) ([]kube.Occurrence, error)
}

// kubeAPI is the clusterAPI of a cluster, with the lists that package live knows to read.
type kubeAPI struct{ *kube.Cluster }

func (k kubeAPI) Pods(ctx context.Context, namespace string) ([]*unstructured.Unstructured, error) {
	return live.ListPods(ctx, k.Cluster, namespace)
}

func (k kubeAPI) Owned(ctx context.Context, kind kube.Kind, namespace string) ([]*unstructured.Unstructured, bool, error) {
	return live.ListOwned(ctx, k.Cluster, kind, namespace)
}
