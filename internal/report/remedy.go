package report

import (
	"strconv"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Door spells, for the users of one way into the server, how they ask for a remedy: by a
// push option, by a verb's flag. A remedy that a door cannot be asked for is "" or missing,
// and is not shown there.
type Door struct {
	Force        string // such as "push with -o force"; a sentence goes on after it
	ConfirmPrune string // the same, up to the number that comes after it
	PlainSecrets string // such as "-o plain-secrets"; a verb follows
	Skip         string // the same
}

// hint is a problem's whole hint: its own words, then the door's way to the remedy.
func (d Door) hint(p manifest.Problem) string {
	joint, way := d.way(p.Remedy)
	if p.Hint == "" || way == "" {
		return p.Hint + way
	}
	return p.Hint + joint + way
}

// way tells how to ask for a remedy, and how to join that to other words of a hint; both
// are "" if the door has no such way.
func (d Door) way(r manifest.Remedy) (joint, way string) {
	ask, effect := "", ""
	joint = "; "
	switch r.Kind {
	case manifest.RemedyForce:
		joint, ask, effect = ", or ", d.Force, " to delete and recreate it"
	case manifest.RemedyForceWithData:
		joint, ask, effect = ", or ", d.Force, " to delete and recreate it, with everything that it holds"
	case manifest.RemedyConfirmPrune:
		ask, effect = d.ConfirmPrune, strconv.Itoa(r.Deletions)
	case manifest.RemedyPlainSecrets:
		ask, effect = d.PlainSecrets, " stores it as it is"
	case manifest.RemedySkip:
		ask, effect = d.Skip, " stores the commit without deploying it"
	}
	if ask == "" {
		return "", ""
	}
	if r.Kind == manifest.RemedyConfirmPrune {
		ask = "if that is meant, " + ask
	}
	return joint, ask + effect
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
