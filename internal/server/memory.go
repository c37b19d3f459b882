package server

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// freeEvery is the interval between looks for unused memory.
	freeEvery = time.Minute
	// freeFrom is the growth of the heap, in bytes, from which freeing is worth the
	// time.
	freeFrom = 8 << 20
)

// programFrom is the number of bytes of the program's file in memory from which they are
// returned. An idle server with 1,000 apps needs some 8 MiB of them again within minutes:
// each of the runtime's collections reads its tables of types.
const programFrom = 12 << 20

// stackHalvings is the number of collections before memory is returned. Each of them halves
// the stacks that are not in use, and 1,000 apps each have one, which their deploys have
// grown: 10 MiB in all after a single collection (measured).
const stackHalvings = 3

// busyFrom is the number of the runtime's own collections between two looks from which the
// server is busy. One that is idle has one in two minutes. A busy one collects by itself, and
// three more in a row slow it down: with 10,000 apps they took 4 s of processor time, and
// pages waited (measured).
const busyFrom = 4

// memory returns the memory of a push of many apps to the system. The runtime does so
// by itself, but only down to the size that it expects at its next collection, and an
// idle server does not reach that collection: with 1,000 apps it kept 160 MiB instead
// of 100 (measured).
type memory struct {
	left   uint64 // the heap's bytes after the last call that has freed some
	cycles uint64 // the runtime's own collections until the last call
}

// free collects garbage and returns memory, if the heap has grown since the last call and
// the server is not busy, which takes some 100 ms of processor time with 1,000 apps; and
// pages of the program's file, if there are many.
func (m *memory) free(context.Context) {
	cycles := ownCollections()
	busy := cycles-m.cycles >= busyFrom
	m.cycles = cycles
	if !busy && heapBytes() >= m.left+freeFrom {
		for range stackHalvings - 1 {
			runtime.GC()
		}
		debug.FreeOSMemory()
		m.left = heapBytes()
	}
	if programBytes() >= programFrom {
		releaseProgram()
	}
}

// ownCollections counts the collections that the runtime has made of its own accord.
func ownCollections() uint64 {
	cycles := []metrics.Sample{{Name: "/gc/cycles/automatic:gc-cycles"}}
	metrics.Read(cycles)
	return cycles[0].Value.Uint64()
}

// heapBytes returns the bytes that the heap holds from the system, in use or not; see
// package runtime/metrics.
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
