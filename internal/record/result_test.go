package record

import "testing"

func TestResultsSayHowTheClusterWasLeft(t *testing.T) {
	for result, want := range map[Result]struct{ ok, applied bool }{
		Deployed:   {true, true},
		Corrected:  {true, true},
		Removed:    {true, true},
		Unhealthy:  {false, true},
		Superseded: {false, true},
		Failed:     {false, false},
		DriftFound: {false, false},
		Suspended:  {false, false},
		Resumed:    {false, false},
		Restarted:  {false, false},
		Skipped:    {false, false},
	} {
		if result.OK() != want.ok || result.Applied() != want.applied {
			t.Errorf("%s: OK %v, applied %v; want %+v", result, result.OK(), result.Applied(), want)
		}
	}
}
