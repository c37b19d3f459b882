package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// NamespacedKinds lists the kinds of objects in namespaces that can be listed, each in its
// preferred version. broken names the APIs that do not answer.
func (c *Cluster) NamespacedKinds(ctx context.Context) (kinds []Kind, broken []string, err error) {
	known, err := c.kinds.recent(ctx)
	if err != nil {
		return nil, nil, c.wrap("ask what it serves", err)
	}
	seen := map[schema.GroupKind]bool{}
	for gvk := range known.kinds {
		kind, err := known.preferred(gvk.GroupKind())
		if err != nil || seen[gvk.GroupKind()] || !kind.Namespaced || !kind.Can("list") || !kind.Can("delete") {
			continue
		}
		seen[gvk.GroupKind()] = true
		kinds = append(kinds, kind)
	}
	for gv := range known.broken {
		broken = append(broken, gv.String())
	}
	slices.Sort(broken)
	slices.SortFunc(kinds, func(a, b Kind) int { return strings.Compare(a.Resource.String(), b.Resource.String()) })
	return kinds, broken, nil
}

// metadataPage is the most objects that one request of ListMetadata lists.
const metadataPage = 500

// ListMetadata lists the objects of a kind in a namespace, without their content, up to a
// number; more says that there are more.
func (c *Cluster) ListMetadata(ctx context.Context, kind Kind, namespace string, most int) (list []metav1.PartialObjectMetadata, more bool, err error) {
	at, err := listPath(kind.Resource, namespace)
	if err != nil {
		return nil, false, err
	}
	for next := ""; ; {
		var page metav1.PartialObjectMetadataList
		data, err := c.requests.metadata.Get().AbsPath(at).
			SetHeader("Accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1").
			Param("limit", strconv.Itoa(min(metadataPage, max(most-len(list), 1)))).Param("continue", next).
			Do(ctx).Raw()
		if err != nil {
			return nil, false, c.wrapFor(ctx, kind, "list "+kind.Resource.Resource, err)
		}
		if err := json.Unmarshal(data, &page); err != nil {
			return nil, false, fmt.Errorf("decode the list of %s: %w", kind.Resource.Resource, err)
		}
		list = append(list, page.Items...)
		if next = page.Continue; next == "" || len(list) >= most {
			return list, next != "", nil
		}
	}
}
