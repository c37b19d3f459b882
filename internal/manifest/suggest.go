package manifest

import (
	"fmt"
	"strings"
)

// maxSuggestLength is the longest word, in bytes, for which Closest looks: the
// work grows with the square of it.
const maxSuggestLength = 64

// Closest returns the known word that word is most likely a slip of: one that
// differs in case only, or by at most two letters added, lost, changed or
// swapped, and by less than half of the word. Of equally close ones the first
// wins. It returns "" if there is none.
func Closest(word string, known []string) string {
	if len(word) > maxSuggestLength {
		return ""
	}
	best, bestDistance := "", 3
	for _, k := range known {
		if len(k) > maxSuggestLength {
			continue
		}
		distance := editDistance(strings.ToLower(word), strings.ToLower(k))
		if distance < bestDistance && 2*distance < max(len(word), len(k)) {
			best, bestDistance = k, distance
		}
	}
	return best
}

// editDistance counts insertions, deletions, substitutions and swaps of
// neighbours (optimal string alignment).
func editDistance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// didYouMean is the hint for an unknown word: the close one, or all.
func didYouMean(word string, known []string) string {
	if near := Closest(word, known); near != "" {
		return "did you mean " + near + "?"
	}
	return "known are " + strings.Join(known, ", ")
}

// show quotes a short text from a file for a message.
func show(s string) string {
	const longest = 80
	if runes := []rune(s); len(runes) > longest {
		s = string(runes[:longest]) + "..."
	}
	return fmt.Sprintf("%q", s)
}

// typeName names the type of a value for authors of YAML.
func typeName(value any) string {
	switch value.(type) {
	case nil:
		return "empty"
	case string:
		return "text"
	case bool:
		return "true or false"
	case map[string]any:
		return "a mapping"
	case []any:
		return "a list"
	}
	return "a number"
}
