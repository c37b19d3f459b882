package command

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
)

func TestWordsThatMayComeNext(t *testing.T) {
	for _, test := range []struct {
		before string
		words  string // some that are among the fixed ones
		not    string // some that are not
		tokens string
	}{
		{"", "status sync repo secrets drift", "list --output create", ""},
		{"repo", "list info create delete", "status", ""},
		{"sync", "--all --force --color", "status", "APP"},
		{"sync shop", "--force", "", ""},
		{"plan shop", "", "", "REV"},
		{"logs", "--follow -f", "", "DEPLOY APP"},
		{"logs -f shop", "--tail", "", "OBJECT"},
		{"logs --tail 5", "", "", "DEPLOY APP"},
		{"logs --tail=5 shop", "", "", "OBJECT"},
		{"logs --tail", "", "--follow", ""},
		{"status -o", "json text", "--output", ""},
		{"status --output", "json text", "", ""},
		{"status --color", "--output", "", "APP"},
		{"restart shop", "", "", "OBJECT"},
		{"backup", "now --since", "", ""},
		{"suspend shop a b", "--until", "", "WORD"},
		{"nosuch", "", "status", ""},
		{"repo nosuch", "", "list", ""},
		{"completion", "", "", "SHELL"},
		{"help", "", "", "VERB"},
	} {
		words, tokens := expected(strings.Fields(test.before))
		for word := range strings.FieldsSeq(test.words) {
			if !slices.Contains(words, word) {
				t.Errorf("%q: %s is missing in %q", test.before, word, words)
			}
		}
		for word := range strings.FieldsSeq(test.not) {
			if slices.Contains(words, word) {
				t.Errorf("%q: %s is in %q", test.before, word, words)
			}
		}
		if got := strings.Join(tokens, " "); got != test.tokens {
			t.Errorf("%q: names of %q, want %q", test.before, got, test.tokens)
		}
	}
}

func TestNamesOfObjects(t *testing.T) {
	got := namesOf([]manifest.ID{
		{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"},
		{Kind: "Service", Namespace: "shop", Name: "web"},
		{Kind: "Service", Namespace: "blog", Name: "web"},
		{Kind: "Namespace", Name: "shop"},
	})
	if want := "deployment/web service/shop/web service/blog/web namespace/shop"; strings.Join(got, " ") != want {
		t.Errorf("got %q", got)
	}
}

func TestScriptsOfShells(t *testing.T) {
	for _, shell := range shells {
		text, err := completionScript(shell, []string{"git@deploy.example.org", "deploy"})
		if err != nil || !strings.Contains(text, "deploy.example.org deploy") || strings.Contains(text, "@HOSTS@") {
			t.Errorf("%s: %v\n%s", shell, err, text)
		}
		checkSyntax(t, shell, text)
		for _, host := range []string{"", "a b", "$(id)", "`id`", "-oProxyCommand=id", "git@-x", "a;b", "'", strings.Repeat("a", 300), "git@"} {
			if text, err := completionScript(shell, []string{host}); err == nil {
				t.Errorf("%s: the host %q is taken:\n%s", shell, host, text)
			}
		}
		if _, err := completionScript(shell, slices.Repeat([]string{"a"}, maxHosts+1)); err == nil {
			t.Errorf("%s: too many hosts are taken", shell)
		}
	}
}

// checkSyntax has the shell read a script, if it is installed.
func checkSyntax(t *testing.T, shell, text string) {
	path, err := exec.LookPath(shell)
	if err != nil {
		t.Logf("%s is not installed: the syntax of its script was not checked", shell)
		return
	}
	check := exec.CommandContext(t.Context(), path, "-n")
	check.Stdin = strings.NewReader(text)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", shell, err, out)
	}
}
