package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// removal says what happened to the objects of an app that is gone.
func removal(r record.Record) string {
	switch {
	case r.Renamed != "":
		return fmt.Sprintf("%s: renamed to %s, nothing deleted", r.App, r.Renamed)
	case r.GivenTo != "":
		return fmt.Sprintf("%s: released to repository %s, nothing deleted", r.App, r.GivenTo)
	case r.Stays() != "":
		return fmt.Sprintf("%s: removed, nothing deleted (%s)", r.App, manifest.Clean(r.Stays()))
	}
	return fmt.Sprintf("%s: removed, %s deleted", r.App, manifest.Plural(len(r.Deleted), "object"))
}

// Outcome says at the end of a deploy how it ended, why, and what to do if that is not
// the wanted result.
func Outcome(r record.Record) string {
	said, hint := outcome(r)
	return strings.TrimSuffix(said+"\n"+Hints(hint), "\n")
}

// outcome is Outcome in two parts: how the deploy ended, and the next thing to do; ""
// if there is nothing to do.
func outcome(r record.Record) (said, hint string) {
	took := manifest.Took(time.Duration(r.Seconds * float64(time.Second)))
	rev, id := r.Revision.Short(), "(deploy "+r.ID()+")"
	why := "\n  " + strings.ReplaceAll(r.Message, "\n", "\n  ")
	if r.Cancelled != "" {
		return cancelledText(r, took, id, why)
	}
	switch r.Result {
	case record.Deployed:
		return fmt.Sprintf("%s: deployed %s in %s, healthy %s", r.App, rev, took, id), ""
	case record.Corrected:
		return fmt.Sprintf("%s: corrected to %s in %s %s", r.App, rev, took, id), ""
	case record.Suspended:
		return heldText(r)
	case record.Waiting:
		return fmt.Sprintf("%s: %s accepted, not deployed yet %s\n  it %s", r.App, rev, id, strings.ReplaceAll(r.Message, "\n", "\n  ")),
			"deploy it before, with the right override: ssh HOST sync " + string(r.App) + ` --override "'REASON'"`
	case record.Resumed:
		return fmt.Sprintf("%s: resumed %s", r.App, id), ""
	case record.Restarted:
		return fmt.Sprintf("%s: restarted %s %s", r.App, r.Message, id), ""
	case record.DriftFound:
		return fmt.Sprintf("%s: %s %s", r.App, r.Message, id), "take it back with: ssh HOST sync " + string(r.App)
	case record.Removed:
		return removal(r) + " " + id, ""
	case record.Skipped:
		return fmt.Sprintf("%s: %s stored, not deployed %s", r.App, rev, id), "deploy it with: ssh HOST sync " + string(r.App)
	case record.Superseded:
		return fmt.Sprintf("%s: %s superseded: %s %s", r.App, rev, r.Message, id), ""
	case record.Unhealthy:
		trouble := "is applied, but not healthy"
		if r.HookFailed() {
			trouble = "is applied, but a hook failed"
		}
		return fmt.Sprintf("%s: %s %s after %s %s%s", r.App, rev, trouble, took, id, why), whatNext(r)
	}
	return fmt.Sprintf("%s: deploying %s failed %s%s", r.App, rev, id, why), whatNext(r)
}

// whatNext says what happens after a deploy that did not end well, and what to do.
func whatNext(r record.Record) string {
	switch {
	case r.Undone:
		return "the commit was kept; onFailure: rollback takes the app back next"
	case r.Result == record.Unhealthy:
		return "the commit was kept; push a fix, or see: ssh HOST status " + string(r.App)
	case r.HookFailed():
		return "the commit was kept; a hook is not run again by itself: push a fix, or run: ssh HOST sync " + string(r.App)
	}
	return "the commit was kept and is tried again; push a fix, or run: ssh HOST sync " + string(r.App)
}

// cancelledText is the outcome of a deploy whose wait was ended.
func cancelledText(r record.Record, took, id, why string) (said, hint string) {
	if r.Result == record.Unhealthy {
		return fmt.Sprintf("%s: %s is applied; its wait was cancelled by %s after %s %s%s",
			r.App, r.Revision.Short(), r.Cancelled, took, id, why), "see how it is: ssh HOST status " + string(r.App)
	}
	return fmt.Sprintf("%s: deploying %s was cancelled by %s after %s, with the rest not applied %s%s",
		r.App, r.Revision.Short(), r.Cancelled, took, id, why), "the commit was kept; go on with: ssh HOST sync " + string(r.App)
}

// heldText is the outcome of a deploy that a suspension held.
func heldText(r record.Record) (said, hint string) {
	if r.Cause == record.CauseSuspend {
		return fmt.Sprintf("%s: %s (deploy %s)", r.App, r.Suspension.Describe(), r.ID()), "end it with: ssh HOST resume " + string(r.App)
	}
	return fmt.Sprintf("%s: %s stored, not deployed (deploy %s)\n  %s",
		r.App, r.Revision.Short(), r.ID(), r.Suspension.Describe()), "deploy it with: ssh HOST resume " + string(r.App)
}

// Told is Outcome in two parts: how the deploy ended, and the next thing to do; "" if there is
// nothing to do.
func Told(r record.Record) (said, next string) { return outcome(r) }
