package amend

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// part is one change of a file's bytes.
type part struct {
	start, end int
	text       []byte
}

// spliced returns data with parts replaced, which do not overlap.
func spliced(data []byte, parts ...part) []byte {
	parts = slices.Clone(parts)
	slices.SortFunc(parts, func(a, b part) int { return a.start - b.start })
	var out []byte
	last := 0
	for _, p := range parts {
		out = append(append(out, data[last:p.start]...), p.text...)
		last = p.end
	}
	return append(out, data[last:]...)
}

// words are the texts that a file which is not read as YAML takes: they need no quotes in
// any language.
var words = regexp.MustCompile(`^[A-Za-z0-9._/@:+-]+$`)

// forms returns the ways to write a value in the place of a scalar, the nearest to how it
// is written now first.
func (s scalar) forms(value string) []string {
	switch s.style {
	case verbatim:
		if !words.MatchString(value) {
			return nil
		}
		return []string{value, quote(value)}
	case single:
		if !strings.ContainsAny(value, "\n\r\t") {
			return []string{"'" + strings.ReplaceAll(value, "'", "''") + "'"}
		}
		return []string{quote(value)}
	case double:
		return []string{quote(value)}
	}
	lead := ""
	if s.style == empty {
		lead = " "
	}
	forms := []string{lead + quote(value)}
	if isPlain(value, s.flow) {
		forms = slices.Insert(forms, 0, lead+value)
	}
	return forms
}

// asText is the nearest way to write a value that YAML reads as a text: 1.10 is a number
// without quotes.
func (s scalar) asText(value string) string {
	for _, form := range s.forms(value) {
		var got any
		if yaml.Unmarshal([]byte(form), &got) == nil && got == value {
			return form
		}
	}
	return quote(value)
}

// quote writes a value in double quotes; what JSON escapes, YAML reads.
func quote(value string) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // a string has no error
	return strings.TrimSuffix(out.String(), "\n")
}

// isPlain reports whether a value can be written without quotes.
func isPlain(value string, flow bool) bool {
	if value == "" || strings.ContainsAny(value, "\n\r\t") || flow && strings.ContainsAny(value, ",[]{}") {
		return false
	}
	text := "k: " + value + "\n"
	if flow {
		text = "{k: " + value + "}\n"
	}
	var doc yaml.Node
	if yaml.Unmarshal([]byte(text), &doc) != nil || len(doc.Content) != 1 || len(doc.Content[0].Content) != 2 {
		return false
	}
	n := doc.Content[0].Content[1]
	return n.Kind == yaml.ScalarNode && n.Value == value && n.Style == 0 && n.Anchor == "" && n.LineComment == ""
}

// onlyOne reports whether two files of YAML differ in one value, which is as wanted now.
// Where either is no YAML, the file has no structure that could have changed.
func onlyOne(before *source, after []byte, want string) bool {
	if before.docs == nil {
		return true
	}
	docs, err := parse(after)
	if err != nil || len(docs) != len(before.docs) {
		return false
	}
	var changed []*yaml.Node
	for i := range docs {
		if !alike(before.docs[i], docs[i], &changed) {
			return false
		}
	}
	return len(changed) == 1 && (changed[0].Value == want || changed[0].Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0)
}

// alike reports whether two nodes have the same structure, and collects the scalars of b
// with other values.
func alike(a, b *yaml.Node, changed *[]*yaml.Node) bool {
	if a.Kind != b.Kind || a.Anchor != b.Anchor || len(a.Content) != len(b.Content) {
		return false
	}
	if a.Kind == yaml.AliasNode {
		return a.Value == b.Value
	}
	if a.Value != b.Value || a.Kind == yaml.ScalarNode && a.Tag != b.Tag {
		*changed = append(*changed, b)
	}
	for i := range a.Content {
		if !alike(a.Content[i], b.Content[i], changed) {
			return false
		}
	}
	return true
}
