package lease

import (
	"context"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	coordination "k8s.io/client-go/kubernetes/typed/coordination/v1"
)

// holder is whose a lease is, by its identity.
type holder string

// nobody holds a lease that was released, or deleted.
const nobody holder = ""

// follow tells each holder of a Lease that a watch shows, the newest alone, until ctx ends.
// An elector asks every retryPeriod; by this it hears of a release at once. Without the
// right to watch, it is told nothing.
func follow(ctx context.Context, leases coordination.LeaseInterface, name Name) <-chan holder {
	seen := make(chan holder, 1)
	go func() {
		for ctx.Err() == nil {
			events, err := leases.Watch(ctx, metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", name.Name).String()})
			if err == nil {
				for event := range events.ResultChan() {
					if by, ok := holderOf(event); ok {
						replace(seen, by)
					}
				}
				events.Stop()
			}
			select {
			case <-time.After(retryPeriod):
			case <-ctx.Done():
			}
		}
	}()
	return seen
}

// replace puts a value into a channel of one, in the place of an older one.
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

// holderOf returns who holds the Lease that an event of a watch tells of; ok is false if
// it tells of none.
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
