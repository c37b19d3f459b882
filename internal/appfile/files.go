package appfile

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/pushboat/pushboat/internal/manifest"
)

// MaxPattern bounds a pattern of files, in bytes.
const MaxPattern = 1000

// Files chooses among the manifests of a folder. The zero value is all of them, in it and
// below.
type Files struct {
	Flat    bool     `json:"flat,omitempty"`    // not those in folders below
	Include []string `json:"include,omitempty"` // see Pattern; none: all
	Exclude []string `json:"exclude,omitempty"` // of those
}

// IsZero reports whether all files are meant.
func (f Files) IsZero() bool { return !f.Flat && len(f.Include)+len(f.Exclude) == 0 }

// Pattern is what a pattern of files means: * and ** stand for any characters, slashes
// among them, ? for one, [a-z] for one of some, and {a,b} for one of several texts. It is
// tried on a path from the app's folder. These are the patterns of Argo CD's directories.
func Pattern(text string) (*regexp.Regexp, error) {
	switch {
	case text == "":
		return nil, errors.New("is empty")
	case len(text) > MaxPattern:
		return nil, fmt.Errorf("is longer than %d bytes", MaxPattern)
	case !utf8.ValidString(text) || manifest.Clean(text) != text:
		return nil, errors.New("has characters that do not print")
	}
	var b strings.Builder
	depth := 0
	for i := 0; i < len(text); {
		width, err := patternNext(&b, text[i:], &depth)
		if err != nil {
			return nil, err
		}
		i += width
	}
	if depth > 0 {
		return nil, errors.New("has a brace that is not closed")
	}
	expression, err := regexp.Compile("(?s)^(?:" + b.String() + ")$")
	if err != nil {
		return nil, errors.New("is no pattern")
	}
	return expression, nil
}

// patternNext translates what a pattern begins with, and returns its width. depth counts
// the braces that are open.
func patternNext(b *strings.Builder, rest string, depth *int) (int, error) {
	switch {
	case rest[0] == '*':
		b.WriteString(".*")
		return len(rest) - len(strings.TrimLeft(rest, "*")), nil
	case rest[0] == '?':
		b.WriteString(".")
	case rest[0] == '{':
		*depth++
		b.WriteString("(?:")
	case rest[0] == '}' && *depth > 0:
		*depth--
		b.WriteString(")")
	case rest[0] == ',' && *depth > 0:
		b.WriteString("|")
	case rest[0] == '[':
		return patternClass(b, rest)
	case rest[0] == '\\' && len(rest) > 1:
		_, width := utf8.DecodeRuneInString(rest[1:])
		b.WriteString(regexp.QuoteMeta(rest[1 : 1+width]))
		return 1 + width, nil
	default:
		_, width := utf8.DecodeRuneInString(rest)
		b.WriteString(regexp.QuoteMeta(rest[:width]))
		return width, nil
	}
	return 1, nil
}

// patternClass translates [abc], [a-z] and [!a-z].
func patternClass(b *strings.Builder, rest string) (int, error) {
	end := strings.IndexByte(rest, ']')
	if end < 2 {
		return 0, errors.New("has a bracket that is not closed")
	}
	members, negated := rest[1:end], ""
	if members[0] == '!' || members[0] == '^' {
		members, negated = members[1:], "^"
	}
	b.WriteString("[" + negated + strings.NewReplacer(`\`, `\\`, "[", `\[`, "^", `\^`, "&", `\&`, "~", `\~`).Replace(members) + "]")
	return end + 1, nil
}

var filesFields = []string{"flat", "include", "exclude"}

// readFiles reads which manifests of the folder are meant.
func (r *reader) readFiles(app *App, fields map[string]field) {
	f, ok := fields["files"]
	if !ok {
		return
	}
	settings := r.Fields(f.Value, "files", filesFields)
	if flat, ok := settings["flat"]; ok {
		app.Files.Flat, _ = r.Boolean(flat)
	}
	for name, into := range map[string]*[]string{"include": &app.Files.Include, "exclude": &app.Files.Exclude} {
		list, ok := settings[name]
		if !ok {
			continue
		}
		list.Name = "files." + name
		*into = r.texts(list)
		for _, pattern := range *into {
			if _, err := Pattern(pattern); err != nil {
				r.Add(list.Line, fmt.Sprintf("%s: %q %v", list.Name, pattern, err), `for example "*.yaml", "{a,b}/*" or "*-test.yaml"; a * stands for slashes as well`)
			}
		}
	}
	if app.Render == RenderHelm || app.Render == RenderKustomize {
		r.Add(f.Line, "files: has no effect with render: "+app.Render, "take one of the two out")
	}
}
