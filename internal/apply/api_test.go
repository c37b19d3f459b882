package apply

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
)

// fakeAPI is an API server that keeps its objects in a map. Applies are merged by
// Kubernetes' own code. It notes each request about an object, as "apply ConfigMap shop/a".
// A test may answer the first requests itself.
type fakeAPI struct {
	kinds   kubetest.Kinds
	tell    func(*unstructured.Unstructured) // the watches; nil if they are silent
	status  map[string]string                // the status that controllers give to new objects, by kind, as YAML
	plainly string                           // the message that Explain makes of an error

	mu      sync.Mutex
	running map[manifest.ID]*unstructured.Unstructured
	parent  kube.Parent
	logs    map[string][]string // by container, as "shop/pod/container"
	answers map[string][]func() error
	asked   []string
	changes int // of all objects
	rounds  int // the number of times that discovery had to look again
}

func newFakeAPI() *fakeAPI {
	api := &fakeAPI{
		status: map[string]string{}, running: map[manifest.ID]*unstructured.Unstructured{}, parent: kube.NewParent("shop", "shop"),
		logs: map[string][]string{}, answers: map[string][]func() error{},
		kinds: kubetest.NewKinds(
			schema.GroupVersionKind{Version: "v1", Kind: "PersistentVolumeClaim"},
			schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"},
			schema.GroupVersionKind{Group: "batch", Version: "v1", Kind: "Job"},
		),
	}
	api.kinds[plan.StorageClass.WithVersion("v1")] = kube.Kind{GVK: plan.StorageClass.WithVersion("v1")}
	return api
}

// answer sets functions that answer the first of some equal requests. They may change the
// cluster, or wait, before they refuse the request. With nil, the request passes.
func (c *fakeAPI) answer(request string, answers ...func() error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers[request] = append(c.answers[request], answers...)
}

// refuse makes the first of some equal requests fail. A nil error lets its request pass.
func (c *fakeAPI) refuse(request string, errs ...error) {
	for _, err := range errs {
		c.answer(request, func() error { return err })
	}
}

// ask notes a request, and returns the error with which it has to fail.
func (c *fakeAPI) ask(verb, of string) error {
	request := verb + " " + of
	c.mu.Lock()
	c.asked = append(c.asked, request)
	answers := c.answers[request]
	if len(answers) == 0 {
		c.mu.Unlock()
		return nil
	}
	c.answers[request] = answers[1:]
	c.mu.Unlock()
	return answers[0]()
}

func (c *fakeAPI) Name() string { return "default" }

func (c *fakeAPI) Invalidate() { c.rounds++ }

func (c *fakeAPI) Kind(ctx context.Context, gvk schema.GroupVersionKind) (kube.Kind, error) {
	return c.kinds.Kind(ctx, gvk)
}

func (c *fakeAPI) KindOf(ctx context.Context, gk schema.GroupKind) (kube.Kind, error) {
	return c.kinds.KindOf(ctx, gk)
}

func (c *fakeAPI) Served(ctx context.Context, gk schema.GroupKind) (kube.Kind, bool, error) {
	if err := c.ask("served", gk.String()); err != nil {
		return kube.Kind{}, false, err
	}
	kind, served := c.kinds.Served(ctx, gk)
	return kind, served, nil
}

func (c *fakeAPI) Explain(_ context.Context, o *manifest.Object, _ error) manifest.Problems {
	if c.plainly == "" {
		return nil
	}
	return manifest.Problems{{Source: o.Source, Message: c.plainly}}
}

func (c *fakeAPI) Get(_ context.Context, kind kube.Kind, namespace, name string) (*unstructured.Unstructured, error) {
	id := manifest.ID{Group: kind.GVK.Group, Kind: kind.GVK.Kind, Namespace: namespace, Name: name}
	if err := c.ask("get", id.String()); err != nil {
		return nil, err
	}
	if u := c.look(id); u != nil {
		return u, nil
	}
	return nil, kubetest.NotFound(id)
}

