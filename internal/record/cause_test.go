package record

import "testing"

func TestCausesThatOnlyCompare(t *testing.T) {
	for cause, want := range map[Cause]bool{
		CausePush: false, CauseSync: false, CauseRollback: false, CauseResume: false, CauseRotate: false,
		CauseStart: true, CauseSchedule: true, CauseCheck: true, CauseDrift: true, CauseRetry: true,
		CauseSuspend: true, CauseValues: true, CauseHealth: true, CauseRestart: true, CauseGrant: true,
	} {
		if got := cause.Checks(); got != want {
			t.Errorf("%s: got %v", cause, got)
		}
	}
}
