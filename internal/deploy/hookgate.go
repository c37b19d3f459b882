package deploy

import (
	"github.com/pushboat/pushboat/internal/manifest"
)

// Sound reports whether a hook was found sound when it last was tried out, as it is
// written now.
func (a *app) Sound(id manifest.ID, digest string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.tried[id] == digest
}

// NoteSound notes that a hook was found sound.
func (a *app) NoteSound(id manifest.ID, digest string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tried == nil {
		a.tried = map[manifest.ID]string{}
	}
	a.tried[id] = digest
}
