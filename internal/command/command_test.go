package command

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

func TestFind(t *testing.T) {
	tests := []struct {
		words, verb, rest string
	}{
		{"", "", ""},
		{"status", "status", ""},
		{"status shop -o json", "status", "shop -o json"},
		{"repo list", "repo list", ""},
		{"repo delete shop --yes", "repo delete", "shop --yes"},
	}
	for _, test := range tests {
		v, rest := find(strings.Fields(test.words))
		if v == nil || v.words != test.verb || strings.Join(rest, " ") != test.rest {
			t.Errorf("%q: got %v with %q, want %q with %q", test.words, v, rest, test.verb, test.rest)
		}
	}
	for words, group := range map[string]string{"repo": "repo", "repo --help": "repo", "repo lists": "", "status": "", "": "", "rep": ""} {
		if got := groupOf(strings.Fields(words)); got != group {
			t.Errorf("%q is taken for the group %q", words, got)
		}
	}
	for _, words := range []string{"repo", "repo lists", "Status", "git-shell", "stat", "--help"} {
		if v, _ := find(strings.Fields(words)); v != nil {
			t.Errorf("%q is taken for %q", words, v.words)
		}
	}
}

// TestVerbTable: every verb has one line of help that fits a terminal, and its optional
// arguments come last.
func TestVerbTable(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range verbs() {
		if seen[v.words] {
			t.Errorf("%q is in the table twice", v.words)
		}
		seen[v.words] = true
		if v.run == nil || v.help == "" {
			t.Errorf("%q does nothing, or has no help", v.words)
		}
		if line := "  " + v.usage() + "  " + v.help; len(line) > 80 {
			t.Errorf("the help of %q has %d columns", v.words, len(line))
		}
		optional := false
		for arg := range strings.FieldsSeq(v.args) {
			if optional && !strings.HasPrefix(arg, "[") {
				t.Errorf("%q: %s comes after an argument that may be left out", v.words, arg)
			}
			optional = strings.HasPrefix(arg, "[")
		}
	}
}

// TestVerbsHaveRights: each way to call a verb needs a right that exists. If a rule can
// give or withhold a verb alone, the verb needs the right of that name.
func TestVerbsHaveRights(t *testing.T) {
	for _, row := range rowsOf("") {
		if right := access.Right(row.Right); right != everybody && right.Least() == "" {
			t.Errorf("%q %s takes %q, which is no right", row.Verb, row.Flag, right)
		}
	}
	for _, words := range access.Verbs() {
		own, _ := access.OfVerb(words)
		if own == access.Override {
			continue // the right of a flag of several verbs, which they need in addition to their own
		}
		takes := func(row helpRow) bool { return row.Verb == words && row.Right == string(own) }
		if !slices.ContainsFunc(rowsOf(words), takes) {
			t.Errorf("a rule can give %q, and the verb does not take that right", words)
		}
	}
}

func TestCheckArgs(t *testing.T) {
	for _, test := range []struct {
		args, given, want string
		also              []form
		all               bool
	}{
		{args: "APP [REV]", given: "shop", want: ""},
		{args: "APP [REV]", given: "shop main", want: ""},
		{args: "APP [REV]", given: "", want: "APP is missing"},
		{args: "APP [REV]", given: "shop main more", want: `"more" is too much`},
		{args: "", given: "x", want: `"x" is too much`},
		{args: "DEPLOY", given: "shop deploy/web", also: []form{{args: "APP [OBJECT]"}}},
		{args: "DEPLOY", given: "a b c", want: `"b" is too much`, also: []form{{args: "APP [OBJECT]"}}},
		{args: "APP", given: "", all: true, also: []form{{args: "--all"}}},
		{args: "APP", given: "shop", want: `"shop" is too much`, all: true, also: []form{{args: "--all"}}},
		{args: "APP", given: "", want: "APP is missing", also: []form{{args: "--all"}}},
	} {
		c := &call{verb: &verb{args: test.args, also: test.also}, args: strings.Fields(test.given), flags: pflag.NewFlagSet("", pflag.ContinueOnError)}
		c.flags.Bool("all", test.all, "")
		got := ""
		if err := c.checkArgs(); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%q for %q: got %q, want %q", test.given, test.args, got, test.want)
		}
	}
}

func TestAgo(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		-time.Minute:      "0 s ago",
		59 * time.Second:  "59 s ago",
		61 * time.Second:  "1 min ago",
		119 * time.Minute: "1 h ago",
		49 * time.Hour:    "2 d ago",
	} {
		if got := ago(now.Add(-d), now); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
}

func TestPrintStatus(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	list := []deploy.Status{
		{
			App: "shop", Revision: name.Revision(strings.Repeat("a", 40)), Sync: deploy.InSync, Health: "healthy",
			Last: &record.Record{Operator: "ana", Started: now.Add(-2 * time.Minute)},
		},
		{
			App: "blog", Revision: name.Revision(strings.Repeat("b", 40)), Sync: deploy.InSync, Health: "failing",
			Sick:  []deploy.Symptom{{Object: "Deployment blog/api", State: "0 of 2 pods ready", Cause: "ImagePullBackOff\x1b[31m"}},
			Drift: []string{"Service blog/api"},
			Found: []deploy.Difference{{Object: "Service blog/api", What: "was deleted"}},

			Suspension: &record.Suspension{By: "dora", Since: now.Add(-3 * time.Hour)},
		},
	}
	var out strings.Builder
	printStatus(&out, list, now)
	if strings.Contains(out.String(), "\x1b") {
		t.Errorf("control characters reach the terminal: %q", out.String())
	}
	for _, want := range []string{
		"shop   aaaaaaa    in sync   healthy   2 min ago, ana   -\n",
		"  Deployment blog/api: 0 of 2 pods ready: ImagePullBackOff",
		"  drift: Service blog/api  was deleted\n",
		"  suspended 3 h ago by dora",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("missing %q in:\n%s", want, out.String())
		}
	}
}
