package jq

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"github.com/pushboat/pushboat/internal/manifest"
)

// maxPatterns is how many patterns an expression has at most.
const maxPatterns = 100

// below are patterns one step deeper.
func below(from []string, step string) []string {
	patterns := make([]string, len(from))
	for i, pattern := range from {
		patterns[i] = pattern + "/" + step
	}
	return patterns
}

func (descend) patterns(from []string) []string  { return from }
func (self) patterns(from []string) []string     { return from }
func (empty) patterns([]string) []string         { return nil }
func (literal) patterns([]string) []string       { return nil }
func (list) patterns([]string) []string          { return nil }
func (logic) patterns([]string) []string         { return nil }
func (compare) patterns([]string) []string       { return nil }
func (n chosen) patterns(from []string) []string { return from }
func (n first) patterns(from []string) []string  { return n.of.patterns(from) }

func (n attempt) patterns(from []string) []string { return n.body.patterns(from) }

func (n index) patterns(from []string) []string {
	step, ok := stepOf(n.key)
	if !ok {
		step = manifest.Each
	}
	return below(n.of.patterns(from), step)
}

func (n each) patterns(from []string) []string { return below(n.of.patterns(from), manifest.Each) }

func (n pipe) patterns(from []string) []string { return n.right.patterns(n.left.patterns(from)) }

func (n comma) patterns(from []string) []string { return union(from, n.left, n.right) }

func (n otherwise) patterns(from []string) []string { return union(from, n.left, n.right) }

func (n when) patterns(from []string) []string { return union(from, n.then, n.otherwise) }

// union are the patterns of two parts.
func union(from []string, left, right node) []string {
	all := slices.Concat(left.patterns(from), right.patterns(from))
	return all[:min(len(all), maxPatterns)]
}

// stepOf is a key as a step of a pointer, if it is one that is written out.
func stepOf(key node) (step string, ok bool) {
	written, ok := key.(literal)
	if !ok {
		return "", false
	}
	switch value := written.value.(type) {
	case string:
		return manifest.EscapeStep(value), value != manifest.Each
	case int64:
		return strconv.FormatInt(value, 10), value >= 0 && value <= math.MaxInt32
	}
	return "", false
}

// pointersOf are the pointers of a part without conditions, from those where it begins.
func pointersOf(n node, from []string) (pointers []string, ok bool) {
	switch n := n.(type) {
	case self:
		return from, true
	case index:
		step, ok := stepOf(n.key)
		pointers, okOf := pointersOf(n.of, from)
		return below(pointers, step), ok && okOf
	case each:
		pointers, ok = pointersOf(n.of, from)
		return below(pointers, manifest.Each), ok
	case pipe:
		if pointers, ok = pointersOf(n.left, from); !ok {
			return nil, false
		}
		return pointersOf(n.right, pointers)
	case attempt:
		return pointersOf(n.body, from)
	}
	return nil, false
}

// makerOf names the part that makes a new value, so that an expression cannot lead to a field;
// "" if it can.
func makerOf(n node) string {
	switch n := n.(type) {
	case index:
		return makerOf(n.of)
	case each:
		return makerOf(n.of)
	case attempt:
		return makerOf(n.body)
	case first:
		return makerOf(n.of)
	case pipe:
		return either(makerOf(n.left), makerOf(n.right))
	case comma:
		return both(makerOf(n.left), makerOf(n.right))
	case otherwise:
		return both(makerOf(n.left), makerOf(n.right))
	case when:
		return both(makerOf(n.then), makerOf(n.otherwise))
	case literal:
		text, _ := json.Marshal(n.value)
		return string(text)
	case list:
		return "[…]"
	case logic:
		return map[bool]string{true: "or", false: "and"}[n.or]
	case compare:
		return n.op
	case quantified:
		return map[bool]string{true: "all", false: "any"}[n.all]
	case call:
		return n.name
	}
	return ""
}

func either(left, right string) string {
	if left != "" {
		return left
	}
	return right
}

func both(left, right string) string {
	if right == "" {
		return ""
	}
	return left
}
