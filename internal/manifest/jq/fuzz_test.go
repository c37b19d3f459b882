package jq

import (
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
)

// FuzzPath checks that Parse returns for any text, that what it reads finds its fields in an
// object or fails, and that these fields are what the expression's patterns say.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{
		`.spec.template.spec.containers[]? | select(.name=="web" or .name=="other").image`,
		`select(.metadata.labels["in-progress"] == "true") | .spec.replicas`, `.a[-1].b[1.5]`, `.."x"?`, `first(.[keys[]], empty)`,
		`if .kind == "x" then .a elif .b then .c // .d else null end`, `.spec | try .x | select([1, {}, []] | any(. > 1; not))`,
		`.metadata.annotations | to_entries[] | select(.key | startswith("x"))`, `.a[] | select(.b | test("(x|y)*"; "i"))`, `.a # b`,
		`(.a, .b)[] | values | recurse | .["a/b"]?`, `.a == .b`, `.x[1:2]`, `{`, `"\(1)"`, `.\u00e9`, `((((`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		p, refusal := Parse(expression)
		if refusal != nil {
			if refusal.Error() == "" {
				t.Error("a refusal says nothing")
			}
			return
		}
		fields, err := p.Fields(object(t, deployment), all())
		if err != nil && len(fields) > 0 {
			t.Errorf("fields %q beside an error %v", fields, err)
		}
		covered := func(patterns []string, field string) bool {
			return slices.ContainsFunc(patterns, func(pattern string) bool { return manifest.Covers(pattern, field) })
		}
		pointer, plain := p.Pointer()
		for _, field := range fields {
			if plain && !covered([]string{pointer}, field) {
				t.Errorf("%s covers no %s", pointer, field)
			}
			if patterns := p.Patterns(); len(patterns) < maxPatterns && !strings.Contains(expression, "recurse") && !strings.Contains(expression, "..") && !covered(patterns, field) {
				t.Errorf("%q cover no %s", patterns, field)
			}
		}
	})
}
