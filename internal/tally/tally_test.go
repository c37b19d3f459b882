package tally

import (
	"sync"
	"testing"
	"time"
)

func TestTimesAreCountedInTheirBuckets(t *testing.T) {
	var times Times
	for _, took := range []time.Duration{0, 10 * time.Millisecond, 11 * time.Millisecond, time.Second, time.Hour} {
		times.Note(took)
	}
	d := times.Read()
	if d.Count != 5 || d.Seconds != 3601.021 {
		t.Errorf("%d durations of %v s are counted, want 5 of 3601.021", d.Count, d.Seconds)
	}
	for within, want := range map[float64]uint64{0.01: 2, 0.025: 3, 0.5: 3, 1: 4, 600: 4} {
		if d.Within[within] != want {
			t.Errorf("%d took at most %v s, want %d", d.Within[within], within, want)
		}
	}
}

func TestNothingIsLostAmongGoroutines(t *testing.T) {
	var (
		times  TimesBy[string]
		counts CountsBy[string]
		all    sync.WaitGroup
	)
	for _, key := range []string{"one", "two"} {
		for range 4 {
			all.Go(func() {
				for range 250 {
					times.Note(key, time.Millisecond)
					counts.Add(key, 2)
				}
			})
		}
	}
	all.Wait()
	for _, key := range []string{"one", "two"} {
		if n := times.Read()[key].Count; n != 1000 {
			t.Errorf("%d durations of %s are counted, want 1000", n, key)
		}
		if n := counts.Read()[key]; n != 2000 {
			t.Errorf("%s counts %d, want 2000", key, n)
		}
	}
}

func TestTimesCostNoMemory(t *testing.T) {
	var times TimesBy[string]
	times.Note("key", 0)
	if n := testing.AllocsPerRun(100, func() { times.Note("key", time.Second) }); n > 0 {
		t.Errorf("a duration takes %v allocations, want none", n)
	}
}
