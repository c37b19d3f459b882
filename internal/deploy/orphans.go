package deploy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Orphans are the objects of a namespace that no app wants and no other object owns. There
// is nothing of their content.
type Orphans struct {
	Cluster   string   `json:"cluster"`
	Namespace string   `json:"namespace"`
	Objects   []Orphan `json:"objects"`
	Helm      []string `json:"helmReleases,omitempty"` // whose own Secrets or ConfigMaps are there, and not among the objects
	Unseen    []string `json:"unseen,omitempty"`       // why some objects may lack
}

// Orphan is one of them.
type Orphan struct {
	Object  string    `json:"object"`
	Created time.Time `json:"created"`
	Manager string    `json:"manager,omitempty"` // the field manager that wrote it first, as far as is known
	Note    string    `json:"note,omitempty"`
}

// Bounds on one search.
const (
	maxNamespaced  = 5000 // objects that are read
	maxUnseen      = 20   // reasons that are told
	orphansTimeout = 30 * time.Second
)

// Namespaces lists the namespaces in which an app has objects, or would have some, and its
// cluster.
func (e *Engine) Namespaces(app name.App) (cluster string, namespaces []string) {
	a, t := e.app(app), e.wantedOf(app)
	if a == nil || t == nil {
		return "", nil
	}
	if t.Spec.Namespace != "" {
		namespaces = append(namespaces, t.Spec.Namespace)
	}
	for _, entry := range a.members() {
		if entry.ID.Namespace != "" && !slices.Contains(namespaces, entry.ID.Namespace) {
			namespaces = append(namespaces, entry.ID.Namespace)
		}
	}
	return t.Spec.Cluster, namespaces
}

// IsIn reports whether the app has objects in a namespace, or would have some.
func (e *Engine) IsIn(app name.App, namespace string) bool {
	a, t := e.app(app), e.wantedOf(app)
	if a == nil || t == nil {
		return false
	}
	if t.Spec.Namespace == namespace {
		return namespace != ""
	}
	at := e.Clusters.Get(t.Spec.Cluster)
	return at != nil && at.Index.Has(a.set, func(entry *live.Entry) bool {
		return entry.ID.Namespace == namespace && a.ledger.Made(*entry)
	})
}

// ErrNoCluster is for a cluster that the server does not have.
var ErrNoCluster = fmt.Errorf("there is no such cluster")

// Orphans searches a namespace as the account of a repository, or as the server itself for
// the repository "".
func (e *Engine) Orphans(ctx context.Context, repo name.Repo, cluster, namespace string) (Orphans, error) {
	e.known()
	found := Orphans{Cluster: cluster, Namespace: namespace, Objects: []Orphan{}}
	at := e.Clusters.Get(cluster)
	if at == nil {
		return found, ErrNoCluster
	}
	ctx, cancel := context.WithTimeout(ctx, orphansTimeout)
	defer cancel()
	api := at.api
	if repo != "" {
		api = e.as(repo, at).api
	}
	kinds, broken, err := api.NamespacedKinds(ctx)
	if err != nil {
		return found, err
	}
	there := inNamespace{listed: map[schema.GroupKind]bool{}}
	for _, gv := range broken {
		there.miss("the API " + gv + " does not answer")
	}
	for _, kind := range kinds {
		if madeBySystem(kind.GVK.GroupKind()) {
			continue
		}
		if err := there.list(ctx, api, kind, namespace); err != nil {
			return found, err
		}
	}
	wanted := func(id manifest.ID, set string) (wanted bool) {
		_, known := e.claims.AppOf(set)
		return known || e.claims.Owner(cluster, id) != ""
	}
	found.Objects, found.Helm = there.orphans(wanted)
	found.Unseen = there.unseen
	return found, nil
}

// madeBySystem reports whether only Kubernetes makes objects of a kind.
func madeBySystem(gk schema.GroupKind) bool {
	switch gk.Group {
	case "metrics.k8s.io", "events.k8s.io", "discovery.k8s.io", "coordination.k8s.io":
		return true
	case "":
		return gk.Kind == "Event" || gk.Kind == "Endpoints"
	}
	return gk == schema.GroupKind{Group: "apps", Kind: "ControllerRevision"}
}

// inNamespace is what a namespace has, as far as it could be listed.
type inNamespace struct {
	objects []namespaced
	listed  map[schema.GroupKind]bool // in full
	unseen  []string
}

// namespaced is one object of it.
type namespaced struct {
	id   manifest.ID
	meta metav1.ObjectMeta
}

