package script

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/ssh"
)

const examplesUsage = "example write|run HEADING"

var (
	fenced   = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")
	shownKey = regexp.MustCompile(`ssh-ed25519 AAAA\.\.\.`)
)

// cmdExample takes the examples under a heading of docs/access.md at their word: it writes
// their files into the current folder, or runs their lines, whose output must have what is
// shown. Of a rule that stands alone the admins' comes first.
func cmdExample(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: %s", examplesUsage)
	}
	page, err := os.ReadFile("../../docs/access.md")
	ts.Check(err)
	_, section, found := strings.Cut(string(page), "\n### "+args[1]+"\n")
	if !found {
		ts.Fatalf("docs/access.md has no heading %q", args[1])
	}
	section, _, _ = strings.Cut(section, "\n### ")
	blocks := fenced.FindAllStringSubmatch(section, -1)
	switch args[0] {
	case "write":
		ts.Check(on(ts).writeExample(ts, blocks))
	case "run":
		runExample(ts, blocks)
	default:
		ts.Fatalf("usage: %s", examplesUsage)
	}
}

// writeExample writes the files of an example, with keys in the place of those that are only
// hinted at, and the operators and groups that it speaks of.
func (s *stage) writeExample(ts *testscript.TestScript, blocks [][]string) error {
	const admins = "rules:\n  - {who: [admins], may: [admin]}\n"
	files := map[string]string{
		"groups.yaml": "groups:\n  admins: [ana]\n  platform: [ana]\n  team-shop: [ben]\n  team-blog: [dora]\n", "access.yaml": admins,
	}
	for _, name := range []string{"ben", "dora", "eve", "ci", "nightly"} {
		files["operators/"+name+".yaml"] = "keys: []\n"
	}
	for _, block := range blocks {
		if block[1] != "yaml" {
			continue
		}
		name, text := "access.yaml", block[2]
		if first, _, _ := strings.Cut(text, "\n"); strings.HasPrefix(first, "# ") {
			name = strings.TrimPrefix(first, "# ")
		}
		if strings.HasPrefix(text, "  - ") {
			text = admins + text
		}
		var failed error
		files[name] = shownKey.ReplaceAllStringFunc(text, func(string) string {
			key, err := freshKey()
			failed = err
			return key
		})
		if failed != nil {
			return failed
		}
	}
	if err := os.RemoveAll(ts.MkAbs("repositories.yaml")); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := os.WriteFile(ts.MkAbs(name), []byte(files[name]), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func freshKey() (string, error) {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	key, err := ssh.NewPublicKey(public)
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))), err
}

// runExample runs the lines of an example that begin with "$ ssh HOST".
func runExample(ts *testscript.TestScript, blocks [][]string) {
	ran := 0
	for _, block := range blocks {
		var output []string
		for line := range strings.Lines(block[2]) {
			words, isCommand := strings.CutPrefix(strings.TrimSpace(line), "$ ssh HOST ")
			shown := strings.Join(strings.Fields(line), " ")
			switch {
			case isCommand:
				ts.Check(run(ts, append([]string{"ssh"}, strings.Fields(words)...)))
				output, ran = strings.Split(strings.Join(strings.Fields(strings.ReplaceAll(ts.ReadFile("stdout"), "\n", " \x00 ")), " "), "\x00"), ran+1
			case output == nil || shown == "" || shown == "...":
			case !slices.ContainsFunc(output, func(o string) bool { return strings.TrimSpace(o) == shown }):
				ts.Fatalf("docs/access.md shows %q, and the output is\n%s", shown, strings.Join(output, "\n"))
			}
		}
	}
	if ran == 0 {
		ts.Fatalf("the example has no lines to run")
	}
	fmt.Fprintf(ts.Stdout(), "%d lines\n", ran)
}
