package argo

import (
	"errors"
	"fmt"
	"text/template"

	"github.com/pushboat/pushboat/internal/importer/meaning"
)

// Limits of templates, which come from authors with fewer rights than the server and run in it.
const (
	// MaxText bounds a template, and every value in one, in bytes.
	MaxText = 256 << 10
	// MaxSteps bounds the rounds of loops and the calls of functions of all templates of a
	// revision.
	MaxSteps = 1_000_000
	// MaxWork bounds the bytes that functions and outputs handle, of all templates of a revision.
	MaxWork = 256 << 20
	// maxRounds bounds those of one template.
	maxRounds = 20_000
	// maxParsed bounds the templates that are remembered, in bytes: an Application of a set is
	// made of the same ones as the next.
	maxParsed = 4 << 20
	// entriesInAStep are files and folders of the revision that a walk looks at for one step.
	entriesInAStep = 10
	// patternsInAStep are patterns of a project that are tried for one step.
	patternsInAStep = 20
)

var (
	errSteps = errors.New("the templates take too many steps")
	errMade  = errors.New("the generators make too much, of which most is left out again")
	errText  = fmt.Errorf("a value has more than %d bytes", MaxText)
	errKept  = fmt.Errorf("the Applications that sets make take more than %d MiB of memory", meaning.MaxKept>>20)
	errWalks = errors.New("the Applications and sets of the revision look at too many files and folders, or patterns")
)

// budget is what is left for the templates and generators of a revision.
type budget struct {
	steps, work int
	kept        int64

	rounds int              // of the template that runs
	known  template.FuncMap // see functions
	parsed map[string]*template.Template
	bytes  int // of those
}

func newBudget() *budget {
	return &budget{steps: MaxSteps, work: MaxWork, kept: meaning.MaxKept, parsed: map[string]*template.Template{}}
}

func (b *budget) take(work int) error {
	b.steps--
	if b.work -= work; b.steps < 0 || b.work < 0 {
		return errSteps
	}
	return nil
}

// keep takes memory for what is made, in bytes.
func (b *budget) keep(weight int64) error {
	if b.kept -= weight; b.kept < 0 {
		return errKept
	}
	return nil
}

// generated takes for the parameters that a generator has made.
func (b *budget) generated(all []map[string]any) error {
	for _, params := range all {
		b.work -= int(meaning.Weight(params))
	}
	if err := b.charge(1 + len(all)); err != nil || b.work < 0 {
		return errMade
	}
	return nil
}

// charge takes steps for what generators make: one of a matrix works for each element of another,
// whether a selector leaves anything of it or not.
func (b *budget) charge(steps int) error {
	if b.steps -= steps; b.steps < 0 {
		return errMade
	}
	return nil
}

// lasts is an error if nothing is left.
func (b *budget) lasts() error {
	if b.steps < 0 {
		return errWalks
	}
	return nil
}
