package appfile

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

// checkDependencies checks that each app of dependsOn is there, on the same
// branch, and that none waits for itself. Apps that are not wanted are not
// asked: theirs may come from globs that match only on their own branch.
func (r *reader) checkDependencies(apps []App, wanted func(App) bool) {
	byName := make(map[string]App, len(apps))
	names := make([]string, len(apps))
	for i, app := range apps {
		byName[app.Name] = app
		names[i] = app.Name
	}
	before := len(r.problems)
	for _, app := range apps {
		if !wanted(app) {
			continue
		}
		for _, name := range app.DependsOn {
			r.checkDependency(app, name, byName, names)
		}
	}
	if len(r.problems) == before {
		r.checkCycles(apps, byName)
	}
}

func (r *reader) checkDependency(app App, name string, byName map[string]App, names []string) {
	other, ok := byName[name]
	line := r.dependsLine[app.Source.Line]
	switch {
	case !ok && (r.unmatched || r.absent[name]):
		// that it is not there has another cause, which is told
	case !ok:
		hint := "write an entry for it, or remove it"
		if near := manifest.Closest(name, names); near != "" {
			hint = "did you mean " + near + "?"
		}
		r.add(line, fmt.Sprintf("app %s: dependsOn: there is no app %q in this file", app.Name, name), hint)
	case other.Branch != app.Branch:
		r.add(line, fmt.Sprintf("app %s: dependsOn: %s is deployed from branch %s, not %s", app.Name, name, other.Branch, app.Branch),
			"an app can wait only for apps of the same push")
	}
}

// checkCycles reports each cycle once, starting at its first app by name.
func (r *reader) checkCycles(apps []App, byName map[string]App) {
	const unseen, open, done = 0, 1, 2
	state := map[string]int{}
	var trail []string
	var visit func(name string)
	visit = func(name string) {
		state[name] = open
		trail = append(trail, name)
		for _, next := range byName[name].DependsOn {
			switch state[next] {
			case open:
				cycle := trail[slices.Index(trail, next):]
				r.add(r.dependsLine[byName[next].Source.Line], fmt.Sprintf("the apps wait for one another: %s -> %s", strings.Join(cycle, " -> "), next),
					"remove one of these from dependsOn")
			case unseen:
				visit(next)
			}
		}
		trail = trail[:len(trail)-1]
		state[name] = done
	}
	names := make([]string, 0, len(apps))
	for _, app := range apps {
		names = append(names, app.Name)
	}
	sort.Strings(names)
	for _, name := range names {
		if state[name] == unseen {
			visit(name)
		}
	}
}
