package rules

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pattern names repositories, branches or paths: words with slashes between, in which *
// stands for any letters of one word, ? for one letter, and a word ** for any number of
// words.
type pattern string

// Limits of patterns.
const (
	maxPattern  = 200 // bytes of one
	maxPatterns = 64  // of one list
)

// parsePattern reads a pattern. The error reads on from the quoted text.
func parsePattern(text string) (pattern, error) {
	switch {
	case text == "":
		return "", fmt.Errorf("is empty")
	case len(text) > maxPattern:
		return "", fmt.Errorf("is longer than %d bytes", maxPattern)
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
	return pattern(text), nil
}

// isLiteral reports whether the pattern is one name and no other.
func (p pattern) isLiteral() bool { return !strings.ContainsAny(string(p), "*?") }

// match reports whether the pattern fits a name as a whole.
func (p pattern) match(name string) bool {
	return matchWords(strings.Split(string(p), "/"), strings.Split(name, "/"))
}

// covers reports whether the pattern fits a path or a folder that it lies in, so that
// deploy/shop and deploy/shop/** are both the folder with all that is in it.
func (p pattern) covers(path string) bool {
	folder := pattern(strings.TrimSuffix(string(p), "/**"))
	if p == "**" {
		return true
	}
	words := strings.Split(path, "/")
	for n := 1; n <= len(words); n++ {
		if folder.match(strings.Join(words[:n], "/")) {
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

// touches reports whether the pattern fits a path, a folder that it lies in, or
// something that may lie in it.
func (p pattern) touches(path string) bool {
	if path == "." || p.covers(path) {
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

// fits reports whether a list of patterns fits a name; one that is nil fits all.
func fits(patterns []pattern, name string) bool {
	return patterns == nil || slices.ContainsFunc(patterns, func(p pattern) bool { return p.match(name) })
}
