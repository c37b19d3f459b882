package lease

import (
	"context"
	"fmt"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	coordination "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
)

// holder is the identity of a lease's holder.
type holder string

// nobody holds a lease that was released, or deleted.
const nobody holder = ""

// sight is a watch of a Lease. An elector asks every retryPeriod; the watch learns of a
// release at once.
type sight struct {
	seen   chan holder // the newest holder that the watch shows
	cancel context.CancelFunc
	ended  chan struct{}
}

// follow watches a Lease until end is called. Without the right to watch, it sends nothing.
func follow(leases coordination.LeaseInterface, name Name) *sight {
	s := &sight{seen: make(chan holder, 1), ended: make(chan struct{})}
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(context.Background())
	go func() {
		defer close(s.ended)
		for ctx.Err() == nil {
			s.watch(ctx, leases, name)
			select {
			case <-time.After(retryPeriod):
			case <-ctx.Done():
			}
		}
	}()
	return s
}

// watch watches until the watch breaks.
func (s *sight) watch(ctx context.Context, leases coordination.LeaseInterface, name Name) {
	events, err := leases.Watch(ctx, metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", name.Name).String()})
	if err != nil {
		return
	}
	defer events.Stop()
	for event := range events.ResultChan() {
		if by, ok := holderOf(event); ok {
			replace(s.seen, by)
		}
	}
}

// end ends the watch, and returns when it has.
func (s *sight) end() {
	s.cancel()
	<-s.ended
}

// Follow calls tell with the identity of a Lease's holder, at first and after every change,
// until end is called, which returns when tell is called no more; "" means nobody. It needs
// the right to watch the Lease; without it, it tells nothing.
func Follow(cluster *rest.Config, name Name, tell func(identity string)) (end func(), err error) {
	client, err := coordination.NewForConfig(cluster)
	if err != nil {
		return nil, fmt.Errorf("lease %s: %w", name, err)
	}
	sight := follow(client.Leases(name.Namespace), name)
	var telling sync.WaitGroup
	telling.Go(func() {
		for {
			select {
			case by := <-sight.seen:
				tell(string(by))
			case <-sight.ended:
				return
			}
		}
	})
	return func() {
		sight.end()
		telling.Wait()
	}, nil
}

// replace puts a value into a channel of capacity one, in place of an older value.
func replace(seen chan holder, by holder) {
	select {
	case <-seen:
	default:
	}
	select {
	case seen <- by:
	default: // never: nobody else writes
	}
}

// holderOf returns the holder of the Lease in a watch event; ok is false if the event
// has none.
func holderOf(event watch.Event) (by holder, ok bool) {
	lease, ok := event.Object.(*coordinationv1.Lease)
	switch {
	case !ok || event.Type == watch.Bookmark:
		return nobody, false
	case event.Type == watch.Deleted || lease.Spec.HolderIdentity == nil:
		return nobody, true
	}
	return holder(*lease.Spec.HolderIdentity), true
}
