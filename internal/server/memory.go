package server

import (
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// freeEvery is how often unused memory is looked for.
	freeEvery = time.Minute
	// freeFrom is by how many bytes the heap has to grow before it is worth it.
	freeFrom = 8 << 20
)

// memory gives back what a push of many apps has left behind. The runtime does so by
// itself, but only down to what its next collection is expected to need, and a server
// that has nothing to do does not come to that one: 1,000 apps kept 160 MiB instead
// of 100 (measured).
type memory struct {
	left uint64 // the heap's bytes after the last time
}

// free collects and gives back, if the heap has grown since the last time. It takes
// some 30 ms with 1,000 apps.
func (m *memory) free() {
	if heapBytes() >= m.left+freeFrom {
		debug.FreeOSMemory()
		releaseProgram()
		m.left = heapBytes()
	}
}

// heapBytes is what the heap keeps from the system, in use or not; see package
// runtime/metrics.
func heapBytes() uint64 {
	parts := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(parts)
	var sum uint64
	for _, part := range parts {
		sum += part.Value.Uint64()
	}
	return sum
}
