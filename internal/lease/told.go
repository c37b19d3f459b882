package lease

import (
	"context"
	"time"

	"github.com/sirupsen/logrus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// told is a lock that logs its failures, each kind once in a row: an elector says
// nothing about them, and goes on.
type told struct {
	resourcelock.Interface
	name   Name
	log    *logrus.Entry
	former string // the last failure
	term   *term
	holder string // of the lease, as it was last read
}

// Get reads the lease; a missing one is no failure.
func (t *told) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := t.Interface.Get(ctx)
	if !apierrors.IsNotFound(err) {
		t.tell("read", err)
	}
	if err == nil {
		t.holder = record.HolderIdentity
	}
	return record, raw, err
}

// Create creates the lease.
func (t *told) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	asked := time.Now()
	err := t.Interface.Create(ctx, record)
	t.tell("make", err)
	t.renewed(asked, record, err)
	return err
}

// Update takes, renews or releases the lease; losing a race is no failure. A lease that is
// another's by now is not released: an elector reads it before it releases it, but goes by
// what it had seen before, and would take the lease away from its successor.
func (t *told) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	if record.HolderIdentity == "" && t.holder != t.Identity() {
		return nil
	}
	asked := time.Now()
	err := t.Interface.Update(ctx, record)
	t.renewed(asked, record, err)
	if !apierrors.IsConflict(err) {
		t.tell("write", err)
	}
	return err
}

// renewed begins the term again when the lease was written with this process as its
// holder.
func (t *told) renewed(asked time.Time, record resourcelock.LeaderElectionRecord, err error) {
	if err == nil && record.HolderIdentity != "" {
		t.term.begin(asked)
	}
}

func (t *told) tell(verb string, err error) {
	switch {
	case err == nil:
		t.former = ""
		return
	case err.Error() == t.former:
		return
	}
	t.former = err.Error()
	hint := ""
	if apierrors.IsNotFound(err) {
		hint = "; make the namespace " + t.name.Namespace + ", or name a Lease in another one"
	}
	t.log.Warnf("lease %s: %s it: %v%s; it is tried again", t.name, verb, err, hint)
}
