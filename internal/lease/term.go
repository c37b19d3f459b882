package lease

import (
	"sync/atomic"
	"time"
)

// termLength is how long a lease is certainly this process's after it was renewed, as
// long as an elector tries to renew it. Others take it later, at leaseDuration: the
// difference is for requests that are on their way, and for clocks that differ.
const termLength = retryPeriod + renewDeadline

// term is the time for which a lease is sure to be held. It goes by the monotonic clock,
// which goes on while a process is frozen.
type term struct{ begun atomic.Pointer[time.Time] }

// begin begins the term again, at the time when the lease's renewal was requested.
func (t *term) begin(asked time.Time) { t.begun.Store(&asked) }

// isOver reports whether it is over at a time, or was never begun.
func (t *term) isOver(now time.Time) bool {
	begun := t.begun.Load()
	return begun == nil || now.Sub(*begun) >= termLength
}
