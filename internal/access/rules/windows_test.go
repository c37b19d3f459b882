package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/name"
)

// windowed returns the rules of world with the given windows in windows.yaml, one on a
// line.
func windowed(t testing.TB, windows ...string) *Rules {
	t.Helper()
	return parsedTree(t, world(t, map[string]string{"windows.yaml": "windows:\n" + strings.Join(windows, "\n") + "\n"}))
}

const (
	freeze = `- {name: freeze, repositories: [shop, team/*], branches: [main], clusters: [prod-*], deny: {from: 2026-11-27, to: 2026-11-29}, whenClosed: wait, corrections: inWindow}`
	nights = `- {name: nights, allow: {schedule: "0 22 * * *", duration: 8h}, reason: fewer people}`
)

func TestWindowsOf(t *testing.T) {
	r := windowed(t, freeze, nights)
	for _, test := range []struct{ repo, branch, cluster, want string }{
		{"shop", "main", "prod-eu", "freeze nights"},
		{"team/a", "main", "prod-eu", "freeze nights"},
		{"other", "main", "prod-eu", "nights"},
		{"shop", "dev", "prod-eu", "nights"},
		{"shop", "main", "default", "nights"},
	} {
		var names []string
		for _, w := range r.Windows(name.Repo(test.repo), name.Branch(test.branch), test.cluster) {
			names = append(names, w.Name)
		}
		if got := strings.Join(names, " "); got != test.want {
			t.Errorf("%v: got %q", test, got)
		}
	}
	if len(None().Windows("shop", "main", "default")) > 0 {
		t.Error("missing rules have a window")
	}
}

func TestWindowProblems(t *testing.T) {
	for name, test := range map[string]struct{ text, want, hint string }{
		"an unknown field of the file": {"window: []", `windows.yaml:1: unknown field "window"`, "windows"},
		"text":                         {"windows:\n- freeze", `windows.yaml:2: a window is "freeze", not a mapping`, ""},
		"an unknown field":             {"windows:\n- {name: a, branch: [main], deny: {from: 2026-01-01, to: 2026-01-02}}", `unknown field "branch" in a window`, "branches"},
		"a bad repository":             {"windows:\n- {name: a, repositories: [Shop], deny: {from: 2026-01-01, to: 2026-01-02}}", "fits no repository's name", ""},
		"a name twice":                 {"windows:\n- {name: a, deny: {from: 2026-01-01, to: 2026-01-02}}\n- {name: a, deny: {from: 2026-01-01, to: 2026-01-02}}", "windows.yaml:3: there is a window a already on line 2", "another name"},
		"a time":                       {"windows:\n- name: a\n  deny: {from: 2026-01-02, to: 2026-01-01}", "windows.yaml:3: the window ends before", ""},
		"too many":                     {"windows: [" + strings.Repeat("{}, ", 201) + "]", "windows has 201 elements", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := Parse(world(t, map[string]string{"windows.yaml": test.text}))
			if !slices.ContainsFunc(problems, func(p problem) bool {
				return strings.Contains(p.Error(), test.want) && strings.Contains(p.Hint, test.hint)
			}) {
				t.Errorf("got %v; want %q with the hint %q", problems, test.want, test.hint)
			}
		})
	}
}

func TestCompareWindows(t *testing.T) {
	none, both, one := parsed(t, "- {who: [admins], may: [admin]}"), windowed(t, freeze, nights), windowed(t, nights)
	whenever := windowed(t, strings.Replace(nights, "8h", "9h", 1))
	for name, test := range map[string]struct {
		before, after *Rules
		want          []string
	}{
		"the same": {both, both, nil},
		"they come": {none, both, []string{
			"  + window freeze denies deploys from Fri 2026-11-27 00:00 UTC to Mon 2026-11-30 00:00 UTC on shop, team/*, branches main, clusters prod-*; pushes wait; so do corrections",
			`  + window nights allows deploys at "0 22 * * *" for 8h, UTC on everything`,
			"  ! closed now by window freeze: shop, team/*, branches main, clusters prod-*, until Mon 2026-11-30 00:00 UTC",
			"  ! closed now by window nights: everything, until Sat 2026-11-28 22:00 UTC",
		}},
		"one goes": {both, one, []string{
			"  - window freeze is no more: it denies deploys from Fri 2026-11-27 00:00 UTC to Mon 2026-11-30 00:00 UTC on shop, team/*, branches main, clusters prod-*; pushes wait; so do corrections",
		}},
		"one changes": {one, whenever, []string{
			`  ~ window nights allows deploys at "0 22 * * *" for 9h, UTC on everything, before: allows deploys at "0 22 * * *" for 8h, UTC on everything`,
			"  ! closed now by window nights: everything, until Sat 2026-11-28 22:00 UTC",
		}},
	} {
		got := append(Compare(test.before, test.after), ClosedBy(test.before, test.after, noon)...)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(test.want, "\n"))
		}
	}
	past := windowed(t, `- {name: past, allow: {from: 2026-01-01, to: 2026-01-02}}`)
	if got := ClosedBy(none, past, noon); len(got) != 1 || !strings.Contains(got[0], "does not open within a year") {
		t.Errorf("got %q", got)
	}
}

func TestWindowsThatNeverOpen(t *testing.T) {
	const (
		day    = `- {name: day, repositories: [shop], allow: {schedule: "0 9 * * *", duration: 8h}}`
		closed = `- {name: closed, repositories: [shop, team/*], deny: {schedule: "0 8 * * *", duration: 12h}}`
		blog   = `- {name: blog, repositories: [blog], deny: {schedule: "0 8 * * *", duration: 12h}}`
		prod   = `- {name: prod, repositories: [shop], clusters: [prod], deny: {schedule: "0 8 * * *", duration: 12h}}`
		past   = `- {name: past, allow: {from: 2026-01-01, to: 2026-01-02}}`
	)
	for name, test := range map[string]struct {
		before, after *Rules
		want          []string
	}{
		"open at times":                        {None(), windowed(t, day), nil},
		"elsewhere":                            {None(), windowed(t, day, blog), nil},
		"one that denies whenever one allows":  {windowed(t, day), windowed(t, day, closed), []string{"windows.yaml:2: windows day, closed are never open together within a year, on shop"}},
		"the same on a cluster":                {None(), windowed(t, day, prod), []string{"windows.yaml:3: windows day, prod are never open together within a year, on shop, clusters prod"}},
		"an allowance that is over":            {None(), windowed(t, past), []string{"windows.yaml:2: windows past are never open together within a year, on everything"}},
		"another change, after it is over":     {windowed(t, past), windowed(t, past, blog), []string{"windows.yaml:3: windows past, blog are never open"}},
		"nothing else changes":                 {windowed(t, past), windowed(t, past), nil},
		"it is over, and another one helps it": {windowed(t, past), windowed(t, past, nights), nil},
	} {
		problems := NeverOpen(test.before, test.after, noon)
		if len(problems) != len(test.want) {
			t.Errorf("%s: got %v, want %q", name, problems, test.want)
			continue
		}
		for i, p := range problems {
			if !strings.Contains(p.Error(), test.want[i]) {
				t.Errorf("%s: got %q, want %q", name, p.Error(), test.want[i])
			}
		}
	}
}
