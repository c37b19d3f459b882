package apply

import (
	"fmt"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

// Hooks in seven files: their nature and their outcome (here), the app's memory of them
// (hookmemory.go), their phases (hookrun.go), the objects that are made for them
// (hookmake.go), what the index saw of those (hooks.go), the wait for their end
// (hookwait.go), and what comes after them (hookend.go).

// HookKey names a hook in a phase, of which a manifest may have several. The key is that of
// manifest.ID.
func HookKey(phase, key string) string { return phase + " " + key }

// HookError is a hook that failed, with what its pod said last.
type HookError struct {
	phase  manifest.Phase
	id     manifest.ID
	reason string
	log    []string
}

// Error says of a failed hook what there is to say, on several lines.
func (f HookError) Error() string {
	text := fmt.Sprintf("%s hook %s failed: %s", f.phase, f.id, f.reason)
	if len(f.log) > 0 {
		text += "\nits last lines:\n  " + strings.Join(f.log, "\n  ")
	}
	return text
}

// clear takes out of a failure what the hook's pod must not have told.
func (f *HookError) clear(t *plan.Target) {
	f.reason = t.Shown(f.reason)
	for i, line := range f.log {
		f.log[i] = t.Shown(line)
	}
}
