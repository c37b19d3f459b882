package deploy

import (
	"context"
	"errors"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

func TestWhatAJobComesTo(t *testing.T) {
	for _, test := range []struct {
		name          string
		s             situation
		deploy, check stageEvent
	}{
		{"a new target", situation{}, eventDeploy, eventDeploy},
		{"a target that was reached", situation{settled: true}, eventDeploy, eventCompare},
		{"a removal that was carried out", situation{removed: true, settled: true}, eventNothing, eventNothing},
		{"a removal of a suspended app", situation{removed: true, suspended: true}, eventNothing, eventNothing},
		{"a new target of a suspended app", situation{suspended: true}, eventSuspended, eventHeld},
		{"a suspended app", situation{suspended: true, settled: true}, eventSuspended, eventCompare},
		{"a target that an operator cancelled, or a hook stopped", situation{held: true}, eventDeploy, eventHeld},
		{"the same, of a suspended app", situation{held: true, suspended: true}, eventSuspended, eventHeld},
		{"a target that waits for a window", situation{closed: true}, eventWaits, eventHeld},
		{"the same, of a suspended app", situation{closed: true, suspended: true}, eventSuspended, eventHeld},
		{"the same, cancelled before", situation{closed: true, held: true}, eventWaits, eventHeld},
		{"a target that was reached, while a window is closed", situation{closed: true, settled: true}, eventWaits, eventCompare},
		{"a removal that was carried out, while one is closed", situation{closed: true, removed: true}, eventNothing, eventNothing},
		{"a target that the grant does not give", situation{forbidden: true}, eventForbidden, eventHeld},
		{"the same, that was reached", situation{forbidden: true, settled: true, suspended: true}, eventForbidden, eventHeld},
		{"a removal, whatever the grant gives", situation{forbidden: true, removed: true}, eventNothing, eventNothing},
		{"a target that was reached, and cancelled once", situation{held: true, settled: true}, eventDeploy, eventCompare},
	} {
		for kind, want := range map[jobType]stageEvent{deployJob: test.deploy, checkJob: test.check, lookJob: test.check} {
			test.s.kind = kind
			if got := test.s.event(); got != want {
				t.Errorf("%s, a job of kind %d: got %s, want %s", test.name, kind, got, want)
			}
		}
	}
}

func TestWhatIsDoneAboutADifference(t *testing.T) {
	const correct, warn, off = appfile.DriftCorrect, appfile.DriftWarn, appfile.DriftOff
	for _, test := range []struct {
		name string
		c    comparison
		want remedy
	}{
		{"nothing differs", comparison{drift: correct, empty: true}, seeRecovery},
		{"nothing differs, drift: off", comparison{drift: off, empty: true}, seeRecovery},
		{"something differs", comparison{drift: correct}, takeBack},
		{"something differs, drift: warn", comparison{drift: warn}, warnOnly},
		{"something differs, drift: off", comparison{drift: off}, leaveAlone},
		{"something differs, and more is dying", comparison{drift: correct, dying: true}, takeBack},
		{"something is dying", comparison{drift: correct, empty: true, dying: true}, letItDie},
		{"what was to be pruned last can go", comparison{drift: correct, onlyLast: true}, pruneLast},
		{"the same, drift: off", comparison{drift: off, onlyLast: true}, pruneLast},
		{"something differs while a window is closed", comparison{drift: correct, closed: true}, awaitWindow},
		{"the same, drift: warn", comparison{drift: warn, closed: true}, warnOnly},
		{"the same, drift: off", comparison{drift: off, closed: true}, leaveAlone},
		{"nothing differs while a window is closed", comparison{drift: correct, closed: true, empty: true}, seeRecovery},
		{"a deploy's last deletions while one is closed", comparison{drift: correct, closed: true, onlyLast: true}, pruneLast},
		{"something differs in a suspended app while one is closed", comparison{drift: correct, closed: true, suspended: true}, leaveAlone},
		{"a suspended app", comparison{drift: correct, suspended: true}, leaveAlone},
		{"a suspended app of which nothing differs", comparison{drift: correct, suspended: true, empty: true}, leaveAlone},
		{"a suspended app with something to be pruned last", comparison{drift: correct, suspended: true, onlyLast: true}, leaveAlone},
	} {
		if got := test.c.remedy(); got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
}

func TestWhatIsLeftForLater(t *testing.T) {
	for e, later := range map[stageEvent]stageEvent{eventNothing: eventLater, eventDiffers: eventInPart} {
		if got := laterIf(false, e); got != e {
			t.Errorf("%s: got %s", e, got)
		}
		if got := laterIf(true, e); got != later {
			t.Errorf("%s, and a rest: got %s", e, got)
		}
	}
}

// heads is a source with one repository, which has no apps. All its branches are at the
// same revision.
type heads struct {
	Source
	head   string
	err    error // of Head
	unread error // of reading the repository
}

func (h heads) Head(context.Context, name.Repo, name.Branch) (name.Revision, error) {
	return name.Revision(h.head), h.err
}

func (h heads) Branches(context.Context, name.Repo) (map[name.Branch]name.Revision, error) {
	return nil, h.unread
}

func (h heads) Main(name.Repo) (name.Branch, error) { return "main", nil }

func (h heads) Asked(name.Repo, name.Branch) (record.Asked, error) { return record.Asked{}, nil }
func (h heads) AskedOf(name.Repo, name.Branch, name.App) (record.Asked, error) {
	return record.Asked{}, nil
}
func (h heads) SetAsked(name.Repo, name.Branch, record.Asked) error { return nil }

func (remembering) Newest(context.Context, name.Repo) (map[name.App]record.Saved, error) {
	return nil, nil
}

func TestBranchMoved(t *testing.T) {
	gone := errors.New("the disk is gone")
	for _, test := range []struct {
		name            string
		source          heads
		moved, troubled bool
	}{
		{"it cannot be read", heads{err: gone}, false, false},
		{"it is gone", heads{}, false, false},
		{"it is where it was", heads{head: string(shop().Revision)}, false, false},
		{"it moved to a revision that is skipped", heads{head: "skipped"}, false, false},
		{"it moved", heads{head: "b"}, true, false},
		{"it moved, and the repository cannot be read", heads{head: "b", unread: gone}, false, true},
	} {
		w := newWorked(t, shop())
		w.engine.Source = test.source
		w.setSkipped("skipped")
		at := w.newAttempt(systemJob(record.CauseSchedule))
		if moved := at.branchMoved(); moved != test.moved || (w.trouble.reason() != "") != test.troubled {
			t.Errorf("%s: the branch has moved: %v, in trouble: %v", test.name, moved, w.trouble.reason() != "")
		}
	}
}

func TestCheckOfABranchThatMoved(t *testing.T) {
	w := newWorked(t, shop())
	w.engine.Source = heads{head: "b"}
	check := systemJob(record.CauseCheck)
	check.askers = []chan Finding{make(chan Finding, 1)}
	w.expect(t, w.attempt(check), endedSuperseded, "")
	if j, _ := w.queue.take(); j == nil || j.cause != record.CauseStart || len(j.askers) != 1 || len(check.askers) != 0 {
		t.Errorf("the job became %+v", j)
	}
}

func TestALookAtAnAppThatIsNotDeployedIsWidened(t *testing.T) {
	for _, settled := range []bool{true, false} {
		w := newWorked(t, shop())
		if settled {
			w.remember(record.Record{Result: record.Deployed, Digest: w.digestFor(w.wanted())})
		}
		w.suspended.set(&record.Suspension{By: "dora"})
		w.queue.addLook(manifest.ID{Name: "a"}, Fight{})
		look, _ := w.queue.take()
		w.newAttempt(look).judge()
		if (look.kind == lookJob) != settled {
			t.Errorf("settled: %v, and the look is now of kind %d", settled, look.kind)
		}
	}
}
