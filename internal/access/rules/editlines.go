package rules

import (
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// lines are those of a file that is edited, each with its end. What does not fit is left
// as it is: edit sees that the file does not say what it should.
type lines struct{ all []string }

func newLines(file []byte) *lines {
	text := string(file)
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return &lines{slices.Collect(strings.Lines(text))}
}

func (l *lines) bytes() []byte { return []byte(strings.Join(l.all, "")) }

// split parts a line where a node begins.
func (l *lines) split(at *yaml.Node) (before, from string, ok bool) {
	if at.Line < 1 || at.Line > len(l.all) || at.Column < 1 || at.Column > len(l.all[at.Line-1]) {
		return "", "", false
	}
	line := l.all[at.Line-1]
	return line[:at.Column-1], line[at.Column-1:], true
}

// insert puts texts below a line, a line each, with an indent.
func (l *lines) insert(below, indent int, texts ...string) {
	var added []string
	for _, text := range texts {
		added = append(added, strings.Repeat(" ", indent)+text+"\n")
	}
	l.all = slices.Insert(l.all, min(below, len(l.all)), added...)
}

// replace puts a text in the place of a scalar.
func (l *lines) replace(scalar *yaml.Node, text string) {
	before, from, ok := l.split(scalar)
	if n := width(scalar); ok && n <= len(from) {
		l.all[scalar.Line-1] = before + text + from[n:]
	}
}

// raw is a scalar as it is written.
func (l *lines) raw(scalar *yaml.Node) string {
	_, from, _ := l.split(scalar)
	return from[:min(width(scalar), len(from))]
}

// width is how many letters a scalar takes that is on one line, without escapes.
func width(scalar *yaml.Node) int {
	if scalar.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		return len(scalar.Value) + 2
	}
	return len(scalar.Value)
}

// addElement adds a key to the end of a list.
func (l *lines) addElement(keys *yaml.Node, key GivenKey) {
	switch {
	case len(keys.Content) == 0:
		l.beginList(keys, key)
	case keys.Style&yaml.FlowStyle != 0:
		at := lastLine(keys)
		if end := strings.LastIndex(l.all[at-1], "]"); end >= 0 {
			l.all[at-1] = l.all[at-1][:end] + ", " + key.inline() + l.all[at-1][end:]
		}
	default:
		l.insert(lastLine(keys), keys.Column-1, key.lines()...)
	}
}

// beginList puts a first key below an empty list, keys: [].
func (l *lines) beginList(keys *yaml.Node, key GivenKey) {
	before, from, ok := l.split(keys)
	_, after, closed := strings.Cut(from, "]")
	if !ok || !closed {
		return
	}
	if strings.TrimSpace(after) == "" {
		before = strings.TrimRight(before, " ")
	}
	l.all[keys.Line-1] = before + strings.TrimLeft(after, " ")
	l.insert(keys.Line, 2, key.lines()...)
}

// lastLine is the last line on which a node of a tree begins.
func lastLine(n *yaml.Node) int {
	last := n.Line
	for _, child := range n.Content {
		last = max(last, lastLine(child))
	}
	return last
}

// expire has an element of a list of keys expire.
func (l *lines) expire(keys, element *yaml.Node, at time.Time) {
	when := "expires: " + writeExpiry(at)
	inline := (keys.Style|element.Style)&yaml.FlowStyle != 0
	expires := field(element, "expires")
	switch {
	case expires != nil:
		l.replace(expires, writeExpiry(at))
	case element.Kind == yaml.ScalarNode && inline:
		l.replace(element, "{key: "+l.raw(element)+", "+when+"}")
	case element.Kind == yaml.ScalarNode:
		if before, from, ok := l.split(element); ok {
			l.all[element.Line-1] = before + "key: " + from
			l.insert(element.Line, element.Column-1, when)
		}
	case element.Kind == yaml.MappingNode && inline:
		if before, from, ok := l.split(element); ok {
			l.all[element.Line-1] = before + "{" + when + ", " + strings.TrimPrefix(from, "{")
		}
	case element.Kind == yaml.MappingNode:
		if key := field(element, "key"); key != nil {
			l.insert(key.Line, element.Column-1, when)
		}
	}
}
