package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/name"
)

// hostile is a text that would do something in a comment, were it not in a code block.
const hostile = "```\n</details> @team #123 <img src=//evil.example/x> ![x](//evil.example/y) `````"

// outside returns the lines of a comment that are in no code block.
func outside(t *testing.T, comment string) string {
	t.Helper()
	var lines []string
	fenced := ""
	for line := range strings.Lines(comment) {
		marks := regexp.MustCompile("^`{3,}").FindString(line)
		switch {
		case fenced == "" && marks != "":
			fenced = marks
		case fenced != "" && strings.TrimSpace(line) == fenced:
			fenced = ""
		case fenced == "":
			lines = append(lines, line)
		}
	}
	if fenced != "" {
		t.Error("a code block does not end")
	}
	return strings.Join(lines, "")
}

func TestMarkdownFitsIntoComments(t *testing.T) {
	step := OutlinedStep{Action: "change", Kind: "ConfigMap", Name: hostile, Fields: []OutlinedField{{Path: hostile, Before: hostile, After: hostile}}}
	many := make([]OutlinedStep, 1000)
	for i := range many {
		many[i] = step
	}
	var one, apps, refused Outline
	one.Plans = []OutlinedPlan{{App: "shop", Cluster: hostile, Steps: many}}
	for i := range 1000 {
		apps.Plans = append(apps.Plans, OutlinedPlan{App: name.App(fmt.Sprintf("app-%d", i)), Cluster: "default", Steps: many[:1]})
		refused.Problems = append(refused.Problems, OutlinedProblem{File: "a.yaml", Line: i + 1, Message: hostile, Hint: hostile})
	}
	refused.Refused, refused.Plans = true, apps.Plans
	for name, c := range map[string]struct {
		outline Outline
		want    string
	}{
		"one app":       {one, "... and "},
		"many apps":     {apps, " left out here; see all of it"},
		"many problems": {refused, " left out here; see all of it"},
	} {
		got := inMarkdown(c.outline)
		if len(got) > maxComment || !strings.Contains(got, c.want) {
			t.Errorf("%s: %d bytes, and %q is in it: %v", name, len(got), c.want, strings.Contains(got, c.want))
		}
		plain := strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(outside(t, got), "<details open><summary>", ""), "</summary>", ""), "</details>", "")
		if strings.ContainsAny(plain, "@<![") || strings.Contains(plain, "```") {
			t.Errorf("%s: outside of code blocks there is %.300q", name, plain)
		}
	}
}

func TestLeftOutIsCounted(t *testing.T) {
	var o Outline
	steps := []OutlinedStep{{Action: "create", Kind: "ConfigMap", Name: strings.Repeat("x", 900)}}
	for i := range 100 {
		o.Plans = append(o.Plans, OutlinedPlan{App: name.App(fmt.Sprintf("app-%d", i)), Steps: steps})
	}
	got := inMarkdown(o)
	shown := strings.Count(got, "<details")
	want := fmt.Sprintf("\n%d apps with %d objects left out here", 100-shown, 100-shown)
	if shown < 40 || !strings.Contains(got, want) {
		t.Errorf("%d apps are shown; without %q", shown, want)
	}
	if got := cutLines(strings.Repeat("a\n", 100), maxLine+20); got != strings.Repeat("a\n", 10)+"... and 90 lines left out\n" {
		t.Errorf("cut to %q", got)
	}
	if got := cutLine(strings.Repeat("ä", maxLine)); len(got) > maxLine || !strings.HasSuffix(got, "ä…") {
		t.Errorf("a line of %d bytes", len(got))
	}
}
