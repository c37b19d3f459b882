package deploy

import (
	"maps"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
)

// fights are the objects of an app that drift again and again. The zero value has none.
// No other lock is taken under its lock.
type fights struct {
	mu  sync.Mutex
	now map[manifest.ID]Fight
}

// postpone delays the next look at an object. The other party and the cause of the
// fight stay as last entered.
func (f *fights) postpone(id manifest.ID, fight Fight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if old, known := f.now[id]; known {
		fight.with, fight.pointers = old.with, old.pointers
	}
	f.enterLocked(id, fight)
}

// enter notes everything known of a fight.
func (f *fights) enter(id manifest.ID, fight Fight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.enterLocked(id, fight)
}

func (f *fights) enterLocked(id manifest.ID, fight Fight) {
	if f.now == nil {
		f.now = map[manifest.ID]Fight{}
	}
	f.now[id] = fight
}

// all returns the objects that are fought over, and forgets those that have been calm.
func (f *fights) all() map[manifest.ID]Fight {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.now, func(_ manifest.ID, fight Fight) bool { return time.Now().After(fight.Calm) })
	return maps.Clone(f.now)
}
