// Package form reads YAML files that people write by hand, strictly: an unknown field,
// one that is given twice and a value of another kind are problems with a line, and the
// nearest known word. All problems of a file are found in one reading.
package form

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Reader collects the problems of one file while its nodes are read.
type Reader struct {
	File     string
	Problems manifest.Problems
}

// Add notes a problem on a line; 0 is the file as a whole.
func (r *Reader) Add(line int, message, hint string) {
	r.Problems = append(r.Problems, manifest.Problem{
		Source:  manifest.Source{File: r.File, Line: line},
		Message: message,
		Hint:    hint,
	})
}

// Root returns the root of the file's one document; nil if it is empty or has problems.
func (r *Reader) Root(data []byte) *yaml.Node {
	root, problems := manifest.ReadYAML(r.File, data)
	r.Problems = append(r.Problems, problems...)
	return root
}

// Field is one key of a mapping, or one element of a list.
type Field struct {
	Name  string // as messages name it
	Line  int
	Value *yaml.Node
}

// Fields returns the fields of a mapping that are known, by name, and reports
// the others. where is what messages call the mapping.
func (r *Reader) Fields(n *yaml.Node, where string, known []string) map[string]Field {
	n = Follow(n)
	if n.Kind != yaml.MappingNode {
		r.Add(n.Line, fmt.Sprintf("%s is %s, not a mapping", where, Describe(n)), "known fields are "+strings.Join(known, ", "))
		return nil
	}
	found := make(map[string]Field, len(known))
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch first, twice := found[key.Value]; {
		case key.Kind == yaml.ScalarNode && key.Value == "<<":
			r.Add(key.Line, "merge keys (<<) are not read here", "write the fields out")
		case key.Kind != yaml.ScalarNode || !slices.Contains(known, key.Value):
			r.unknown(key, where, known)
		case twice:
			r.Add(key.Line, fmt.Sprintf("%s is already set on line %d", key.Value, first.Line), "keep one of the two")
		case IsNull(value):
			r.Add(key.Line, key.Value+" has no value", "remove the line to get the default")
		default:
			found[key.Value] = Field{key.Value, key.Line, Follow(value)}
		}
	}
	return found
}

func (r *Reader) unknown(key *yaml.Node, where string, known []string) {
	if key.Kind != yaml.ScalarNode {
		r.Add(key.Line, "a field name is a mapping or a list", "field names are text")
		return
	}
	hint := "known fields are " + strings.Join(known, ", ")
	if near := manifest.Closest(key.Value, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	r.Add(key.Line, fmt.Sprintf("unknown field %q in %s", key.Value, where), hint)
}

// Entries returns the fields of a mapping whatever their names, in order. hint is for
// whoever wrote something else than a mapping.
func (r *Reader) Entries(n *yaml.Node, where, hint string) []Field {
	n = Follow(n)
	if n.Kind != yaml.MappingNode {
		r.Add(n.Line, fmt.Sprintf("%s is %s, not a mapping", where, Describe(n)), hint)
		return nil
	}
	lines := make(map[string]int, len(n.Content)/2)
	var entries []Field
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		first, twice := lines[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode:
			r.Add(key.Line, "a field name is a mapping or a list", "field names are text")
		case key.Value == "<<":
			r.Add(key.Line, "merge keys (<<) are not read here", "write the fields out")
		case twice:
			r.Add(key.Line, fmt.Sprintf("%s is already set on line %d", key.Value, first), "keep one of the two")
		default:
			lines[key.Value] = key.Line
			entries = append(entries, Field{key.Value, key.Line, Follow(value)})
		}
	}
	return entries
}

// Follow returns what an alias stands for. An alias of an alias cannot be
// written, so one step is enough.
func Follow(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// IsNull reports whether a node is an empty value.
func IsNull(n *yaml.Node) bool {
	n = Follow(n)
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// Describe says what a node is, for a message.
func Describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	if IsNull(n) {
		return "empty"
	}
	return fmt.Sprintf("%q", n.Value)
}

// Text returns a scalar as it is written: a branch may be called 1.10, and an app 8080 or
// on, without quotes.
func (r *Reader) Text(f Field) (string, bool) {
	if f.Value.Kind != yaml.ScalarNode {
		r.Add(f.Line, fmt.Sprintf("%s is %s, not text", f.Name, Describe(f.Value)), "")
		return "", false
	}
	return f.Value.Value, true
}

// Boolean returns a truth value.
func (r *Reader) Boolean(f Field) (value, ok bool) {
	text, ok := r.Text(f)
	if !ok {
		return false, false
	}
	if text != "true" && text != "false" {
		r.Add(f.Line, fmt.Sprintf("%s: %s is not a truth value", f.Name, text), "write true or false")
		return false, false
	}
	return text == "true", true
}

// List returns the elements of a list, each a field with the list's name.
func (r *Reader) List(f Field, limit int) []Field {
	if f.Value.Kind != yaml.SequenceNode {
		r.Add(f.Line, fmt.Sprintf("%s is %s, not a list", f.Name, Describe(f.Value)), fmt.Sprintf("write it in brackets: %s: [...]", f.Name))
		return nil
	}
	if len(f.Value.Content) > limit {
		r.Add(f.Line, fmt.Sprintf("%s has %d elements; at most %d are read", f.Name, len(f.Value.Content), limit), "")
		return nil
	}
	elements := make([]Field, len(f.Value.Content))
	for i, n := range f.Value.Content {
		elements[i] = Field{f.Name, n.Line, Follow(n)}
	}
	return elements
}

// Texts returns the elements of a list of different texts, each with its line.
func (r *Reader) Texts(f Field, limit int) []Field {
	var texts []Field
	seen := map[string]bool{}
	for _, element := range r.List(f, limit) {
		text, ok := r.Text(element)
		switch {
		case !ok:
		case seen[text]:
			r.Add(element.Line, fmt.Sprintf("%s names %q twice", f.Name, text), "keep one of the two")
		default:
			seen[text] = true
			texts = append(texts, element)
		}
	}
	return texts
}

// OneOf returns a text that must be one of a few.
func (r *Reader) OneOf(f Field, known ...string) (string, bool) {
	text, ok := r.Text(f)
	if !ok {
		return "", false
	}
	if !slices.Contains(known, text) {
		r.Add(f.Line, fmt.Sprintf("%s: %q is not known", f.Name, text), Hint(text, known))
		return "", false
	}
	return text, true
}

// Hint names the known word that is nearest to another one, or all of them.
func Hint(word string, known []string) string {
	if near := manifest.Closest(word, known); near != "" {
		return "did you mean " + near + "?"
	}
	return "write " + strings.Join(known, " or ")
}
