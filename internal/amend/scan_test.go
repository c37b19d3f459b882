package amend

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// at reads the value at a path of keys and indexes of the last document of a text.
func at(text []byte, path ...any) (any, bool) {
	docs, err := parse(text)
	if err != nil || len(docs) == 0 {
		return nil, false
	}
	var value any
	if docs[len(docs)-1].Decode(&value) != nil {
		return nil, false
	}
	for _, step := range path {
		switch step := step.(type) {
		case string:
			fields, ok := value.(map[string]any)
			if !ok {
				return nil, false
			}
			value = fields[step]
		case int:
			list, ok := value.([]any)
			if !ok || step >= len(list) {
				return nil, false
			}
			value = list[step]
		}
	}
	return value, value != nil
}

// reading returns a Look for a path of one file.
func reading(name string, data []byte, path ...any) Look {
	return func(_ context.Context, changed Files) (any, bool) {
		text := data
		if now, ok := changed[name]; ok {
			text = now
		}
		return at(text, path...)
	}
}

func TestOnlyTheValueChanges(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		path []any
		to   any
		want string // the line that changes, as it is then
	}{
		"plain":                 {"a: 1 # one\nb: old  # two\n", []any{"b"}, "new", "b: new  # two"},
		"double quotes":         {"b: \"old\"   # two\n", []any{"b"}, "new", "b: \"new\"   # two"},
		"single quotes":         {"b: 'old' # it's\n", []any{"b"}, "it's", "b: 'it''s' # it's"},
		"ends of lines of DOS":  {"a: 1\r\nb: old\r\nc: 3\r\n", []any{"b"}, "new", "b: new\r"},
		"flow mapping":          {"x: {a: 1, b: old, c: [1,  2]}  # x\n", []any{"x", "b"}, "new", "x: {a: 1, b: new, c: [1,  2]}  # x"},
		"comma in flow":         {"x: {a: 1, b: old}\n", []any{"x", "b"}, "a,b", "x: {a: 1, b: \"a,b\"}"},
		"flow list":             {"x: [one,  old , three]\n", []any{"x", 1}, "new", "x: [one,  new , three]"},
		"anchor":                {"a: &v  old # base\nb: *v\n", []any{"b"}, "new", "a: &v  new # base"},
		"tag":                   {"b: !!str 1.9\n", []any{"b"}, "1.10", "b: !!str 1.10"},
		"number that is text":   {"b: \"1.9\"\n", []any{"b"}, "1.10", "b: \"1.10\""},
		"text like a number":    {"b: v1\n", []any{"b"}, "1.10", "b: \"1.10\""},
		"text like a boolean":   {"b: maybe\n", []any{"b"}, "true", "b: \"true\""},
		"number":                {"b: 3\n", []any{"b"}, 5, "b: 5"},
		"boolean":               {"b: true\n", []any{"b"}, false, "b: false"},
		"colon in the value":    {"b: old\n", []any{"b"}, "a: b", "b: \"a: b\""},
		"hash in the value":     {"b: old\n", []any{"b"}, "a #b", "b: \"a #b\""},
		"dash first":            {"b: old\n", []any{"b"}, "- a", "b: \"- a\""},
		"quote first":           {"b: old\n", []any{"b"}, `"a`, `b: "\"a"`},
		"no value":              {"b: old\n", []any{"b"}, "", `b: ""`},
		"several documents":     {"b: old\n---\n# the second\nb: old\n", []any{"b"}, "new", "b: new"},
		"characters before":     {"x: {ü: ä, b: old}\n", []any{"x", "b"}, "new", "x: {ü: ä, b: new}"},
		"byte order mark":       {"\ufeffb: old\n", []any{"b"}, "new", "\ufeffb: new"},
		"no end of line":        {"b: old", []any{"b"}, "new", "b: new"},
		"in a list of mappings": {"x:\n- name: a\n  b: old\n", []any{"x", 0, "b"}, "new", "  b: new"},
		"escapes":               {`b: "\u00e4\told"` + "\n", []any{"b"}, "new", `b: "new"`},
	} {
		t.Run(name, func(t *testing.T) {
			look := reading("f", []byte(c.text), c.path...)
			is, ok := look(t.Context(), nil)
			if !ok {
				t.Fatal("the test reads nothing")
			}
			s := Search{Files: Files{"f": []byte(c.text)}, Look: look}
			files, changes, err := s.Value(t.Context(), nil, is, c.to)
			if err != nil {
				t.Fatal(err)
			}
			before, after := strings.Split(c.text, "\n"), strings.Split(string(files["f"]), "\n")
			if len(before) != len(after) {
				t.Fatalf("the file is %q", files["f"])
			}
			for i := range before {
				if i == changes[0].Line-1 {
					if after[i] != c.want {
						t.Errorf("line %d is %q, want %q", i+1, after[i], c.want)
					}
				} else if before[i] != after[i] {
					t.Errorf("line %d is %q, and was %q", i+1, after[i], before[i])
				}
			}
			if now, _ := look(t.Context(), files); now != c.to {
				t.Errorf("the value is %v", now)
			}
		})
	}
}

