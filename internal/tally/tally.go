// Package tally counts what happens and how long it takes, at the cost of an addition.
// Whoever shows the counts reads them; nothing here knows of a format.
package tally

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

// bounds are the upper limits of the buckets of Times.
var bounds = [...]time.Duration{
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	1 * time.Second, 2500 * time.Millisecond, 5 * time.Second,
	10 * time.Second, 30 * time.Second, 1 * time.Minute,
	2 * time.Minute, 5 * time.Minute, 10 * time.Minute,
}

// Distribution tells how durations are distributed.
type Distribution struct {
	Count   uint64
	Seconds float64            // of all together
	Within  map[float64]uint64 // how many took at most so many seconds
}

// Times counts durations. The zero value is ready; several goroutines may use it.
type Times struct {
	counts [len(bounds) + 1]atomic.Uint64 // the last: longer than all bounds
	sum    atomic.Int64                   // nanoseconds
}

// Note counts a duration.
func (t *Times) Note(took time.Duration) {
	i := 0
	for i < len(bounds) && took > bounds[i] {
		i++
	}
	t.counts[i].Add(1)
	t.sum.Add(int64(took))
}

// Read returns what was counted. A duration that is noted meanwhile may be missing from it.
func (t *Times) Read() Distribution {
	d := Distribution{Seconds: time.Duration(t.sum.Load()).Seconds(), Within: make(map[float64]uint64, len(bounds))}
	for i := range t.counts {
		d.Count += t.counts[i].Load()
		if i < len(bounds) {
			d.Within[bounds[i].Seconds()] = d.Count
		}
	}
	return d
}

// TimesBy counts durations by a key, of which there must be few. The zero value is ready;
// several goroutines may use it.
type TimesBy[K comparable] struct {
	mu sync.RWMutex
	by map[K]*Times
}

// Note counts a duration.
func (t *TimesBy[K]) Note(key K, took time.Duration) { t.of(key).Note(took) }

func (t *TimesBy[K]) of(key K) *Times {
	t.mu.RLock()
	times := t.by[key]
	t.mu.RUnlock()
	if times != nil {
		return times
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by == nil {
		t.by = map[K]*Times{}
	}
	if t.by[key] == nil {
		t.by[key] = &Times{}
	}
	return t.by[key]
}

// Read returns what was counted, by key.
func (t *TimesBy[K]) Read() map[K]Distribution {
	t.mu.RLock()
	defer t.mu.RUnlock()
	all := make(map[K]Distribution, len(t.by))
	for key, times := range t.by {
		all[key] = times.Read()
	}
	return all
}

// CountsBy counts by a key, of which there must be few. The zero value is ready and takes
// next to no memory; several goroutines may use it.
type CountsBy[K comparable] struct {
	mu sync.Mutex
	by map[K]int64
}

// Add adds to the count of a key.
func (c *CountsBy[K]) Add(key K, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = map[K]int64{}
	}
	c.by[key] += n
}

// Read returns the counts, by key.
func (c *CountsBy[K]) Read() map[K]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.by)
}
