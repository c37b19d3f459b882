package rules

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/access/keytest"
)

// example is a block of YAML in docs/access.md.
type example struct {
	under string // its heading
	file  string // of admin.git
	text  string
}

var (
	yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
	heading   = regexp.MustCompile(`(?m)^#+ (.*)$`)
	shortKey  = regexp.MustCompile(`ssh-ed25519 AAAA\.\.\.`)
)

// examplesOf reads the examples of a page. Rules that stand alone are a list's.
func examplesOf(t *testing.T, page string) (all []example) {
	t.Helper()
	count := 0
	key := func(string) string {
		count++
		return strings.TrimSpace(keytest.Text(keytest.Signer(t, fmt.Sprint("example ", count)).PublicKey()))
	}
	bearer := "SHA256:" + strings.Repeat("A", 43)
	for _, at := range yamlBlock.FindAllStringSubmatchIndex(page, -1) {
		text := strings.ReplaceAll(shortKey.ReplaceAllStringFunc(page[at[2]:at[3]], key), "SHA256:qv6...", bearer)
		headings := heading.FindAllStringSubmatch(page[:at[0]], -1)
		e := example{under: headings[len(headings)-1][1], text: text, file: accessFile}
		if first, _, _ := strings.Cut(text, "\n"); strings.HasPrefix(first, "# ") {
			e.file = strings.TrimPrefix(first, "# ")
		}
		if strings.HasPrefix(text, "  - ") {
			e.text = "rules:\n" + text
		}
		all = append(all, e)
	}
	return all
}

// TestExamplesOfTheDocsAreAccepted: each example of docs/access.md can be pushed as it
// stands there, with those of its section.
func TestExamplesOfTheDocsAreAccepted(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "access.md"))
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]fstest.MapFS{}
	for _, e := range examplesOf(t, string(page)) {
		tree := sections[e.under]
		if tree == nil {
			tree = fstest.MapFS{
				groupsFile: {Data: []byte("groups:\n  admins: [ana]\n  platform: [ana]\n  team-shop: [ben]\n  team-blog: [dora]\n  deployers: []\n")},
				accessFile: {Data: []byte("rules:\n  - {who: [admins], may: [admin]}\n")},
			}
			for _, operator := range []string{"ana", "ben", "dora", "eve", "ci", "nightly"} {
				tree[operatorsDir+"/"+operator+".yaml"] = &fstest.MapFile{Data: []byte("keys: []\n")}
			}
			sections[e.under] = tree
		}
		if e.file == accessFile && strings.HasPrefix(string(tree[accessFile].Data), "rules:\n  - {who: [admins]") && !strings.Contains(e.text, "[admin]") {
			e.text += "  - {who: [admins], may: [admin]}\n"
		}
		tree[e.file] = &fstest.MapFile{Data: []byte(e.text)}
	}
	if len(sections) < 10 {
		t.Errorf("only %d sections have examples: %q", len(sections), slices.Sorted(maps.Keys(sections)))
	}
	for under, tree := range sections {
		if _, problems := Parse(tree); len(problems) > 0 {
			t.Errorf("%s: %v", under, problems)
		}
	}
}
