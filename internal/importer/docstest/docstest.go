// Package docstest reads what docs/migrating.md says of the fields of other tools' objects, so that
// tests hold it to what package importer does with them.
package docstest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Row is a line of a table of fields.
type Row struct {
	Fields []string // by their paths; "" is all that have no row
	Says   string
}

var (
	inTicks = regexp.MustCompile("`([^`]+)`")
	exempt  = regexp.MustCompile("`([A-Za-z]+)` (is refused|has no effect)")
)

// Rows are the rows of the table about the fields of a kind. Words in ticks that begin with a capital
// letter are kinds, and no fields; what follows a colon is a value. Fields after one that begins with
// spec are beside it.
func Rows(t *testing.T, kind string) []Row {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "migrating.md"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []Row
	about := false
	for line := range strings.Lines(string(text)) {
		cells := strings.SplitN(strings.Trim(strings.TrimSpace(line), "|"), "|", 2)
		switch {
		case len(cells) < 2:
			about = false
		case strings.Contains(cells[0], "field of a"):
			about = strings.Contains(cells[0], "`"+kind+"`")
		case about && !strings.HasPrefix(cells[0], "---"):
			rows = append(rows, rowOf(cells[0], cells[1]))
		}
	}
	return rows
}

func rowOf(fields, says string) Row {
	one := Row{Says: strings.TrimSpace(says)}
	parent := ""
	for _, found := range inTicks.FindAllStringSubmatch(fields, -1) {
		field, _, _ := strings.Cut(found[1], ":")
		switch {
		case strings.HasPrefix(field, "spec."):
			parent = field[:strings.LastIndex(field, ".")+1]
		case parent != "" && !strings.Contains(field, "/"):
			field = parent + field
		}
		if first := field[0]; first < 'A' || first > 'Z' {
			one.Fields = append(one.Fields, field)
		}
	}
	if strings.TrimSpace(fields) == "others" {
		one.Fields = []string{""}
	}
	return one
}

// About is the row that says most closely what becomes of a field.
func About(rows []Row, path string) (found Row, ok bool) {
	path = strings.ReplaceAll(path, "[]", "")
	longest := -1
	for _, one := range rows {
		for _, field := range one.Fields {
			if (field == "" || path == field || strings.HasPrefix(path, field+".")) && len(field) > longest {
				found, ok, longest = one, true, len(field)
			}
		}
	}
	return found, ok
}

// What becomes of a field.
const (
	Same    = "same"    // it has the effect that it has there
	None    = "none"    // it has no effect, which is said
	Refused = "refused" // it is a problem
)

// Verdict is what a row says of a field; "" where that is no single word.
func (r Row) Verdict(path string) string {
	name := strings.TrimSuffix(path[strings.LastIndex(path, ".")+1:], "[]")
	for _, found := range exempt.FindAllStringSubmatch(r.Says, -1) {
		if found[1] == name {
			return map[string]string{"is refused": Refused, "has no effect": None}[found[2]]
		}
	}
	for _, word := range []string{Same, None, Refused} {
		if rest, is := strings.CutPrefix(r.Says, word); is && (rest == "" || strings.ContainsAny(rest[:1], ":;,")) {
			return word
		}
	}
	return ""
}
