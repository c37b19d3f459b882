package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestRecipesCallCommands holds what docs/ci.md has jobs call to the commands and their flags.
func TestRecipesCallCommands(t *testing.T) {
	page, err := os.ReadFile("../../docs/ci.md")
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile("(?ms)^```yaml\n.*?^```$|^    [^\n]*$|`[^`\n]+`").FindAllString(string(page), -1)
	calls := regexp.MustCompile("(?:^|[` ])pushboat ([^`\n>|]*)").FindAllStringSubmatch(strings.Join(code, "\n"), -1)
	for _, call := range calls {
		words := strings.Fields(call[1])
		cmd, rest, err := newRoot(build{}).Find(words)
		if err == nil && cmd.HasParent() {
			err = cmd.ParseFlags(rest)
		}
		if err == nil {
			err = cmd.ValidateArgs(cmd.Flags().Args())
		}
		if err != nil || !cmd.HasParent() {
			t.Errorf("pushboat %s: %v", call[1], err)
		}
	}
	if len(calls) < 4 {
		t.Errorf("found %d calls of commands", len(calls))
	}
}
