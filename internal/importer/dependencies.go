package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Finish returns which apps each app depends on, when all are known. A dependency on what is
// not there, and a cycle, are problems. Unless the tree is whole, because some app could not be
// rendered or read, what is not there may be what that would make: only a name that is nearly one
// of those that are there is a problem then.
func (t *Tree) Finish(whole bool) (after map[name.App][]name.App, problems manifest.Problems) {
	after = map[name.App][]name.App{}
	for _, app := range t.order {
		had := map[name.App]bool{}
		for _, ref := range t.apps[app].After {
			named := rooted{t.stem[app], ref}
			named.Source = manifest.Source{}
			on, known := t.of[named]
			switch {
			case !known:
				near := t.nearest(named)
				if near == "" && !whole {
					continue
				}
				problems = append(problems, manifest.Problem{
					App: app, Source: ref.Source, Message: fmt.Sprintf("dependsOn: no %s %s/%s is in this revision", ref.Kind, ref.Namespace, ref.Name), Hint: hintAbsent(near),
				})
			case !had[on]:
				had[on] = true
				after[app] = append(after[app], on)
			}
		}
	}
	if len(problems) == 0 {
		problems = t.cycles(after)
	}
	return after, append(problems, t.bind()...)
}

// hintAbsent is the next thing to try where no object of a name is in the revision, but perhaps one
// of nearly that name.
func hintAbsent(near string) string {
	const hint = "take it out, or commit it"
	if near != "" {
		return "did you mean " + near + "? Else " + hint
	}
	return hint
}

// nearest is the name of an object that may be meant where there is none of a name; "" for none.
func (t *Tree) nearest(named rooted) string {
	var known []string
	for other := range t.of {
		if other.stem == named.stem && other.Kind == named.Kind && other.Namespace == named.Namespace {
			known = append(known, other.Name)
		}
	}
	slices.Sort(known)
	return manifest.Closest(named.Name, known)
}

// cycles reports an app that waits for itself.
func (t *Tree) cycles(after map[name.App][]name.App) manifest.Problems {
	const open, closed = 1, 2
	state := map[name.App]int{}
	var way []string
	var problems manifest.Problems
	var visit func(app name.App)
	visit = func(app name.App) {
		state[app] = open
		way = append(way, string(app))
		for _, on := range after[app] {
			switch state[on] {
			case open:
				from := slices.Index(way, string(on))
				problems = append(problems, manifest.Problem{
					App: app, Source: t.apps[app].By.Source, Message: "dependsOn: a cycle: " + strings.Join(append(slices.Clone(way[from:]), string(on)), " > "), Hint: "take one of the dependencies out",
				})
			case closed:
			default:
				visit(on)
			}
		}
		way = way[:len(way)-1]
		state[app] = closed
	}
	for _, app := range t.order {
		if state[app] == 0 {
			visit(app)
		}
	}
	return problems
}
