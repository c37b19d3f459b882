package web

import (
	"slices"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/event"
	"github.com/pushboat/pushboat/internal/name"
)

// maxEnded bounds the ends of deploys that are kept for the picture of the last day.
const maxEnded = 10_000

// ended are the ends of deploys, as far as the bus and the board remember. Each event is
// read once, not for each page. The zero value has none.
type ended struct {
	mu   sync.Mutex
	last uint64 // the number of the newest event that was read
	list []end  // oldest first
}

// end is the end of one deploy.
type end struct {
	repo name.Repo
	at   time.Time
	good bool
}

// since returns those after a moment, oldest first. Nobody changes the list.
func (all *ended) since(bus *event.Bus, from time.Time) []end {
	all.mu.Lock()
	defer all.mu.Unlock()
	events, _ := bus.Since(all.last)
	for _, e := range events {
		all.last = e.Number
		if e.Kind == event.Deploy {
			all.list = append(all.list, end{e.Repo, e.Time, e.Good})
		}
	}
	old, _ := slices.BinarySearchFunc(all.list, from, func(e end, from time.Time) int { return e.at.Compare(from) })
	old = max(old, len(all.list)-maxEnded)
	all.list = all.list[old:]
	return slices.Clip(all.list)
}

func (all *ended) forget() {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.last, all.list = 0, nil
}
