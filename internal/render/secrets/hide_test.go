package secrets

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/manifest"
)

// TestHide: decrypted values are noted in objects other than Secrets, in the lines and
// forms in which templates write them. Values that are too short are not noted.
func TestHide(t *testing.T) {
	files := &Files{decrypted: map[string]opened{"a.yaml": {values: []string{"horse-1", "first line\n  second line\n", "80"}}}}
	for _, test := range []struct {
		kind, text string
		want       int
	}{
		{"ConfigMap", "db://u:horse-1@db", 1},
		{"ConfigMap", "    first line\n    second line\n", 2},
		{"ConfigMap", "first line\n  second line", 3},
		{"ConfigMap", "token: aG9yc2UtMQ==", 1},
		{"ConfigMap", "port 80, horse", 0},
		{"Secret", "horse-1", 0},
	} {
		o := &manifest.Object{Unstructured: &unstructured.Unstructured{Object: map[string]any{
			"kind": test.kind, "data": map[string]any{"list": []any{test.text}},
		}}}
		files.Hide([]*manifest.Object{o})
		if got := o.Hidden(); len(got) != test.want {
			t.Errorf("%s %q: hidden are %q, want %d", test.kind, test.text, got, test.want)
		}
	}
	none := &Files{decrypter: Placeholders(), decrypted: files.decrypted}
	o := &manifest.Object{Unstructured: &unstructured.Unstructured{Object: map[string]any{"kind": "ConfigMap", "text": "horse-1"}}}
	if none.Hide([]*manifest.Object{o}); len(o.Hidden()) > 0 {
		t.Errorf("placeholders are hidden: %q", o.Hidden())
	}
}
