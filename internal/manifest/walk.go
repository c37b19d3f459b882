package manifest

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// walker turns the YAML nodes of one document into plain values: strings,
// int64, float64, bool, nil, []any and map[string]any, each with its place.
type walker struct {
	*parser
	offset  int          // lines of the file before the document
	aliases []*yaml.Node // anchors whose aliases the walk is following
}

func (w *walker) line(n *yaml.Node) int { return w.offset + n.Line }

// value returns the value of a node. Depth is the number of values around it.
func (w *walker) value(n *yaml.Node, depth int) (any, *lines) {
	at := &lines{line: w.line(n)}
	if !w.enter(n, depth) {
		return nil, at
	}
	switch n.Kind {
	case yaml.AliasNode:
		return w.alias(n, depth)
	case yaml.MappingNode:
		return w.mapping(n, depth, at), at
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, child := range n.Content {
			value, place := w.value(child, depth+1)
			list = append(list, value)
			at.parts = append(at.parts, place)
		}
		return list, at
	default:
		value, err := scalar(n)
		if err != nil {
			w.add(w.line(n), Problem{Message: err.Error(), Hint: "quote it if it is text"})
		}
		if text, ok := value.(string); ok && w.mark != nil && n.Style == 0 {
			value = w.mark(text)
		}
		return value, at
	}
}

// enter counts a node against the limits; false means that it is over one.
func (w *walker) enter(n *yaml.Node, depth int) bool {
	w.nodes++
	if len(w.aliases) > 0 {
		w.aliasNodes++
	}
	switch {
	case w.stopped:
	case depth > MaxDepth:
		w.stop(w.line(n), fmt.Sprintf("nested deeper than %d levels", MaxDepth), "nest less")
	case w.nodes > MaxNodes:
		w.stop(w.line(n), fmt.Sprintf("more than %d values in one file", MaxNodes), "split the file")
	case w.aliasNodes > MaxAliasNodes:
		w.stop(w.line(n), fmt.Sprintf("aliases repeat more than %d values in one file", MaxAliasNodes), "write the values out")
	}
	return !w.stopped
}

// alias returns a copy of the node that an alias refers to. Its fields have the lines
// on which they are written, at the anchor.
func (w *walker) alias(n *yaml.Node, depth int) (any, *lines) {
	if slices.Contains(w.aliases, n.Alias) {
		w.stop(w.line(n), fmt.Sprintf("the alias *%s stands inside its own anchor", n.Value), "write the value out")
		return nil, &lines{line: w.line(n)}
	}
	w.aliases = append(w.aliases, n.Alias)
	defer func() { w.aliases = w.aliases[:len(w.aliases)-1] }()
	return w.value(n.Alias, depth+1)
}

// fieldSet is a mapping while it is being read.
type fieldSet struct {
	values map[string]any
	at     *lines
	index  map[string]int // key -> position in at
	lines  map[string]int // key -> line, of keys that are written here, not merged
}

// set stores a field, over one of the same name that a merge brought.
func (f *fieldSet) set(key string, value any, place *lines) {
	f.values[key] = value
	if i, ok := f.index[key]; ok {
		f.at.parts[i] = place
		return
	}
	f.index[key] = len(f.at.keys)
	f.at.keys = append(f.at.keys, key)
	f.at.parts = append(f.at.parts, place)
}

// mapping returns a mapping's fields and notes their places in at.
func (w *walker) mapping(n *yaml.Node, depth int, at *lines) map[string]any {
	size := len(n.Content) / 2
	f := &fieldSet{make(map[string]any, size), at, make(map[string]int, size), make(map[string]int, size)}
	for i := 0; i+1 < len(n.Content) && !w.stopped; i += 2 {
		key, ok := w.key(n.Content[i], f.lines)
		if !ok {
			continue
		}
		if isMerge(n.Content[i]) {
			w.merge(n.Content[i+1], depth, f)
			continue
		}
		value, place := w.value(n.Content[i+1], depth+1)
		place.line = w.line(n.Content[i])
		f.set(key, value, place)
	}
	return f.values
}

const keyHint = "keys are text; quote what starts with { or [; " + templateHint

// isMerge reports whether a key is YAML 1.1's merge key, an unquoted <<.
func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.ShortTag() == "!!merge"
}

// key returns the text of a key, and notes its line in written. A key that is
// not text, or that is there already, is a problem: kubectl would turn the
// first into text that may surprise (y becomes "true"), and let the last of
// the second win.
func (w *walker) key(n *yaml.Node, written map[string]int) (string, bool) {
	line := w.line(n)
	if n.Kind == yaml.AliasNode && n.Alias.Kind == yaml.ScalarNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode {
		w.add(line, Problem{Message: "a key is a mapping or a list", Hint: keyHint})
		return "", false
	}
	value, err := scalar(n)
	key, isText := value.(string)
	if err != nil || !isText {
		w.add(line, Problem{
			Message: fmt.Sprintf("the key %s is read as %s, not as text", show(n.Value), typeName(value)),
			Hint:    fmt.Sprintf("quote it: %s", show(n.Value)),
		})
		return "", false
	}
	if first, twice := written[key]; twice {
		w.add(line, Problem{
			Message: fmt.Sprintf("the key %s is already set on line %d", show(key), first),
			Hint:    "keep one of the two",
		})
		return "", false
	}
	written[key] = line
	return key, true
}

// merge adds the fields of the mappings that a merge key names; of a list, the
// earlier ones win. Where a key that stands before << is also in them, YAML's
// merge rule and kubectl disagree about which wins, so it is refused.
func (w *walker) merge(n *yaml.Node, depth int, f *fieldSet) {
	sources := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		sources = n.Content
	}
	for _, source := range slices.Backward(sources) {
		value, place := w.value(source, depth+1)
		merged, ok := value.(map[string]any)
		if !ok && !w.stopped {
			w.add(w.line(source), Problem{
				Message: "<< needs a mapping, or a list of mappings",
				Hint:    "write an alias after it: <<: *name",
			})
		}
		for j, key := range place.keys {
			if line, clash := f.lines[key]; clash && key != "<<" {
				w.add(line, Problem{
					Message: fmt.Sprintf("the key %s stands before << on line %d, which sets it too", show(key), f.lines["<<"]),
					Hint:    "move << to the top of the mapping; what stands below it wins",
				})
				continue
			}
			f.set(key, merged[key], place.parts[j])
		}
	}
}
