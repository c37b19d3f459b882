package appfile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// reader collects the problems of the file while its nodes are read.
type reader struct {
	problems    manifest.Problems
	dependsLine map[int]int       // line of an app's entry -> line of its dependsOn
	absent      map[name.App]bool // names of apps whose folder is missing
	unmatched   bool              // a glob matches nothing: its apps have no names
}

func (r *reader) add(line int, message, hint string) {
	r.problems = append(r.problems, manifest.Problem{
		Source:  manifest.Source{File: Name, Line: line},
		Message: message,
		Hint:    hint,
	})
}

// field is one key of a mapping. Name is the path to it that messages show.
type field struct {
	name  string
	line  int
	value *yaml.Node
}

// fields returns the known fields of a mapping by name, and reports the others. where
// is the name of the mapping in messages.
func (r *reader) fields(n *yaml.Node, where string, known []string) map[string]field {
	n = follow(n)
	if n.Kind != yaml.MappingNode {
		r.add(n.Line, fmt.Sprintf("%s is %s, not a mapping", where, describe(n)), "known fields are "+strings.Join(known, ", "))
		return nil
	}
	found := make(map[string]field, len(known))
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch first, twice := found[key.Value]; {
		case key.Kind == yaml.ScalarNode && key.Value == "<<":
			r.add(key.Line, "merge keys (<<) are not read here", "write the fields out")
		case key.Kind != yaml.ScalarNode || !slices.Contains(known, key.Value):
			r.unknown(key, where, known)
		case twice:
			r.add(key.Line, fmt.Sprintf("%s is already set on line %d", key.Value, first.line), "keep one of the two")
		case isNull(value):
			r.add(key.Line, key.Value+" has no value", "remove the line to get the default")
		default:
			found[key.Value] = field{key.Value, key.Line, follow(value)}
		}
	}
	return found
}

func (r *reader) unknown(key *yaml.Node, where string, known []string) {
	if key.Kind != yaml.ScalarNode {
		r.add(key.Line, "a field name is a mapping or a list", "field names are text")
		return
	}
	hint := "known fields are " + strings.Join(known, ", ")
	if near := manifest.Closest(key.Value, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	r.add(key.Line, fmt.Sprintf("unknown field %q in %s", key.Value, where), hint)
}

// follow returns the node that an alias refers to. An alias of an alias cannot be
// written, so one step is enough.
func follow(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool {
	n = follow(n)
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

// describe describes a node for a message.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	if isNull(n) {
		return "empty"
	}
	return fmt.Sprintf("%q", n.Value)
}

// text returns a scalar as written: a branch may be called 1.10, and an app 8080 or on,
// without quotes.
func (r *reader) text(f field) (string, bool) {
	if f.value.Kind != yaml.ScalarNode {
		r.add(f.line, fmt.Sprintf("%s is %s, not text", f.name, describe(f.value)), "")
		return "", false
	}
	return f.value.Value, true
}

func (r *reader) boolean(f field) (value, ok bool) {
	text, ok := r.text(f)
	if !ok {
		return false, false
	}
	if text != "true" && text != "false" {
		r.add(f.line, fmt.Sprintf("%s: %s is not a truth value", f.name, text), "write true or false")
		return false, false
	}
	return text == "true", true
}

// list returns the elements of a list, each a field with the list's name.
func (r *reader) list(f field, limit int) []field {
	if f.value.Kind != yaml.SequenceNode {
		r.add(f.line, fmt.Sprintf("%s is %s, not a list", f.name, describe(f.value)), fmt.Sprintf("write it in brackets: %s: [...]", f.name))
		return nil
	}
	if len(f.value.Content) > limit {
		r.add(f.line, fmt.Sprintf("%s has %d elements; at most %d are read", f.name, len(f.value.Content), limit), "")
		return nil
	}
	elements := make([]field, len(f.value.Content))
	for i, n := range f.value.Content {
		elements[i] = field{f.name, n.Line, follow(n)}
	}
	return elements
}

// texts returns the elements of a list of different texts.
func (r *reader) texts(f field) []string {
	var texts []string
	for _, element := range r.list(f, MaxList) {
		text, ok := r.text(element)
		switch {
		case !ok:
		case slices.Contains(texts, text):
			r.add(element.line, fmt.Sprintf("%s names %q twice", f.name, text), "keep one of the two")
		default:
			texts = append(texts, text)
		}
	}
	return texts
}

// oneOf returns a text that must be one of a few.
func (r *reader) oneOf(f field, known ...string) (string, bool) {
	text, ok := r.text(f)
	if !ok {
		return "", false
	}
	if !slices.Contains(known, text) {
		hint := "write " + strings.Join(known, " or ")
		if near := manifest.Closest(text, known); near != "" {
			hint = "did you mean " + near + "?"
		}
		r.add(f.line, fmt.Sprintf("%s: %q is not known", f.name, text), hint)
		return "", false
	}
	return text, true
}

// duration returns a duration between two bounds.
func (r *reader) duration(f field, least, most time.Duration) (time.Duration, bool) {
	text, ok := r.text(f)
	if !ok {
		return 0, false
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		r.add(f.line, fmt.Sprintf("%s: %s is not a duration", f.name, text), durationHint(text))
	case d < least || d > most:
		r.add(f.line, fmt.Sprintf("%s: %s is not between %s and %s", f.name, text, manifest.AsSetting(least), manifest.AsSetting(most)), "")
	default:
		return d, true
	}
	return 0, false
}

// durationHint guesses the meaning of a number without a known unit.
func durationHint(text string) string {
	for _, guess := range []struct{ suffix, unit string }{{"", "m"}, {"min", "m"}, {"sec", "s"}} {
		number, ok := strings.CutSuffix(text, guess.suffix)
		number = strings.TrimSpace(number)
		if d, err := time.ParseDuration(number + guess.unit); ok && err == nil && d > 0 {
			return "write " + number + guess.unit
		}
	}
	return "write it like 90s, 5m or 1h30m"
}
