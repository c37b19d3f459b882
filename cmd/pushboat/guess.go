package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render"
	"github.com/pushboat/pushboat/internal/report"
)

// guesses are what stands for values that a folder's apps have on a cluster, one for those
// that have them from objects of the same names: many keep a copy in each namespace.
type guesses []*guessed

// guessed is a guess, the first place for which it was made, and the namespaces of the objects.
type guessed struct {
	render.Guess
	at         manifest.Source
	namespaces map[string]bool
}

// add takes in the guess for an app; nil is none. A name that is unknown in one is so. It does nothing where nobody asks.
func (g *guesses) add(guess *render.Guess) {
	if g == nil || guess == nil {
		return
	}
	same := func(a, b appfile.ValuesFrom) bool { return a.Kind == b.Kind && a.Name == b.Name }
	i := slices.IndexFunc(*g, func(other *guessed) bool { return slices.EqualFunc(other.From, guess.From, same) })
	if i < 0 {
		i = len(*g)
		*g = append(*g, &guessed{Guess: *guess, at: guess.From[0].Source(), namespaces: map[string]bool{}})
	}
	other := (*g)[i]
	other.namespaces[guess.From[0].Namespace] = true
	other.Unknown, other.Default = union(other.Unknown, guess.Unknown), union(other.Default, guess.Default)
	other.Default = slices.DeleteFunc(other.Default, func(name string) bool { return slices.Contains(other.Unknown, name) })
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// tell says once for each what was guessed, and how to give the values.
func (g *guesses) tell(w io.Writer) {
	for _, guess := range *g {
		name := slices.Concat(guess.Unknown, guess.Default)[0]
		fmt.Fprintf(w, "%s: %s\n%s", manifest.Clean(guess.at.String()), guess.Among(len(guess.namespaces)), report.Hints("give a value: --substitute "+name+"=VALUE"))
	}
}
