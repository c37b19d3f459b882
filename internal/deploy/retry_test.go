package deploy

import (
	"testing"
	"time"
)

func TestRetries(t *testing.T) {
	const s, m = time.Second, time.Minute
	none, waiting, ran := retries{}, retries{true, 10 * s}, retries{false, 10 * s}
	for _, test := range []struct {
		name          string
		before        retries
		again, looked bool
		want          retries
		wait          time.Duration
	}{
		{"all is well", none, false, false, none, 0},
		{"the first failure", none, true, false, retries{true, 10 * s}, 10 * s},
		{"the second", ran, true, false, retries{true, 20 * s}, 20 * s},
		{"after a long while", retries{false, 4 * m}, true, false, retries{true, 5 * m}, 5 * m},
		{"no slower than that", retries{false, 5 * m}, true, false, retries{true, 5 * m}, 5 * m},
		{"a failure before the retry is due", waiting, true, false, retries{true, 20 * s}, 20 * s},
		{"a retry that is well", ran, false, false, none, 0},
		{"something else that is well, before the retry is due", waiting, false, false, none, 0},
		{"a look that fails", none, true, true, retries{true, 10 * s}, 10 * s},
		{"a look that fails, before the retry is due", waiting, true, true, waiting, 0},
		{"a look that is well does nothing of what failed", waiting, false, true, waiting, 0},
		{"a look that is well", none, false, true, none, 0},
	} {
		if got, wait := test.before.after(test.again, test.looked); got != test.want || wait != test.wait {
			t.Errorf("%s: got %+v and %s, want %+v and %s", test.name, got, wait, test.want, test.wait)
		}
	}
	if got := waiting.due(); got != ran {
		t.Errorf("a retry that is due: got %+v", got)
	}
	if got, atOnce := waiting.hurried(); got != none || !atOnce {
		t.Errorf("a retry that is hurried: got %+v, %v", got, atOnce)
	}
	if got, atOnce := ran.hurried(); got != ran || atOnce {
		t.Errorf("nothing to hurry: got %+v, %v", got, atOnce)
	}
}
