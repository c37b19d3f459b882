package converge

import (
	"flag"
	"math/rand/v2"
	"testing"
)

var (
	steps = flag.Int("steps", 30, "how many random steps to make")
	seed  = flag.Uint64("seed", 0, "which steps or faults these are; 0 chooses a seed")
)

// TestConverge takes random steps, and after every few of them waits until the cluster
// matches Git. It prints its seed: the same seed gives the same steps.
func TestConverge(t *testing.T) {
	chosen := chooseSeed()
	t.Logf("seed %d; repeat with: go test ./test/converge -v -seed %d -steps %d", chosen, chosen, *steps)
	w := newWorld(t, chosen)
	w.must(w.prepare())
	w.begin()
	w.converge()
	for w.step = 1; w.step <= *steps; w.step++ {
		w.choose().do(w)
		if w.rand.IntN(4) == 0 {
			w.converge()
		}
	}
	w.converge()
	w.must(w.home.Restart())
	w.converge()
	w.must(w.repositories())
}

// chooseSeed returns the given seed, or else a random one.
func chooseSeed() uint64 {
	if *seed != 0 {
		return *seed
	}
	return rand.Uint64()>>32 + 1
}
