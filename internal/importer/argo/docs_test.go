package argo

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/importer/docstest"
)

// TestDocsSayWhatBecomesOfEachField: what docs/migrating.md says of a field of an Application is
// what one of the tests above sees of it.
func TestDocsSayWhatBecomesOfEachField(t *testing.T) {
	rows := docstest.Rows(t, applicationKind)
	seen := map[string][]string{}
	for _, test := range fields {
		apps, problems, _ := readAll(t, site(), applicationOf(test.spec))
		became := docstest.Same
		switch {
		case len(problems) > 0:
			became = docstest.Refused
		case strings.Contains(outcome(t, apps, problems), test.field+" has no effect"), strings.Contains(outcome(t, apps, problems), test.field[strings.LastIndex(test.field, ".")+1:]+" has no effect"):
			became = docstest.None
		}
		seen[test.field] = append(seen[test.field], became)
		if _, ok := docstest.About(rows, test.field); !ok && test.field != "spec" {
			t.Errorf("%s is not in docs/migrating.md", test.field)
		}
	}
	for _, row := range rows {
		for _, field := range row.Fields {
			if !strings.HasPrefix(field, "spec.") {
				continue
			}
			if want := row.Verdict(field); len(seen[field]) == 0 || want != "" && !slices.Contains(seen[field], want) {
				t.Errorf("docs/migrating.md says of %s %q; of the tests, it was %q", field, row.Says, seen[field])
			}
		}
	}
}

// listing matches the fields that a problem says are known.
var listing = regexp.MustCompile(`unknown field ([^\n]*)\.zzzzzz[^\n]*\n?[^\n]*known fields are ([^\n]*)`)

// TestDocsNameEachKnownField: docs/migrating.md has each field that the reader of an object knows.
func TestDocsNameEachKnownField(t *testing.T) {
	for kind, texts := range map[string][]string{
		applicationKind: {
			applicationOf("zzzzzz: 1"), applicationOf("destination: {name: in-cluster, zzzzzz: 1}"), applicationOf("syncPolicy: {zzzzzz: 1}"), applicationOf("syncPolicy: {automated: {zzzzzz: 1}}"),
			applicationOf("source: " + repoURL + "path: apps/web, zzzzzz: 1}"), applicationOf("source: " + repoURL + "path: chart, helm: {zzzzzz: 1}}"),
			applicationOf("source: " + repoURL + "path: over, kustomize: {zzzzzz: 1}}"), applicationOf("source: " + repoURL + "path: apps/web, directory: {zzzzzz: 1}}"),
		},
		setKind: {"apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: s}\nspec:\n  zzzzzz: 1\n  generators: [{list: {elements: []}}]\n  template: {metadata: {name: a}, spec: {}}\n"},
	} {
		rows := docstest.Rows(t, kind)
		for _, text := range texts {
			_, problems, _ := readAll(t, site(), text)
			found := false
			for _, p := range problems {
				m := listing.FindStringSubmatch(p.Message + "\n" + p.Hint)
				if m == nil {
					continue
				}
				found = true
				at := m[1] + "."
				if kind != applicationKind {
					at = strings.TrimPrefix(at, "spec.")
				}
				for name := range strings.SplitSeq(m[2], ", ") {
					if !named(rows, at+name) {
						t.Errorf("%s: %s%s is not in docs/migrating.md", kind, at, name)
					}
				}
			}
			if !found {
				t.Errorf("no problem lists the known fields:\n%s\n%v", text, problems)
			}
		}
	}
}

// named reports whether a row names a field, or those in it. A row about a source as a whole names
// none of its fields.
func named(rows []docstest.Row, field string) bool {
	for _, row := range rows {
		for _, one := range row.Fields {
			if one == field || strings.HasPrefix(one, field+".") || strings.HasPrefix(field, one+".") && one != "spec.source" && one != "spec.destination" {
				return true
			}
		}
	}
	return false
}
