package report

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Door spells, for the users of one way into the server, how they ask for a remedy: by a
// push option, by a verb's flag. A remedy that a door cannot be asked for is "" or missing,
// and is not shown there.
type Door struct {
	Again        string // such as "push again"; the words that say when follow it
	Force        string // such as "push with -o force"; a sentence continues after it
	ConfirmPrune string // the same, up to the number that comes after it
	PlainSecrets string // such as "-o plain-secrets stores it as it is"
	Skip         string // such as "-o skip stores the commit without deploying it"
	Override     string // such as `push with -o override="REASON"`
	Repository   string // how to have the files above a folder read; "" where whole repositories are
}

// hint is a problem's whole hint: its own words, then the door's way to the remedy.
func (d Door) hint(p manifest.Problem) string {
	joint, way := d.way(p.Remedy)
	switch {
	case p.Hint == "" || way == "":
		return p.Hint + way
	case p.Remedy.Kind == manifest.RemedyRepository:
		return way
	}
	return p.Hint + joint + way
}

// way tells how to ask for a remedy, and how to join that to other words of a hint. The
// way is "" if the door has none.
func (d Door) way(r manifest.Remedy) (joint, way string) {
	switch r.Kind {
	case manifest.RemedyAgain:
		return "; then ", d.again(r.When)
	case manifest.RemedyAgainOrSkip:
		ways := slices.DeleteFunc([]string{d.again(r.When), d.Skip}, func(way string) bool { return way == "" })
		return "; then ", strings.Join(ways, "; ")
	case manifest.RemedyForce:
		return ", or ", within("", d.Force, " to delete and recreate it")
	case manifest.RemedyForceWithData:
		return ", or ", within("", d.Force, " to delete and recreate it, with everything that it holds")
	case manifest.RemedyConfirmPrune:
		return "; ", within("if that is meant, ", d.ConfirmPrune, strconv.Itoa(r.Deletions))
	case manifest.RemedyPlainSecrets:
		return "; ", d.PlainSecrets
	case manifest.RemedyOverride:
		return "; ", within("with the right override, ", d.Override, "")
	case manifest.RemedyRepository:
		return "", d.Repository
	}
	return "", ""
}

// again tells how to ask for the same again.
func (d Door) again(when string) string {
	if when == "" {
		return d.Again
	}
	return within("", d.Again, " "+when)
}

// within puts a way between words that mean nothing without it.
func within(before, way, after string) string {
	if way == "" {
		return ""
	}
	return before + way + after
}

// spell returns the problems with their remedies in the words of the door's users.
func (d Door) spell(problems manifest.Problems) manifest.Problems {
	spelled := make(manifest.Problems, len(problems))
	for i, p := range problems {
		p.Hint, p.Remedy = d.hint(p), manifest.Remedy{}
		spelled[i] = p
	}
	return spelled
}
