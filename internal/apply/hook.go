package apply

import (
	"fmt"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

// Hooks are in eight files: their nature and their outcome (here), the app's memory of
// them (hookmemory.go), their phases (hookrun.go), their objects (hookmake.go), the
// index's view of those (hooks.go), the wait for their end (hookwait.go), what they
// have printed (printed.go), and the work after them (hookend.go).

// HookKey names a hook in a phase, of which a manifest may have several. The key is that of
// manifest.ID.
func HookKey(phase, key string) string { return phase + " " + key }

// HookError is a failed hook, with the last output of its pod.
type HookError struct {
	phase  manifest.Phase
	id     manifest.ID
	reason string
	log    []string
}

// Error describes a failed hook, on several lines.
func (f HookError) Error() string {
	text := fmt.Sprintf("%s hook %s failed: %s", f.phase, f.id, f.reason)
	if len(f.log) > 0 {
		text += "\nits last lines:\n  " + strings.Join(f.log, "\n  ")
	}
	return text
}

// clear removes secrets in the output of the hook's pod from a failure.
func (f *HookError) clear(t *plan.Target) {
	f.reason = t.Shown(f.reason)
	heard := t.Heard()
	for i, line := range f.log {
		f.log[i] = heard(t.Shown(line))
	}
}