// look returns the running object; nil if there is none.
func (c *fakeAPI) look(id manifest.ID) *unstructured.Unstructured {
	c.mu.Lock()
	defer c.mu.Unlock()
	if u := c.running[id]; u != nil {
		return u.DeepCopy()
	}
	return nil
}

func (c *fakeAPI) Create(_ context.Context, _ kube.Kind, u *unstructured.Unstructured, _ bool) (*unstructured.Unstructured, error) {
	id := manifest.IDOf(u)
	if err := c.ask("create", id.String()); err != nil {
		return nil, err
	}
	return c.store(u), nil
}

func (c *fakeAPI) Apply(_ context.Context, _ kube.Kind, u *unstructured.Unstructured, _ kube.ApplyOptions) (*unstructured.Unstructured, error) {
	id := manifest.IDOf(u)
	if err := c.ask("apply", id.String()); err != nil {
		return nil, err
	}
	if id.Namespace != "" && c.look(plan.NamespaceID(id.Namespace)) == nil {
		return nil, kubetest.NoNamespace(id.Namespace)
	}
	return c.apply(u, kube.FieldManager)
}

// apply applies an object in the name of a manager.
func (c *fakeAPI) apply(u *unstructured.Unstructured, manager string) (*unstructured.Unstructured, error) {
	after, err := kubetest.Apply(c.look(manifest.IDOf(u)), u, manager)
	if err != nil {
		return nil, err
	}
	return c.store(after), nil
}

// update writes an object as a whole in the name of a manager.
func (c *fakeAPI) update(u *unstructured.Unstructured, manager string) (*unstructured.Unstructured, error) {
	after, err := kubetest.Update(c.look(manifest.IDOf(u)), u, manager)
	if err != nil {
		return nil, err
	}
	return c.store(after), nil
}

// orEmpty returns the running object; without any fields if there is none.
func (c *fakeAPI) orEmpty(u *unstructured.Unstructured) *unstructured.Unstructured {
	if running := c.look(manifest.IDOf(u)); running != nil {
		return running
	}
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": u.GetAPIVersion(), "kind": u.GetKind()}}
}

func (c *fakeAPI) Replace(_ context.Context, _ kube.Kind, u *unstructured.Unstructured, version string, _ bool) (*unstructured.Unstructured, error) {
	id := manifest.IDOf(u)
	if err := c.ask("replace", id.String()); err != nil {
		return nil, err
	}
	if c.orEmpty(u).GetResourceVersion() != version {
		return nil, kubetest.Conflict(id)
	}
	return c.update(u, kube.FieldManager)
}

func (c *fakeAPI) Succeed(ctx context.Context, kind kube.Kind, u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if err := c.ask("succeed", manifest.IDOf(u).String()); err != nil {
		return nil, err
	}
	kept := slices.DeleteFunc(u.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool { return kube.Succeeds(entry.Manager) })
	return c.own(u, kept)
}

func (c *fakeAPI) SetManagedFields(_ context.Context, _ kube.Kind, u *unstructured.Unstructured, fields []metav1.ManagedFieldsEntry) error {
	if err := c.ask("own", manifest.IDOf(u).String()); err != nil {
		return err
	}
	_, err := c.own(u, fields)
	return err
}

func (c *fakeAPI) own(u *unstructured.Unstructured, fields []metav1.ManagedFieldsEntry) (*unstructured.Unstructured, error) {
	running := c.orEmpty(u)
	if running.GetResourceVersion() != u.GetResourceVersion() {
		return nil, kubetest.Conflict(manifest.IDOf(u))
	}
	running.SetManagedFields(fields)
	return c.store(running), nil
}

func (c *fakeAPI) Release(_ context.Context, _ kube.Kind, id manifest.ID, uid types.UID) (*unstructured.Unstructured, error) {
	if err := c.ask("release", id.String()); err != nil {
		return nil, err
	}
	u := c.look(id)
	switch {
	case u == nil:
		return nil, kubetest.NotFound(id)
	case u.GetUID() != uid:
		return nil, kubetest.Conflict(id)
	}
	u.SetLabels(nil)
	return c.store(u), nil
}

