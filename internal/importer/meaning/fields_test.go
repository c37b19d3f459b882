package meaning

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
)

// readerOf begins to read an object.
func readerOf(t *testing.T, text string) *Reader {
	t.Helper()
	objects, problems := manifest.Parse("a.yaml", []byte(text))
	if len(problems) > 0 || len(objects) != 1 {
		t.Fatal(objects, problems)
	}
	return Read(objects[0], nil)
}

// TestProblemsAreNotedOnce: what is read again and again, as a generator in a matrix, is said once; and
// there is an end to what is said of one object.
func TestProblemsAreNotedOnce(t *testing.T) {
	r := readerOf(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\nspec:\n  size: [1]\n  color: blue\n")
	for range 3 {
		spec := r.Spec()
		spec.Text("size")
		spec.Without("color", "nobody looks")
		spec.Done()
	}
	if got, want := r.Problems.Error(), "a.yaml:5: ConfigMap a: spec.size is no text"; got != want {
		t.Errorf("problems %s, want %s", got, want)
	}
	if len(r.Notes) != 1 || r.Notes[0] != (Note{manifest.Source{File: "a.yaml", Line: 6}, "ConfigMap a", "spec.color has no effect: nobody looks"}) {
		t.Errorf("notes %v", r.Notes)
	}
	r.Add("spec.size", "spec.size is no text", "another hint")
	r.Add("spec.color", "spec.size is no text", "")
	if len(r.Problems) != 3 {
		t.Errorf("problems that differ: %v", r.Problems)
	}
	for i := range 2 * maxSaid {
		r.Add("spec.size", fmt.Sprintf("it has mistake %d", i), "")
		r.Tell("spec.color", fmt.Sprintf("remark %d", i))
	}
	if last := r.Problems[len(r.Problems)-1]; len(r.Problems) != maxSaid+1 || !strings.Contains(last.Message, "there are more problems") {
		t.Errorf("%d problems, the last %v", len(r.Problems), last)
	}
	if last := r.Notes[len(r.Notes)-1]; len(r.Notes) != maxSaid+1 || !strings.Contains(last.Text, "there is more without effect") {
		t.Errorf("%d notes, the last %v", len(r.Notes), last)
	}
}
