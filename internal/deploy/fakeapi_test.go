package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// fakeAPI is a cluster in memory: the kinds that it serves, the objects that run, and the
// requests that fail. An apply stores an object as it is written. Requests that the engine
// does not make in these tests are not implemented, and panic.
type fakeAPI struct {
	siteAPI
	kinds   kubetest.Kinds
	running map[manifest.ID]*unstructured.Unstructured
	parents map[name.App]kube.Parent // by app
	owned   []*unstructured.Unstructured
	data    map[string][]byte // the data of every Secret
	vetted  manifest.Problems

	mu    sync.Mutex
	fails map[string]error // by request, as "get ConfigMap shop/a", or by verb, as "get"
	asked []string
}

type siteAPI = apply.API

func newFakeAPI() *fakeAPI {
	return &fakeAPI{
		running: map[manifest.ID]*unstructured.Unstructured{}, parents: map[name.App]kube.Parent{}, fails: map[string]error{},
		kinds: kubetest.NewKinds(
			schema.GroupVersionKind{Version: "v1", Kind: "Service"},
			schema.GroupVersionKind{Version: "v1", Kind: "Pod"},
			schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"},
			schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "ReplicaSet"},
		),
	}
}

// change changes the API's answers, while other goroutines may use it.
func (c *fakeAPI) change(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do()
}

// ask notes a request, and returns the error with which it has to fail.
func (c *fakeAPI) ask(verb string, of fmt.Stringer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	request := verb + " " + of.String()
	c.asked = append(c.asked, request)
	if err := c.fails[request]; err != nil {
		return err
	}
	return c.fails[verb]
}

// named is a name in the form that ask takes.
type named string

func (n named) String() string { return string(n) }

func (c *fakeAPI) Name() string { return "default" }

func (c *fakeAPI) Kind(ctx context.Context, gvk schema.GroupVersionKind) (kube.Kind, error) {
	return c.kinds.Kind(ctx, gvk)
}

func (c *fakeAPI) KindOf(ctx context.Context, gk schema.GroupKind) (kube.Kind, error) {
	return c.kinds.KindOf(ctx, gk)
}

func (c *fakeAPI) Served(ctx context.Context, gk schema.GroupKind) (kube.Kind, bool, error) {
	kind, served := c.kinds.Served(ctx, gk)
	return kind, served, nil
}

func (c *fakeAPI) KindsNamed(_ context.Context, word string) ([]schema.GroupKind, error) {
	if word == "deploy" {
		return []schema.GroupKind{{Group: "apps", Kind: "Deployment"}}, c.ask("name", named(word))
	}
	return nil, c.ask("name", named(word))
}

func (c *fakeAPI) Vet(context.Context, *kube.Schemas) manifest.Problems { return c.vetted }

func (c *fakeAPI) HasNamespace(_ context.Context, name string) (bool, error) {
	return name == "shop", c.ask("look for", named(name))
}

func (c *fakeAPI) Get(_ context.Context, kind kube.Kind, namespace, name string) (*unstructured.Unstructured, error) {
	id := manifest.ID{Group: kind.GVK.Group, Kind: kind.GVK.Kind, Namespace: namespace, Name: name}
	if err := c.ask("get", id); err != nil {
		return nil, err
	}
	if u := c.running[id]; u != nil {
		return u.DeepCopy(), nil
	}
	return nil, kubetest.NotFound(id)
}

func (c *fakeAPI) TryOut(_ context.Context, _ kube.Kind, u *unstructured.Unstructured) (bool, error) {
	id := manifest.IDOf(u)
	return c.running[id] != nil, c.ask("try", id)
}

func (c *fakeAPI) Apply(_ context.Context, _ kube.Kind, u *unstructured.Unstructured, _ kube.ApplyOptions) (*unstructured.Unstructured, error) {
	after := u.DeepCopy()
	after.SetManagedFields(settings(u.GetName(), "1").GetManagedFields())
	return after, c.ask("apply", manifest.IDOf(u))
}

func (c *fakeAPI) Replace(context.Context, kube.Kind, *unstructured.Unstructured, string, bool) (*unstructured.Unstructured, error) {
	panic("no test replaces")
}

func (c *fakeAPI) Rehearse(context.Context, kube.Kind, *manifest.Object) manifest.Problems {
	return nil
}

func (c *fakeAPI) Explain(_ context.Context, o *manifest.Object, err error) manifest.Problems {
	return manifest.Problems{{Source: o.Source, Object: o.ID().String(), Message: err.Error()}}
}

func (c *fakeAPI) EnsureSystemNamespace(context.Context) error {
	return c.ask("make", named("the system namespace"))
}

