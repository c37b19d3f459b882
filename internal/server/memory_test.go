package server

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// TestFreeMemory: after a burst, its memory is returned to the system, once.
func TestFreeMemory(t *testing.T) {
	debug.FreeOSMemory() // other tests' garbage must not be freed during the burst
	before := heapBytes()
	m := &memory{left: before}
	burst := make([]byte, 3*freeFrom)
	for i := range burst {
		burst[i] = 1
	}
	if grown := heapBytes(); grown < before+freeFrom { // part of that memory may have been free before
		t.Fatalf("the heap grew from %d to %d bytes only", before, grown)
	}
	runtime.KeepAlive(burst)
	m.free(t.Context())
	if m.left >= before+freeFrom {
		t.Errorf("%d bytes are kept, %d before the burst", m.left, before)
	}
}
