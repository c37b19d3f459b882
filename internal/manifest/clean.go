package manifest

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes text from elsewhere (file names, object names, messages of the cluster,
// values) fit for one line of a terminal or log: every character that does not print,
// such as control characters, ESC, the C1 set, bidirectional overrides, zero-width
// characters and invalid UTF-8, becomes a visible escape (CVE-2024-52005,
// CVE-2025-64494). Text that prints does not change; nor does the result of Clean.
func Clean(s string) string { return clean(s, "") }

// CleanLines is Clean for text of several lines: newline and tab stay.
func CleanLines(s string) string { return clean(s, "\n\t") }

// clean escapes characters that do not print and are not in keep.
func clean(s, keep string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r == utf8.RuneError || !prints(r) }) {
		return s
	}
	var b strings.Builder
	for rest := s; rest != ""; {
		r, width := utf8.DecodeRuneInString(rest)
		first := rest[0]
		rest = rest[width:]
		switch {
		case r == utf8.RuneError && width == 1:
			fmt.Fprintf(&b, `\x%02x`, first)
		case prints(r) || strings.ContainsRune(keep, r):
			b.WriteRune(r)
		default:
			b.WriteString(escape(r))
		}
	}
	return b.String()
}

// prints reports whether a character can be shown without an escape. Format characters
// (class Cf, where the bidirectional overrides are) and line separators are not graphic
// in Unicode's sense.
func prints(r rune) bool { return unicode.IsGraphic(r) }

func escape(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < 0x100:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// OneLine is a text of any number of lines on one, clean.
func OneLine(text string) string { return Clean(strings.Join(strings.Fields(text), " ")) }
