package live

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
)

// Limits on one list of objects that controllers have created: a namespace may have
// more pods than anybody reads.
const (
	ownedPage = 500
	maxOwned  = 5000
)

// ListOwned reads the objects of a kind in a namespace that have owners, in brief (see
// kube.ListBrief). more
// says that there are more than it returns.
func ListOwned(ctx context.Context, cluster *kube.Cluster, kind kube.Kind, namespace string) (owned []*unstructured.Unstructured, more bool, err error) {
	options := metav1.ListOptions{Limit: ownedPage}
	for {
		list, next, err := cluster.ListBrief(ctx, kind, namespace, options)
		if err != nil {
			return nil, false, fmt.Errorf("list the %s of namespace %s: %w", kind.Resource.Resource, namespace, err)
		}
		for _, u := range list {
			if len(u.GetOwnerReferences()) > 0 {
				owned = append(owned, u)
			}
		}
		if options.Continue = next; options.Continue == "" || len(owned) >= maxOwned {
			return owned, options.Continue != "", nil
		}
	}
}
