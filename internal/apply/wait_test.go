package apply

import (
	"testing"

	"github.com/pushboat/pushboat/internal/kube/health"
)

func TestNewestCause(t *testing.T) {
	var (
		none        health.Cause
		notReady    = health.Cause{Reason: health.NotReady}
		crash       = health.Cause{Reason: "CrashLoopBackOff", Ended: true}
		unscheduled = health.Cause{Reason: "Unschedulable"}
	)
	for _, c := range []struct{ before, now, want health.Cause }{
		{none, notReady, notReady},
		{unscheduled, none, none},
		{unscheduled, notReady, notReady},
		{crash, none, crash},
		{crash, notReady, crash},
		{crash, unscheduled, unscheduled},
	} {
		if got := newestCause(c.before, c.now); got != c.want {
			t.Errorf("after %q, %q: got %q", c.before.Reason, c.now.Reason, got.Reason)
		}
	}
}
