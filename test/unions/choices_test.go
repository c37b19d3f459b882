package unions

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// choice is a change of an object that expresses something in another way.
type choice struct {
	kind   string // a key of bases
	path   string // path of the field that has the choice, such as spec.strategy
	from   string // the removed fields, or field and value: rollingUpdate, type=Recreate
	to     string // the added ones
	before map[string]any
	after  map[string]any

	definition string // the name of the schema that has the choice
}

func (c choice) String() string { return fmt.Sprintf("%s %s: %s -> %s", c.kind, c.path, c.from, c.to) }

// state is one way to write a field that has a choice: some of its fields.
type state struct {
	name   string
	fields map[string]any
}

// walker finds the choices of one kind.
type walker struct {
	doc   *document
	kind  string
	taken func(object map[string]any) bool // reports whether the API server would create the object
	known map[string]any                   // by definition, a value that the API server accepts
	found []choice
}

// maxDepth bounds the walk of schemas that contain themselves.
const maxDepth = 12

// place is the present place of the walk in an object.
type place struct {
	path string
	put  func(value map[string]any) map[string]any // the whole object, with the value at this place
}

// below returns the place of a field; list means that it is an item of a list in the field.
func (p place) below(name string, of map[string]any, list bool) place {
	at := place{path: strings.TrimPrefix(p.path+"."+name, ".")}
	if list {
		at.path += "[]"
	}
	at.put = func(value map[string]any) map[string]any {
		with := maps.Clone(of)
		with[name] = value
		if list {
			with[name] = []any{value}
		}
		return p.put(with)
	}
	return at
}

// walk looks for the choices of an object and of everything in it. have is the object's
// value in the base. It returns a value that the API server accepts.
func (w *walker) walk(at place, n *node, have map[string]any, depth int) (map[string]any, bool) {
	fields := maps.Clone(have)
	if fields == nil {
		fields = map[string]any{}
	}
	for _, name := range n.Required {
		if _, ok := fields[name]; !ok {
			fields[name] = w.doc.sample(name, n.Properties[name], 3)
		}
	}
	var states []state
	for _, name := range n.names() {
		if at.path == "" && slices.Contains([]string{"apiVersion", "kind", "metadata", "status"}, name) {
			continue
		}
		states = append(states, w.states(at, n, fields, have, name, depth)...)
	}
	empty := w.taken(at.put(fields))
	w.compare(at, n, fields, states, empty)
	if empty {
		return fields, true
	}
	if len(states) == 0 {
		return nil, false
	}
	return joined(fields, states[0]), true
}

// states are the ways to write one field that the API server accepts in addition to the
// present fields.
func (w *walker) states(at place, n *node, fields, have map[string]any, name string, depth int) []state {
	child := w.doc.resolve(n.Properties[name])
	var states []state
	for _, value := range w.values(at, child, fields, have, name, depth) {
		s := state{name, map[string]any{name: value}}
		if len(child.Enum) > 0 {
			s.name = fmt.Sprintf("%s=%v", name, value)
		}
		if _, there := have[name]; there && reflect.DeepEqual(have[name], value) {
			continue
		}
		if w.taken(at.put(joined(fields, s))) {
			states = append(states, s)
			continue
		}
		if s, ok := w.discriminated(at, n, fields, s, name); ok {
			states = append(states, s)
		}
	}
	return states
}

// discriminated finds the value of a field such as type with which a member is accepted.
func (w *walker) discriminated(at place, n *node, fields map[string]any, s state, name string) (state, bool) {
	for _, field := range []string{"type", "scope", "mode"} {
		of, ok := n.Properties[field]
		if !ok || field == name {
			continue
		}
		for _, value := range append([]any{strings.ToUpper(name[:1]) + name[1:]}, w.doc.resolve(of).Enum...) {
			with := state{s.name, map[string]any{name: s.fields[name], field: value}}
			if w.taken(at.put(joined(fields, with))) {
				return with, true
			}
		}
	}
	return s, false
}

