package live

import (
	"context"
	"maps"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/name"
)

// System follows the objects that servers keep on a cluster: the system namespace, and
// the parents of the apps in it.
type System struct {
	changed chan struct{}
	watches sync.WaitGroup

	mu      sync.Mutex
	listed  map[string]bool // resources
	state   SystemState
	parents map[name.App]kube.Parent // by app
}

// SystemState is the state of the system namespace.
type SystemState int

// The states.
const (
	SystemGone   SystemState = iota
	SystemEnding             // it is being deleted
	SystemThere
)

// WatchSystem follows the namespace and the parents until ctx ends.
func WatchSystem(ctx context.Context, cluster *kube.Cluster) *System {
	s := &System{changed: make(chan struct{}, 1), listed: map[string]bool{}, parents: map[name.App]kube.Parent{}}
	secrets := cluster.Dynamic().Resource(schema.GroupVersionResource{Version: "v1", Resource: "secrets"}).Namespace(kube.SystemNamespace)
	s.watches.Go(func() { s.follow(ctx, "secrets", secrets, metav1.ListOptions{LabelSelector: kube.IDLabel}) })
	namespaces := cluster.Dynamic().Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"})
	s.watches.Go(func() {
		s.follow(ctx, "namespaces", namespaces, metav1.ListOptions{FieldSelector: "metadata.name=" + kube.SystemNamespace})
	})
	return s
}

func (s *System) follow(ctx context.Context, resource string, objects dynamic.ResourceInterface, selected metav1.ListOptions) {
	choose := func(options metav1.ListOptions) metav1.ListOptions {
		options.LabelSelector, options.FieldSelector = selected.LabelSelector, selected.FieldSelector
		return options
	}
	listWatch := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return objects.List(ctx, choose(options))
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return objects.Watch(ctx, choose(options))
		},
	}
	cache.NewReflectorWithOptions(listWatch, &unstructured.Unstructured{}, &systemStore{s, resource},
		cache.ReflectorOptions{Name: "system " + resource, TypeDescription: resource}).
		RunWithContext(klog.NewContext(ctx, klog.Logger{})) // the engine tells, once, that the cluster is away
}

// Wait returns when the watches have ended, as their context asked.
func (s *System) Wait() { s.watches.Wait() }

// Changed receives whenever something changes, coalesced to one pending signal.
func (s *System) Changed() <-chan struct{} { return s.changed }

// State returns the state of the namespace; ok is false until everything has been
// listed.
func (s *System) State() (state SystemState, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state, s.listed["secrets"] && s.listed["namespaces"]
}

// Parents returns the existing parents, by app.
func (s *System) Parents() map[name.App]kube.Parent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.parents)
}

func (s *System) change(f func()) {
	s.mu.Lock()
	f()
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// systemStore is the store of a reflector for one of the two resources.
type systemStore struct {
	system   *System
	resource string
}

// Add enters an object.
func (s *systemStore) Add(obj any) error { return s.Update(obj) }

// Update enters an object.
func (s *systemStore) Update(obj any) error {
	if u, ok := obj.(*unstructured.Unstructured); ok {
		s.system.change(func() { s.enterLocked(u) })
	}
	return nil
}

// Delete removes an object.
func (s *systemStore) Delete(obj any) error {
	u, ok := obj.(*unstructured.Unstructured)
	if !ok {
		return nil
	}
	s.system.change(func() {
		if s.resource == "namespaces" {
			s.system.state = SystemGone
		} else if parent, ok := kube.ParseParent(u); ok {
			delete(s.system.parents, parent.App)
		}
	})
	return nil
}

// Replace enters a whole list.
func (s *systemStore) Replace(list []any, _ string) error {
	s.system.change(func() {
		if s.resource == "namespaces" {
			s.system.state = SystemGone
		} else {
			clear(s.system.parents)
		}
		for _, obj := range list {
			if u, ok := obj.(*unstructured.Unstructured); ok {
				s.enterLocked(u)
			}
		}
		s.system.listed[s.resource] = true
	})
	return nil
}

// Resync does nothing.
func (s *systemStore) Resync() error { return nil }

func (s *systemStore) enterLocked(u *unstructured.Unstructured) {
	switch {
	case s.resource != "namespaces":
		if parent, ok := kube.ParseParent(u); ok {
			s.system.parents[parent.App] = parent
		}
	case u.GetDeletionTimestamp() != nil:
		s.system.state = SystemEnding
	default:
		s.system.state = SystemThere
	}
}
