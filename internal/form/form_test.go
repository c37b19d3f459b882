package form

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// read reads a mapping with the fields a and b, and returns their names and all problems.
func read(text string) (*Reader, map[string]Field) {
	r := &Reader{File: "f.yaml"}
	root := r.Root([]byte(text))
	if root == nil {
		return r, nil
	}
	return r, r.Fields(root, "the file", []string{"alpha", "beta"})
}

func TestFields(t *testing.T) {
	for text, want := range map[string]string{
		"alpha: 1\nbeta: x\n":        "",
		"- alpha\n":                  "f.yaml:1: the file is a list, not a mapping (known fields are alpha, beta)",
		"x\n":                        `f.yaml:1: the file is "x", not a mapping (known fields are alpha, beta)`,
		"alpha: 1\nalpa: 2\n":        `f.yaml:2: unknown field "alpa" in the file (did you mean alpha?)`,
		"zzzzzzzz: 2\n":              `f.yaml:1: unknown field "zzzzzzzz" in the file (known fields are alpha, beta)`,
		"alpha: 1\nalpha: 2\n":       "f.yaml:2: alpha is already set on line 1 (keep one of the two)",
		"alpha:\n":                   "f.yaml:1: alpha has no value (remove the line to get the default)",
		"? [x]\n: 1\n":               "f.yaml:1: a field name is a mapping or a list (field names are text)",
		"alpha: &a {}\n<<: *a\n":     "f.yaml:2: merge keys (<<) are not read here (write the fields out)",
		"alpha: &a {x: 1}\nbeta: *a": "",
	} {
		r, _ := read(text)
		if got := told(r); got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", text, got, want)
		}
	}
}

// told returns the problems of a reader with their hints.
func told(r *Reader) string {
	var lines []string
	for _, p := range r.Problems {
		lines = append(lines, fmt.Sprintf("%s (%s)", p.Error(), p.Hint))
	}
	return strings.Join(lines, "\n")
}

func TestValues(t *testing.T) {
	for text, want := range map[string]string{
		"alpha: 1.10\n":           `1.10 "alpha: 1.10 is not a truth value"`,
		"alpha: true\n":           "true true",
		"alpha: [x]\n":            `"alpha is a list, not text" "alpha is a list, not text"`,
		"alpha: &x 1\nbeta: *x\n": `1 "alpha: 1 is not a truth value"`,
	} {
		r, fields := read(text)
		var got []string
		problem := func() string {
			if len(r.Problems) == 0 {
				return ""
			}
			last := r.Problems[len(r.Problems)-1]
			return fmt.Sprintf("%q", last.Message)
		}
		if value, ok := r.Text(fields["alpha"]); ok {
			got = append(got, value)
		} else {
			got = append(got, problem())
		}
		if value, ok := r.Boolean(fields["alpha"]); ok {
			got = append(got, fmt.Sprint(value))
		} else {
			got = append(got, problem())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestLists(t *testing.T) {
	for text, want := range map[string]string{
		"alpha: [x, y]\n":    "",
		"alpha: x\n":         `f.yaml:1: alpha is "x", not a list (write it in brackets: alpha: [...])`,
		"alpha: [x, y, z]\n": "f.yaml:1: alpha has 3 elements; at most 2 are read ()",
		"alpha: [x, x]\n":    `f.yaml:1: alpha names "x" twice (keep one of the two)`,
		"alpha: [x, {}]\n":   "f.yaml:1: alpha is a mapping, not text ()",
	} {
		r, fields := read(text)
		texts := r.Texts(fields["alpha"], 2)
		if got := told(r); got != want || want == "" && len(texts) != 2 {
			t.Errorf("%q: %d texts\ngot  %s\nwant %s", text, len(texts), got, want)
		}
	}
}

func TestEntriesAndWords(t *testing.T) {
	r, fields := read("alpha: {b: 1, a: 2}\nbeta: red\n")
	var names []string
	for _, entry := range r.Entries(fields["alpha"].Value, "alpha", "") {
		names = append(names, entry.Name+"="+entry.Value.Value)
	}
	if !slices.Equal(names, []string{"b=1", "a=2"}) {
		t.Errorf("entries are %q", names)
	}
	if word, ok := r.OneOf(fields["beta"], "red", "green"); !ok || word != "red" {
		t.Errorf("red is %q, %v", word, ok)
	}
	for _, known := range [][]string{{"rad", "green"}, {"green", "blue"}} {
		if _, ok := r.OneOf(fields["beta"], known...); ok {
			t.Errorf("red is one of %q", known)
		}
	}
	want := `f.yaml:2: beta: "red" is not known (did you mean rad?)` + "\n" + `f.yaml:2: beta: "red" is not known (write green or blue)`
	if got := told(r); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for text, want := range map[string]string{
		"alpha: {a: 1, a: 2}\n":        "f.yaml:1: a is already set on line 1 (keep one of the two)",
		"alpha: {? [x] : 1}\n":         "f.yaml:1: a field name is a mapping or a list (field names are text)",
		"alpha: [a]\n":                 "f.yaml:1: alpha is a list, not a mapping (write a mapping)",
		"beta: &b {}\nalpha: {<<: *b}": "f.yaml:2: merge keys (<<) are not read here (write the fields out)",
	} {
		r, fields := read(text)
		r.Entries(fields["alpha"].Value, "alpha", "write a mapping")
		if got := told(r); got != want {
			t.Errorf("%q: got  %s\nwant %s", text, got, want)
		}
	}
}
