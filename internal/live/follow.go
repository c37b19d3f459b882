package live

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"github.com/pushboat/pushboat/internal/kube"
)

// A watch that breaks is taken up again at once, then more and more slowly up
// to retryMax, so that a cluster that comes back is seen within seconds.
const (
	retryMin = 200 * time.Millisecond
	retryMax = 5 * time.Second

	retrySteps = 5 // doublings from retryMin to retryMax
)

// follow is the watch of one kind.
type follow struct {
	index  *Index
	kind   kube.Kind
	cancel context.CancelFunc
	synced chan struct{} // closed after the first list
	failed chan failure  // holds the latest error while not synced
	again  chan struct{} // cuts the pause before the next attempt short

	down atomic.Pointer[failure] // the last request failed; nil while all is well
}

// failure is why a list or a watch ended.
type failure struct{ err error }

// follow returns the kind's watch, starting it if there is none.
func (x *Index) follow(kind kube.Kind) *follow {
	x.mu.Lock()
	defer x.mu.Unlock()
	gk := kind.GVK.GroupKind()
	if f, ok := x.follows[gk]; ok {
		return f
	}
	ctx, cancel := context.WithCancel(x.ctx)
	f := &follow{index: x, kind: kind, cancel: cancel, synced: make(chan struct{}), failed: make(chan failure, 1), again: make(chan struct{}, 1)}
	x.follows[gk] = f
	go f.run(ctx)
	return f
}

// wait returns when the kind has been listed, or with the reason why it can
// not be.
func (f *follow) wait(ctx context.Context) error {
	select {
	case <-f.synced:
		return nil
	default:
	}
	f.retry()
	select {
	case <-f.synced:
		return nil
	case failure := <-f.failed:
		return failure.err
	case <-ctx.Done():
		return ctx.Err()
	case <-f.index.ctx.Done():
		return f.index.ctx.Err()
	}
}

// retry has the kind listed anew at once: the last failure may be that of a
// cluster that has come back since, and says nothing about now.
func (f *follow) retry() {
	select {
	case <-f.failed:
	default:
	}
	select {
	case f.again <- struct{}{}:
	default:
	}
}

// run lists and watches until ctx ends or the kind is gone from the cluster.
func (f *follow) run(ctx context.Context) {
	defer f.stop()
	delay := retryMin
	for ctx.Err() == nil {
		started := time.Now()
		err := f.newReflector().ListAndWatchWithContext(ctx)
		if apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) {
			f.report(err)
			return
		}
		if err != nil {
			f.report(err)
		}
		if err == nil || time.Since(started) > retryMax {
			delay = retryMin
		}
		select {
		case <-time.After(delay):
		case <-f.again:
		case <-ctx.Done():
		}
		delay = min(2*delay, retryMax)
	}
}

// stop forgets the kind, so that the next Follow starts afresh.
func (f *follow) stop() {
	f.cancel()
	gk := f.kind.GVK.GroupKind()
	f.index.mu.Lock()
	if f.index.follows[gk] == f {
		delete(f.index.follows, gk)
	}
	f.index.mu.Unlock()
	if f.index.ctx.Err() == nil {
		f.index.replace(gk, nil)
	}
}

// report keeps the newest error for those who wait for the first list.
func (f *follow) report(err error) {
	f.index.log.WithError(err).WithField("kind", f.kind.GVK.Kind).Debug("watch ended")
	select {
	case <-f.failed:
	default:
	}
	select {
	case f.failed <- failure{err}:
	default:
	}
}

func (f *follow) newReflector() *cache.Reflector {
	objects := f.index.cluster.Dynamic().Resource(f.kind.Resource)
	listWatch := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.LabelSelector = kube.PartOfLabel
			list, err := objects.List(ctx, options)
			f.see(err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.LabelSelector = kube.PartOfLabel
			watched, err := objects.Watch(ctx, options)
			f.see(err)
			return watched, err
		},
	}
	return cache.NewReflectorWithOptions(listWatch, &unstructured.Unstructured{}, &store{follow: f},
		cache.ReflectorOptions{Name: "live", TypeDescription: f.kind.GVK.Kind, Backoff: &wait.Backoff{
			Duration: retryMin, Factor: 2, Jitter: 0.5, Steps: retrySteps, Cap: retryMax,
		}})
}

// see notes how the last request of the kind went, and tells those who wait for
// the first list: a reflector goes on trying a cluster that does not answer, and
// tells nobody.
func (f *follow) see(err error) {
	switch {
	case err == nil:
		f.down.Store(nil)
	case kube.IsUnreachable(err):
		f.report(err)
		f.down.Store(&failure{&kube.UnreachableError{Cluster: f.index.cluster.Name(), Err: err}})
	default:
		f.down.Store(&failure{fmt.Errorf("watch %s: %w", f.kind.Resource.Resource, err)})
	}
}

// store receives what a reflector sees, and passes on only entries.
type store struct{ follow *follow }

var _ cache.ReflectorStore = (*store)(nil)

func (s *store) Add(obj any) error    { return s.Update(obj) }
func (s *store) Resync() error        { return nil }
func (s *store) gk() schema.GroupKind { return s.follow.kind.GVK.GroupKind() }

func (s *store) Update(obj any) error {
	if u, ok := obj.(*unstructured.Unstructured); ok {
		s.follow.index.put(EntryOf(u))
	}
	return nil
}

func (s *store) Delete(obj any) error {
	if u, ok := obj.(*unstructured.Unstructured); ok {
		s.follow.index.drop(EntryOf(u))
	}
	return nil
}

func (s *store) Replace(list []any, _ string) error {
	entries := make([]Entry, 0, len(list))
	for _, obj := range list {
		if u, ok := obj.(*unstructured.Unstructured); ok {
			entries = append(entries, EntryOf(u))
		}
	}
	s.follow.index.replace(s.gk(), entries)
	select {
	case <-s.follow.synced:
	default:
		close(s.follow.synced)
	}
	return nil
}
