package upgrade

import (
	"flag"
	"testing"
	"time"
)

var (
	pushers  = flag.Int("pushers", 6, "how many push without a pause")
	upgrades = flag.Int("upgrades", 2, "how often both servers are started anew, one after the other")
)

// handOverLimit is how long a hand-over may take on a very busy machine;
// docs/high-availability.md has the usual time.
const handOverLimit = time.Minute

// TestRollingUpgradesFailNoPush: pushes wait while servers change places, and no push
// fails.
func TestRollingUpgradesFailNoPush(t *testing.T) {
	w := newWorld(t)
	crowd := w.startPushers(*pushers)
	var handOvers []time.Duration
	for range *upgrades {
		for i := range w.servers {
			if took := w.upgrade(i); took > 0 {
				handOvers = append(handOvers, took.Round(time.Millisecond))
			}
			crowd.await(*pushers)
		}
	}
	pushes := crowd.stop()
	t.Logf("%d pushes of %d pushers in %s, %d failed; the longest took %s, the median %s", len(pushes.times), *pushers,
		pushes.during.Round(time.Second), len(pushes.failures), pushes.longest(), pushes.median())
	t.Logf("from the signal until the other server served: %s", handOvers)
	if len(handOvers) == 0 {
		t.Error("no server that led was stopped")
	}
	for _, failure := range pushes.failures {
		t.Errorf("a push failed: %s", failure)
	}
	for _, took := range handOvers {
		if took > handOverLimit {
			t.Errorf("a hand-over took %s", took)
		}
	}
	w.holdsEveryPush(crowd)
}
