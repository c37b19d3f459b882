package server

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

const (
	// heapFloor is how large the heap may grow before garbage is collected. Go collects
	// whenever the heap has doubled, which is every few MiB where 8 MiB are in use: the
	// first deploy of 200 objects then spent a sixth of its processor time on it, and as
	// much again was taken from the API server beside it (measured).
	heapFloor = 64 << 20
	// usualPercent is Go's own: a heap above the floor doubles.
	usualPercent = 100
	// leastScanned bounds the percentage while nothing was collected yet.
	leastScanned = 4 << 20
)

// collector has garbage collected as seldom as heapFloor allows. What a burst leaves
// behind is given back by memory.free.
type collector struct {
	percent int
	ended   atomic.Bool
}

// watchCollections begins, unless who runs the server has decided about collections.
func watchCollections() {
	if os.Getenv("GOGC") != "" {
		return
	}
	c := &collector{percent: usualPercent}
	c.adjust()
	c.await()
}

// await adjusts after the next collection, and each one from then on.
func (c *collector) await() {
	type collected struct{ *collector }
	runtime.SetFinalizer(&collected{c}, func(*collected) {
		if !c.ended.Load() {
			c.adjust()
			c.await()
		}
	})
}

func (c *collector) adjust() {
	if percent := percentFor(scannedBytes()); percent != c.percent {
		debug.SetGCPercent(percent)
		c.percent = percent
	}
}

// percentFor is by how much the heap may grow, in hundredths of what a collection scans:
// the heap in use, stacks and global variables.
func percentFor(live, scanned uint64) int {
	if live >= heapFloor {
		return usualPercent
	}
	return max(usualPercent, int((heapFloor-live)*100/max(scanned, leastScanned)))
}

// scannedBytes is what the last collection has found: the heap in use, and all that it
// scanned; see package runtime/metrics.
func scannedBytes() (live, scanned uint64) {
	parts := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	metrics.Read(parts)
	for _, part := range parts {
		scanned += part.Value.Uint64()
	}
	return parts[0].Value.Uint64(), scanned
}
