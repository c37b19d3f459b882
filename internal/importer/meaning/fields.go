package meaning

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Reader reads the fields of one object strictly. What is read in the end, and what is
// refused or without effect, is said with its line; a field that nobody has asked for is a
// problem, see Done.
type Reader struct {
	Object   *manifest.Object
	Problems manifest.Problems
	Notes    []Note

	lines func(path string) manifest.Source
	said  map[Note]bool
}

// maxSaid bounds what is said of one object, problems and notes each: more than anybody reads, and
// to find the line of each takes longer the more there are.
const maxSaid = 100

// Note is what a plan says of a field that is read: most have no effect here.
type Note struct {
	Source manifest.Source `json:"source"`
	Object string          `json:"object"` // manifest.ID.String()
	Text   string          `json:"text"`
}

// Read begins to read an object. lines finds the place of a field; nil: as the object knows
// it.
func Read(o *manifest.Object, lines func(o *manifest.Object, path string) manifest.Source) *Reader {
	r := &Reader{Object: o, lines: o.At}
	if lines != nil {
		r.lines = func(path string) manifest.Source { return lines(o, path) }
	}
	return r
}

// Add notes a problem at a field, once.
func (r *Reader) Add(path, message, hint string) {
	problem := manifest.Problem{Source: r.Object.Source, Object: r.Object.ID().String(), Message: message, Hint: hint}
	switch {
	case len(r.Problems) < maxSaid:
		problem.Source = r.lines(path)
	case len(r.Problems) > maxSaid:
		return
	default:
		problem.Message, problem.Hint = "there are more problems in the object", ""
	}
	if !slices.Contains(r.Problems, problem) {
		r.Problems = append(r.Problems, problem)
	}
}

// Tell notes what a plan says of a field, once.
func (r *Reader) Tell(path, text string) {
	note := Note{r.Object.Source, r.Object.ID().String(), text}
	switch {
	case len(r.Notes) < maxSaid:
		note.Source = r.lines(path)
	case len(r.Notes) > maxSaid:
		return
	default:
		note.Text = "there is more without effect in the object"
	}
	if r.said[note] {
		return
	}
	if r.said == nil {
		r.said = map[Note]bool{}
	}
	r.said[note] = true
	r.Notes = append(r.Notes, note)
}

// Top is the object's own fields.
func (r *Reader) Top() *Map {
	return &Map{There: true, r: r, fields: r.Object.Object, asked: map[string]bool{}}
}

// Spec is the object's spec.
func (r *Reader) Spec() *Map {
	m := &Map{r: r, path: "spec", fields: map[string]any{}, asked: map[string]bool{}}
	switch spec := r.Object.Object["spec"].(type) {
	case map[string]any:
		m.fields, m.There = spec, true
	case nil:
	default:
		r.Add("spec", "spec is no mapping", "")
	}
	return m
}

// Map is a mapping of an object.
type Map struct {
	There bool // somebody wrote it

	r      *Reader
	path   string
	fields map[string]any
	asked  map[string]bool
	inner  []*Map
	maps   map[string]*Map   // those of Map, by their fields
	lists  map[string][]*Map // those of Maps
}

// At is the place of a field.
func (r *Reader) At(path string) manifest.Source { return r.lines(path) }

// At is the path of a field of the mapping, in the notation of manifest.Object.LineOf.
func (m *Map) At(name string) string {
	if m.path == "" {
		return name
	}
	if strings.ContainsAny(name, "./[]") {
		return m.path + "[" + name + "]"
	}
	return m.path + "." + name
}

// Source is the place of a field of the mapping, or of the nearest one above that is written.
func (m *Map) Source(name string) manifest.Source { return m.r.lines(m.At(name)) }

// Problem notes a problem at a field of the mapping.
func (m *Map) Problem(name, message, hint string) { m.r.Add(m.At(name), message, hint) }

// Names are the names of the fields that are written.
func (m *Map) Names() []string { return slices.Sorted(maps.Keys(m.fields)) }

// Has reports whether a field is written.
func (m *Map) Has(name string) bool { return m.fields[name] != nil }

// Raw is a field as it is; nil if it is not written.
func (m *Map) Raw(name string) any {
	m.asked[name] = true
	return m.fields[name]
}

// Text is a text; "" if it is not written.
func (m *Map) Text(name string) string {
	switch value := m.Raw(name).(type) {
	case nil:
	case string:
		return value
	case int64, float64, bool:
		return fmt.Sprint(value)
	default:
		m.Problem(name, m.At(name)+" is no text", "")
	}
	return ""
}

