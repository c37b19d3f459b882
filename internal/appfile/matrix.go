package appfile

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
)

// MaxCells bounds the apps that the matrix of one entry makes.
const MaxCells = 500

// A matrix makes an app of each combination of its values: of each cell. Wherever
// the entry says ${axis}, or ${axis.field} where the values of an axis are
// mappings, the cell's value stands. As with substitute, it is put into scalars that
// are parsed: it cannot become anything else.

// cell has the values of one combination, by the names in the braces.
type cell map[string]*yaml.Node

// matrix returns the cells of an entry; one without values if it has no matrix.
func (r *reader) matrix(element field) []cell {
	f, ok := matrixOf(element.Value)
	if !ok {
		return []cell{{}}
	}
	if f.Value.Kind != yaml.MappingNode || len(f.Value.Content) == 0 {
		r.Add(f.Line, fmt.Sprintf("matrix is %s, not a mapping of names to lists", form.Describe(f.Value)), "for example matrix: {region: [eu, us]}")
		return nil
	}
	var names []string
	for i := 0; i+1 < len(f.Value.Content); i += 2 {
		names = append(names, f.Value.Content[i].Value)
	}
	axes := r.Fields(f.Value, "matrix", names)
	cells := []cell{{}}
	for _, name := range names {
		axis, ok := axes[name]
		if !ok {
			return nil // told by fields
		}
		values := r.axis(name, axis)
		if len(values)*len(cells) > MaxCells {
			r.Add(f.Line, fmt.Sprintf("matrix: it makes more than %d apps", MaxCells), "split the entry")
			return nil
		}
		cells = times(cells, values)
	}
	return cells
}

// matrixOf finds the matrix of an entry before its other fields can be read.
func matrixOf(entry *yaml.Node) (field, bool) { return valueOf(entry, "matrix") }

// axis returns the values of an axis, each with its part of a cell.
func (r *reader) axis(name string, f field) []cell {
	f.Name = "matrix." + name
	if !isSubstituted(name) {
		r.Add(f.Line, fmt.Sprintf("matrix: %q is no name: it is not made of letters, digits and _", name), "for example region")
	}
	var values []cell
	for _, element := range r.List(f, MaxCells) {
		switch {
		case element.Value.Kind == yaml.ScalarNode && !form.IsNull(element.Value):
			values = append(values, cell{name: element.Value})
		case element.Value.Kind == yaml.MappingNode:
			values = append(values, r.fieldsOfValue(name, element))
		default:
			r.Add(element.Line, fmt.Sprintf("matrix.%s: a value is %s", name, form.Describe(element.Value)), "write text, a number, or a mapping of such")
		}
	}
	if f.Value.Kind == yaml.SequenceNode && len(f.Value.Content) == 0 {
		r.Add(f.Line, fmt.Sprintf("matrix.%s has no values", name), "an axis without values makes no app; take the entry out")
	}
	return values
}

func (r *reader) fieldsOfValue(name string, element field) cell {
	value := cell{}
	for i := 0; i+1 < len(element.Value.Content); i += 2 {
		key, inner := element.Value.Content[i], form.Follow(element.Value.Content[i+1])
		if inner.Kind != yaml.ScalarNode || form.IsNull(inner) || !isSubstituted(key.Value) {
			r.Add(key.Line, fmt.Sprintf("matrix.%s: %q is not a name with text or a number", name, key.Value), "")
			continue
		}
		value[name+"."+key.Value] = inner
	}
	return value
}

// times combines cells with the values of one more axis.
func times(cells, values []cell) []cell {
	var all []cell
	for _, c := range cells {
		for _, v := range values {
			combined := maps.Clone(c)
			maps.Copy(combined, v)
			all = append(all, combined)
		}
	}
	return all
}

var placeholder = regexp.MustCompile(`\$\{([A-Za-z0-9_./-]+)\}`)

// fill returns an entry with the values of the cell in it. What the cell has no
// value for is left: it may be for substitute.
func (c cell) fill(entry *yaml.Node) *yaml.Node {
	if len(c) == 0 {
		return entry
	}
	filled := c.filled(entry, map[*yaml.Node]*yaml.Node{})
	if folder, path := c[wholePath], pathOf(filled); folder != nil && path != nil {
		path.Value, path.Tag, path.Style = folder.Value, folder.Tag, folder.Style
	}
	return filled
}

// filled copies a node. done has the copies by their originals: an alias stands for a
// copy, and is not written out.
func (c cell) filled(n *yaml.Node, done map[*yaml.Node]*yaml.Node) *yaml.Node {
	out := *n
	done[n] = &out
	if n.Kind == yaml.AliasNode && done[n.Alias] != nil {
		out.Alias = done[n.Alias]
	}
	out.Content = make([]*yaml.Node, len(n.Content))
	for i, inner := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			out.Content[i] = inner // keys stay
			continue
		}
		out.Content[i] = c.filled(inner, done)
	}
	if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "${") {
		c.scalar(&out)
	}
	return &out
}

// scalar puts values into a scalar. A scalar that is a name alone, without quotes,
// becomes its value; with more around it, it is text.
func (c cell) scalar(n *yaml.Node) {
	whole := placeholder.FindStringSubmatch(n.Value)
	if whole != nil && whole[0] == n.Value && n.Style == 0 && c[whole[1]] != nil {
		value := c[whole[1]]
		n.Value, n.Tag, n.Style = value.Value, value.Tag, value.Style
		return
	}
	text := placeholder.ReplaceAllStringFunc(n.Value, func(use string) string {
		if value := c[use[2:len(use)-1]]; value != nil {
			return value.Value
		}
		return use
	})
	if text != n.Value && n.Style == 0 {
		n.Tag, n.Style = "!!str", yaml.DoubleQuotedStyle
	}
	n.Value = text
}

// unfilled returns the mistake of a text that still has a name in it, where no name may
// be; "" for none.
func (c cell) unfilled(text string) (message, hint string) {
	use := placeholder.FindStringSubmatch(text)
	if use == nil {
		return "", ""
	}
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(c)), func(name string) bool { return strings.HasPrefix(name, "/") })
	switch near := manifest.Closest(use[1], names); {
	case near != "":
		hint = "did you mean ${" + near + "}?"
	case len(names) > 0:
		hint = "names of the matrix are " + strings.Join(names, ", ")
	default:
		hint = "names stand for the values of a matrix, for example matrix: {region: [eu, us]}; ${name} for the folder's name, where path is a glob"
	}
	return fmt.Sprintf("has ${%s} in it, which no matrix of this entry gives", use[1]), hint
}
