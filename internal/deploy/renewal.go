package deploy

import (
	"maps"
	"slices"
	"time"

	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/render/generated"
)

// Renewal says which generated values of an app to replace. The zero value is none.
type Renewal struct {
	All   bool              // generate new values for all that the app declares
	Paths []string          // that are made anew
	Given map[string]string // values that an operator gives, by their paths
}

func (r Renewal) isZero() bool { return !r.All && len(r.Paths)+len(r.Given) == 0 }

// renews reports whether a value is replaced.
func (r Renewal) renews(path string) bool { return r.All || slices.Contains(r.Paths, path) }

// paths lists the values that are named.
func (r Renewal) paths() []string {
	return slices.Concat(r.Paths, slices.Sorted(maps.Keys(r.Given)))
}

// renewal returns the request for an app's generated values.
func (r reading) renewal(app name.App) Renewal {
	if app != r.renewedApp {
		return Renewal{}
	}
	return r.renewed
}

// KeptValue is the public part of a generated value: never the value.
type KeptValue struct {
	Path     string           `json:"path"`
	Declared bool             `json:"declared"` // by the app's current target
	Kept     bool             `json:"kept"`
	Origin   generated.Origin `json:"origin,omitempty"` // if it is kept
	Of       string           `json:"secret,omitempty"` // where it was found
	Made     time.Time        `json:"made,omitzero"`
	By       string           `json:"by,omitempty"`
}

// GeneratedValues lists the generated values of an app, those that it declares first.
// The error is one of the sealed store.
func (e *Engine) GeneratedValues(app name.App) ([]KeptValue, error) {
	a := e.app(app)
	if a == nil {
		return nil, nil
	}
	set, err := e.keptValues(a.repository(), app)
	if err != nil {
		return nil, err
	}
	return listValues(a.wanted(), set), nil
}

// listValues lists the values that a target, which may be nil, declares, and those that
// are kept.
func listValues(t *target, set generated.Set) []KeptValue {
	list := []KeptValue{}
	rest := maps.Clone(set)
	describe := func(path string, declared bool) KeptValue {
		value, kept := set[path]
		return KeptValue{Path: path, Declared: declared, Kept: kept, Origin: value.From, Of: value.Of, Made: value.Made, By: value.By}
	}
	if t != nil {
		for _, g := range t.Spec.Helm.Generated {
			list = append(list, describe(g.Path, true))
			delete(rest, g.Path)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(rest)) {
		list = append(list, describe(path, false))
	}
	return list
}