func (c *fakeAPI) ReadParent(_ context.Context, app name.App, repository name.Repo) (kube.Parent, error) {
	err := c.ask("read parent", named(app))
	if parent, ok := c.parents[app]; ok {
		return parent, err
	}
	return kube.NewParent(app, repository), err
}

func (c *fakeAPI) WriteParent(_ context.Context, _, parent kube.Parent) (kube.Parent, error) {
	c.parents[parent.App] = existing(parent)
	return c.parents[parent.App], c.ask("write parent", named(parent.App))
}

func (c *fakeAPI) ListParents(context.Context) ([]kube.Parent, error) {
	return slices.Collect(maps.Values(c.parents)), c.ask("list", named("parents"))
}

func (c *fakeAPI) ReadData(_ context.Context, kind, namespace, name string) (map[string][]byte, error) {
	return c.data, c.ask("read", manifest.ID{Kind: kind, Namespace: namespace, Name: name})
}

func (c *fakeAPI) Owned(_ context.Context, kind kube.Kind, namespace string) ([]*unstructured.Unstructured, bool, error) {
	var found []*unstructured.Unstructured
	for _, u := range c.owned {
		if u.GetKind() == kind.GVK.Kind && u.GetNamespace() == namespace {
			found = append(found, u)
		}
	}
	err := c.ask("list", named(kind.GVK.Kind+" in "+namespace))
	return found, len(found) > 2, err
}

func (c *fakeAPI) Pods(_ context.Context, namespace string) ([]*unstructured.Unstructured, error) {
	return c.owned, c.ask("list pods", named(namespace))
}

func (c *fakeAPI) Containers(_ context.Context, _, pod, name string) ([]kube.Container, error) {
	if name != "" {
		return []kube.Container{{Name: name}}, c.ask("containers of", named(pod))
	}
	return []kube.Container{{Name: "main"}, {Name: "sidecar"}}, c.ask("containers of", named(pod))
}

func (c *fakeAPI) NamespacedKinds(context.Context) ([]kube.Kind, []string, error) {
	return nil, nil, c.ask("list", named("kinds"))
}

func (c *fakeAPI) ListMetadata(_ context.Context, kind kube.Kind, namespace string, _ int) ([]metav1.PartialObjectMetadata, bool, error) {
	return nil, false, c.ask("list", named(kind.Resource.Resource+" in "+namespace))
}

func (c *fakeAPI) Restart(_ context.Context, _ kube.Kind, id manifest.ID, uid types.UID, at time.Time) (*unstructured.Unstructured, error) {
	return nil, c.ask("restart", named(id.String()+" with uid "+string(uid)))
}

func (c *fakeAPI) FollowLog(_ context.Context, r kube.LogRequest, tell func(line string)) error {
	tell("the log of " + r.Namespace + "/" + r.Pod + "/" + r.Container + " says opensesame")
	return c.ask("log", named(r.Pod))
}

func (c *fakeAPI) Occurrences(_ context.Context, id manifest.ID) ([]kube.Occurrence, error) {
	return []kube.Occurrence{{Reason: "Failed", Note: id.Name + " says opensesame", Warning: true, Times: 2}}, c.ask("events", named(id.String()))
}

func (c *fakeAPI) Check(context.Context) (string, error) {
	return "v1.37.2", c.ask("ask", named("version"))
}

func (c *fakeAPI) Latencies() []kube.Latency { return nil }

// existing returns a parent as a cluster would.
func existing(p kube.Parent) kube.Parent {
	return kubetest.Parent(p.App, p.Repository, p.Server, "7", kubetest.Extent{Kinds: p.Kinds.String(), Namespaces: p.Namespaces.String()})
}

// fakeIndex is an index without watches: the test enters the objects that they would see.
type fakeIndex struct {
	*live.Index
	fresh time.Time

	mu       sync.Mutex
	followed []string // the kinds
}

func (x *fakeIndex) Follow(_ context.Context, kinds ...kube.Kind) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, kind := range kinds {
		x.followed = append(x.followed, kind.GVK.Kind)
	}
	return nil
}

func (x *fakeIndex) Fresh(_ context.Context, moment time.Time, _ ...kube.Kind) error {
	x.fresh = moment
	return nil
}

// answering makes the office's cluster answer.
func (o *office) answering() *fakeAPI {
	api, cluster := newFakeAPI(), o.Clusters.Get("default")
	cluster.api, cluster.site.API, cluster.planIndex = api, api, &fakeIndex{Index: o.index}
	cluster.site.Index = &fakeIndex{Index: o.index}
	close(cluster.opened)
	return api
}

func (c *fakeAPI) HandBack(context.Context, kube.Kind, *unstructured.Unstructured, []metav1.ManagedFieldsEntry) error {
	panic("no test hands back")
}
