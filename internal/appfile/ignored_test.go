package appfile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/jq"
)

func TestIgnoreMatches(t *testing.T) {
	app := App{Ignore: []Ignore{
		{Kind: "A", Pointers: []string{"/1"}},
		{Kind: "A", Name: "x", Pointers: []string{"/2"}},
		{Kind: "A", Group: "g", Namespace: "n", Pointers: []string{"/3", "/4"}},
		{Kind: EveryKind, Name: "z", JQ: []string{".a | b", ".a[] | select(.b)"}},
	}}
	for _, test := range []struct {
		id    manifest.ID
		want  string
		paths int
	}{
		{manifest.ID{Kind: "B", Name: "x"}, "", 0},
		{manifest.ID{Kind: "A", Name: "y"}, "/1", 0},
		{manifest.ID{Kind: "A", Name: "x"}, "/1 /2", 0},
		{manifest.ID{Kind: "A", Group: "g", Namespace: "n", Name: "x"}, "/1 /2 /3 /4", 0},
		{manifest.ID{Kind: "B", Name: "z"}, "", 1},
	} {
		got := app.Ignored(test.id)
		if strings.Join(got.Pointers, " ") != test.want || len(got.Paths) != test.paths {
			t.Errorf("%v: ignored are %q and %v", test.id, got.Pointers, got.Paths)
		}
		if got.IsEmpty() != (test.want == "" && test.paths == 0) {
			t.Errorf("%v: it is empty: %v", test.id, got.IsEmpty())
		}
	}
}

func TestExpressionsAreCounted(t *testing.T) {
	var list []string
	for i := range MaxList {
		list = append(list, fmt.Sprintf("'.a[%d]'", i))
	}
	entry := "  - {kind: A, jq: [" + strings.Join(list, ", ") + "]}\n"
	for file, want := range map[string]string{
		"apps:\n- ignore:\n" + entry:                                 "",
		"apps:\n- ignore:\n" + entry + "  - {kind: B, jq: ['.a']}\n": "pushboat.yaml:2: ignore has 201 expressions; at most 200 are read",
	} {
		if _, problems := parseAll(revision(file), "site"); strings.TrimSpace(problems.Error()) != want {
			t.Errorf("problems %v, want %q", problems, want)
		}
	}
}

// TestIgnoredIn: expressions are judged by the version of the object that is at hand. What says
// which object this is stays, and so do fields that take too long to find.
func TestIgnoredIn(t *testing.T) {
	object := map[string]any{
		"kind": "A", "metadata": map[string]any{"name": "a", "namespace": "b", "labels": map[string]any{"x": "y"}},
		"spec": []any{map[string]any{"name": "a"}, map[string]any{"name": "b"}},
	}
	slow := `.spec | select([1]` + strings.Repeat(" | [.[], .[]]", 20) + ` | any)`
	for _, test := range []struct{ expressions, want, note string }{
		{`.spec[] | select(.name == "b") | .v`, "/always /spec/1/v", ""},
		{`.spec[] | select(.name == "c") | .v`, "/always", ""},
		{`.spec[] | select(.name | startswith(1)) | .v`, "/always", ""},
		{`.metadata | .[keys[]]`, "/always /metadata/labels", ""},
		{`if .spec then .metadata else .kind end`, "/always", ""},
		{".spec[0].v\n" + slow, "/always /spec/0/v", "ignore: " + slow + " takes more than 200000 steps, and has no effect"},
	} {
		ignored := Ignored{Pointers: []string{"/always"}}
		for expression := range strings.SplitSeq(test.expressions, "\n") {
			path, refusal := jq.Parse(expression)
			if refusal != nil {
				t.Fatal(refusal)
			}
			ignored.Paths = append(ignored.Paths, path)
		}
		got, note := ignored.In(object)
		if strings.Join(got, " ") != test.want || note != test.note {
			t.Errorf("%s: ignored are %q, %q, want %s, %q", test.expressions, got, note, test.want, test.note)
		}
		if len(ignored.Pointers) != 1 {
			t.Errorf("%s: the pointers have become %q", test.expressions, ignored.Pointers)
		}
	}
	if got, note := (Ignored{Pointers: []string{"/a"}}).In(object); len(got) != 1 || note != "" {
		t.Errorf("without expressions: %q, %q", got, note)
	}
}
