package command

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestRecipesCallVerbs holds what docs/ci.md has jobs call to the table of verbs.
func TestRecipesCallVerbs(t *testing.T) {
	page, err := os.ReadFile("../../docs/ci.md")
	if err != nil {
		t.Fatal(err)
	}
	calls := regexp.MustCompile("(?m)ssh (?:-\\S+ \\S+ )*(?:git@git\\.example\\.org|HOST) ([^`\n]+)").FindAllStringSubmatch(string(page), -1)
	for _, call := range calls {
		words := strings.Fields(strings.NewReplacer(`"$(git rev-parse HEAD)"`, "REV", `"`, "").Replace(call[1]))
		v, rest := find(words)
		if v == nil || v.words == "" {
			t.Errorf("%q is no verb", call[1])
			continue
		}
		flags := v.flagSet()
		if err := flags.Parse(rest); err != nil {
			t.Errorf("%q: %v", call[1], err)
		} else if err := checkWords(v.args, flags.Args()); err != nil {
			t.Errorf("%q: %v", call[1], err)
		}
	}
	if len(calls) < 8 {
		t.Errorf("found %d calls of verbs", len(calls))
	}
}
