package substitute

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
)

// FuzzApply: when names are replaced, an object keeps its shape, nothing but uses of
// declared names changes, and no mark remains.
func FuzzApply(f *testing.F) {
	f.Add("a: ${x}\nb: '${x}'\nc: \"a ${x} ${y} $${x} ${x\"\n", "x: {}\n- [")
	f.Add("a: [\"${x}\"]\n${x}: b\n", "")
	f.Add("kind: Secret\ndata: {a: JHt4fQ==}\n", "5")
	f.Add("metadata: {annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}}\na: ${x}\n", "5")
	f.Fuzz(func(t *testing.T, text, value string) {
		text = strings.ReplaceAll(text, mark, "")
		marks := NewMarks([]string{"x"})
		for _, data := range [][]byte{[]byte(text), marks.Text([]byte(text))} {
			objects, problems := manifest.ParseMarked("a.yaml", append([]byte("apiVersion: v1\nkind: A\nmetadata: {name: a}\n---\napiVersion: v1\n"), data...), marks.Scalar)
			if len(problems) > 0 || len(objects) < 2 {
				return
			}
			o := objects[1]
			before := o.Copy()
			sound, _ := Set{Values: map[string]Value{"x": {Text: value, Alone: value}}}.Apply([]*manifest.Object{o})
			if len(sound) == 0 {
				return
			}
			if !strings.Contains(value, mark) && strings.Contains(jsonOf(t, o.Object), mark) {
				t.Errorf("a mark is left in %s", jsonOf(t, o.Object))
			}
			if !sameShape(before.Object, o.Object) {
				t.Errorf("%s has become %s", jsonOf(t, before.Object), jsonOf(t, o.Object))
			}
		}
	})
}

// sameShape reports whether two values have the same keys and lists, and differ only in
// texts that contain a name.
func sameShape(before, after any) bool {
	switch b := before.(type) {
	case map[string]any:
		a, ok := after.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for key := range b {
			if !sameShape(b[key], a[key]) {
				return false
			}
		}
		return true
	case []any:
		a, ok := after.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range b {
			if !sameShape(b[i], a[i]) {
				return false
			}
		}
		return true
	case string:
		a, ok := after.(string)
		if data, err := base64.StdEncoding.DecodeString(b); err == nil && strings.Contains(string(data), "${x") {
			return ok
		}
		return ok && (a == b || strings.Contains(b, "${x"))
	}
	return reflect.DeepEqual(before, after)
}

func jsonOf(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
