package amend

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// kustomizations are the names of the files that kustomize reads.
var kustomizations = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// entries are the changes of whole entries of a kustomization's images: where the repository
// changes, or a digest comes to a tag, keys have to come or go.
func (s *Search) entries(done Files, name string, is, want Image) []candidate {
	data := s.content(done, name)
	if !slices.Contains(kustomizations, path.Base(name)) || len(data) > maxFile {
		return nil
	}
	file := read(data)
	var all []candidate
	for _, doc := range file.docs {
		for _, entry := range imagesOf(doc) {
			if changed, line, ok := file.entry(entry, want); ok {
				all = append(all, candidate{name, changed, Change{name, line, is.String(), want.String()}, len(is.String()) - 1})
			}
		}
	}
	return all
}

// imagesOf returns the entries of images in a kustomization.
func imagesOf(doc *yaml.Node) []*yaml.Node {
	if len(doc.Content) != 1 {
		return nil
	}
	if list := valueOf(doc.Content[0], "images"); list != nil && list.Kind == yaml.SequenceNode {
		return list.Content
	}
	return nil
}

// valueOf returns the value of a key; nil if the mapping does not have it.
func valueOf(mapping *yaml.Node, key string) *yaml.Node {
	if mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// entry returns the file with one entry of images as wanted, and the line where it begins.
func (f *source) entry(entry *yaml.Node, want Image) (changed []byte, line int, ok bool) {
	name := valueOf(entry, "name")
	if name == nil {
		return nil, 0, false
	}
	newName := want.Name()
	if newName == name.Value && valueOf(entry, "newName") == nil {
		newName = ""
	}
	data := f.data
	for _, field := range [][2]string{{"newName", newName}, {"newTag", want.Tag}, {"digest", want.Digest}} {
		now := read(data)
		at := now.at(entry)
		if at == nil {
			return nil, 0, false
		}
		if data, ok = now.put(at, field[0], field[1]); !ok {
			return nil, 0, false
		}
	}
	after := read(data).at(entry)
	return data, entry.Line, after != nil && says(after, "newName", newName) && says(after, "newTag", want.Tag) && says(after, "digest", want.Digest)
}

// at returns the entry of images that begins where another does.
func (f *source) at(entry *yaml.Node) *yaml.Node {
	for _, doc := range f.docs {
		for _, found := range imagesOf(doc) {
			if found.Line == entry.Line && found.Column == entry.Column {
				return found
			}
		}
	}
	return nil
}

// says reports whether a mapping has a value; for "", that it has none.
func says(mapping *yaml.Node, key, value string) bool {
	found := valueOf(mapping, key)
	return found == nil && value == "" || found != nil && found.Value == value
}

// put returns the file with a field of a mapping set, added or, for "", taken out.
func (f *source) put(mapping *yaml.Node, key, value string) ([]byte, bool) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if k := mapping.Content[i]; k.Value == key {
			return f.replace(mapping, i, value)
		}
	}
	if value == "" {
		return f.data, true
	}
	last := mapping.Content[len(mapping.Content)-1]
	found, ok := f.locate(last)
	if !ok {
		return nil, false
	}
	text := key + ": " + scalar{flow: true}.asText(value)
	if mapping.Style&yaml.FlowStyle != 0 {
		return spliced(f.data, part{found.end, found.end, []byte(", " + text)}), true
	}
	first := mapping.Content[0]
	eol := "\n"
	end := bytes.IndexByte(f.data[found.end:], '\n')
	if end < 0 {
		end = len(f.data)
	} else if end += found.end; f.data[end-1] == '\r' {
		eol, end = "\r\n", end-1
	}
	return spliced(f.data, part{end, end, []byte(eol + strings.Repeat(" ", first.Column-1) + text)}), true
}

// replace returns the file with another value of the field i of a mapping. A line that has
// nothing but a field without a value goes.
func (f *source) replace(mapping *yaml.Node, i int, value string) ([]byte, bool) {
	key, old := mapping.Content[i], mapping.Content[i+1]
	if old.Value == value {
		return f.data, true
	}
	found, ok := f.locate(old)
	if !ok {
		return nil, false
	}
	found.flow = mapping.Style&yaml.FlowStyle != 0
	if value != "" || i == 0 || found.flow {
		return spliced(f.data, part{found.start, found.end, []byte(found.asText(value))}), true
	}
	start, end := f.lines[key.Line-1], len(f.data)
	if key.Line < len(f.lines) {
		end = f.lines[key.Line]
	}
	if old.Line != key.Line || strings.TrimSpace(string(f.data[start:start+key.Column-1])) != "" {
		return nil, false
	}
	return spliced(f.data, part{start, end, nil}), true
}
