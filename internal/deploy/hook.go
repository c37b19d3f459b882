package deploy

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// Hooks in seven files: their nature and their outcome (here), the app's memory of them
// (hookmemory.go), their phases (hookrun.go), the objects that are made for them
// (hookmake.go), what the index saw of those (hooksseen.go), the wait for their end
// (hookwait.go), and what comes after them (hookend.go).

// hookSymptoms are the hooks that failed when all was applied: the app is not
// well then, although its objects are.
func hookSymptoms(r *record.Record) []Symptom {
	var symptoms []Symptom
	if r == nil || r.Result != record.Unhealthy || !r.HookFailed() {
		return nil
	}
	for _, h := range r.Hooks {
		id, ok := manifest.ParseKey(h.Key)
		if ok && h.Result == manifest.EndFailed {
			first, _, _ := strings.Cut(h.Message, "\n")
			symptoms = append(symptoms, Symptom{Object: h.Phase + " hook " + id.String(), State: first})
		}
	}
	return symptoms
}

// hookFailure is a hook that failed, with what its pod said last.
type hookFailure struct {
	phase  manifest.Phase
	id     manifest.ID
	reason string
	log    []string
}

// Error says of a failed hook what there is to say, on several lines.
func (f hookFailure) Error() string {
	text := fmt.Sprintf("%s hook %s failed: %s", f.phase, f.id, f.reason)
	if len(f.log) > 0 {
		text += "\nits last lines:\n  " + strings.Join(f.log, "\n  ")
	}
	return text
}

// withHooksOf gives an app that is gone the hooks for its removal, from its last
// revision; nil if that is not known.
func (t *target) withHooksOf(last *target) *target {
	if last != nil {
		t.LastHooks, t.Spec.Namespace = append(last.DeletionHooks(), last.LastHooks...), last.Spec.Namespace
		t.had = cmp.Or(last.had, last.Revision)
		t.Seal, t.Hidden = last.Seal, last.Hidden
	}
	return t
}

// heldByHook reports whether the newest deploy of the target was stopped by a
// hook. It is not tried again by itself: what a hook does (a migration, a
// message) must not be done again and again. The removal of an app is, since
// nobody can push a fix to it.
func (a *app) heldByHook(t *target) bool {
	last := a.lastRecord()
	return !t.Gone && last != nil && last.Result == record.Failed && last.Digest == a.engine.Masker.Seal(t.Digest) && last.HookFailed()
}

// doneBefore are the hooks that succeeded in an attempt at the same target that
// failed: a retry goes on after them.
func (a *app) doneBefore(t *target, j *job) map[string]bool {
	done := map[string]bool{}
	last := a.lastRecord()
	if !j.checks() || last == nil || last.Result != record.Failed || last.Digest != a.engine.Masker.Seal(t.Digest) {
		return done
	}
	for _, h := range last.Hooks {
		if h.Result == manifest.EndSucceeded {
			done[h.Phase+" "+h.Key] = true
		}
	}
	return done
}
