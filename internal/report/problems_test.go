package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
)

// A thousand problems that differ in a name are one, with their number.
func TestLikeProblemsAreToldOnce(t *testing.T) {
	var problems manifest.Problems
	for i := range 1000 {
		name := fmt.Sprintf("web-%03d", i)
		problems = append(problems, manifest.Problem{
			Source: manifest.Source{File: "apps/" + name + "/a.yaml", Line: 1}, App: name, Object: "ConfigMap shop/" + name,
			Message: "ConfigMap shop/" + name + " is another app's", Hint: "remove it from " + name,
		})
	}
	problems = append(problems, manifest.Problem{Source: manifest.Source{File: "b.yaml"}, Message: "something else", Hint: "mend it"})
	var b strings.Builder
	WriteProblems(&b, problems, Door{})
	got := b.String()
	for _, want := range []string{"web-000", "and 999 more like it: apps/web-001/a.yaml:1 ConfigMap shop/web-001, ", "something else"} {
		if strings.Count(got, want) == 0 {
			t.Errorf("no %q in\n%.600s", want, got)
		}
	}
	if hints := strings.Count(got, "hint: "); hints != 2 || strings.Contains(got, "web-500") {
		t.Errorf("%d hints in\n%.600s", hints, got)
	}
}

func TestFewProblemsAreToldOneByOne(t *testing.T) {
	var problems manifest.Problems
	for i := range maxLike {
		problems = append(problems, manifest.Problem{Source: manifest.Source{File: "a.yaml", Line: i + 1}, Message: "a field is wrong"})
	}
	var b strings.Builder
	WriteProblems(&b, problems, Door{})
	if n := strings.Count(b.String(), "error: "); n != maxLike {
		t.Errorf("%d of %d are told", n, maxLike)
	}
}

func TestProblemsOfAKindAreOne(t *testing.T) {
	unknown := func(app, file string, line int, kind string) manifest.Problem {
		return manifest.Problem{
			App: app, Source: manifest.Source{File: file, Line: line}, Object: kind + " " + file, Kind: "example.org/v1, Kind=" + kind,
			Message: "the cluster does not know the kind " + kind, Hint: "install its CustomResourceDefinition",
		}
	}
	object := manifest.Problem{Source: manifest.Source{File: "c.yaml", Line: 1}, Object: "ConfigMap a", Message: "a field is wrong"}
	for _, tt := range []struct {
		name     string
		problems manifest.Problems
		want     []string
	}{
		{"none", nil, nil},
		{
			"one of each",
			manifest.Problems{unknown("a", "a.yaml", 1, "Widget"), unknown("a", "b.yaml", 1, "Gadget")},
			[]string{"a.yaml:1: Widget a.yaml: the cluster does not know the kind Widget", "b.yaml:1: Gadget b.yaml: the cluster does not know the kind Gadget"},
		},
		{
			"several",
			manifest.Problems{unknown("a", "b.yaml", 2, "Widget"), unknown("a", "a.yaml", 1, "Widget"), unknown("b", "c.yaml", 3, "Widget")},
			[]string{"a.yaml:1: Widget a.yaml: the cluster does not know the kind Widget\nand 2 more of this kind: b.yaml:2 Widget b.yaml, c.yaml:3 Widget c.yaml"},
		},
		{"objects stay", manifest.Problems{object, object}, []string{"c.yaml:1: ConfigMap a: a field is wrong", "c.yaml:1: ConfigMap a: a field is wrong"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, p := range OnceAKind(tt.problems) {
				got = append(got, p.Error())
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
