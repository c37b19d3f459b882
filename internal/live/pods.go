package live

import (
	"context"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"github.com/pushboat/pushboat/internal/kube"
)

var podResource = schema.GroupVersionResource{Version: "v1", Resource: "pods"}

// Pods follows the pods of one namespace while somebody waits for a rollout there. Pods
// carry no ApplySet label, so they are not in the index.
type Pods struct {
	changed chan struct{}
	watch   sync.WaitGroup

	mu   sync.Mutex
	pods map[string]*unstructured.Unstructured
}

// WatchPods follows the pods of a namespace until ctx ends.
func WatchPods(ctx context.Context, cluster *kube.Cluster, namespace string) *Pods {
	p := &Pods{changed: make(chan struct{}, 1), pods: map[string]*unstructured.Unstructured{}}
	objects := cluster.Dynamic().Resource(podResource).Namespace(namespace)
	listWatch := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return objects.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return objects.Watch(ctx, options)
		},
	}
	reflector := cache.NewReflectorWithOptions(listWatch, &unstructured.Unstructured{}, p,
		cache.ReflectorOptions{Name: "pods", TypeDescription: "Pod"})
	p.watch.Go(func() { reflector.RunWithContext(ctx) })
	return p
}

// ListPods reads the pods of a namespace once.
func ListPods(ctx context.Context, cluster *kube.Cluster, namespace string) ([]*unstructured.Unstructured, error) {
	list, err := cluster.Dynamic().Resource(podResource).Namespace(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list the pods of namespace %s: %w", namespace, err)
	}
	pods := make([]*unstructured.Unstructured, len(list.Items))
	for i := range list.Items {
		pods[i] = &list.Items[i]
	}
	return pods, nil
}

// Wait returns when the watch has ended, after its context has.
func (p *Pods) Wait() { p.watch.Wait() }

// Changed receives whenever a pod changes, coalesced to one pending signal.
func (p *Pods) Changed() <-chan struct{} { return p.changed }

// List returns the current pods.
func (p *Pods) List() []*unstructured.Unstructured {
	p.mu.Lock()
	defer p.mu.Unlock()
	pods := make([]*unstructured.Unstructured, 0, len(p.pods))
	for _, pod := range p.pods {
		pods = append(pods, pod)
	}
	return pods
}

// Add enters a pod. With Update, Delete, Replace and Resync, it makes Pods the store of
// its reflector; nobody else may call these.
func (p *Pods) Add(obj any) error { return p.Update(obj) }

// Update enters a pod.
func (p *Pods) Update(obj any) error {
	if pod, ok := obj.(*unstructured.Unstructured); ok {
		p.change(func() { p.pods[pod.GetName()] = pod })
	}
	return nil
}

// Delete removes a pod.
func (p *Pods) Delete(obj any) error {
	if pod, ok := obj.(*unstructured.Unstructured); ok {
		p.change(func() { delete(p.pods, pod.GetName()) })
	}
	return nil
}

// Replace enters a whole list.
func (p *Pods) Replace(list []any, _ string) error {
	p.change(func() {
		clear(p.pods)
		for _, obj := range list {
			if pod, ok := obj.(*unstructured.Unstructured); ok {
				p.pods[pod.GetName()] = pod
			}
		}
	})
	return nil
}

// Resync does nothing.
func (p *Pods) Resync() error { return nil }

func (p *Pods) change(f func()) {
	p.mu.Lock()
	f()
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default:
	}
}
