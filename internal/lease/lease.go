// Package lease elects one of several servers as leader: the one that holds a Lease of
// a cluster. The others stand by. A Lease does not stop a server that does not know yet
// that it has lost the Lease; see datadir.Fence for that.
package lease

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordination "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// The times of an election, as in Kubernetes' own controllers: the holder renews the
// lease every retryPeriod and gives up when that has failed for renewDeadline. Others
// take the lease when they have seen no renewal for leaseDuration.
const (
	leaseDuration = 15 * time.Second
	renewDeadline = 10 * time.Second
	retryPeriod   = 2 * time.Second
)

// Name names a Lease.
type Name struct{ Namespace, Name string }

// ParseName parses NAMESPACE/NAME.
func ParseName(text string) (Name, error) {
	namespace, name, ok := strings.Cut(text, "/")
	if !ok || len(validation.ValidateNamespaceName(namespace, false)) > 0 || len(validation.NameIsDNSSubdomain(name, false)) > 0 {
		return Name{}, errors.New("want NAMESPACE/NAME of a Lease, such as pushboat-system/pushboat")
	}
	return Name{namespace, name}, nil
}

// String writes NAMESPACE/NAME.
func (n Name) String() string { return n.Namespace + "/" + n.Name }

// Lease is a Lease that this process holds.
type Lease struct {
	name  Name
	try   *candidacy
	sight *sight
	kept  chan struct{} // closed when keep has ended
	term  *term

	mu   sync.Mutex
	why  string // the reason for its loss; "" while it is held
	lost chan struct{}
}

// Acquire returns when this process holds the Lease, or when ctx ends. identity must be
// unique to the process.
func Acquire(ctx context.Context, cluster *rest.Config, name Name, identity string, log *logrus.Entry) (*Lease, error) {
	asking := rest.CopyConfig(cluster)
	asking.Timeout = renewDeadline / 2 // so that one lost request does not cost the lease
	client, err := coordination.NewForConfig(asking)
	if err != nil {
		return nil, fmt.Errorf("lease %s: %w", name, err)
	}
	watching, err := coordination.NewForConfig(cluster)
	if err != nil {
		return nil, fmt.Errorf("lease %s: %w", name, err)
	}
	sight := follow(watching.Leases(name.Namespace), name)
	lock := &resourcelock.LeaseLock{
		LeaseMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name},
		Client:    client, LockConfig: resourcelock.ResourceLockConfig{Identity: identity},
	}
	held := &term{}
	for {
		try, err := begin(&told{Interface: lock, name: name, log: log, term: held})
		if err != nil {
			sight.end()
			return nil, fmt.Errorf("lease %s: %w", name, err)
		}
		if try.awaits(ctx, sight.seen) {
			l := &Lease{name: name, try: try, sight: sight, term: held, kept: make(chan struct{}), lost: make(chan struct{})}
			go l.keep(identity)
			return l, nil
		}
		try.end()
		if ctx.Err() != nil {
			sight.end()
			return nil, ctx.Err()
		}
	}
}

// candidacy is one running elector.
type candidacy struct {
	leads   chan struct{} // closed when it holds the lease
	stopped chan struct{} // closed when it no longer asks for the lease
	cancel  context.CancelFunc
}

// begin starts a new elector, which asks for the lease at once and repeatedly.
func begin(lock resourcelock.Interface) (*candidacy, error) {
	try := &candidacy{leads: make(chan struct{}), stopped: make(chan struct{})}
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: lock, LeaseDuration: leaseDuration, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { close(try.leads) },
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return nil, err
	}
	var ctx context.Context
	ctx, try.cancel = context.WithCancel(context.Background())
	go func() {
		defer close(try.stopped)
		elector.Run(ctx)
	}()
	return try, nil
}

// awaits reports whether the elector has got the lease. It returns false if ctx ends,
// or if the lease is seen to be free, which the elector would notice too late.
func (c *candidacy) awaits(ctx context.Context, seen <-chan holder) bool {
	for {
		select {
		case <-c.leads:
			return true
		case <-ctx.Done():
			return false
		case by := <-seen:
			if by == nobody {
				select {
				case <-c.leads:
					return true
				default:
					return false
				}
			}
		}
	}
}

// end stops the elector, and releases the lease if it holds it.
func (c *candidacy) end() {
	c.cancel()
	<-c.stopped
}

// keep notes when the lease is lost.
func (l *Lease) keep(identity string) {
	defer close(l.kept)
	for {
		select {
		case <-l.try.stopped:
			l.lose(fmt.Sprintf("the lease %s could not be renewed for %s", l.name, renewDeadline))
			return
		case by := <-l.sight.seen:
			if by != nobody && by != holder(identity) {
				l.lose(fmt.Sprintf("the lease %s is held by %s", l.name, by))
				return
			}
		}
	}
}

func (l *Lease) lose(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.why = why
	close(l.lost)
}

// Lost is closed when the lease is no longer held.
func (l *Lease) Lost() <-chan struct{} { return l.lost }

// Why returns the reason for the loss of the lease; "" while it is held.
func (l *Lease) Why() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
}

// Ended returns why this process may no longer act as the holder; "" while it may. It
// needs nobody to have noticed: a process that was frozen asks it before it goes on.
func (l *Lease) Ended() string {
	if why := l.Why(); why != "" {
		return why
	}
	if l.term.isOver(time.Now()) {
		return fmt.Sprintf("the lease %s was not renewed for %s", l.name, termLength)
	}
	return ""
}

// Release releases the lease, and returns when others can see that.
func (l *Lease) Release() {
	l.try.end()
	<-l.kept
	l.sight.end()
}
