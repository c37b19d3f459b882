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

// holder is the identity of a lease's holder.
type holder string

// nobody holds a lease that was released, or deleted.
const nobody holder = ""

// follow sends each holder of a Lease that a watch shows, keeping only the newest,
// until ctx ends. An elector asks every retryPeriod; this learns of a release at once.
// Without the right to watch, it sends nothing.
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
