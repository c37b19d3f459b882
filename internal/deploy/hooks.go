package deploy

import (
	"cmp"
	"strings"

	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

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

// withHooksOf gives an app that is gone the hooks for its removal, from its last
// revision; nil if that is not known.
func (t *target) withHooksOf(last *target) *target {
	if last != nil {
		t.LastHooks, t.Spec.Namespace = append(last.DeletionHooks(), last.LastHooks...), last.Spec.Namespace
		t.Meant, t.Defining = last.Spec.Imported != "" || last.Meant, leavesDefinitions(last.Spec) || last.Defining
		t.had = cmp.Or(last.had, last.Revision)
		t.Seal, t.Hidden = last.Seal, last.Hidden
	}
	return t
}

// heldByHook reports whether a hook stopped the newest deploy of the target. Such a
// deploy is not retried by itself: the effect of a hook (a migration, a message) must
// not be repeated. The removal of an app is, since nobody can push a fix to it.
func (a *app) heldByHook(t *target) bool {
	last := a.lastRecord()
	return !t.Gone && last != nil && last.Result == record.Failed && last.Digest == a.engine.Masker.Seal(t.Digest) && last.HookFailed()
}

// doneBefore returns the hooks that succeeded in a failed attempt at the same target: a
// retry continues after them.
func (a *app) doneBefore(t *target, j *job) map[string]bool {
	done := map[string]bool{}
	last := a.lastRecord()
	if !j.checks() || last == nil || last.Result != record.Failed || last.Digest != a.engine.Masker.Seal(t.Digest) {
		return done
	}
	for _, h := range last.Hooks {
		if h.Result == manifest.EndSucceeded {
			done[apply.HookKey(h.Phase, h.Key)] = true
		}
	}
	return done
}

// unreached returns the hooks of the attempt before that are done, and that a failed attempt
// at the same target has not come to. Its record has them as well: the next attempt goes by
// the newest record alone.
func unreached(last *record.Record, done map[string]bool, rec record.Record) []record.HookResult {
	if last == nil || rec.Result != record.Failed {
		return nil
	}
	reached := map[string]bool{}
	for _, h := range rec.Hooks {
		reached[apply.HookKey(h.Phase, h.Key)] = true
	}
	var hooks []record.HookResult
	for _, h := range last.Hooks {
		if key := apply.HookKey(h.Phase, h.Key); done[key] && !reached[key] {
			hooks = append(hooks, record.HookResult{Key: h.Key, Phase: h.Phase, Result: manifest.EndSucceeded})
		}
	}
	return hooks
}
