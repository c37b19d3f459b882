package appfile

import (
	"fmt"
	"slices"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// checkDependencies checks that each app of dependsOn is there, on the same
// branch, and that none waits for itself. Apps that are not wanted are not
// asked: theirs may come from globs that match only on their own branch.
func (r *reader) checkDependencies(apps []App, wanted func(App) bool) {
	byName := make(map[name.App]App, len(apps))
	names := make([]string, len(apps))
	for i, app := range apps {
		byName[app.Name] = app
		names[i] = string(app.Name)
	}
	before := len(r.Problems)
	for _, app := range apps {
		if !wanted(app) {
			continue
		}
		for _, needed := range app.DependsOn {
			r.checkDependency(app, needed, byName, names)
		}
	}
	if len(r.Problems) == before {
		r.checkCycles(apps, byName)
	}
}

func (r *reader) checkDependency(app App, needed name.App, byName map[name.App]App, names []string) {
	other, ok := byName[needed]
	line := r.dependsLine[app.Source.Line]
	switch {
	case !ok && (r.unmatched || r.absent[needed]):
		// it is missing for another reason, which is reported
	case !ok:
		hint := "write an entry for it, or remove it"
		if near := manifest.Closest(string(needed), names); near != "" {
			hint = "did you mean " + near + "?"
		}
		r.Add(line, fmt.Sprintf("app %s: dependsOn: there is no app %q in this file", app.Name, needed), hint)
	case other.Branch != app.Branch:
		r.Add(line, fmt.Sprintf("app %s: dependsOn: %s is deployed from branch %s, not %s", app.Name, needed, other.Branch, app.Branch),
			"an app can wait only for apps of the same push")
	}
}

// checkCycles reports each cycle once, starting at its first app by name.
func (r *reader) checkCycles(apps []App, byName map[name.App]App) {
	const unseen, open, done = 0, 1, 2
	state := map[name.App]int{}
	var trail []name.App
	var visit func(app name.App)
	visit = func(app name.App) {
		state[app] = open
		trail = append(trail, app)
		for _, next := range byName[app].DependsOn {
			switch state[next] {
			case open:
				cycle := trail[slices.Index(trail, next):]
				r.Add(r.dependsLine[byName[next].Source.Line], fmt.Sprintf("the apps wait for one another: %s -> %s", name.Join(cycle, " -> "), next),
					"remove one of these from dependsOn")
			case unseen:
				visit(next)
			}
		}
		trail = trail[:len(trail)-1]
		state[app] = done
	}
	names := make([]name.App, 0, len(apps))
	for _, app := range apps {
		names = append(names, app.Name)
	}
	slices.Sort(names)
	for _, app := range names {
		if state[app] == unseen {
			visit(app)
		}
	}
}
