package deploy

import (
	"context"
	"sync"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
)

// podWatches are the pods of the namespaces in which somebody waits for a
// rollout: one watch for each, however many wait.
type podWatches struct {
	mu      sync.Mutex
	watches map[string]*podWatch // by namespace
}

type podWatch struct {
	pods   *live.Pods
	cancel context.CancelFunc
	nudges map[chan struct{}]struct{} // of those who wait; each holds one signal
}

// join gives the pods of a namespace. nudge receives whenever one of them has
// changed, until leave is called. The watch ends with the last who leaves.
func (w *podWatches) join(cluster *kube.Cluster, namespace string, nudge chan struct{}) (pods *live.Pods, leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	watch, ok := w.watches[namespace]
	if !ok {
		ctx, cancel := context.WithCancel(context.Background())
		watch = &podWatch{
			pods:   live.WatchPods(ctx, cluster, namespace),
			cancel: cancel, nudges: map[chan struct{}]struct{}{},
		}
		if w.watches == nil {
			w.watches = map[string]*podWatch{}
		}
		w.watches[namespace] = watch
		go w.pass(ctx, watch)
	}
	watch.nudges[nudge] = struct{}{}
	return watch.pods, func() { w.leave(namespace, nudge) }
}

func (w *podWatches) leave(namespace string, nudge chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	watch := w.watches[namespace]
	delete(watch.nudges, nudge)
	if len(watch.nudges) == 0 {
		watch.cancel()
		delete(w.watches, namespace)
	}
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
