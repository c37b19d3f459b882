package report

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// ended is the third deploy of the app shop, which took two seconds.
func ended(result record.Result, changes ...func(*record.Record)) record.Record {
	r := record.Record{App: "shop", Number: 3, Revision: name.Revision(strings.Repeat("b", 40)), Result: result, Message: "why", Seconds: 2}
	for _, change := range changes {
		change(&r)
	}
	return r
}

func hookFailed(r *record.Record) {
	r.Hooks = []record.HookResult{{Phase: manifest.PreSync.String(), Result: manifest.EndFailed}}
}

func cancelled(r *record.Record) { r.Cancelled = "ana" }

func undone(r *record.Record) { r.Undone = true }

func suspended(r *record.Record) {
	r.Suspension = &record.Suspension{By: "ben", Reason: "a move"}
}

// TestOutcomeTellsWhatToDo: the last lines of every deploy have its id. If the app is not
// in its wanted state, they also have the reason, and the next thing to try.
func TestOutcomeTellsWhatToDo(t *testing.T) {
	for name, test := range map[string]struct {
		rec  record.Record
		want string
	}{
		"deployed":   {ended(record.Deployed), "shop: deployed bbbbbbb in 2.0 s, healthy (deploy shop-3)"},
		"corrected":  {ended(record.Corrected), "shop: corrected to bbbbbbb in 2.0 s (deploy shop-3)"},
		"superseded": {ended(record.Superseded), "shop: bbbbbbb superseded: why (deploy shop-3)"},
		"waiting": {
			ended(record.Waiting, func(r *record.Record) { r.Message = "waits for window freeze,\nwhich opens then" }),
			"shop: bbbbbbb accepted, not deployed yet (deploy shop-3)\n  it waits for window freeze,\n  which opens then\n" +
				`hint: deploy it before, with the right override: ssh HOST sync shop --override "'REASON'"`,
		},
		"resumed": {ended(record.Resumed), "shop: resumed (deploy shop-3)"},
		"drifted": {ended(record.DriftFound), "shop: why (deploy shop-3)\nhint: take it back with: ssh HOST sync shop"},
		"skipped": {ended(record.Skipped), "shop: bbbbbbb stored, not deployed (deploy shop-3)\nhint: deploy it with: ssh HOST sync shop"},
		"unhealthy": {
			ended(record.Unhealthy),
			"shop: bbbbbbb is applied, but not healthy after 2.0 s (deploy shop-3)\n  why\nhint: the commit was kept; push a fix, or see: ssh HOST status shop",
		},
		"unhealthy by a hook": {
			ended(record.Unhealthy, hookFailed),
			"shop: bbbbbbb is applied, but a hook failed after 2.0 s (deploy shop-3)\n  why\nhint: the commit was kept; push a fix, or see: ssh HOST status shop",
		},
		"unhealthy, and rolled back": {
			ended(record.Unhealthy, undone),
			"shop: bbbbbbb is applied, but not healthy after 2.0 s (deploy shop-3)\n  why\nhint: the commit was kept; onFailure: rollback takes the app back next",
		},
		"unhealthy when it was cancelled": {
			ended(record.Unhealthy, cancelled),
			"shop: bbbbbbb is applied; its wait was cancelled by ana after 2.0 s (deploy shop-3)\n  why\nhint: see how it is: ssh HOST status shop",
		},
		"failed": {
			ended(record.Failed),
			"shop: deploying bbbbbbb failed (deploy shop-3)\n  why\nhint: the commit was kept and is tried again; push a fix, or run: ssh HOST sync shop",
		},
		"failed for several reasons": {
			ended(record.Failed, func(r *record.Record) { r.Message = "one\ntwo" }),
			"shop: deploying bbbbbbb failed (deploy shop-3)\n  one\n  two\nhint: the commit was kept and is tried again; push a fix, or run: ssh HOST sync shop",
		},
		"failed by a hook": {
			ended(record.Failed, hookFailed),
			"shop: deploying bbbbbbb failed (deploy shop-3)\n  why\nhint: the commit was kept; a hook is not run again by itself: push a fix, or run: ssh HOST sync shop",
		},
		"failed, and rolled back": {
			ended(record.Failed, hookFailed, undone),
			"shop: deploying bbbbbbb failed (deploy shop-3)\n  why\nhint: the commit was kept; onFailure: rollback takes the app back next",
		},
		"cancelled before all was applied": {
			ended(record.Failed, cancelled),
			"shop: deploying bbbbbbb was cancelled by ana after 2.0 s, with the rest not applied (deploy shop-3)\n  why\nhint: the commit was kept; go on with: ssh HOST sync shop",
		},
		"removed": {
			ended(record.Removed, func(r *record.Record) { r.Deleted = []string{"a", "b"} }),
			"shop: removed, 2 objects deleted (deploy shop-3)",
		},
		"removed without pruning": {
			ended(record.Removed, func(r *record.Record) { r.NoPrune = true }),
			"shop: removed, nothing deleted (prune: false) (deploy shop-3)",
		},
		"removed, and what it had stays": {
			ended(record.Removed, func(r *record.Record) { r.NoPrune, r.KeptFor = true, "deletionPolicy: Orphan" }),
			"shop: removed, nothing deleted (deletionPolicy: Orphan) (deploy shop-3)",
		},
		"renamed": {
			ended(record.Removed, func(r *record.Record) { r.Renamed, r.NoPrune = "store", true }),
			"shop: renamed to store, nothing deleted (deploy shop-3)",
		},
		"suspended by an operator": {
			ended(record.Suspended, suspended, func(r *record.Record) { r.Cause = record.CauseSuspend }),
			"shop: suspended by ben: a move (deploy shop-3)\nhint: end it with: ssh HOST resume shop",
		},
		"pushed while it is suspended": {
			ended(record.Suspended, suspended),
			"shop: bbbbbbb stored, not deployed (deploy shop-3)\n  suspended by ben: a move\nhint: deploy it with: ssh HOST resume shop",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Outcome(test.rec); got != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}
