// Package jq reads expressions in jq that lead to fields of an object, as Argo CD's
// jqPathExpressions do, and finds these fields. It reads a part of the language: paths,
// select with conditions, and the functions that people write in conditions. What it reads
// means the same as in gojq's del(EXPRESSION).
package jq

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Limits of an expression.
const (
	MaxLength = 1000    // bytes
	maxDepth  = 50      // how deep brackets and conditions nest
	MaxSteps  = 200_000 // what finding fields in one object may take; each is some 50 ns
)

// keysHint is the way from what people try to what leads to fields.
const keysHint = `choose keys in this way: .metadata.annotations | .[keys[] | select(startswith("example.org/"))]`

// A Path is an expression that leads to fields. It may be used by several goroutines at once.
type Path struct {
	text string
	root node
}

// Refusal is why an expression is not read: what is wrong with it, and what to write instead.
type Refusal struct {
	Message string // begins with the expression
	Hint    string // may be ""
	// NoField is of an expression that jq can read, but that leads to new values, and to no
	// field: del(EXPRESSION) fails whatever the object is.
	NoField bool
}

func (r *Refusal) Error() string { return r.Message }

// ErrTooLong is of an expression that takes more steps than are left for an object.
var ErrTooLong = fmt.Errorf("takes more than %d steps", MaxSteps)

// Parse reads an expression; the refusal is nil if it can be read.
func Parse(text string) (*Path, *Refusal) {
	if len(text) > MaxLength {
		return nil, &Refusal{Message: fmt.Sprintf("an expression is longer than %d bytes", MaxLength)}
	}
	root, err := parse(text)
	if err != nil {
		err.Message = "the expression " + Quote(text) + " cannot be read: " + err.Message
		return nil, err
	}
	if maker := makerOf(root); maker != "" {
		return nil, &Refusal{
			Message: "the expression " + Quote(text) + " leads to no field: " + maker + " makes a new value",
			Hint:    keysHint,
			NoField: true,
		}
	}
	p := &Path{text: text, root: root}
	if slices.Contains(p.Patterns(), "") {
		return nil, &Refusal{
			Message: "the expression " + Quote(text) + " leads to the whole object",
			Hint:    "let it end with a field: " + strings.TrimSpace(text) + " | .spec",
		}
	}
	return p, nil
}

// Quote writes an expression in quotes, as YAML has it.
func Quote(expression string) string {
	if strconv.CanBackquote(expression) && !strings.Contains(expression, "'") {
		return "'" + expression + "'"
	}
	return strconv.Quote(expression)
}

// String is the expression as it was written.
func (p *Path) String() string { return p.text }

// Fields are JSON pointers to the fields of an object, which is not changed, to which the
// expression leads: each is there once, in no order, and the object need not have it. On an
// error, which has values of the object nowhere in its text, it leads to none: that is as
// Argo CD has it. steps are those that are left for this object, at first MaxSteps, of which it
// takes its own.
func (p *Path) Fields(object map[string]any, steps *int) ([]string, error) {
	r := &run{left: *steps}
	defer func() { *steps = max(r.left, 0) }()
	found := map[string]bool{}
	err := p.root.eval(r, place{value: object}, func(at place) error {
		if at.made {
			return errMade
		}
		if pointer := at.trail.pointer(); pointer != "" {
			found[pointer] = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	fields := make([]string, 0, len(found))
	for pointer := range found {
		fields = append(fields, pointer)
	}
	return fields, nil
}

// Pointer is the expression as a JSON pointer with steps manifest.Each, if it has no conditions
// and so can be written as one.
func (p *Path) Pointer() (pointer string, ok bool) {
	pointers, ok := pointersOf(p.root, []string{""})
	if !ok || len(pointers) != 1 {
		return "", false
	}
	return pointers[0], true
}

// Patterns are JSON pointers with steps manifest.Each, one of which covers each field to which
// the expression leads. Steps of any depth (..) are not among them.
func (p *Path) Patterns() []string { return p.root.patterns([]string{""}) }

var (
	errMade = errors.New("it leads to a new value, not to a field")
	errKind = errors.New("a value is of another kind than the expression needs")
)

// place is a value, and where the object has it.
type place struct {
	value any
	trail *trail // nil: the object itself
	made  bool   // the value is a new one, that the object does not have
	free  bool   // it does not matter where the value is: it is part of a condition
}

// with is another value that was made at the place.
func (p place) with(value any) place { return place{value: value, made: !p.free, free: p.free} }

// freed is the place as that of a condition.
func (p place) freed() place { return place{value: p.value, free: true} }

// at is the place of a field of the value, or of an element.
func (p place) at(step string, value any) place {
	if p.free {
		return place{value: value, free: true}
	}
	return place{value: value, trail: &trail{up: p.trail, step: step}}
}

// trail is a way from an object to one of its fields, from its end.
type trail struct {
	up   *trail
	step string
}

// pointer writes the trail as a JSON pointer.
func (t *trail) pointer() string {
	var steps []string
	for ; t != nil; t = t.up {
		steps = append(steps, "/"+manifest.EscapeStep(t.step))
	}
	slices.Reverse(steps)
	return strings.Join(steps, "")
}

// run is one search for fields.
type run struct{ left int }

// spend takes steps of the search. It returns ErrTooLong when there are none left.
func (r *run) spend(steps int) error {
	if r.left -= steps; r.left < 0 {
		return ErrTooLong
	}
	return nil
}
