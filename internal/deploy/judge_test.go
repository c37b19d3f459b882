package deploy

import (
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
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
