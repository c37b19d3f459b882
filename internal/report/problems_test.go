package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// TestLikeProblemsAreToldOnce: a thousand problems that differ only in a name are reported
// as one, with their number.
func TestLikeProblemsAreToldOnce(t *testing.T) {
	var problems manifest.Problems
	for i := range 1000 {
		app := fmt.Sprintf("web-%03d", i)
		problems = append(problems, manifest.Problem{
			Source: manifest.Source{File: "apps/" + app + "/a.yaml", Line: 1}, App: name.App(app), Object: "ConfigMap shop/" + app,
			Message: "ConfigMap shop/" + app + " is another app's", Hint: "remove it from " + app,
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
		t.Errorf("%d of %d are shown", n, maxLike)
	}
}

func TestProblemsOfAKindAreOne(t *testing.T) {
	unknown := func(app name.App, file string, line int, kind string) manifest.Problem {
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

func TestPrintProblems(t *testing.T) {
	problems := manifest.Problems{
		{Source: manifest.Source{File: "web.yaml", Line: 9}, Object: "Service shop/web", Message: "one\ntwo"},
		{Message: "cluster default does not answer", Hint: "push again"},
		{Source: manifest.Source{File: "a\x1b[31m.yaml", Line: 1}, Message: "evil\x07"},
	}
	var out strings.Builder
	WriteProblems(&out, problems, Door{})
	if !strings.HasPrefix(out.String(), "error: cluster default") {
		t.Errorf("the problems are not in the order of their places:\n%s", out.String())
	}
	if strings.ContainsAny(out.String(), "\x1b\x07") {
		t.Errorf("control characters reach the terminal: %q", out.String())
	}
	for _, want := range []string{
		"error: cluster default does not answer\nhint: push again\n",
		"error: web.yaml:9: Service shop/web:\n  one\n  two\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("missing %q in:\n%s", want, out.String())
		}
	}
}

func TestPlacesOfLikeProblemsAreBounded(t *testing.T) {
	like := func(n int) manifest.Problems {
		problems := make(manifest.Problems, n)
		for i := range problems {
			problems[i] = manifest.Problem{App: name.App(fmt.Sprint("app", i)), Kind: "k", Message: "wrong"}
		}
		return problems
	}
	for n, want := range map[int]string{
		1 + maxPlaces: "wrong\nand 3 more of this kind: app1, app2, app3",
		2 + maxPlaces: "wrong\nand 4 more of this kind: app1, app2, app3, ...",
	} {
		if got := OnceAKind(like(n))[0].Message; got != want {
			t.Errorf("%d problems: got %q, want %q", n, got, want)
		}
	}
}

func TestProblemsThatDifferInMoreThanNamesAreTold(t *testing.T) {
	unknown := manifest.Problem{Kind: "k", Message: "unknown", Hint: "define it"}
	for name, change := range map[string]func(p *manifest.Problem){
		"the kind":    func(p *manifest.Problem) { p.Kind = "other" },
		"the message": func(p *manifest.Problem) { p.Message = "forbidden" },
		"the hint":    func(p *manifest.Problem) { p.Hint = "delete it" },
		"the remedy":  func(p *manifest.Problem) { p.Remedy.Kind = manifest.RemedyForce },
	} {
		other := unknown
		change(&other)
		if got := OnceAKind(manifest.Problems{unknown, other}); len(got) != 2 {
			t.Errorf("two problems that differ in %s are shown as %d", name, len(got))
		}
	}
}

// warn returns warnings as a pusher sees them.
func warn(warnings manifest.Problems) string {
	var text strings.Builder
	WriteWarnings(&text, warnings)
	return text.String()
}

func TestLikeWarningsAreToldOnce(t *testing.T) {
	var warnings manifest.Problems
	for i := range 1000 {
		name := fmt.Sprintf("web-%03d", i)
		warnings = append(warnings, manifest.Problem{Object: "ConfigMap shop/" + name, Message: "old " + name})
	}
	if got := warn(warnings); strings.Count(got, "warning:") != 1 || !strings.Contains(got, "and 999 more like it") {
		t.Errorf("%.300s", got)
	}
}

func TestWarningsAreBounded(t *testing.T) {
	var warnings manifest.Problems
	for i := range maxWarned + 5 {
		warnings = append(warnings, manifest.Problem{Message: fmt.Sprintf("strange %x", i)})
	}
	if got := warn(warnings); strings.Count(got, "warning: strange") != maxWarned || !strings.HasSuffix(got, "warning: and 5 more\n") {
		t.Errorf("%.300s", got)
	}
	if got := warn(warnings[:maxWarned]); strings.Contains(got, "more") {
		t.Errorf("%.300s", got)
	}
}

// TestProblemsOfSharedFiles: what is wrong with a file that two apps have is said once.
func TestProblemsOfSharedFiles(t *testing.T) {
	at := manifest.Source{File: "base/a.yaml", Line: 3}
	var b strings.Builder
	WriteProblems(&b, manifest.Problems{
		{App: "one", Source: at, Message: "it is broken", Hint: "mend it"},
		{App: "two", Source: at, Message: "it is broken", Hint: "mend it"},
		{App: "one", Message: "it is away"},
		{App: "two", Message: "it is away"},
		{App: "one", Source: at, Message: "it is old"},
	}, Door{})
	if got := b.String(); strings.Count(got, "it is broken") != 1 || strings.Count(got, "it is away") != 2 || strings.Count(got, "it is old") != 1 {
		t.Error(got)
	}
}
