package command

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access"
)

var update = flag.Bool("update", false, "write docs/console.md")

const consoleDoc = "../../docs/console.md"

// TestConsoleIsDocumented holds docs/console.md to the table of verbs. With -update it
// writes the page: go test ./internal/command -run TestConsoleIsDocumented -update
func TestConsoleIsDocumented(t *testing.T) {
	want := console()
	if *update {
		if err := os.WriteFile(consoleDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(consoleDoc)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/console.md differs from the table of verbs; run: go test ./internal/command -run TestConsoleIsDocumented -update")
	}
}

// console is the page about all verbs.
func console() string {
	var page strings.Builder
	page.WriteString("# The console\n\n" +
		"This page is made from the table of verbs, as `ssh HOST help VERB` shows it; see [SSH\n" +
		"verbs](ssh-verbs.md) for how to use them. *Takes* names the least [role](security.md#roles)\n" +
		"that may run a verb; [rules](access.md#rules) may give or withhold single ones. All verbs\n" +
		"take `--color` and `--help`; with `-o json`, keys are only ever added to the output:\n" +
		"see [for programs](automation.md).\n")
	for _, v := range verbs() {
		if v.words == "" {
			continue
		}
		fmt.Fprintf(&page, "\n## %s\n\nTakes: %s.\n\n", v.words, leastOf(v.right))
		for line := range strings.Lines(helpText(v)) {
			page.WriteString(strings.TrimRight("    "+line, " \n") + "\n")
		}
	}
	return page.String()
}

func helpText(v *verb) string {
	var text strings.Builder
	v.explain(&text)
	return text.String()
}

// leastOf names the least role that has a right.
func leastOf(right access.Right) string {
	if right == everybody {
		return "any key"
	}
	return "`" + string(right.Least()) + "`"
}

// TestHelpHasAnExample: each verb has one example, which calls it in a form that it has.
func TestHelpHasAnExample(t *testing.T) {
	for _, v := range verbs() {
		if v.words == "" {
			continue
		}
		text := helpText(v)
		if n := strings.Count(text, "Example: "); n != 1 {
			t.Errorf("the help on %s has %d examples", v.words, n)
			continue
		}
		if example := v.example(); example != "" {
			if found, _ := find(strings.Fields(example)); found == nil || found.words != v.words {
				t.Errorf("the example of %s is %q", v.words, example)
			}
		}
	}
	for words := range examples {
		if v, _ := find(strings.Fields(words)); v == nil || v.words != words || v.example() == "" {
			t.Errorf("the example of %q is of no use: it is no verb, or its help has one", words)
		}
	}
}

// TestHelpFitsATerminal: no line of help is wider than 80 columns, but for those of flags.
func TestHelpFitsATerminal(t *testing.T) {
	for _, v := range verbs() {
		for line := range strings.Lines(helpText(v)) {
			if line = strings.TrimSuffix(line, "\n"); len([]rune(line)) > 80 && !strings.HasPrefix(line, "  ") {
				t.Errorf("help on %q: %d columns: %s", v.words, len([]rune(line)), line)
			}
		}
	}
}
