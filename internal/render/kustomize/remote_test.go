package kustomize

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/manifest"
)

// TestRemoteEntriesCanBeFetchedOnce: the hint has a line to paste.
func TestRemoteEntriesCanBeFetchedOnce(t *testing.T) {
	for entry, want := range map[string]string{
		"https://example.org/a/install.yaml":   "\ncurl -fsSLo 'app/install.yaml' 'https://example.org/a/install.yaml'",
		"https://example.org/a//crds?ref=v1.2": "\nkustomize build 'https://example.org/a//crds?ref=v1.2' > 'app/crds.yaml'",
		"https://example.org/a.git":            "\nkustomize build 'https://example.org/a.git' > 'app/a.yaml'",
		"https://example.org/a'; rm b.yaml":    "",
	} {
		c := newChecker(fstest.MapFS{"app/kustomization.yaml": {Data: []byte("resources: [\"" + entry + "\"]\n")}})
		c.folder("app", manifest.Source{})
		if len(c.problems) != 1 || c.problems[0].Hint != "commit it, and name the file or folder"+want {
			t.Errorf("%s: %v, hint %q", entry, c.problems, strings.Join(hintsOf(c), "; "))
		}
	}
}

func hintsOf(c *checker) []string {
	var all []string
	for _, p := range c.problems {
		all = append(all, p.Hint)
	}
	return all
}