func TestValuesOfMoreThanALineAreNotFound(t *testing.T) {
	for name, text := range map[string]string{
		"double quotes": "b: \"one\n  two\"\n",
		"plain":         "b: one\n  two\n",
		"folded":        "b: >-\n  one\n  two\n",
		"literal":       "b: |-\n  one\n  two\n",
	} {
		look := reading("f", []byte(text), "b")
		is, _ := look(t.Context(), nil)
		s := Search{Files: Files{"f": []byte(text)}, Look: look}
		if files, _, err := s.Value(t.Context(), nil, is, "new"); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %q, %v", name, files["f"], err)
		}
	}
}

func TestWordsOfBlocksAndTemplatesChange(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"patch in a block": {"patches:\n- patch: |-\n    - op: replace\n      value: web:1.4 # now\n- other: x\n", "      value: web:1.5 # now"},
		"template":         {"{{- if .Values.on }}\nimage: web:1.4\n{{- end }}\n", "image: web:1.5"},
		"properties":       {"[web]\nimage=web:1.4\n", "image=web:1.5"},
	} {
		look := func(_ context.Context, changed Files) (any, bool) {
			if strings.Contains(string(changed["f"]), "web:1.5") {
				return "web:1.5", true
			}
			return "web:1.4", true
		}
		s := Search{Files: Files{"f": []byte(c.text)}, Look: look}
		files, changes, err := s.Value(t.Context(), nil, "web:1.4", "web:1.5")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := strings.Split(string(files["f"]), "\n")[changes[0].Line-1]; got != c.want {
			t.Errorf("%s: line %d is %q", name, changes[0].Line, got)
		}
	}
	if found := occurrences([]byte("web:1.4.2 xweb:1.4 web:1.4-a web:1.4"), "web:1.4"); len(found) != 1 || found[0] != 29 {
		t.Errorf("found at %v", found)
	}
}

func TestSearchIsBounded(t *testing.T) {
	text := strings.Repeat("- old\n", maxTrials+10)
	s := Search{Files: Files{"f": []byte(text)}, Look: func(context.Context, Files) (any, bool) { return "old", true }}
	if _, _, err := s.Value(t.Context(), nil, "old", "new"); !errors.Is(err, errBudget) {
		t.Errorf("many trials: %v", err)
	}
	large := append([]byte("a: old\n"), make([]byte, maxFile)...)
	s = Search{Files: Files{"f": large}, Look: func(context.Context, Files) (any, bool) { return "new", true }}
	if _, _, err := s.Value(t.Context(), nil, "old", "new"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a large file: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s = Search{Files: Files{"f": []byte("a: old\n")}, Look: func(context.Context, Files) (any, bool) { return "new", true }}
	if _, _, err := s.Value(ctx, nil, "old", "new"); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits: %v", err)
	}
}

func TestTypes(t *testing.T) {
	for _, c := range []struct {
		text string
		like any
		want any
	}{
		{"3", int64(1), int64(3)},
		{"3", "1", "3"},
		{"0.5", 1.5, 0.5},
		{"25%", int64(1), "25%"},
		{"007", int64(1), "007"},
		{"true", false, true},
		{"yes", false, "yes"},
	} {
		if got := Typed(c.text, c.like); got != c.want {
			t.Errorf("%q like %v is %v (%T)", c.text, c.like, got, got)
		}
	}
	if !Equal(1, 1.0) || Equal("1", 1) || Equal(nil, "") {
		t.Error("values are compared otherwise than in JSON")
	}
}

// FuzzReplace checks that no replacement changes anything but its value.
func FuzzReplace(f *testing.F) {
	for _, seed := range []string{"a: &x 1\nb: *x\n", "{a: 'b', c: \"d\"}\r\n", "- |\n  x\n- >-\n  y\n", "a:\n\tb: c\n", "\ufeff? a\n: !!str b\n", "a: # none\nb: ~\n"} {
		f.Add([]byte(seed), "1.10")
	}
	f.Fuzz(func(t *testing.T, data []byte, value string) {
		if len(data) > 4096 || len(value) > 100 {
			return
		}
		s := read(data)
		for _, one := range s.scalars {
			for _, c := range s.changes("f", one, value) {
				if string(c.data[:one.start]) != string(data[:one.start]) || !strings.HasSuffix(string(c.data), string(data[one.end:])) {
					t.Fatalf("%q becomes %q", data, c.data)
				}
				var doc yaml.Node
				if yaml.Unmarshal(c.data, &doc) != nil {
					t.Fatalf("%q is no YAML any more: %q", data, c.data)
				}
			}
		}
	})
}
