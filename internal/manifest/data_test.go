package manifest

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestID(t *testing.T) {
	id := ID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	if got := id.String(); got != "Deployment shop/web" {
		t.Errorf("String() = %q", got)
	}
	if got := (ID{Kind: "Namespace", Name: "shop"}).String(); got != "Namespace shop" {
		t.Errorf("String() = %q", got)
	}
	for _, id := range []ID{id, {Kind: "Namespace", Name: "shop"}, {Group: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: "system:x"}} {
		if got, ok := ParseKey(id.Key()); !ok || got != id {
			t.Errorf("ParseKey(%q) = %v, %v", id.Key(), got, ok)
		}
	}
	for _, key := range []string{"", "a", "a/b/c", "a//c/d", "a/b/c/", "a/b/c/d/e"} {
		if got, ok := ParseKey(key); ok {
			t.Errorf("ParseKey(%q) = %v", key, got)
		}
	}
}

func TestIDOrder(t *testing.T) {
	ids := []ID{
		{Kind: "B", Name: "x"},
		{Kind: "A", Namespace: "a", Name: "a"},
		{Kind: "A", Namespace: "a", Name: "b"},
		{Group: "g", Kind: "A", Namespace: "a", Name: "b"},
		{Kind: "B", Namespace: "a", Name: "a"},
		{Kind: "A", Namespace: "b", Name: "a"},
	}
	for i := range ids {
		for j := range ids {
			if got := ids[i].Less(ids[j]); got != (i < j) {
				t.Errorf("%v before %v: %v", ids[i], ids[j], got)
			}
		}
	}
}

func TestSource(t *testing.T) {
	for want, s := range map[string]Source{"": {}, "f": {File: "f"}, "f:3": {File: "f", Line: 3}} {
		if got := s.String(); got != want {
			t.Errorf("%#v is %q, want %q", s, got, want)
		}
	}
	if got := (Source{Line: 3}).String(); got != "" {
		t.Errorf("a line without a file is %q", got)
	}
}

func TestProblems(t *testing.T) {
	ps := Problems{
		{App: "b", Message: "3"},
		{App: "a", Source: Source{File: "y", Line: 1}, Message: "2"},
		{App: "a", Source: Source{File: "x", Line: 10}, Object: "A b", Message: "z"},
		{App: "a", Source: Source{File: "x", Line: 10}, Object: "A a", Message: "z"},
		{App: "a", Source: Source{File: "x", Line: 9}, Message: "1"},
	}
	ps.Sort()
	want := "x:9: 1\nx:10: A a: z\nx:10: A b: z\ny:1: 2\n3"
	if got := ps.Error(); got != want {
		t.Errorf("problems\n%s\nwant\n%s", got, want)
	}
	if (Problems{}).Err() != nil {
		t.Error("a list without problems is an error")
	}
	var back Problems
	if !errors.As(ps.Err(), &back) || len(back) != len(ps) {
		t.Errorf("Err() lost the problems: %v", back)
	}
}

func TestDigest(t *testing.T) {
	digest := func(file, text string) string { return Digest(mustParse(t, file, text)[0].Unstructured) }
	a := digest("a.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: a}\nx: 1.0\nw: [yes]\n")
	b := digest("b.json", `{"w": [true], "x": 1, "kind": "A", "metadata": {"name": "a"}, "apiVersion": "v1"}`)
	c := digest("c.yaml", "apiVersion: v1\nkind: A\nmetadata: {name: a}\nx: 1\nw: ['yes']\n")
	if a != b || len(a) != 64 {
		t.Errorf("one object has digests %s and %s", a, b)
	}
	if a == c {
		t.Error("two objects have one digest")
	}
}

func TestPointer(t *testing.T) {
	for pointer, want := range map[string][]string{
		"/spec/replicas": {"spec", "replicas"},
		"/":              {""},
		"/a~1b/~0c/~01":  {"a/b", "~c", "~1"},
		"/a//b":          {"a", "", "b"},
	} {
		if got, err := ParsePointer(pointer); err != nil || !slices.Equal(got, want) {
			t.Errorf("ParsePointer(%q) = %q, %v, want %q", pointer, got, err, want)
		}
	}
	for _, pointer := range []string{"", "spec", "#/spec", "/a~", "/a~2", "/~~0"} {
		if got, err := ParsePointer(pointer); err == nil {
			t.Errorf("ParsePointer(%q) = %q, want an error", pointer, got)
		}
	}
}

func TestWithout(t *testing.T) {
	object := map[string]any{"a": map[string]any{"b": int64(1), "l": []any{"x", map[string]any{"y": int64(2), "z": int64(3)}, "w"}}, "n": nil}
	for pointer, want := range map[string]string{
		"/a/b":     `{"a":{"l":["x",{"y":2,"z":3},"w"]},"n":null}`,
		"/a/l/0":   `{"a":{"b":1,"l":[{"y":2,"z":3},"w"]},"n":null}`,
		"/a/l/1/y": `{"a":{"b":1,"l":["x",{"z":3},"w"]},"n":null}`,
		"/a/l/3":   `{"a":{"b":1,"l":["x",{"y":2,"z":3},"w"]},"n":null}`,
		"/a/l/-1":  `{"a":{"b":1,"l":["x",{"y":2,"z":3},"w"]},"n":null}`,
		"/a/l/00":  `{"a":{"b":1,"l":["x",{"y":2,"z":3},"w"]},"n":null}`,
		"/n/x":     `{"a":{"b":1,"l":["x",{"y":2,"z":3},"w"]},"n":null}`,
		"/n":       `{"a":{"b":1,"l":["x",{"y":2,"z":3},"w"]}}`,
		"/a":       `{"n":null}`,
		"/a/l/*/y": `{"a":{"b":1,"l":["x",{"z":3},"w"]},"n":null}`,
		"/a/l/*":   `{"a":{"b":1,"l":[]},"n":null}`,
		"/a/*":     `{"a":{},"n":null}`,
		"/*/l":     `{"a":{"b":1},"n":null}`,
		"/n/*":     `{"a":{"b":1,"l":["x",{"y":2,"z":3},"w"]},"n":null}`,
		"broken":   `{"a":{"b":1,"l":["x",{"y":2,"z":3},"w"]},"n":null}`,
	} {
		if got := string(canonical(Without(object, pointer))); got != want {
			t.Errorf("without %s: %s, want %s", pointer, got, want)
		}
	}
	for pointers, want := range map[string]string{
		"/a/l/0 /n":         `{"a":{"b":1,"l":[{"y":2,"z":3},"w"]}}`,
		"/a/l/0 /a/l/2":     `{"a":{"b":1,"l":[{"y":2,"z":3}]},"n":null}`,
		"/a/l/2 /a/l/1/z":   `{"a":{"b":1,"l":["x",{"y":2}]},"n":null}`,
		"/a/l/0 /a/l/1/z":   `{"a":{"b":1,"l":[{"y":2},"w"]},"n":null}`,
		"/a/l/1/y /a/l/*/z": `{"a":{"b":1,"l":["x",{},"w"]},"n":null}`,
		"/a/l/1/y /a/l/1":   `{"a":{"b":1,"l":["x","w"]},"n":null}`,
	} {
		if got := string(canonical(Without(object, strings.Fields(pointers)...))); got != want {
			t.Errorf("without %s: %s, want %s", pointers, got, want)
		}
	}
}
