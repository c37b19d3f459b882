package deploy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/name"
)

// together are the deploys of one push. All of them apply before any of them prunes: a
// moved object is taken over before its former app looks at the rest, and a replacement
// exists before the old object goes.
//
// That is order, not safety. What another app wants is never deleted, whether
// it has been applied or not: claims are set for the whole push before its
// first deploy begins, and are asked when a deletion is planned and again when
// it is made. So the wait may have exceptions and an end, and needs both:
//   - An app that depends on this one waits until this one has ended, so this one
//     must not wait for it. Two pairs of such apps would wait for each other
//     crosswise; therefore a deploy waits only for those before it in the order
//     of dependencies, and for those that wait for nothing. A wait then always
//     leads to an earlier deploy, or to one that waits for no other, and ends.
//   - A newer revision, the stop of the server, and the app's timeout end it.
type together struct {
	runs []*Run            // in the order of their dependencies
	free map[name.App]bool // the apps that depend on none, and wait for none
}

// awaitApplied returns when the deploys that own waits for have applied their objects,
// or have ended in any way. The error is the cause that ended ctx before; the end of
// limit is none.
func (g *together) awaitApplied(ctx context.Context, own *Run, limit time.Duration) error {
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	line := time.NewTimer(apply.LineEvery)
	defer line.Stop()
	before := true
	own.WaitsFor("the other apps of the push to be applied", limit)
	for i, run := range g.runs {
		if run == own {
			before = false
			continue
		}
		for waits := before || g.free[run.App]; waits; {
			select {
			case <-run.applied:
				waits = false
			case <-line.C:
				own.StillWaitsFor(unapplied(g.runs[i:], own) + " to be applied, before anything is deleted")
				own.Printf("  %-10s  for %s to be applied, before anything is deleted", "waiting", unapplied(g.runs[i:], own))
			case <-timeout.C:
				return nil
			case <-ctx.Done():
				return apply.WaitError(ctx)
			}
		}
	}
	return nil
}

// unapplied names the first three of the apps that have not been applied.
func unapplied(runs []*Run, own *Run) string {
	const shown = 3
	var names []string
	for _, run := range runs {
		select {
		case <-run.applied:
		default:
			if run != own {
				names = append(names, string(run.App))
			}
		}
	}
	if len(names) > shown {
		names = append(names[:shown], fmt.Sprintf("%d more", len(names)-shown))
	}
	return strings.Join(names, ", ")
}

// awaitOthers waits for the other apps of the push, if the app has lost something with it.
func (at *attempt) awaitOthers() stageEvent {
	if at.job.together == nil || len(at.plan.Prune)+len(at.plan.Moved) == 0 {
		return eventDone
	}
	return at.fail(at.job.together.awaitApplied(at.wait, at.job.run, at.target.Spec.Timeout))
}
