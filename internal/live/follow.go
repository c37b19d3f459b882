package live

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
)

// A watch that breaks is restarted at once, then at growing intervals up to retryMax,
// so that a cluster that comes back is seen within seconds.
const (
	retryMin = 200 * time.Millisecond
	retryMax = 5 * time.Second

	retrySteps = 5 // doublings from retryMin to retryMax
)

// follow is the watch of one kind.
type follow struct {
	index  *Index
	cancel context.CancelFunc
	synced chan struct{} // closed after the first list
	failed chan failure  // holds the latest error while not synced
	again  chan struct{} // ends the pause before the next attempt

	down atomic.Pointer[failure] // the last request failed; nil while all is well

	mu       sync.Mutex
	kind     kube.Kind
	restart  context.CancelFunc     // ends the current attempt, so that another begins
	asked    time.Time              // when the kind was last asked for
	event    time.Time              // the watch's last sign of life; zero: never
	restarts int                    // how often the kind was listed again
	listing  *listing               // the newest, running or done; nil if none is usable
	lists    map[*listing]bool      // that are running
	awaited  map[manifest.ID]string // seen by a list, and not yet by the watch, see merge
}

// failure is the reason why the requests for a kind fail, and the time since when.
type failure struct {
	err   error
	since time.Time
}

// follow returns the kind's watch, and starts it if there is none.
func (x *Index) follow(kind kube.Kind) *follow {
	x.mu.Lock()
	defer x.mu.Unlock()
	gk := kind.GVK.GroupKind()
	if f, ok := x.follows[gk]; ok {
		f.ask()
		return f
	}
	ctx, cancel := context.WithCancel(x.ctx)
	f := &follow{
		index: x, kind: kind, cancel: cancel, synced: make(chan struct{}), failed: make(chan failure, 1),
		again: make(chan struct{}, 1), asked: time.Now(), lists: map[*listing]bool{},
	}
	x.follows[gk] = f
	x.sweepLater()
	x.tasks.begin(func() { f.run(ctx) }) // if it is too late for that, wait returns the reason
	return f
}

func (f *follow) ask() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = time.Now()
}

func (f *follow) lastAsked() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// target is the kind in the version that is watched.
func (f *follow) target() kube.Kind {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.kind
}

