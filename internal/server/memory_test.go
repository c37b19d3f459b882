package server

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// The memory of a burst is returned to the system, once.
func TestFreeMemory(t *testing.T) {
	debug.FreeOSMemory() // garbage of other tests would leave while the burst comes
	before := heapBytes()
	m := &memory{left: before}
	burst := make([]byte, 3*freeFrom)
	for i := range burst {
		burst[i] = 1
	}
	if grown := heapBytes(); grown < before+freeFrom { // some of it may have been free before
		t.Fatalf("the heap grew from %d to %d bytes only", before, grown)
	}
	runtime.KeepAlive(burst)
	m.free(t.Context())
	if m.left >= before+freeFrom {
		t.Errorf("%d bytes are kept, %d before the burst", m.left, before)
	}
}
