package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/name"
)

const remarked = name.Revision("3f2c1ab3f2c1ab3f2c1ab3f2c1ab3f2c1ab3f2c1")

func said(r Remark) string {
	var text strings.Builder
	r.WriteMarkdown(&text)
	return text.String()
}

func TestRemarks(t *testing.T) {
	for what, test := range map[string]struct {
		remark Remark
		want   []string
	}{
		"refused": {
			Remark{Revision: remarked, Branches: []name.Branch{"main", "x/<y>"}, Problems: []OutlinedProblem{{File: "a.yaml", Line: 3, Object: "Pod x", Message: "no", Hint: "yes"}}, Page: "https://p.example.org/refused/A"},
			[]string{"**Pushboat refused `3f2c1ab` for main, x/?y?: 1 problem.** What was deployed before stays deployed.\n", "```text\nerror: a.yaml:3: Pod x:\n  no\nhint: yes\n```\n", "\n[All of it, beside the lines](<https://p.example.org/refused/A>)\n"},
		},
		"more":     {Remark{Revision: remarked, Branches: []name.Branch{"main"}, Problems: []OutlinedProblem{{Message: "no"}}, More: 7}, []string{": 8 problems.**", "\nand 7 more problems\n"}},
		"mended":   {Remark{Revision: remarked}, []string{"**Pushboat: `3f2c1ab` is accepted now**, after it was refused.\n"}},
		"deployed": {Remark{Revision: remarked, Outcomes: []Ending{{App: "shop", Cluster: "default", Deploy: "shop-42", Good: true, Says: "deployed", Page: "https://p/apps/shop"}}, Same: 2}, []string{"**Pushboat: `3f2c1ab` is deployed.**\n\n- shop on cluster default: deployed ([shop-42](<https://p/apps/shop>))\n\n2 apps unchanged\n"}},
		"failed": {
			Remark{Revision: remarked, Outcomes: []Ending{{App: "a", Cluster: "c", Deploy: "a-1", Good: true, Says: "deployed"}, {App: "b", Cluster: "c", Deploy: "b-1", Says: "failed", Why: "because\nof it"}}},
			[]string{"of 2 deploys of `3f2c1ab`, 1 did not end well.**\n\n- b on cluster c: failed (b-1)\n  ```text\n  because of it\n  ```\n- a on cluster c: deployed (a-1)\n"},
		},
	} {
		got := said(test.remark)
		for _, want := range test.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: got\n%s\nwithout\n%s", what, got, want)
			}
		}
	}
}

// Whatever a repository has in its texts, a remark fits, and nothing of them is outside of a code
// block, where it could mention somebody or load something.
func TestRemarksOfHostileTexts(t *testing.T) {
	refused := Remark{Revision: remarked, Page: "https://p/refused/A"}
	ended := Remark{Revision: remarked}
	for i := range 1000 {
		refused.Branches = append(refused.Branches, name.Branch(hostile))
		refused.Problems = append(refused.Problems, OutlinedProblem{File: hostile, Line: i + 1, Object: hostile, Message: strings.Repeat(hostile, 5), Hint: hostile})
		ended.Outcomes = append(ended.Outcomes, Ending{App: name.App(hostile), Cluster: hostile, Deploy: hostile, Says: "failed", Why: strings.Repeat(hostile, 100)})
	}
	for what, r := range map[string]Remark{"refused": refused, "ended": ended} {
		got := said(r)
		if len(got) > maxComment {
			t.Errorf("%s: %d bytes", what, len(got))
		}
		if what == "ended" { // a block within a list's element is indented
			got = strings.ReplaceAll(got, "\n  ", "\n")
		}
		plain := strings.ReplaceAll(outside(t, got), "[All of it, beside the lines](<https://p/refused/A>)", "")
		if strings.ContainsAny(plain, "@<![#") || strings.Contains(plain, "```") {
			t.Errorf("%s: outside of code blocks there is %.300q", what, plain)
		}
	}
	if got := said(ended); !strings.Contains(got, fmt.Sprintf("- and %d more apps\n", 1000-maxEndings)) {
		t.Errorf("what is left out is not said: %.200q", got)
	}
}