// values are the values to try for a field. A value that is an object is walked too, once
// for each kind.
func (w *walker) values(at place, child *node, fields, have map[string]any, name string, depth int) []any {
	item, list := child, false
	if child.Type == "array" {
		item, list = w.doc.resolve(child.Items), true
	}
	switch {
	case len(child.Enum) > 0:
		return child.Enum[:min(len(child.Enum), maxValues)]
	case len(item.Properties) == 0:
		return []any{w.doc.sample(name, child, 2)}
	case depth == 0 || excluded[item.name] || w.kind != templated && item.name == podTemplate:
		return nil
	}
	value, known := w.known[item.name]
	if inBase := had(have[name]); !known || inBase != nil {
		w.known[item.name] = nil // the definition may contain itself
		found, ok := w.walk(at.below(name, fields, list), item, inBase, depth-1)
		if !ok {
			delete(w.known, item.name)
			return nil
		}
		w.known[item.name], value = found, found
	}
	switch {
	case value == nil || have[name] != nil:
		return nil
	case list:
		return []any{[]any{value}}
	}
	return []any{value}
}

const (
	// podTemplate is the definition of pod templates, which are walked in one kind only.
	podTemplate = "io.k8s.api.core.v1.PodTemplateSpec"
	templated   = "Deployment"
	// maxValues bounds how many values of a field are tried; the field of a signal has 65.
	maxValues = 4
)

// excluded are definitions that are not walked: they are as large as all others together,
// and have no choice.
var excluded = map[string]bool{
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps": true,
	"io.k8s.api.core.v1.EphemeralContainer":                                    true,
	"io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta":                          true,
}

// had returns the object that the base has in a field, or in a list of the field.
func had(value any) map[string]any {
	if list, ok := value.([]any); ok && len(list) > 0 {
		value = list[0]
	}
	object, _ := value.(map[string]any)
	return object
}

func joined(fields map[string]any, states ...state) map[string]any {
	all := maps.Clone(fields)
	for _, s := range states {
		maps.Copy(all, s.fields)
	}
	return all
}

// compare finds the states that exclude each other: the API server accepts each alone, and
// not both together. Two values of one field always exclude each other. empty means that
// the API server also accepts none of the states, and fills one in by default.
func (w *walker) compare(at place, n *node, fields map[string]any, states []state, empty bool) {
	var accepted []state
	concerned := map[string]bool{}
	last := map[string]state{} // by field, its last value
	for _, s := range states {
		if field, _, isValue := strings.Cut(s.name, "="); isValue {
			concerned[s.name] = true
			if before, ok := last[field]; ok {
				w.add(at, n, fields, before, s)
			}
			last[field] = s
		}
		all := slices.DeleteFunc(slices.Clone(accepted), s.overlaps)
		if w.taken(at.put(joined(joined(fields, all...), s))) {
			accepted = append(all, s)
			continue
		}
		for _, other := range all {
			if !w.taken(at.put(joined(fields, other, s))) {
				concerned[s.name], concerned[other.name] = true, true
				w.add(at, n, fields, other, s)
				w.add(at, n, fields, s, other)
			}
		}
	}
	for _, s := range states {
		if nothing := (state{"nothing", nil}); empty && concerned[s.name] && strings.Contains(s.name, "=") {
			w.add(at, n, fields, nothing, s)
			w.add(at, n, fields, s, nothing)
		}
	}
}

// overlaps reports whether two states write the same field.
func (s state) overlaps(other state) bool {
	for name := range s.fields {
		if _, ok := other.fields[name]; ok {
			return true
		}
	}
	return false
}

func (w *walker) add(at place, n *node, fields map[string]any, from, to state) {
	w.found = append(w.found, choice{
		kind: w.kind, path: at.path, definition: n.name, from: from.name, to: to.name,
		before: at.put(joined(fields, from)), after: at.put(joined(fields, to)),
	})
}
