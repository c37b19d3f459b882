// Package glob has the patterns by which the rules of admin.git name things: repositories,
// branches, paths, namespaces, clusters.
package glob

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Pattern names things: words with slashes between, in which * stands for any letters of
// one word, ? for one letter, and a word ** for any number of words.
type Pattern string

// maxLength bounds a pattern, in bytes.
const maxLength = 200

// Parse reads a pattern. The error reads on from the quoted text.
func Parse(text string) (Pattern, error) {
	switch {
	case text == "":
		return "", fmt.Errorf("is empty")
	case len(text) > maxLength:
		return "", fmt.Errorf("is longer than %d bytes", maxLength)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) || r == '\\' }):
		return "", fmt.Errorf("has a character that no such name has")
	}
	for word := range strings.SplitSeq(text, "/") {
		switch {
		case word == "" || word == "." || word == "..":
			return "", fmt.Errorf("has an empty word, . or .. between its slashes")
		case word != "**" && strings.Contains(word, "**"):
			return "", fmt.Errorf("has ** in a longer word; it is a word of its own, as in team/**")
		}
	}
	return Pattern(text), nil
}

// IsLiteral reports whether the pattern is one name and no other.
func (p Pattern) IsLiteral() bool { return !strings.ContainsAny(string(p), "*?") }

// Match reports whether the pattern fits a name as a whole.
func (p Pattern) Match(name string) bool {
	return matchWords(strings.Split(string(p), "/"), strings.Split(name, "/"))
}

// Covers reports whether the pattern fits a path or a folder that it lies in, so that
// deploy/shop and deploy/shop/** are both the folder with all that is in it.
func (p Pattern) Covers(path string) bool {
	folder := Pattern(strings.TrimSuffix(string(p), "/**"))
	if p == "**" {
		return true
	}
	words := strings.Split(path, "/")
	for n := 1; n <= len(words); n++ {
		if folder.Match(strings.Join(words[:n], "/")) {
			return true
		}
	}
	return false
}

// matchWords matches word by word.
func matchWords(pattern, words []string) bool {
	return match(pattern, words, "**", matchWord)
}

// matchWord matches one word, letter by letter.
func matchWord(pattern, word string) bool {
	return match([]rune(pattern), []rune(word), '*', func(want, letter rune) bool { return want == '?' || want == letter })
}

// match matches item by item; star stands for any number of items. After a star it tries
// the rest further and further on, and never goes back before the last star: that is
// enough.
func match[T comparable](pattern, items []T, star T, fits func(want, item T) bool) bool {
	p, i, last, from := 0, 0, -1, 0
	for i < len(items) {
		switch {
		case p < len(pattern) && pattern[p] == star:
			last, from = p, i
			p++
		case p < len(pattern) && fits(pattern[p], items[i]):
			p, i = p+1, i+1
		case last >= 0:
			from++
			p, i = last+1, from
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == star {
		p++
	}
	return p == len(pattern)
}

// Touches reports whether the pattern fits a path, a folder that it lies in, or
// something that may lie in it.
func (p Pattern) Touches(path string) bool {
	if path == "." || p.Covers(path) {
		return true
	}
	words := strings.Split(path, "/")
	for i, want := range strings.Split(string(p), "/") {
		switch {
		case want == "**" || i == len(words):
			return true
		case !matchWord(want, words[i]):
			return false
		}
	}
	return false
}

// Fit reports whether a list of patterns fits a name; one that is nil fits all.
func Fit(patterns []Pattern, name string) bool {
	return patterns == nil || slices.ContainsFunc(patterns, func(p Pattern) bool { return p.Match(name) })
}

// Contain reports whether a list of patterns fits all that another one does, as far as that
// can be told from the patterns. One that is nil fits all.
func Contain(all, some []Pattern) bool {
	if all == nil {
		return true
	}
	return some != nil && !slices.ContainsFunc(some, func(p Pattern) bool {
		return !slices.ContainsFunc(all, func(q Pattern) bool { return q.Contains(p) })
	})
}

// Contains reports whether the pattern fits every name that another one fits, as far as
// that can be told without trying names: the other's wildcards have to meet wildcards that
// are as wide.
func (p Pattern) Contains(other Pattern) bool {
	return match(strings.Split(string(p), "/"), strings.Split(string(other), "/"), "**", containsWord)
}

func containsWord(word, other string) bool {
	return other != "**" && match([]rune(word), []rune(other), '*', func(want, letter rune) bool {
		return letter != '*' && (want == '?' || want == letter)
	})
}
