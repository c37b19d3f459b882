package apply

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
)

// Pods are the pods of a namespace, as a watch has them. A *live.Pods is one.
type Pods interface {
	List() []*unstructured.Unstructured
	Changed() <-chan struct{} // receives whenever a pod changes
	Wait()                    // returns when the watch has ended
}

// podSource is where pods are read.
type podSource interface {
	// Watch follows the pods of a namespace until ctx ends.
	Watch(ctx context.Context, namespace string) Pods
	// List reads them once.
	List(ctx context.Context, namespace string) ([]*unstructured.Unstructured, error)
}

// kubePods is the podSource of a cluster.
type kubePods struct{ cluster *kube.Cluster }

func (k kubePods) Watch(ctx context.Context, namespace string) Pods {
	return live.WatchPods(ctx, k.cluster, namespace)
}

func (k kubePods) List(ctx context.Context, namespace string) ([]*unstructured.Unstructured, error) {
	return live.ListPods(ctx, k.cluster, namespace)
}

// podWatches are the pods of the namespaces in which somebody waits for a
// rollout: one watch for each, however many wait. No other lock is taken under its lock.
type podWatches struct {
	source podSource

	mu      sync.Mutex
	watches map[string]*podWatch // by namespace
}

type podWatch struct {
	pods   Pods
	cancel context.CancelFunc
	passer sync.WaitGroup             // passes on the changes
	nudges map[chan struct{}]struct{} // of the waiters; each holds one signal
}

// JoinPods returns the pods of a namespace, as a watch of the server's own has them. nudge
// receives whenever one of them has changed, until part is called.
func (c *Cluster) JoinPods(namespace string, nudge chan struct{}) (pods Pods, part func()) {
	return c.pods.join(namespace, nudge)
}

// join returns the pods of a namespace. nudge receives whenever one of them has
// changed, until part is called. The watch ends when the last waiter parts.
func (w *podWatches) join(namespace string, nudge chan struct{}) (pods Pods, part func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	watch, ok := w.watches[namespace]
	if !ok {
		ctx, cancel := context.WithCancel(context.Background())
		watch = &podWatch{pods: w.source.Watch(ctx, namespace), cancel: cancel, nudges: map[chan struct{}]struct{}{}}
		if w.watches == nil {
			w.watches = map[string]*podWatch{}
		}
		w.watches[namespace] = watch
		watch.passer.Go(func() { w.pass(ctx, watch) })
	}
	watch.nudges[nudge] = struct{}{}
	return watch.pods, func() { w.part(namespace, nudge) }
}

func (w *podWatches) part(namespace string, nudge chan struct{}) {
	if watch := w.strike(namespace, nudge); watch != nil {
		watch.cancel()
		watch.passer.Wait()
		watch.pods.Wait()
	}
}

// strike takes a waiter off a watch. It returns the watch if nobody else waits.
func (w *podWatches) strike(namespace string, nudge chan struct{}) *podWatch {
	w.mu.Lock()
	defer w.mu.Unlock()
	watch := w.watches[namespace]
	delete(watch.nudges, nudge)
	if len(watch.nudges) > 0 {
		return nil
	}
	delete(w.watches, namespace)
	return watch
}

// pass passes on every change until the watch ends.
func (w *podWatches) pass(ctx context.Context, watch *podWatch) {
	for {
		select {
		case <-watch.pods.Changed():
		case <-ctx.Done():
			return
		}
		w.mu.Lock()
		for nudge := range watch.nudges {
			select {
			case nudge <- struct{}{}:
			default:
			}
		}
		w.mu.Unlock()
	}
}
