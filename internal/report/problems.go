package report

import (
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

const (
	// maxLike is how many problems that differ only in names are reported one by one.
	maxLike = 5
	// maxPlaces is how many places are named of those that are reported together.
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
	problems = distinct(problems)
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

// distinct are problems without those that say the same of the same place: apps share files, and
// an app is not named in what is printed.
func distinct(problems manifest.Problems) manifest.Problems {
	type said struct {
		source                manifest.Source
		object, message, hint string
		remedy                manifest.Remedy
	}
	seen := map[said]bool{}
	var kept manifest.Problems
	for _, p := range problems {
		key := said{p.Source, p.Object, p.Message, p.Hint, p.Remedy}
		if p.Source != (manifest.Source{}) && seen[key] {
			continue
		}
		seen[key] = true
		kept = append(kept, p)
	}
	return kept
}

// OnceAKind tells problems that are about a kind once, at the first place of an object of
// it, with the number of the others and where the first of those are.
func OnceAKind(problems manifest.Problems) manifest.Problems {
	type about struct {
		kind, message, hint string
		remedy              manifest.Remedy
	}
	var all []alike
	first := map[about]int{}
	problems.Sort()
	for _, p := range problems {
		key := about{kind: p.Kind, message: p.Message, hint: p.Hint, remedy: p.Remedy}
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
	for _, name := range []string{p.Object, p.Source.File, path.Base(p.Object), string(p.App)} {
		if len(name) > 1 {
			names = append(names, name, "*")
		}
	}
	return strings.NewReplacer(names...).Replace(p.Message + "\n" + p.Hint)
}

// summary is a line about the others: how many there are, of which kind, and where the
// first are.
func (a alike) summary(of string) string {
	var places []string
	for _, p := range a.others[:min(len(a.others), maxPlaces)] {
		place := p.Source.String()
		if p.Object != "" {
			place = strings.TrimPrefix(place+" "+p.Object, " ")
		} else if place == "" {
			place = string(p.App)
		}
		places = append(places, place)
	}
	text := fmt.Sprintf("and %d more %s: %s", len(a.others), of, strings.Join(places, ", "))
	if len(a.others) > maxPlaces {
		text += ", ..."
	}
	return text
}

// maxWarned is how many warnings are shown of one plan or deploy; those that differ
// only in names count as one.
const maxWarned = 20

// WriteWarnings writes warnings, many that differ only in names as one.
func WriteWarnings(w io.Writer, warnings manifest.Problems) {
	groups := gather(warnings)
	for i, a := range groups {
		if i == maxWarned {
			fmt.Fprintf(w, "warning: and %d more\n", len(groups)-i)
			return
		}
		a.print(w, "warning")
	}
}

// WriteProblems writes all problems, each with its place and the next thing to try, in
// the words of the door. Many that differ only in names become one.
func WriteProblems(w io.Writer, problems manifest.Problems, door Door) {
	problems.Sort()
	writeSpelled(w, door.spell(problems))
}

// writeSpelled is WriteProblems for problems that are sorted, and whose hints are
// spelled already.
func writeSpelled(w io.Writer, problems manifest.Problems) {
	for _, p := range gather(problems) {
		p.print(w, "error")
	}
}

// print writes a problem below a word. Git's clients colour "error:", "warning:" and
// "hint:" at the start of a line.
func (a alike) print(w io.Writer, word string) {
	place := a.Source.String()
	if a.Object != "" {
		place = strings.TrimPrefix(place+": "+a.Object, ": ")
	}
	lines := strings.Split(strings.TrimRight(a.Message, "\n"), "\n")
	if place == "" {
		place, lines = lines[0], lines[1:]
	} else {
		place += ":"
	}
	fmt.Fprintln(w, word+": "+manifest.Clean(place))
	for _, line := range lines {
		fmt.Fprintln(w, "  "+manifest.Clean(line))
	}
	if len(a.others) > 0 {
		fmt.Fprintln(w, "  "+manifest.Clean(a.summary("like it")))
	}
	fmt.Fprint(w, Hints(a.Hint))
}
