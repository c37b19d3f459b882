package appfile

import (
	"io/fs"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/form"
)

// folderName stands for the name of an app's folder in the entry of a glob: namespace:
// ${name} gives each app of path: apps/* a namespace of its own.
const folderName = "name"

// cells returns the combinations of values for which an entry makes apps: those of
// its matrix, or where it has none and names ${name}, those of the folders that match
// its path; else one without values. Where the entry selects clusters, each has one of these.
func (r *reader) cells(fsys fs.FS, element field) []cell {
	return r.selectClusters(element, r.places(fsys, element))
}

// places are the cells of an entry by its matrix or its folders.
func (r *reader) places(fsys fs.FS, element field) []cell {
	_, hasMatrix := matrixOf(element.Value)
	_, selects := valueOf(element.Value, "clusters")
	pattern := pathOf(element.Value)
	if hasMatrix || pattern == nil {
		return r.matrix(element)
	}
	if folders := mentions(element.Value, folderName) || selects && isGlob(pattern.Value); !folders {
		return r.matrix(element)
	}
	folders := []string{path.Clean(pattern.Value)}
	if isGlob(pattern.Value) && checkPath(pattern.Value) == "" {
		folders = matching(fsys, pattern.Value)
	}
	cells := make([]cell, 0, len(folders))
	for _, folder := range folders {
		cells = append(cells, cell{folderName: text(path.Base(folder)), wholePath: text(folder)})
	}
	if len(cells) == 0 {
		return []cell{{}} // expand tells that nothing matches
	}
	return cells
}

// wholePath is the value of a cell that takes the place of the entry's path. No
// placeholder can have its name.
const wholePath = "/path"

// text is a scalar that is text, whatever it reads as.
func text(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value, Style: yaml.DoubleQuotedStyle}
}

// pathOf returns the path of an entry before its other fields are read; nil if it has
// none that is text.
func pathOf(entry *yaml.Node) *yaml.Node {
	if entry.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(entry.Content); i += 2 {
		if value := form.Follow(entry.Content[i+1]); entry.Content[i].Value == "path" && value.Kind == yaml.ScalarNode {
			return value
		}
	}
	return nil
}

// mentions reports whether a placeholder stands anywhere in an entry.
func mentions(n *yaml.Node, name string) bool {
	if n.Kind == yaml.ScalarNode {
		return strings.Contains(n.Value, "${"+name+"}")
	}
	for _, inner := range n.Content {
		if mentions(inner, name) {
			return true
		}
	}
	return false
}
