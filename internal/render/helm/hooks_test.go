package helm

import (
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
)

func TestHooksAreSkipped(t *testing.T) {
	text := ""
	for name, events := range map[string]string{"plain": "", "both": "pre-install,pre-upgrade", "install": "post-install", "more": "pre-install, pre-delete", "test": "test"} {
		text += "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\n"
		if events != "" {
			text += "  annotations: {helm.sh/hook: '" + events + "'}\n"
		}
		text += "---\n"
	}
	for operations, want := range map[string]string{
		"":                "both:pre-install,pre-upgrade install:post-install more:pre-install, pre-delete plain: test:test",
		"install":         "both:pre-upgrade more: pre-delete plain: test:test",
		"install upgrade": "more: pre-delete plain: test:test",
	} {
		objects, problems := manifest.Parse("a.yaml", []byte(text))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		var got []string
		for _, o := range withoutHooks(objects, strings.Fields(operations)) {
			got = append(got, o.GetName()+":"+o.GetAnnotations()[hookAnnotation])
		}
		slices.Sort(got)
		if joined := strings.Join(got, " "); joined != want {
			t.Errorf("%q: %s, want %s", operations, joined, want)
		}
	}
}
