package apply

import (
	"sync"

	"github.com/pushboat/pushboat/internal/manifest"
)

// HookMemory is the server's memory of an app's hooks from one deploy to the next. A
// new server starts without one. The zero value is empty. No other lock is taken under
// its lock.
type HookMemory struct {
	mu    sync.Mutex
	sound map[manifest.ID]string // digests of the hooks that were found sound
	ended int                    // the number of the newest deploy whose hooks have ended
}

// Sound reports whether a hook passed its last dry-run in its current form.
func (m *HookMemory) Sound(id manifest.ID, digest string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.sound[id]
	return ok && known == digest
}

// NoteSound notes that a hook has passed its dry-run in its current form.
func (m *HookMemory) NoteSound(id manifest.ID, digest string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sound == nil {
		m.sound = map[manifest.ID]string{}
	}
	m.sound[id] = digest
}

// noteEnd notes that the hooks of a deploy are over.
func (m *HookMemory) noteEnd(number int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = max(m.ended, number)
}

// lastEnded returns the number of the newest deploy whose hooks have ended; 0 for none.
func (m *HookMemory) lastEnded() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ended
}