func (c *fakeAPI) Delete(_ context.Context, kind kube.Kind, namespace, name string, options kube.DeleteOptions) error {
	id := manifest.ID{Group: kind.GVK.Group, Kind: kind.GVK.Kind, Namespace: namespace, Name: name}
	if err := c.ask("delete", id.String()); err != nil {
		return err
	}
	u := c.look(id)
	switch {
	case u == nil:
		return kubetest.NotFound(id)
	case options.UID != "" && u.GetUID() != options.UID:
		return apierrors.NewConflict(schema.GroupResource{Resource: id.Kind}, id.Name, fmt.Errorf("the UID in the precondition does not match"))
	case len(u.GetFinalizers()) > 0:
		now := metav1.Now()
		u.SetDeletionTimestamp(&now)
		c.store(u)
		return nil
	}
	c.vanish(id)
	return nil
}

func (c *fakeAPI) HasNamespace(_ context.Context, name string) (bool, error) {
	id := plan.NamespaceID(name)
	if err := c.ask("look for", id.String()); err != nil {
		return false, err
	}
	return c.look(id) != nil, nil
}

func (c *fakeAPI) EnsureSystemNamespace(context.Context) error {
	return c.ask("make", "the system namespace")
}

func (c *fakeAPI) ReadParent(_ context.Context, _ name.App, _ name.Repo) (kube.Parent, error) {
	if err := c.ask("read", "the inventory"); err != nil {
		return kube.Parent{}, err
	}
	return c.parent, nil
}

func (c *fakeAPI) WriteParent(_ context.Context, was, parent kube.Parent) (kube.Parent, error) {
	if was.Exists() && parent.Equal(was) {
		return was, nil
	}
	if err := c.ask("write", "the inventory"); err != nil {
		return kube.Parent{}, err
	}
	c.parent = kubetest.Parent(parent.App, parent.Repository, parent.Server, "2", kubetest.Extent{Kinds: parent.Kinds.String(), Namespaces: parent.Namespaces.String()})
	return c.parent, nil
}

func (c *fakeAPI) DeleteParent(context.Context, kube.Parent) error {
	if err := c.ask("delete", "the inventory"); err != nil {
		return err
	}
	c.parent = kube.NewParent("shop", "shop")
	return nil
}

func (c *fakeAPI) Logs(_ context.Context, namespace, pod, container string, lines int) ([]string, error) {
	of := namespace + "/" + pod + "/" + container
	if err := c.ask("log", of); err != nil {
		return nil, err
	}
	return c.logs[of][max(len(c.logs[of])-lines, 0):], nil
}

// store makes an object run as it is, under a new version, and reports it to the watches.
func (c *fakeAPI) store(u *unstructured.Unstructured) *unstructured.Unstructured {
	c.mu.Lock()
	id := manifest.IDOf(u)
	c.changes++
	u.SetResourceVersion(strconv.Itoa(c.changes))
	if was := c.running[id]; was != nil {
		u.SetUID(was.GetUID())
	} else {
		u.SetUID(types.UID(fmt.Sprint("uid ", c.changes)))
		give(u, c.status[u.GetKind()])
	}
	c.running[id] = u.DeepCopy()
	c.mu.Unlock()
	if c.tell != nil {
		c.tell(u.DeepCopy())
	}
	return u
}

// vanish ends an object. Without its label, the index forgets it.
func (c *fakeAPI) vanish(id manifest.ID) {
	c.mu.Lock()
	u := c.running[id]
	delete(c.running, id)
	c.changes++
	u.SetResourceVersion(strconv.Itoa(c.changes))
	c.mu.Unlock()
	u.SetLabels(nil)
	if c.tell != nil {
		c.tell(u)
	}
}
