package apply

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
)

// fakeIndex is an index without watches: the fake API server reports each change to it,
// unless the test stops these reports.
type fakeIndex struct {
	*live.Index

	mu       sync.Mutex
	refuses  []error // the answers to the first calls of Follow
	followed []string
	used     []schema.GroupKind
	waiting  int // the number of callers that wait for changes
}

func (x *fakeIndex) Changed(partOf string) (<-chan struct{}, func()) {
	changed, done := x.Index.Changed(partOf)
	x.count(1)
	return changed, func() {
		x.count(-1)
		done()
	}
}

// count counts the callers that wait for changes.
func (x *fakeIndex) count(more int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.waiting += more
}

func (x *fakeIndex) Follow(_ context.Context, kinds ...kube.Kind) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, kind := range kinds {
		x.followed = append(x.followed, kind.GVK.Kind)
	}
	if len(x.refuses) == 0 {
		return nil
	}
	err := x.refuses[0]
	x.refuses = x.refuses[1:]
	return err
}

func (x *fakeIndex) Use(_ string, kinds []schema.GroupKind) { x.used = kinds }

// fakeOthers are the server's other apps.
type fakeOthers struct {
	heirs   map[manifest.ID]string // the app that wants each object
	asks    string                 // an app whose createNamespace makes the namespace shop
	foreign error                  // the answer of Foreign

	mu    sync.Mutex
	told  []string // the apps from which objects were taken
	quits []string // the targets that want nothing any more
}

func (o *fakeOthers) Released(context.Context, plan.Release) bool { return false }

func (o *fakeOthers) WhyLeft(name.App) string { return "" }

func (o *fakeOthers) Hidden(name.App) []string { return nil }

func (o *fakeOthers) Holder(context.Context, name.App, string) (repo name.Repo, unrendered, ok bool, err error) {
	return "", false, false, nil
}

func (o *fakeOthers) Home(name.App) (repo name.Repo, unrendered, ok bool) { return "", false, false }

func (o *fakeOthers) Asking(_ string, namespace manifest.ID, but map[name.App]bool) name.App {
	if namespace == plan.NamespaceID("shop") && !but[name.App(o.asks)] {
		return name.App(o.asks)
	}
	return ""
}

func (o *fakeOthers) Heir(app name.App, cluster string, id manifest.ID) name.App {
	if app != "shop" || cluster != "default" {
		return ""
	}
	return name.App(o.heirs[id])
}

func (o *fakeOthers) TakenFrom(app name.App) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.told = append(o.told, string(app))
}

func (o *fakeOthers) Disclaim(reached *plan.Target) {
	o.quits = append(o.quits, string(reached.Spec.Name))
}

func (o *fakeOthers) Foreign(kube.Parent, string, name.Repo) error { return o.foreign }

// fakePods are the pods of a cluster, by namespace.
type fakePods struct {
	mu      sync.Mutex
	pods    map[string][]*unstructured.Unstructured
	err     error // the error of List
	watches map[string]*fakeWatch
	begun   int // the number of watches that were begun
	listed  int // the number of calls of List
}

// fakeWatch follows the pods of one namespace. A test under synctest waits for its end.
type fakeWatch struct {
	of        *fakePods
	namespace string
	changed   chan struct{}
	ended     sync.WaitGroup
	waited    bool // whether somebody has waited for its end
}

func (p *fakePods) Watch(ctx context.Context, namespace string) Pods {
	p.mu.Lock()
	defer p.mu.Unlock()
	watch := &fakeWatch{of: p, namespace: namespace, changed: make(chan struct{}, 1)}
	p.watches[namespace] = watch
	p.begun++
	watch.ended.Go(func() { <-ctx.Done() })
	return watch
}

func (p *fakePods) List(_ context.Context, namespace string) ([]*unstructured.Unstructured, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listed++
	return slices.Clone(p.pods[namespace]), p.err
}

// become sets the pods of a namespace.
func (p *fakePods) become(namespace string, pods ...*unstructured.Unstructured) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pods[namespace] = pods
	if watch := p.watches[namespace]; watch != nil {
		select {
		case watch.changed <- struct{}{}:
		default:
		}
	}
}

func (w *fakeWatch) List() []*unstructured.Unstructured {
	pods, _ := w.of.List(context.Background(), w.namespace)
	return pods
}

func (w *fakeWatch) Changed() <-chan struct{} { return w.changed }

func (w *fakeWatch) Wait() {
	w.ended.Wait()
	w.waited = true
}

// toldOf writes an inventory in one line.
func toldOf(p kube.Parent) string {
	if !p.Exists() {
		return "none"
	}
	return fmt.Sprintf("%s in %s, of %s by %s", p.Kinds, p.Namespaces, p.Repository, p.Server)
}

// sortedLines sorts the lines of a text that several goroutines write.
func sortedLines(text string) string {
	return strings.Join(slices.Sorted(slices.Values(strings.Split(text, "\n"))), "\n")
}

// idsOf lists the keys of a map, sorted.
func idsOf[V any](m map[manifest.ID]V) []string {
	var ids []string
	for id := range maps.Keys(m) {
		ids = append(ids, id.String())
	}
	slices.Sort(ids)
	return ids
}
