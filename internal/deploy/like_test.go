package deploy

import (
	"fmt"
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
	PrintProblems(&b, problems)
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
	PrintProblems(&b, problems)
	if n := strings.Count(b.String(), "error: "); n != maxLike {
		t.Errorf("%d of %d are told", n, maxLike)
	}
}
