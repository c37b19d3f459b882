package amend

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// style is the way in which a value is written.
type style int

const (
	plain    style = iota
	single         // 'value'
	double         // "value"
	empty          // nothing, as in "tag:"
	verbatim       // a word of a text that is no YAML, or in a block scalar
)

// scalar is a value that stands on one line.
type scalar struct {
	line       int    // from 1
	key        string // of the mapping that has it; "" in a list, and for a word
	text       string // as YAML reads it
	style      style
	flow       bool // in a flow collection: [a, b] or {a: b}
	start, end int  // its place in the file, quotes included
}

// null reports whether the value says nothing.
func (s scalar) null() bool {
	return s.text == "" || s.style == plain && (s.text == "~" || s.text == "null")
}

// source is a file that has been read.
type source struct {
	data    []byte
	lines   []int        // where each line begins
	docs    []*yaml.Node // nil if it is no YAML
	scalars []scalar
	loose   [][2]int // lines, from 0 and without the last, in which words count: those of block scalars, or all
}

// maxDocs bounds the documents of a file.
const maxDocs = 10_000

// read finds the values of a file. A file that is no YAML has none, only words.
func read(data []byte) *source {
	s := &source{data: data}
	s.lines = append(s.lines, 0)
	for i, b := range data {
		if b == '\n' {
			s.lines = append(s.lines, i+1)
		}
	}
	docs, err := parse(data)
	if err != nil {
		s.loose = [][2]int{{0, len(s.lines)}}
		return s
	}
	s.docs = docs
	w := walk{source: s}
	for _, doc := range docs {
		w.node(doc, "", false)
	}
	slices.Sort(w.all)
	for _, from := range w.blocks {
		next, _ := slices.BinarySearch(w.all, from+1)
		to := len(s.lines)
		if next < len(w.all) {
			to = w.all[next] - 1
		}
		s.loose = append(s.loose, [2]int{from, max(from, to)})
	}
	return s
}

// parse reads all documents of a file.
func parse(data []byte) ([]*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var docs []*yaml.Node
	for len(docs) < maxDocs {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		docs = append(docs, &doc)
	}
	return nil, errors.New("too many documents")
}

// walk goes through the nodes of a file.
type walk struct {
	*source
	all    []int // the lines on which nodes begin
	blocks []int // those of block scalars
}

// node notes the scalars of a node; key is that of the mapping whose value it is. An
// alias is none: its anchor has the value.
func (w *walk) node(n *yaml.Node, key string, flow bool) {
	w.all = append(w.all, n.Line)
	flow = flow || n.Style&yaml.FlowStyle != 0
	switch n.Kind {
	case yaml.DocumentNode, yaml.SequenceNode:
		for _, child := range n.Content {
			w.node(child, "", flow)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			w.all = append(w.all, n.Content[i].Line)
			w.member(n.Content[i], n.Content[i+1], flow)
		}
	case yaml.ScalarNode:
		w.scalar(n, key, flow)
	}
}

func (w *walk) member(key, value *yaml.Node, flow bool) {
	if value.Kind != yaml.ScalarNode || value.Value != "" || value.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		w.node(value, key.Value, flow)
		return
	}
	if at, ok := w.afterKey(key); ok && value.Anchor == "" && value.Style&yaml.TaggedStyle == 0 {
		w.scalars = append(w.scalars, scalar{line: key.Line, key: key.Value, style: empty, flow: flow, start: at, end: at})
	}
}

func (w *walk) scalar(n *yaml.Node, key string, flow bool) {
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		w.blocks = append(w.blocks, n.Line)
		return
	}
	if found, ok := w.locate(n); ok {
		found.key, found.flow = key, flow
		w.scalars = append(w.scalars, found)
	}
}

// offset returns the place of a node.
func (s *source) offset(n *yaml.Node) (int, bool) {
	if n.Line < 1 || n.Line > len(s.lines) || n.Column < 1 {
		return 0, false
	}
	at := s.lines[n.Line-1]
	if at == 0 {
		at = len(s.data) - len(bytes.TrimPrefix(s.data, []byte("\ufeff")))
	}
	for range n.Column - 1 { // columns are characters
		_, size := utf8.DecodeRune(s.data[at:])
		at += size
	}
	return at, at <= len(s.data)
}

// locate finds the text of a scalar that stands on one line.
func (s *source) locate(n *yaml.Node) (scalar, bool) {
	at, ok := s.offset(n)
	if !ok {
		return scalar{}, false
	}
	rest, _, _ := bytes.Cut(s.data[at:], []byte("\n"))
	for len(rest) > 0 && (rest[0] == '&' || rest[0] == '!') { // an anchor, a tag
		_, after, found := bytes.Cut(rest, []byte(" "))
		if !found {
			return scalar{}, false
		}
		after = bytes.TrimLeft(after, " \t")
		at, rest = at+len(rest)-len(after), after
	}
	found := scalar{line: n.Line, text: n.Value, start: at}
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		found.style, found.end = double, at+quotedEnd(rest, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		found.style, found.end = single, at+quotedEnd(rest, '\'')
	default:
		found.end = at + len(n.Value)
	}
	return found, found.end > at && found.end <= at+len(rest) && reads(s.data[found.start:found.end], n.Value)
}

// quotedEnd returns the length of a quoted text that begins a line; 0 if it does not end
// there.
func quotedEnd(line []byte, quote byte) int {
	if len(line) == 0 || line[0] != quote {
		return 0
	}
	for i := 1; i < len(line); i++ {
		switch {
		case quote == '"' && line[i] == '\\':
			i++
		case line[i] != quote:
		case quote == '\'' && i+1 < len(line) && line[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return 0
}

// reads reports whether YAML reads a text as a value.
func reads(text []byte, value string) bool {
	var doc yaml.Node
	if yaml.Unmarshal(text, &doc) != nil || len(doc.Content) != 1 {
		return false
	}
	n := doc.Content[0]
	return n.Kind == yaml.ScalarNode && n.Value == value
}

// afterKey returns the place after the colon of a key whose value is not written.
func (s *source) afterKey(key *yaml.Node) (int, bool) {
	found, ok := s.locate(key)
	if !ok || found.end >= len(s.data) || s.data[found.end] != ':' {
		return 0, false
	}
	at := found.end + 1
	rest, _, _ := strings.Cut(string(s.data[at:]), "\n")
	rest = strings.TrimSpace(rest)
	return at, rest == "" || rest[0] == '#'
}
