package plan

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/owner"
)

// fakeAPI is an API server that answers from data: the kinds that it serves, the objects
// that run, and the requests that it refuses. Applies are merged by Kubernetes' own code,
// without a schema: a list is one value, nothing gets a default, and nothing is validated.
// It stores nothing, since a plan changes nothing.
type fakeAPI struct {
	t       *testing.T
	kinds   kubetest.Kinds
	running map[manifest.ID]*unstructured.Unstructured
	refuses map[string][]error                 // the answers to the first requests, by request: "apply ConfigMap shop/a"
	faults  map[string]string                  // what rehearsals find, by object
	fills   func(u *unstructured.Unstructured) // adds fields to the result of a dry-run; may be nil

	mu    sync.Mutex
	asked []string // every request about an object or a namespace
	looks int      // the number of look-ups of kinds
}

func newFakeAPI(t *testing.T) *fakeAPI {
	return &fakeAPI{
		t: t, running: map[manifest.ID]*unstructured.Unstructured{}, refuses: map[string][]error{}, faults: map[string]string{},
		kinds: kubetest.NewKinds(
			schema.GroupVersionKind{Version: "v1", Kind: "Service"},
			schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"},
			schema.GroupVersionKind{Group: "batch", Version: "v1", Kind: "Job"},
		),
	}
}

// ask notes a request, and returns the error with which it has to fail.
func (c *fakeAPI) ask(verb string, of fmt.Stringer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	request := verb + " " + of.String()
	c.asked = append(c.asked, request)
	answers := c.refuses[request]
	if len(answers) == 0 {
		return nil
	}
	c.refuses[request] = answers[1:]
	return answers[0]
}

func (c *fakeAPI) Name() string { return "default" }

func (c *fakeAPI) Kind(ctx context.Context, gvk schema.GroupVersionKind) (kube.Kind, error) {
	c.looks++
	return c.kinds.Kind(ctx, gvk)
}

func (c *fakeAPI) KindOf(ctx context.Context, gk schema.GroupKind) (kube.Kind, error) {
	return c.kinds.KindOf(ctx, gk)
}

func (c *fakeAPI) Served(ctx context.Context, gk schema.GroupKind) (kube.Kind, bool, error) {
	if err := c.ask("served", gk); err != nil {
		return kube.Kind{}, false, err
	}
	kind, served := c.kinds.Served(ctx, gk)
	return kind, served, nil
}

func (c *fakeAPI) Vet(context.Context, *kube.Schemas) manifest.Problems {
	return manifest.Problems{{Message: "vetted"}}
}

func (c *fakeAPI) HasNamespace(_ context.Context, name string) (bool, error) {
	id := NamespaceID(name)
	if err := c.ask("look for", id); err != nil {
		return false, err
	}
	return c.running[id] != nil, nil
}

func (c *fakeAPI) Get(_ context.Context, kind kube.Kind, namespace, name string) (*unstructured.Unstructured, error) {
	id := manifest.ID{Group: kind.GVK.Group, Kind: kind.GVK.Kind, Namespace: namespace, Name: name}
	if err := c.ask("get", id); err != nil {
		return nil, err
	}
	if _, served := c.kinds[kind.GVK]; served && c.running[id] != nil {
		return c.running[id].DeepCopy(), nil
	}
	return nil, kubetest.NotFound(id)
}

func (c *fakeAPI) TryOut(_ context.Context, _ kube.Kind, u *unstructured.Unstructured) (bool, error) {
	id := manifest.IDOf(u)
	if err := c.ask("try", id); err != nil {
		return false, err
	}
	_, err := c.merge(u, kube.FieldManager)
	return c.running[id] != nil, err
}

func (c *fakeAPI) Rehearse(_ context.Context, _ kube.Kind, o *manifest.Object) manifest.Problems {
	_ = c.ask("rehearse", o.ID())
	if fault := c.faults[o.ID().String()]; fault != "" {
		return manifest.Problems{{Source: o.Source, Object: o.ID().String(), Message: fault}}
	}
	return nil
}

func (c *fakeAPI) Apply(_ context.Context, kind kube.Kind, u *unstructured.Unstructured, options kube.ApplyOptions) (*unstructured.Unstructured, error) {
	if !options.DryRun {
		c.t.Errorf("a plan applies %s", manifest.IDOf(u))
	}
	if err := c.ask("apply", manifest.IDOf(u)); err != nil {
		return nil, err
	}
	if _, served := c.kinds[kind.GVK]; !served {
		return nil, kubetest.NotFound(manifest.IDOf(u))
	}
	return c.filled(c.merge(u, kube.FieldManager))
}