func (n *inNamespace) miss(why string) {
	if len(n.unseen) < maxUnseen {
		n.unseen = append(n.unseen, manifest.OneLine(why))
	}
}

// list adds the objects of a kind. A kind that cannot be listed is noted; the error is ctx's.
func (n *inNamespace) list(ctx context.Context, api clusterAPI, kind kube.Kind, namespace string) error {
	gk := kind.GVK.GroupKind()
	room := maxNamespaced - len(n.objects)
	if room <= 0 {
		n.miss(fmt.Sprintf("only %d objects are read: no %s", maxNamespaced, kind.Resource.Resource))
		return nil
	}
	items, more, err := api.ListMetadata(ctx, kind, namespace, room)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		n.miss(err.Error())
		return nil
	case more:
		n.miss(fmt.Sprintf("only %d objects are read: not all %s", maxNamespaced, kind.Resource.Resource))
	}
	n.listed[gk] = !more
	for i := range items {
		id := manifest.ID{Group: gk.Group, Kind: gk.Kind, Namespace: items[i].Namespace, Name: items[i].Name}
		n.objects = append(n.objects, namespaced{id, items[i].ObjectMeta})
	}
	return nil
}

// orphans decides which objects nobody wants and nobody owns, and which releases of Helm
// have left their own there.
func (n *inNamespace) orphans(wanted func(id manifest.ID, set string) bool) (orphans []Orphan, helm []string) {
	there := map[types.UID]bool{}
	for _, o := range n.objects {
		there[o.meta.UID] = true
	}
	orphans = []Orphan{}
	told := map[types.UID]bool{} // an object may be listed as of several groups
	for _, o := range n.objects {
		if told[o.meta.UID] || o.ofSystem() || wanted(o.id, o.meta.Labels[kube.PartOfLabel]) {
			continue
		}
		told[o.meta.UID] = true
		if release := o.helmRelease(); release != "" {
			if !slices.Contains(helm, release) {
				helm = append(helm, release)
			}
			continue
		}
		owned, note := n.owned(o, there)
		if owned {
			continue
		}
		if set := o.meta.Labels[kube.PartOfLabel]; set != "" {
			note = strings.TrimPrefix(note+", of an ApplySet that no app here has", ", ")
		}
		orphans = append(orphans, Orphan{Object: o.id.String(), Created: o.meta.CreationTimestamp.UTC(), Manager: o.maker(), Note: note})
	}
	slices.SortFunc(orphans, func(a, b Orphan) int { return strings.Compare(a.Object, b.Object) })
	slices.Sort(helm)
	return orphans, helm
}

// owned reports whether an object that is there, or may be, owns another. note says what
// became of the owner otherwise.
func (n *inNamespace) owned(o namespaced, there map[types.UID]bool) (owned bool, note string) {
	for _, ref := range o.meta.OwnerReferences {
		group, _, _ := strings.Cut(ref.APIVersion, "/")
		if !strings.Contains(ref.APIVersion, "/") {
			group = ""
		}
		if there[ref.UID] || !n.listed[schema.GroupKind{Group: group, Kind: ref.Kind}] {
			return true, "" // of what was not listed, nobody knows
		}
		note = "its owner is gone: " + manifest.Clean(ref.Kind+" "+ref.Name)
	}
	return false, note
}

// ofSystem reports whether Kubernetes makes the object in each namespace, or for an account.
func (o namespaced) ofSystem() bool {
	switch o.id.GroupKind() {
	case schema.GroupKind{Kind: "ConfigMap"}:
		return o.id.Name == "kube-root-ca.crt" || o.id.Name == "openshift-service-ca.crt"
	case schema.GroupKind{Kind: "ServiceAccount"}:
		return o.id.Name == "default"
	case manifest.SecretKind:
		return o.meta.Annotations["kubernetes.io/service-account.name"] != ""
	}
	return false
}

// helmRelease returns the release of which the object is the account of Helm; "" for any
// other object.
func (o namespaced) helmRelease() string {
	gk := o.id.GroupKind()
	if (gk == manifest.SecretKind || gk == schema.GroupKind{Kind: "ConfigMap"}) && o.meta.Labels["owner"] == "helm" {
		return cmp.Or(manifest.Clean(o.meta.Labels["name"]), o.id.Name)
	}
	return ""
}

// maker is the manager that wrote the object first.
func (o namespaced) maker() string {
	var first metav1.ManagedFieldsEntry
	for _, entry := range o.meta.ManagedFields {
		if first.Manager == "" || entry.Time != nil && first.Time != nil && entry.Time.Before(first.Time) {
			first = entry
		}
	}
	return manifest.Clean(first.Manager)
}