// wait returns when the kind has been listed, or with the reason why it cannot be.
func (f *follow) wait(ctx context.Context) error {
	select {
	case <-f.synced:
		return nil
	default:
	}
	f.retry()
	late := time.NewTimer(lateAfter)
	defer late.Stop()
	for {
		select {
		case <-f.synced:
			return nil
		case failure := <-f.failed:
			return failure.err
		case <-late.C:
			if err := f.probe(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-f.index.ctx.Done():
			return f.index.ctx.Err()
		}
	}
}

// lateAfter is the time after which the first list of a kind counts as late. A list of
// 10,000 objects takes about a second.
const lateAfter = 4 * time.Second

// probe lists the kind, and returns the reason why the API server does not answer. If
// the objects cannot be read because the webhook that converts them does not answer, a
// watch is only told to wait (Kubernetes 1.37: "Too large resource version").
func (f *follow) probe(ctx context.Context) error {
	objects, err := f.index.cluster.MetadataOf(f.target())
	if err == nil {
		_, err = objects.List(ctx, selecting(metav1.ListOptions{Limit: probeLimit}))
	}
	if kube.IsUnreachable(err) || errors.Is(err, context.Canceled) {
		return nil // the watch itself will report it
	}
	return err
}

// probeLimit is the number of objects that probe asks for.
const probeLimit = 500

func (f *follow) retry() {
	select {
	case <-f.failed:
	default:
	}
	f.hurry()
}

func (f *follow) hurry() {
	select {
	case f.again <- struct{}{}:
	default:
	}
}

// run lists and watches until ctx ends or the kind is gone from the cluster.
func (f *follow) run(ctx context.Context) {
	defer f.stop(ctx)
	delay := retryMin
	for ctx.Err() == nil {
		started := time.Now()
		err := f.attempt(ctx)
		if isGone(err) {
			err = f.retarget(ctx, err)
		}
		if errors.Is(err, errUnserved) {
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

// attempt lists and watches until the watch breaks for good.
func (f *follow) attempt(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f.mu.Lock()
	f.restart = cancel
	f.restarts++
	f.mu.Unlock()
	return f.newReflector().ListAndWatchWithContext(ctx)
}

// isGone reports whether an error says that the kind is no longer served, at least in
// this version.
func isGone(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) || kube.IsUnserved(err)
}

// errUnserved ends the watch of a kind that the cluster certainly no longer serves.
var errUnserved = errors.New("the cluster does not serve the kind any more")

// retarget looks up a kind again that is no longer served in its version: its
// definition may have dropped that version, and have another. It returns errUnserved if
// the cluster has the kind in no form. Until that is certain, as while an extension's
// API server is away, the known objects are assumed to exist.
func (f *follow) retarget(ctx context.Context, gone error) error {
	was := f.target()
	f.index.cluster.Invalidate()
	kind, served, err := f.index.cluster.Served(ctx, was.GVK.GroupKind())
	switch {
	case err != nil:
		return err
	case !served:
		return fmt.Errorf("%w: %w", errUnserved, gone)
	case kind.Resource == was.Resource && kind.Namespaced == was.Namespaced:
		return gone // a definition that was deleted and recreated: try again
	}
	f.index.log.WithField("kind", kind.GVK.Kind).Infof("not served as %s any more; watched as %s", was.GVK.Version, kind.GVK.Version)
	f.mu.Lock()
	f.kind, f.listing = kind, nil
	f.mu.Unlock()
	f.hurry()
	return nil
}

// stop forgets the kind, so that the next Follow starts afresh. A kind that is gone
// takes its objects with it; a kind that is merely no longer followed does not.
func (f *follow) stop(ctx context.Context) {
	followed := ctx.Err() == nil
	f.cancel()
	gk := f.target().GVK.GroupKind()
	f.index.mu.Lock()
	if f.index.follows[gk] == f {
		delete(f.index.follows, gk)
	}
	f.index.mu.Unlock()
	if followed {
		f.index.replace(gk, nil)
	}
}

// end stops the watch of an unused kind. Its entries, if any, belong to no app, and go
// without an event.
func (f *follow) end() {
	gk := f.target().GVK.GroupKind()
	x := f.index
	x.mu.Lock()
	if x.follows[gk] == f {
		delete(x.follows, gk)
	}
	x.mu.Unlock()
	f.cancel()
	stale := x.ofKind(gk)
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, entry := range stale {
		x.removeLocked(entry)
	}
}

// report keeps the newest error for callers that wait for the first list.
func (f *follow) report(err error) {
	f.index.log.WithError(err).WithField("kind", f.target().GVK.Kind).Debug("watch ended")
	select {
	case <-f.failed:
	default:
	}
	select {
	case f.failed <- failure{err: err}:
	default:
	}
}

// see notes the result of the kind's last request, and informs callers that wait for
// the first list: a reflector keeps trying a cluster that does not answer, and tells
// nobody.
func (f *follow) see(err error) {
	switch {
	case err == nil:
		if was := f.down.Swap(nil); was != nil && (kube.IsUnreachable(was.err) || kube.IsAway(was.err)) {
			f.index.returned()
		}
	case kube.IsUnreachable(err):
		err = f.whoIsAway(err)
		f.fail(err) // before any caller goes on
		f.report(err)
		f.index.lost()
	case errors.Is(err, context.Canceled):
	default:
		f.fail(fmt.Errorf("watch %s: %w", f.target().Resource.Resource, err))
	}
}

// whoIsAway tells whether the cluster does not answer, or only the API of this kind.
func (f *follow) whoIsAway(err error) error {
	ctx, cancel := context.WithTimeout(f.index.ctx, awayTimeout)
	defer cancel()
	if away := f.index.cluster.Away(ctx, f.target(), err); away != nil {
		return away
	}
	return &kube.UnreachableError{Cluster: f.index.cluster.Name(), Err: err}
}

// awayTimeout bounds the request by which whoIsAway decides.
const awayTimeout = 5 * time.Second

// fail notes that the kind cannot be seen, since now or since its first failure.
func (f *follow) fail(err error) {
	since := time.Now()
	if former := f.down.Load(); former != nil {
		since = former.since
	}
	f.down.Store(&failure{err, since})
}

// gk is the kind without its version.
func (f *follow) gk() schema.GroupKind { return f.target().GVK.GroupKind() }

// selecting selects the objects that belong to an ApplySet.
func selecting(options metav1.ListOptions) metav1.ListOptions {
	options.LabelSelector = kube.PartOfLabel
	return options
}
