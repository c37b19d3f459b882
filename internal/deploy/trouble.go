package deploy

import (
	"maps"

	"github.com/pushboat/pushboat/internal/manifest"
)

// setTrouble notes why a check of the whole app could not be done; "" if it could.
func (a *app) setTrouble(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.trouble, a.inTrouble = text, nil
}

// noteTrouble notes why a job could not check what it was to check.
func (a *app) noteTrouble(j *job, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	of := setOfLooks(j)
	if a.trouble != "" && len(a.inTrouble) > 0 && of != nil {
		maps.Copy(of, a.inTrouble)
	}
	a.trouble, a.inTrouble = text, of
}

// endTrouble notes that a job has checked what it was to check. The trouble of a look
// ends when all of its objects have been looked at, that of the whole app with a check
// of all of it.
func (a *app) endTrouble(j *job) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if j.kind == lookJob && len(a.inTrouble) == 0 {
		return
	}
	if a.inTrouble = untroubled(a.inTrouble, setOfLooks(j)); len(a.inTrouble) == 0 {
		a.trouble = ""
	}
}

// untroubled is what is left of objects in trouble after some were looked at; nil stands
// for all that the app has.
func untroubled(troubled, looked map[manifest.ID]bool) map[manifest.ID]bool {
	left := map[manifest.ID]bool{}
	for id := range troubled {
		if looked != nil && !looked[id] {
			left[id] = true
		}
	}
	return left
}

// setOfLooks are the objects that a job looks at; nil if it is about the whole app.
func setOfLooks(j *job) map[manifest.ID]bool {
	if j.kind != lookJob {
		return nil
	}
	ids := make(map[manifest.ID]bool, len(j.looks))
	for id := range j.looks {
		ids[id] = true
	}
	return ids
}
