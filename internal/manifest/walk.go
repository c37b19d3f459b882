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
func (w *walker) value(n *yaml.Node, depth int) (any, lines) {
	at := lines{line: w.line(n)}
	if !w.enter(n, depth) {
		return nil, at
	}
	switch n.Kind {
	case yaml.AliasNode:
		return w.alias(n, depth)
	case yaml.MappingNode:
		values, inside := w.mapping(n, depth)
		at.inside = inside
		return values, at
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		at.inside = &inside{parts: make([]lines, 0, len(n.Content))}
		for _, child := range n.Content {
			value, place := w.value(child, depth+1)
			list = append(list, value)
			at.inside.parts = append(at.inside.parts, place)
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
func (w *walker) alias(n *yaml.Node, depth int) (any, lines) {
	if slices.Contains(w.aliases, n.Alias) {
		w.stop(w.line(n), fmt.Sprintf("the alias *%s stands inside its own anchor", n.Value), "write the value out")
		return nil, lines{line: w.line(n)}
	}
	w.aliases = append(w.aliases, n.Alias)
	defer func() { w.aliases = w.aliases[:len(w.aliases)-1] }()
	return w.value(n.Alias, depth+1)
}

// fieldSet is a mapping while it is being read.
type fieldSet struct {
	values    map[string]any
	inside    *inside
	merge     int             // the line of its merge key; 0: it has none
	merged    map[string]bool // keys that the merge brought
	positions map[string]int  // of keys in inside, once one was asked for
}

// set stores a field, over one of the same name that a merge brought.
func (f *fieldSet) set(key string, value any, place lines) {
	if _, there := f.values[key]; there {
		f.inside.parts[f.position(key)] = place
	} else {
		if f.positions != nil {
			f.positions[key] = len(f.inside.keys)
		}
		f.inside.keys, f.inside.parts = append(f.inside.keys, key), append(f.inside.parts, place)
	}
	f.values[key] = value
}

// position returns the position of a key that is there. Few mappings have a key twice: the
// others need no index.
func (f *fieldSet) position(key string) int {
	if f.positions == nil {
		f.positions = make(map[string]int, len(f.inside.keys))
		for i, k := range f.inside.keys {
			f.positions[k] = i
		}
	}
	return f.positions[key]
}

// written returns the line on which a key is written in the mapping itself.
func (f *fieldSet) written(key string) (line int, ok bool) {
	if key == "<<" && f.merge > 0 {
		return f.merge, true
	}
	if _, there := f.values[key]; !there || f.merged[key] {
		return 0, false
	}
	return f.inside.parts[f.position(key)].line, true
}

// mapping returns a mapping's fields with their places.
func (w *walker) mapping(n *yaml.Node, depth int) (map[string]any, *inside) {
	size := len(n.Content) / 2
	f := &fieldSet{values: make(map[string]any, size), inside: &inside{make([]string, 0, size), make([]lines, 0, size)}}
	for i := 0; i+1 < len(n.Content) && !w.stopped; i += 2 {
		key, ok := w.key(n.Content[i], f)
		if !ok {
			continue
		}
		if isMerge(n.Content[i]) {
			f.merge = w.line(n.Content[i])
			w.merge(n.Content[i+1], depth, f)
			continue
		}
		value, place := w.value(n.Content[i+1], depth+1)
		place.line = w.line(n.Content[i])
		f.set(key, value, place)
		delete(f.merged, key)
	}
	return f.values, f.inside
}

const keyHint = "keys are text; quote what starts with { or [; " + templateHint

// isMerge reports whether a key is YAML 1.1's merge key, an unquoted <<.
func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.ShortTag() == "!!merge"
}

// key returns the text of a key of a mapping. A key that is not text, or that is
// there already, is a problem: kubectl would turn the first into text that may
// surprise (y becomes "true"), and let the last of the second win.
func (w *walker) key(n *yaml.Node, of *fieldSet) (string, bool) {
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
	if first, twice := of.written(key); twice && (!w.lastWins || key == "<<") {
		w.add(line, Problem{
			Message: fmt.Sprintf("the key %s is already set on line %d", show(key), first),
			Hint:    "keep one of the two",
		})
		return "", false
	}
	return key, true
}

// merge adds the fields of the mappings that a merge key names; of a list, the
// earlier ones win. Where a key that stands before << is also in them, YAML's
// merge rule and kubectl disagree about which wins, so it is refused; in the output of
// a template, it is as for kubectl, where the last wins.
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
		for j, key := range place.keys() {
			if line, clash := f.written(key); clash && key != "<<" && !w.lastWins {
				w.add(line, Problem{
					Message: fmt.Sprintf("the key %s stands before << on line %d, which sets it too", show(key), f.merge),
					Hint:    "move << to the top of the mapping; what stands below it wins",
				})
				continue
			}
			f.set(key, merged[key], *place.part(j))
			if f.merged == nil {
				f.merged = map[string]bool{}
			}
			f.merged[key] = true
		}
	}
}
