package report

import (
	"fmt"
	"path"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

const (
	// maxLike is how many problems that differ only in names are told one by one.
	maxLike = 5
	// maxPlaces is how many places are named of those that are told together.
	maxPlaces = 3
)

// alike is a problem, and others that differ from it only in names.
type alike struct {
	manifest.Problem
	others []manifest.Problem
}

// gather puts problems together that differ only in names, where they are many. The
// order is that of the first of each.
func gather(problems manifest.Problems) []alike {
	count := map[string]int{}
	for _, p := range problems {
		count[shape(p)]++
	}
	var all []alike
	first := map[string]int{}
	for _, p := range problems {
		key := shape(p)
		at, told := first[key]
		if told && count[key] > maxLike {
			all[at].others = append(all[at].others, p)
			continue
		}
		first[key] = len(all)
		all = append(all, alike{Problem: p})
	}
	return all
}

// onceAKind tells problems that are about a kind once, at the first place of an object of
// it, with the number of the others and where the first of those are.
func OnceAKind(problems manifest.Problems) manifest.Problems {
	type about struct{ kind, message, hint string }
	var all []alike
	first := map[about]int{}
	problems.Sort()
	for _, p := range problems {
		key := about{kind: p.Kind, message: p.Message, hint: p.Hint}
		if at, told := first[key]; told && p.Kind != "" {
			all[at].others = append(all[at].others, p)
			continue
		}
		first[key] = len(all)
		all = append(all, alike{Problem: p})
	}
	told := make(manifest.Problems, len(all))
	for i, a := range all {
		if len(a.others) > 0 {
			a.Message += "\n" + a.summary("of this kind")
		}
		told[i] = a.Problem
	}
	return told
}

// shape is a problem's text without the names of its file, app and object.
func shape(p manifest.Problem) string {
	var names []string
	for _, name := range []string{p.Object, p.Source.File, path.Base(p.Object), p.App} {
		if len(name) > 1 {
			names = append(names, name, "*")
		}
	}
	return strings.NewReplacer(names...).Replace(p.Message + "\n" + p.Hint)
}

// summary is a line about the others: how many there are of what, and where the first
// are.
func (a alike) summary(of string) string {
	var places []string
	for _, p := range a.others[:min(len(a.others), maxPlaces)] {
		place := p.Source.String()
		if p.Object != "" {
			place = strings.TrimPrefix(place+" "+p.Object, " ")
		} else if place == "" {
			place = p.App
		}
		places = append(places, place)
	}
	text := fmt.Sprintf("and %d more %s: %s", len(a.others), of, strings.Join(places, ", "))
	if len(a.others) > maxPlaces {
		text += ", ..."
	}
	return text
}
