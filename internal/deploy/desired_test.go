package deploy

import (
	"errors"
	"testing"

	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// TestDesired checks the state that an app shop of branch main should have, given the
// branch's revision and the app's newest record.
func TestDesired(t *testing.T) {
	named, empty := map[name.App]bool{"shop": true}, map[name.App]bool{}
	skip := record.Asked{Revision: "r2", Skip: true}
	at := func(apps map[name.App]bool, asked record.Asked) map[name.Branch]branchRead {
		return map[name.Branch]branchRead{"main": {head: "r2", asked: asked, apps: apps}}
	}
	unread := func(apps map[name.App]bool) map[name.Branch]branchRead {
		return map[name.Branch]branchRead{"main": {head: "r2", apps: apps, unread: "a key is away"}}
	}
	selecting := func(asked record.Asked) map[name.Branch]branchRead {
		return map[name.Branch]branchRead{"main": {head: "r2", asked: asked, apps: empty, selects: true}}
	}
	leaving := record.Asked{Revision: "r2", Leaving: []name.App{"blog", "shop"}}
	otherLeaves := record.Asked{Revision: "r2", Leaving: []name.App{"blog"}}
	earlier := record.Asked{Revision: "r1", Leaving: []name.App{"shop"}}
	deployed := &record.Saved{Record: record.Record{App: "shop", Cluster: "paris", Branch: "main", Revision: "r1", Result: record.Deployed}}
	failed := &record.Saved{Record: record.Record{Branch: "main", Revision: "r1", Result: record.Failed}}
	removed := &record.Saved{Record: record.Record{Branch: "main", Revision: "r1", Result: record.Removed}}
	skipped := &record.Saved{Record: record.Record{Branch: "main", Revision: "r2", Skipped: "r2", Held: "r1", Result: record.Skipped}}
	onlySkipped := &record.Saved{Record: record.Record{Branch: "main", Revision: "r2", Skipped: "r2", Result: record.Skipped}}
	asked := &record.Saved{Record: record.Record{Branch: "main", Revision: "r2", Result: record.Deployed}}
	elsewhere := &record.Saved{Record: record.Record{Branch: "old", Revision: "r1", Result: record.Deployed}}
	lost := &record.Saved{Damaged: errors.New("the newest record is damaged")}
	older := &record.Saved{Record: record.Record{Branch: "main", Revision: "r1", Result: record.Deployed}, Damaged: errors.New("the newest record is damaged")}
	for about, test := range map[string]struct {
		branches map[name.Branch]branchRead
		broken   error
		record   *record.Saved
		want     desire // the branch is main and the head r2, unless the record has others
		nothing  bool   // the app is not mentioned
	}{
		"new":                                  {at(named, record.Asked{}), nil, nil, desire{state: asNamed}, false},
		"new, skipped":                         {at(named, skip), nil, nil, desire{}, true},
		"new, an older revision was skipped":   {at(named, record.Asked{Revision: "r1", Skip: true}), nil, nil, desire{state: asNamed}, false},
		"deployed":                             {at(named, record.Asked{}), nil, deployed, desire{state: asNamed}, false},
		"failed":                               {at(named, record.Asked{}), nil, failed, desire{state: asNamed}, false},
		"skipped":                              {at(named, skip), nil, skipped, desire{state: asBefore, kept: "r1"}, false},
		"skipped, not recorded yet":            {at(named, skip), nil, deployed, desire{state: asBefore, kept: "r1"}, false},
		"skipped, never deployed":              {at(named, skip), nil, onlySkipped, desire{state: asBefore}, false},
		"skipped, then synced":                 {at(named, skip), nil, asked, desire{state: asNamed}, false},
		"skipped, and left the branch":         {at(empty, skip), nil, deployed, desire{state: asBefore, kept: "r1"}, false},
		"left the branch":                      {at(empty, record.Asked{}), nil, deployed, desire{state: asRemoved}, false},
		"removed":                              {at(empty, record.Asked{}), nil, removed, desire{state: asRemembered}, false},
		"its cluster is not selected":          {selecting(record.Asked{}), nil, deployed, desire{state: asSelected, why: whyUnselected("paris")}, false},
		"not selected, and confirmed":          {selecting(leaving), nil, deployed, desire{state: asRemoved}, false},
		"not selected, another is confirmed":   {selecting(otherLeaves), nil, deployed, desire{state: asSelected, why: whyUnselected("paris")}, false},
		"not selected, confirmed before":       {selecting(earlier), nil, deployed, desire{state: asSelected, why: whyUnselected("paris")}, false},
		"not selected, and removed":            {selecting(record.Asked{}), nil, removed, desire{state: asRemembered}, false},
		"removed, and back":                    {at(named, record.Asked{}), nil, removed, desire{state: asNamed}, false},
		"removed, and back with -o skip":       {at(named, skip), nil, removed, desire{state: asRemembered}, false},
		"unreadable":                           {unread(empty), nil, deployed, desire{state: asApplied, why: "a key is away"}, false},
		"unreadable, but as applied":           {unread(named), nil, deployed, desire{state: asNamed}, false},
		"unreadable, and removed":              {unread(empty), nil, removed, desire{state: asRemembered}, false},
		"branch gone":                          {at(empty, record.Asked{}), nil, elsewhere, desire{state: asApplied, branch: "old", why: "repository shop has no branch old any more", retry: true}, false},
		"moved to another branch":              {at(named, record.Asked{}), nil, elsewhere, desire{state: asNamed}, false},
		"branches unreadable":                  {nil, errors.New("the disk is away"), deployed, desire{state: asApplied, why: "the disk is away", retry: true}, false},
		"branches unreadable, and removed":     {nil, errors.New("the disk is away"), removed, desire{state: asRemembered, retry: true}, false},
		"record lost":                          {at(empty, record.Asked{}), nil, lost, desire{state: asApplied, branch: "-", why: "the newest record is damaged"}, false},
		"record lost, and named":               {at(named, record.Asked{}), nil, lost, desire{state: asNamed}, false},
		"record damaged, an older one is read": {at(empty, record.Asked{}), nil, older, desire{state: asRemoved}, false},
	} {
		records := map[name.App]record.Saved{}
		if test.record != nil {
			records["shop"] = *test.record
		}
		got, said := desired("shop", test.branches, test.broken, records)["shop"]
		if said == test.nothing {
			t.Errorf("%s: said %v", about, said)
			continue
		}
		want := test.want
		switch want.branch {
		case "":
			if !test.nothing {
				want.branch = "main"
			}
		case "-":
			want.branch = ""
		}
		want.head = test.branches[want.branch].head
		if got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", about, got, want)
		}
	}
}

func TestDesiredByBranches(t *testing.T) {
	branches := map[name.Branch]branchRead{
		"main":    {head: "r1", apps: map[name.App]bool{"shop": true}},
		"release": {head: "r9", apps: map[name.App]bool{"blog": true}, asked: record.Asked{Revision: "r9", Skip: true}},
	}
	got := desired("shop", branches, nil, nil)
	if len(got) != 1 || got["shop"] != (desire{state: asNamed, branch: "main", head: "r1"}) {
		t.Errorf("got %+v", got)
	}
	for state, want := range map[desiredState]bool{asNamed: true, asRemoved: true, asBefore: false, asApplied: false, asRemembered: false} {
		if state.deploys() != want {
			t.Errorf("state %d deploys: %v", state, !want)
		}
	}
}