func (c *fakeAPI) Replace(_ context.Context, _ kube.Kind, u *unstructured.Unstructured, version string, dryRun bool) (*unstructured.Unstructured, error) {
	id := manifest.IDOf(u)
	if !dryRun {
		c.t.Errorf("a plan replaces %s", id)
	}
	if err := c.ask("replace", id); err != nil {
		return nil, err
	}
	if was := c.running[id].GetResourceVersion(); was != version {
		return nil, kubetest.Conflict(id)
	}
	return c.filled(c.update(u, kube.FieldManager))
}

// filled adds the server's fields to the result of a dry-run.
func (c *fakeAPI) filled(after *unstructured.Unstructured, err error) (*unstructured.Unstructured, error) {
	if err == nil && c.fills != nil {
		c.fills(after)
	}
	return after, err
}

func (c *fakeAPI) Explain(_ context.Context, o *manifest.Object, err error) manifest.Problems {
	return manifest.Problems{{Source: o.Source, Object: o.ID().String(), Message: err.Error(), Hint: "explained"}}
}

// merge returns the result of a server-side apply by a manager.
func (c *fakeAPI) merge(u *unstructured.Unstructured, manager string) (*unstructured.Unstructured, error) {
	id := manifest.IDOf(u)
	if id.Namespace != "" && c.running[NamespaceID(id.Namespace)] == nil {
		return nil, kubetest.NoNamespace(id.Namespace)
	}
	return kubetest.Apply(c.running[id], u, manager)
}

// update returns the result of writing a running object as a whole.
func (c *fakeAPI) update(u *unstructured.Unstructured, manager string) (*unstructured.Unstructured, error) {
	return kubetest.Update(c.running[manifest.IDOf(u)], u, manager)
}

// store makes an object run as it is, under a new version.
func (c *fakeAPI) store(u *unstructured.Unstructured) *unstructured.Unstructured {
	id := manifest.IDOf(u)
	u.SetResourceVersion(fmt.Sprint(len(c.running) + 1))
	if was := c.running[id]; was != nil {
		u.SetResourceVersion(was.GetResourceVersion() + "0")
	}
	u.SetUID(types.UID("uid of " + id.String()))
	c.running[id] = u
	return u
}

// fakeIndex is an index without watches: the test enters the objects that they would see.
type fakeIndex struct {
	*live.Index
	err      error // the error of Follow and Fresh
	followed []string
	fresh    time.Time
	listed   map[schema.GroupKind]bool // the kinds of which the index knows all objects
}

func newFakeIndex(t *testing.T) *fakeIndex {
	return &fakeIndex{
		Index:  live.New(t.Context(), &kube.Cluster{}, owner.DefaultTools, logrus.NewEntry(logrus.New())),
		listed: map[schema.GroupKind]bool{},
	}
}

func (x *fakeIndex) Follow(_ context.Context, kinds ...kube.Kind) error {
	for _, kind := range kinds {
		x.followed = append(x.followed, kind.GVK.Kind)
	}
	slices.Sort(x.followed)
	return x.err
}

func (x *fakeIndex) Fresh(ctx context.Context, moment time.Time, kinds ...kube.Kind) error {
	x.fresh = moment
	return x.Follow(ctx, kinds...)
}

func (x *fakeIndex) Lacks(id manifest.ID) bool {
	_, there := x.Get(id)
	return x.listed[id.GroupKind()] && !there
}

// fakeOthers are the server's other apps, by name.
type fakeOthers map[name.App]fakeApp

type fakeApp struct {
	repo       name.Repo
	unrendered bool
	asks       string // the namespace that the app's createNamespace makes
	gives      name.Repo
	left       name.Repo // the repository that its inventory names; repo if ""
	broken     error     // of Holder
	hidden     []string
}

func (o fakeOthers) Home(app name.App) (repo name.Repo, unrendered, ok bool) {
	home, ok := o[app]
	return home.repo, home.unrendered, ok
}

func (o fakeOthers) Asking(cluster string, namespace manifest.ID, but map[name.App]bool) name.App {
	for _, app := range slices.Sorted(maps.Keys(o)) {
		if cluster == "default" && !but[app] && NamespaceID(o[app].asks) == namespace {
			return app
		}
	}
	return ""
}

func (o fakeOthers) Hidden(app name.App) []string { return o[app].hidden }

func (o fakeOthers) WhyLeft(name.App) string { return "" }

func (o fakeOthers) Holder(_ context.Context, app name.App, _ string) (repo name.Repo, unrendered, ok bool, err error) {
	home, ok := o[app]
	return cmp.Or(home.left, home.repo), home.unrendered, ok, home.broken
}

func (o fakeOthers) Released(_ context.Context, r Release) bool { return o[r.App].gives == r.To }

// fakeTrials remembers the digests of sound hooks.
type fakeTrials struct {
	mu    sync.Mutex
	sound map[manifest.ID]string
}

func (f *fakeTrials) Sound(id manifest.ID, digest string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sound[id] == digest
}

func (f *fakeTrials) NoteSound(id manifest.ID, digest string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sound[id] = digest
}
