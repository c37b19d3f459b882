package server

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// TestPercentFor: a small heap may grow to the floor, and a large heap may double.
func TestPercentFor(t *testing.T) {
	const mib = 1 << 20
	for _, test := range []struct {
		live, scanned uint64
		want          int
	}{
		{0, 0, 1600},
		{8 * mib, 14 * mib, 400},
		{30 * mib, 34 * mib, 100},
		{44 * mib, 50 * mib, 50},
		{64 * mib, 70 * mib, 50},
		{500 * mib, 510 * mib, 50},
	} {
		got := percentFor(test.live, test.scanned)
		if got != test.want {
			t.Errorf("%d MiB in use: the heap may grow by %d %%, want %d", test.live/mib, got, test.want)
		}
		if goal := test.live + test.scanned*uint64(got)/100; goal > max(heapFloor, test.live+test.scanned/2) {
			t.Errorf("%d MiB in use may become %d MiB", test.live/mib, goal/mib)
		}
	}
}

// TestCollectionsAreAdjustedTo: after each collection, the collector decides how far the
// heap may grow before the next one.
func TestCollectionsAreAdjustedTo(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(usualPercent))
	c := &collector{percent: usualPercent}
	defer c.ended.Store(true)
	adjusted := make(chan int, 1)
	c.await()
	after := func() int {
		runtime.GC()
		// The finalizer of a later object runs after that of an earlier one.
		runtime.SetFinalizer(&struct{ c *collector }{c}, func(any) { adjusted <- c.percent })
		runtime.GC()
		return <-adjusted
	}
	withMuch := func() {
		large := make([]byte, 2*heapFloor)
		if got := after(); got != usualPercent {
			t.Errorf("with %d bytes in use the heap may grow by %d %%", len(large), got)
		}
		runtime.KeepAlive(large)
	}
	withMuch()
	if got := after(); got <= usualPercent {
		t.Errorf("with little in use the heap may grow by %d %%, want more than %d", got, usualPercent)
	}
}