// Boolean is a truth value, or what it is if it is not written.
func (m *Map) Boolean(name string, otherwise bool) bool {
	switch value := m.Raw(name).(type) {
	case nil:
	case bool:
		return value
	default:
		m.Problem(name, fmt.Sprintf("%s: %v is no truth value", m.At(name), value), "write true or false")
	}
	return otherwise
}

// Duration is a time such as 10m or 1h30m; 0 if it is not written.
func (m *Map) Duration(name string) time.Duration {
	text := m.Text(name)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		m.Problem(name, fmt.Sprintf("%s: %q is no duration", m.At(name), text), "write it like 10m or 1h30m")
		return 0
	}
	return d
}

// Map is a mapping inside; one that is not There if it is not written.
func (m *Map) Map(name string) *Map {
	if inner := m.maps[name]; inner != nil {
		return inner
	}
	inner := &Map{r: m.r, path: m.At(name), fields: map[string]any{}, asked: map[string]bool{}}
	switch value := m.Raw(name).(type) {
	case nil:
	case map[string]any:
		inner.fields, inner.There = value, true
	default:
		m.Problem(name, m.At(name)+" is no mapping", "")
	}
	if m.maps == nil {
		m.maps = map[string]*Map{}
	}
	m.maps[name] = inner
	m.inner = append(m.inner, inner)
	return inner
}

// List are the elements of a list.
func (m *Map) List(name string) []any {
	switch value := m.Raw(name).(type) {
	case nil:
	case []any:
		return value
	default:
		m.Problem(name, m.At(name)+" is no list", "")
	}
	return nil
}

// Maps are the elements of a list of mappings.
func (m *Map) Maps(name string) []*Map {
	if found, ok := m.lists[name]; ok {
		return found
	}
	var found []*Map
	for i, element := range m.List(name) {
		inner := &Map{There: true, r: m.r, path: fmt.Sprintf("%s[%d]", m.At(name), i), asked: map[string]bool{}}
		fields, ok := element.(map[string]any)
		if !ok {
			m.r.Add(inner.path, inner.path+" is no mapping", "")
			continue
		}
		inner.fields = fields
		m.inner = append(m.inner, inner)
		found = append(found, inner)
	}
	if m.lists == nil {
		m.lists = map[string][]*Map{}
	}
	m.lists[name] = found
	return found
}

// Texts are the elements of a list of texts.
func (m *Map) Texts(name string) []string {
	var found []string
	for i, element := range m.List(name) {
		text, ok := element.(string)
		if !ok {
			m.r.Add(fmt.Sprintf("%s[%d]", m.At(name), i), fmt.Sprintf("%s[%d] is no text", m.At(name), i), "")
			continue
		}
		found = append(found, text)
	}
	return found
}

// Pairs is a mapping of texts.
func (m *Map) Pairs(name string) map[string]string {
	inner := m.Map(name)
	if !inner.There {
		return nil
	}
	pairs := make(map[string]string, len(inner.fields))
	for _, key := range inner.Names() {
		pairs[key] = inner.Text(key)
	}
	return pairs
}

// Without says of a field, if it is written, that it has no effect here, and why.
func (m *Map) Without(name, why string) {
	m.asked[name] = true
	if m.Has(name) {
		m.Note(name, m.At(name)+" has no effect: "+why)
	}
}

// Note says something of a field, once.
func (m *Map) Note(name, text string) { m.r.Tell(m.At(name), text) }

// Refuse says of a field, if it is written, that it cannot be had here, and the nearest thing
// that works.
func (m *Map) Refuse(name, why, hint string) {
	m.asked[name] = true
	if m.Has(name) {
		m.Problem(name, m.At(name)+": "+why, hint)
	}
}

// Done reports the fields of the mapping, and of those inside, that nobody has asked for.
func (m *Map) Done() {
	for _, name := range m.Names() {
		if m.asked[name] {
			continue
		}
		hint := "known fields are " + strings.Join(slices.Sorted(maps.Keys(m.asked)), ", ")
		if near := manifest.Closest(name, slices.Collect(maps.Keys(m.asked))); near != "" {
			hint = "did you mean " + near + "?"
		}
		m.Problem(name, "unknown field "+m.At(name), hint)
	}
	for _, inner := range m.inner {
		inner.Done()
	}
}
