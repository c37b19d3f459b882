package server

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

const (
	// heapFloor is the size to which the heap may grow before a garbage collection. Go
	// collects whenever the heap has doubled. With 8 MiB in use, that is every few MiB:
	// the first deploy of 200 objects then spent a sixth of its processor time on
	// collections, and took as much again from the API server beside it (measured).
	heapFloor = 64 << 20
	// usualPercent is the growth of a heap above the floor. What stays of a burst lies
	// scattered among its garbage, so the heap keeps much more than that: after the first
	// deploy of 1,000 apps it held 82 MiB for 40 in use with Go's default, 100 %.
	usualPercent = 50
	// leastScanned bounds the percentage until the first collection.
	leastScanned = 4 << 20
)

// collector makes the runtime collect garbage as seldom as heapFloor allows.
// memory.free returns the memory of a burst to the system.
type collector struct {
	percent int
	ended   atomic.Bool
}

// watchCollections starts a collector, unless GOGC is set.
func watchCollections() {
	if os.Getenv("GOGC") != "" {
		return
	}
	c := &collector{percent: usualPercent}
	c.adjust()
	c.await()
}

// await adjusts the percentage after the next collection, and after every later one.
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

// percentFor returns the growth that the heap is allowed, as a percentage of the bytes
// that a collection scans: the heap in use, stacks and global variables.
func percentFor(live, scanned uint64) int {
	if live >= heapFloor {
		return usualPercent
	}
	return max(usualPercent, int((heapFloor-live)*100/max(scanned, leastScanned)))
}

// scannedBytes returns the heap in use at the last collection, and all bytes that it
// scanned; see package runtime/metrics.
func scannedBytes() (live, scanned uint64) {
	parts := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"}}
	metrics.Read(parts)
	for _, part := range parts {
		scanned += part.Value.Uint64()
	}
	return parts[0].Value.Uint64(), scanned
}
