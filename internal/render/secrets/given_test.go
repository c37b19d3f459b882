package secrets

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/manifest"
)

func given(values map[string]string) *Files {
	files := (*Decrypter)(nil).Files(context.Background(), fstest.MapFS{}, Limit{})
	files.Give(values)
	return files
}

// TestGivenValuesVary: a variant has other values of the same form, since a chart's schema
// may require that form.
func TestGivenValuesVary(t *testing.T) {
	files := given(map[string]string{"a": "Pass-09x", "hex": "00ff12ab", "base64": "AAb+zZ09Mw=="})
	if !files.Varies() {
		t.Error("values that were given do not vary")
	}
	if given(nil).Varies() {
		t.Error("the files have nothing to vary")
	}
	want := [Variants]map[string]string{
		{"a": "Qbtt-11y", "hex": "11aa23bc", "base64": "BBc+aA11Nx=="},
		{"a": "Teww-44b", "hex": "44dd56ef", "base64": "EEf+dD44Qa=="},
	}
	for n := 1; n <= Variants; n++ {
		if got := files.Variant(n).Given(); !maps.Equal(got, want[n-1]) {
			t.Errorf("variant %d: %v", n, got)
		}
	}
}

// TestWhatIsMadeOfGivenValuesIsConcealed: fields that depend on a given value are
// concealed, however a template has changed the value, and wherever it stands. Problems do
// not show it.
func TestWhatIsMadeOfGivenValuesIsConcealed(t *testing.T) {
	files := given(map[string]string{"auth.password": "Canary-Help"})
	variants := make([]Rendered, Variants)
	for i := range variants {
		other := files.Variant(i + 1)
		value := other.Given()["auth.password"]
		twin := made(value, "a")
		delete(twin.Object, "k"+value[:1])
		variants[i] = Rendered{Files: other, Objects: []*manifest.Object{twin}}
	}
	objects := []*manifest.Object{made("Canary-Help", "a")}
	delete(objects[0].Object, "kC")
	files.Hide(objects)
	if problems := files.ConcealIn(objects, variants); len(problems) > 0 {
		t.Fatal(problems)
	}
	text := ""
	masked := (manifest.Masker{}).Hiding(objects[0].Hidden()).Of(objects[0]).Mask(objects[0].Object)
	manifest.EachText(masked, func(value string) { text += value + "\n" })
	for _, part := range []string{"Canary", "canary", "CANARY", "yranaC", "C-a-n", "nary"} {
		if strings.Contains(text, part) {
			t.Errorf("%q is shown: %s", part, text)
		}
	}
	if !strings.Contains(text, "shown") {
		t.Errorf("everything is hidden: %s", text)
	}
	told := files.Told(manifest.Problems{{Message: "cannot parse Canary-Help", Hint: "Canary-Help", Remedy: manifest.Again("Canary-Help")}})
	if strings.Contains(told[0].Error()+told[0].Hint+told[0].Remedy.When, "Canary") {
		t.Error(told)
	}
}

// TestSecretsOfGivenValuesAreNotPlain: a Secret that is made of given values does not count
// as one in the clear.
func TestSecretsOfGivenValuesAreNotPlain(t *testing.T) {
	secret := func(value string) *manifest.Object {
		return &manifest.Object{Unstructured: &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "a"}, "stringData": map[string]any{"p": value},
		}}}
	}
	files := given(map[string]string{"auth.password": "Canary-Help"})
	found := files.Plain([]*manifest.Object{secret("Canary-Help"), secret("postgres://u:Canary-Help@db"), secret("in the clear")})
	if !slices.EqualFunc(found, []string{"in the clear"}, func(p Plain, want string) bool {
		return p.Object.Object["stringData"].(map[string]any)["p"] == want
	}) {
		t.Error(found)
	}
}
