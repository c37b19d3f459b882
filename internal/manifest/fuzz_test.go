package manifest

import (
	"bytes"
	"encoding/json"
	"regexp"
	"testing"
)

// FuzzParse checks that Parse returns for any bytes of a repository, that every object can
// be copied, named, masked and compared, that each line number is one of the file, and that
// an object's JSON reads as the same object.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"apiVersion: v1\nkind: A\nmetadata: {name: a}\n",
		"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: a}, data: {x: eQ==}}\n",
		"a: &a [*a]\n", "a: &a {<<: *a}\n", "---\n...\n%YAML 1.1\n---\n", "{{ .x }}", "\ufeff{}", "a: !!binary x\n",
		`{"apiVersion":"v1","kind":"A","metadata":{"name":"\ud83d\ude00\/"},"x":[1e400,-0,1.0]}`,
		"apiVersion: v1\nkind: A\nmetadata: {name: a, labels: {x: 1}}\nv: [0644, 1_0, .5, yes, 2001-01-01, ~, <<]\n",
		"a: 1\n a: 2\n", "a:\n\t- b", "? [a]\n: b\n", "[a, # c\n b]", "- a\n#\n-", "a: |\n x\n---\nb: >-\n y\n",
		"apiVersion: v1\nkind: A\nmetadata:\n  name: a\nx: &x {y: 1}\nz:\n  <<: [*x, {w: 2}]\n",
	} {
		f.Add("f.yaml", []byte(seed))
		f.Add("f.json", []byte(seed))
	}
	f.Fuzz(func(t *testing.T, file string, data []byte) {
		last := len(lineBreak.FindAll(data, -1)) + 1
		objects, problems := Parse(file, data)
		for _, p := range problems {
			if p.Source.Line < 0 || p.Source.Line > last {
				t.Errorf("problem on line %d of %d: %v", p.Source.Line, last, p)
			}
		}
		for _, o := range objects {
			checkParsed(t, o, last)
		}
	})
}

// lineBreak matches the line breaks of YAML 1.1.
var lineBreak = regexp.MustCompile("\r\n|[\r\n\u0085\u2028\u2029]")

func checkParsed(t *testing.T, o *Object, last int) {
	t.Helper()
	if o.Source.Line < 1 || o.Source.Line > last {
		t.Errorf("object on line %d of %d", o.Source.Line, last)
	}
	if o.ID().Name == "" || o.ID().Kind == "" {
		t.Errorf("object without identity: %v", o.ID())
	}
	if changes := Diff(o.Object, o.DeepCopy().Object, Masker{}); len(changes) > 0 {
		t.Errorf("a copy differs: %v", changes)
	}
	NewMasker([]byte("k")).MaskObject(o.Unstructured)
	text, err := json.Marshal(o.Object)
	if err != nil {
		t.Fatalf("no JSON: %v", err)
	}
	again, problems := Parse("again.json", text)
	if len(problems) > 0 || len(again) != 1 {
		if isDeepOrLong(problems) {
			return
		}
		t.Fatalf("%s reads as %d objects, %v", text, len(again), problems)
	}
	if Digest(again[0].Unstructured) != Digest(o.Unstructured) {
		t.Errorf("JSON\n%s\nreads as\n%s", text, canonical(again[0].Object))
	}
}

// isDeepOrLong reports problems that the JSON of a valid object may have: a mapping key of
// over 1024 characters is not valid when JSON is read as YAML.
func isDeepOrLong(problems Problems) bool {
	return len(problems) == 1 && bytes.Contains([]byte(problems[0].Message), []byte("expected ':'"))
}
