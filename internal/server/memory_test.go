package server

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// garbage is what nobody needs any more.
var garbage []byte

// TestFreeMemory: after a burst, its memory is returned to the system, once; but not while the
// runtime collects by itself.
func TestFreeMemory(t *testing.T) {
	debug.FreeOSMemory() // other tests' garbage must not be freed during the burst
	before := heapBytes()
	burst := make([]byte, 3*freeFrom)
	for i := range burst {
		burst[i] = 1
	}
	if grown := heapBytes(); grown < before+freeFrom { // part of that memory may have been free before
		t.Fatalf("the heap grew from %d to %d bytes only", before, grown)
	}
	runtime.KeepAlive(burst)
	busy := &memory{left: before} // for the runtime has collected since 0
	for ownCollections() < busyFrom {
		garbage = make([]byte, freeFrom)
	}
	garbage = nil
	if busy.free(t.Context()); busy.left != before {
		t.Errorf("a busy server freed memory: %d bytes are left of %d", busy.left, before)
	}
	if busy.free(t.Context()); busy.left >= before+freeFrom {
		t.Errorf("%d bytes are kept once it is idle, %d before the burst", busy.left, before)
	}
}
