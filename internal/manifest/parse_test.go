package manifest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// told writes problems as "file:line: object: message | hint", one a line.
func told(problems Problems) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.Error())
		if p.Hint != "" {
			b.WriteString(" | " + p.Hint)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// mustParse parses a file without problems.
func mustParse(t *testing.T, file, text string) []*Object {
	t.Helper()
	objects, problems := Parse(file, []byte(text))
	if len(problems) > 0 {
		t.Fatalf("problems:\n%s", told(problems))
	}
	return objects
}

// places writes "Kind namespace/name@line" for each object.
func places(objects []*Object) []string {
	var out []string
	for _, o := range objects {
		out = append(out, fmt.Sprintf("%s@%d", o.ID(), o.Source.Line))
	}
	return out
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\n"

func TestParseFindsEveryObject(t *testing.T) {
	a, b := fmt.Sprintf(configMap, "a"), fmt.Sprintf(configMap, "b")
	for _, test := range []struct {
		name, file, text string
		want             []string
	}{
		{"empty file", "f.yaml", "", nil},
		{"only comments", "f.yaml", "# nothing\n---\n# here\n---\n", nil},
		{"null documents", "f.yaml", "~\n---\nnull\n---\n", nil},
		{"one", "f.yaml", a, []string{"ConfigMap a@1"}},
		{"two", "f.yaml", a + "---\n" + b, []string{"ConfigMap a@1", "ConfigMap b@6"}},
		{"leading marker and comments", "f.yaml", "# top\n---\n# a\n" + a + "---\n\n\n" + b, []string{"ConfigMap a@4", "ConfigMap b@11"}},
		{"marker with a comment", "f.yaml", a + "--- # next\n" + b, []string{"ConfigMap a@1", "ConfigMap b@6"}},
		{"CRLF", "f.yaml", strings.ReplaceAll(a+"---\n"+b, "\n", "\r\n"), []string{"ConfigMap a@1", "ConfigMap b@6"}},
		{"CR", "f.yaml", strings.ReplaceAll(a+"---\n"+b, "\n", "\r"), []string{"ConfigMap a@1", "ConfigMap b@6"}},
		{"document end marker", "f.yaml", a + "...\n" + b, []string{"ConfigMap a@1", "ConfigMap b@6"}},
		{"directive", "f.yaml", "%YAML 1.1\n---\n" + a + "...\n%YAML 1.1\n---\n" + b, []string{"ConfigMap a@3", "ConfigMap b@10"}},
		{"content on the marker", "f.yaml", "--- {apiVersion: v1, kind: A, metadata: {name: a}}\n", []string{"A a@1"}},
		{"byte order mark", "f.yaml", "\ufeff" + a, []string{"ConfigMap a@1"}},
		{"no newline at the end", "f.yaml", strings.TrimSpace(a), []string{"ConfigMap a@1"}},
		{"--- within a block", "f.yaml", a + "data:\n  k: |\n    x\n    ---\n    y\n", []string{"ConfigMap a@1"}},
		{"JSON", "f.json", "\n{\n\t\"apiVersion\": \"v1\", \"kind\": \"A\",\n\t\"metadata\": {\"name\": \"a\"}\n}\n", []string{"A a@2"}},
		{"JSON values in a row", "f.json", `{"apiVersion":"v1","kind":"A","metadata":{"name":"a"}}{"apiVersion":"v1","kind":"A","metadata":{"name":"b"}}` + "\n" + `{"apiVersion":"v1","kind":"A","metadata":{"name":"c"}}`, []string{"A a@1", "A b@1", "A c@2"}},
		{"JSON in a YAML file", "f.yaml", "{\"apiVersion\":\"v1\",\"kind\":\"A\",\"metadata\":{\"name\":\"a\"}}\n---\n" + b, []string{"A a@1", "ConfigMap b@3"}},
		{"flow YAML", "f.yaml", "{apiVersion: v1, kind: A, metadata: {name: a, namespace: b}}", []string{"A b/a@1"}},
		{"v1 List", "f.yaml", "apiVersion: v1\nkind: List\nmetadata: {resourceVersion: ''}\nitems:\n- apiVersion: v1\n  kind: A\n  metadata: {name: a}\n- {apiVersion: v1, kind: B, metadata: {name: b}}\n", []string{"A a@5", "B b@8"}},
		{"typed list", "f.yaml", "apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: a}\n- apiVersion: v2\n  kind: Other\n  metadata: {name: b}\n", []string{"ConfigMap a@4", "Other b@5"}},
		{"list in a list", "f.yaml", "apiVersion: v1\nkind: List\nitems:\n- kind: ConfigMapList\n  apiVersion: v1\n  items:\n  - metadata: {name: a}\n", []string{"ConfigMap a@7"}},
		{"empty list", "f.yaml", "apiVersion: v1\nkind: List\nitems: []\n", nil},
		{"null list", "f.yaml", "apiVersion: v1\nkind: List\nitems:\n", nil},
		{"an object with items is no list", "f.yaml", "apiVersion: x/v1\nkind: AllowList\nmetadata: {name: a}\nitems: [1]\n", []string{"AllowList a@1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := places(mustParse(t, test.file, test.text)); !slices.Equal(got, test.want) {
				t.Errorf("objects %v, want %v", got, test.want)
			}
		})
	}
}

func TestParseTellsEveryProblem(t *testing.T) {
	a := fmt.Sprintf(configMap, "a")
	for _, test := range []struct{ name, file, text, want string }{
		{
			"syntax errors of several documents", "f.yaml",
			"a: b: c\n---\n" + a + "---\nx: [1\n---\ny: 'z\n",
			"f.yaml:1: not valid YAML: mapping values are not allowed in this context | check the indentation, and quote a value that contains \": \"\n" +
				"f.yaml:8: not valid YAML: did not find expected ',' or ']' | close the bracket that is open\n" +
				"f.yaml:10: not valid YAML: found unexpected end of stream | close the quote or bracket that is open\n",
		},
		{
			"the line itself, not the start of its block", "f.yaml", "a:\n  b:\n    c: 1\n    d: 2\n   e: 3\n  f: 4\n",
			"f.yaml:5: not valid YAML: did not find expected key | check the indentation of this line and of the one before\n",
		},
		{
			"template in a list", "f.yaml", "a:\n- b\n{{- if x }}\n",
			"f.yaml:3: not valid YAML: could not find expected ':' | " + templateHint + "\n",
		},
		{
			"a document behind a line break that only YAML knows", "f.yaml", a + "x: y\u2028---\u2028" + a,
			"f.yaml:5: not valid YAML: there is a second document; put --- on a line of its own before it\n",
		},
		{
			"tabs", "f.yaml", "a:\n\tb: c\n",
			"f.yaml:2: not valid YAML: found character that cannot start any token | indent with spaces, not with tabs\n",
		},
		{
			"template", "f.yaml", "a: {{ .Values.a }}\n",
			"f.yaml:1: a key is a mapping or a list | " + keyHint + "\n",
		},
		{
			"unknown anchor", "f.yaml", "a: 1\nb: *x\n",
			"f.yaml:2: not valid YAML: unknown anchor 'x' referenced | write &x before the value that is meant, in the same document\n",
		},
		{
			"control character", "f.yaml", "a: \x07\n",
			"f.yaml:1: not valid YAML: control characters are not allowed | remove the character, or write it as an escape in double quotes\n",
		},
		{
			"not UTF-8", "f.yaml", "a: 1\nb: \xff\n",
			"f.yaml:2: not UTF-8 text | save the file as UTF-8\n",
		},
		{
			"bad JSON", "f.json", "{\n \"a\": 1,\n}\n",
			"f.json:3: not valid JSON: invalid character '}' looking for beginning of object key string\n",
		},
		{
			"duplicate keys", "f.yaml", a + "data:\n  k: 1\n  j: 2\n  k: 3\n  \"j\": 4\n",
			"f.yaml:8: the key \"k\" is already set on line 6 | keep one of the two\n" +
				"f.yaml:9: the key \"j\" is already set on line 7 | keep one of the two\n",
		},
		{
			"keys that are no text", "f.yaml", a + "data:\n  on: x\n  1: y\n  ~: z\n  [a]: b\n",
			"f.yaml:6: the key \"on\" is read as true or false, not as text | quote it: \"on\"\n" +
				"f.yaml:7: the key \"1\" is read as a number, not as text | quote it: \"1\"\n" +
				"f.yaml:8: the key \"~\" is read as empty, not as text | quote it: \"~\"\n" +
				"f.yaml:9: a key is a mapping or a list | " + keyHint + "\n",
		},
		{
			"not an object", "f.yaml", "- a\n---\nfoo\n---\n5\n",
			"f.yaml:1: the document is a list, not an object | if the file is not meant for the cluster, add the line f.yaml to .pushboatignore\n" +
				"f.yaml:3: the document is text, not an object | if the file is not meant for the cluster, add the line f.yaml to .pushboatignore\n" +
				"f.yaml:5: the document is a number, not an object | if the file is not meant for the cluster, add the line f.yaml to .pushboatignore\n",
		},
		{
			"a file of something else is told once", "x/values.yaml", "a: 1\n---\nb: 2\n",
			"x/values.yaml:1: not a Kubernetes object: it has neither apiVersion nor kind | if the file is not meant for the cluster, add the line values.yaml to .pushboatignore\n",
		},
		{
			"a document of something else among objects", "f.yaml", a + "---\nb: 2\n",
			"f.yaml:6: not a Kubernetes object: it has neither apiVersion nor kind | if the file is not meant for the cluster, add the line f.yaml to .pushboatignore\n",
		},
		{
			"missing type", "f.yaml", "kind: A\nmetadata: {name: a}\n---\napiVersion: v1\nmetadata: {name: b}\n---\napiVersion: 1\nkind: [A]\nmetadata: {name: c}\n---\napiVersion: a/b/c\nkind: ''\nmetadata: {name: d}\n",
			"f.yaml:1: A a: apiVersion is missing | for example apiVersion: v1 or apps/v1\n" +
				"f.yaml:4: kind is missing | for example kind: Deployment\n" +
				"f.yaml:7: apiVersion is a number, not text | put quotes around it\n" +
				"f.yaml:8: kind is a list, not text | write text here\n" +
				"f.yaml:11: apiVersion \"a/b/c\" is not a version, or group/version | for example v1 or apps/v1\n" +
				"f.yaml:12: kind is missing | for example kind: Deployment\n",
		},
		{
			"missing name", "f.yaml", "apiVersion: v1\nkind: A\n---\napiVersion: v1\nkind: A\nmetadata: {}\n---\napiVersion: v1\nkind: A\nmetadata:\n  generateName: a-\n---\napiVersion: v1\nkind: A\nmetadata: x\n---\napiVersion: v1\nkind: A\nmetadata:\n  name: 5\n",
			"f.yaml:1: metadata.name is missing | give the object a name under metadata\n" +
				"f.yaml:6: metadata.name is missing | give the object a name under metadata\n" +
				"f.yaml:11: metadata.generateName makes a new object at each deploy | give the object a fixed metadata.name; only hooks may do without\n" +
				"f.yaml:15: metadata is text, not a mapping | give the object a name under metadata\n" +
				"f.yaml:20: metadata.name is a number, not text | put quotes around it\n",
		},
		{
			"metadata of the wrong type", "f.yaml", a + "  namespace: 1\n  labels:\n    version: 1.0\n    app: yes\n    x: {}\n  annotations: none\n",
			"f.yaml:5: ConfigMap a: metadata.namespace is a number, not text | put quotes around it\n" +
				"f.yaml:7: ConfigMap a: metadata.labels[version] is a number, not text | put quotes around it\n" +
				"f.yaml:8: ConfigMap a: metadata.labels[app] is true or false, not text | put quotes around it\n" +
				"f.yaml:9: ConfigMap a: metadata.labels[x] is a mapping, not text | write text here\n" +
				"f.yaml:10: ConfigMap a: metadata.annotations is text, not a mapping\n",
		},
		{
			"list with a slip", "f.yaml", "apiVersion: v1\nkind: List\nitem: []\nitems: [5]\n",
			"f.yaml:3: unknown field \"item\" in a list | did you mean items?\n" +
				"f.yaml:4: the document is a number, not an object | if the file is not meant for the cluster, add the line f.yaml to .pushboatignore\n",
		},
		{
			"lists in lists", "f.yaml", strings.Repeat("{apiVersion: v1, kind: List, items: [", 6) + strings.Repeat("]}", 6),
			"f.yaml:1: lists within lists within lists | write the objects as documents\n",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, problems := Parse(test.file, []byte(test.text))
			if got := told(problems); got != test.want {
				t.Errorf("problems:\n%swant:\n%s", got, test.want)
			}
		})
	}
}

func TestParseKeepsSoundObjectsBesideProblems(t *testing.T) {
	objects, problems := Parse("f.yaml", []byte(fmt.Sprintf(configMap, "a")+"---\n\tx\n---\n"+fmt.Sprintf(configMap, "b")))
	if got, want := places(objects), []string{"ConfigMap a@1", "ConfigMap b@8"}; !slices.Equal(got, want) {
		t.Errorf("objects %v, want %v", got, want)
	}
	if len(problems) != 1 || problems[0].Source.Line != 6 {
		t.Errorf("problems %v, want one on line 6", problems)
	}
}

func TestParseAliasesAndMerges(t *testing.T) {
	objects := mustParse(t, "f.yaml", `apiVersion: v1
kind: A
metadata: {name: a}
base: &base {x: 1, y_: 2}
more: &more
  x: 3
  z: 4
one: {<<: *base, x: 5}
two: {<<: [*base, *more]}
same: *base
list: &list [1, 2]
again: *list
text: &text hello
*text : world
`)
	o := objects[0].Object
	for field, want := range map[string]string{
		"one":   `{"x":5,"y_":2}`,
		"two":   `{"x":1,"y_":2,"z":4}`,
		"same":  `{"x":1,"y_":2}`,
		"again": `[1,2]`,
		"hello": `"world"`,
	} {
		if got := string(canonical(o[field])); got != want {
			t.Errorf("%s is %s, want %s", field, got, want)
		}
	}
	o["again"].([]any)[0] = "changed"
	if got := string(canonical(o["list"])); got != "[1,2]" {
		t.Errorf("changing an alias changed its anchor: %s", got)
	}
	if line := objects[0].LineOf("two.z"); line != 7 {
		t.Errorf("two.z on line %d, want 7, where it is written", line)
	}
	if line := objects[0].LineOf("same"); line != 10 {
		t.Errorf("same on line %d, want 10, where the alias is", line)
	}
}

// TestOutputHasKeysTwice: in what a template prints, the last of two equal keys counts, with its line.
func TestOutputHasKeysTwice(t *testing.T) {
	text := "apiVersion: v1\nkind: A\nmetadata:\n  name: a\n  labels: {app: x}\n  labels:\n    app: y\n    app: z\nb: &b {x: 1}\nv:\n  <<: *b\n  x: 2\n  x: 3\n"
	objects, problems := ParseOutput("f.yaml", []byte(text), nil)
	if len(problems) > 0 || len(objects) != 1 {
		t.Fatalf("objects %v, problems %v", objects, problems)
	}
	o := objects[0]
	if app, x := o.GetLabels()["app"], o.Object["v"].(map[string]any)["x"]; app != "z" || x != int64(3) || o.LineOf("metadata.labels") != 6 || o.LineOf("v.x") != 13 {
		t.Errorf("app %q in line %d, x %v in line %d", app, o.LineOf("metadata.labels"), x, o.LineOf("v.x"))
	}
	objects, problems = ParseOutput("f.yaml", []byte("apiVersion: v1\nkind: A\nmetadata: {name: a}\nb: &b {x: 1, z: 1}\nv:\n  x: 2\n  z: 2\n  <<: *b\n  z: 3\n"), nil)
	if len(problems) > 0 || len(objects) != 1 || objects[0].Object["v"].(map[string]any)["x"] != int64(1) || objects[0].Object["v"].(map[string]any)["z"] != int64(3) {
		t.Errorf("a key before a merge: %v, problems %v", objects, problems)
	}
	if _, problems := ParseOutput("f.yaml", []byte("apiVersion: v1\nkind: A\nmetadata: {name: a}\nb: &b {x: 1}\nv:\n  <<: *b\n  <<: *b\n"), nil); len(problems) != 1 {
		t.Errorf("two merges: %v", problems)
	}
}

func TestParseRefusesMerges(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"b: &b {x: 1}\nv:\n  x: 2\n  <<: *b\n", "f.yaml:6: the key \"x\" stands before << on line 7, which sets it too | move << to the top of the mapping; what stands below it wins\n"},
		{"v:\n  <<: 5\n", "f.yaml:5: << needs a mapping, or a list of mappings | write an alias after it: <<: *name\n"},
		{"v:\n  <<: [{a: 1}, x]\n", "f.yaml:5: << needs a mapping, or a list of mappings | write an alias after it: <<: *name\n"},
		{"b: &b {x: 1}\nv:\n  <<: *b\n  x: 2\n  x: 3\n", "f.yaml:8: the key \"x\" is already set on line 7 | keep one of the two\n"},
		{"v:\n  \"<<\": 1\n  <<: {x: 1}\n", "f.yaml:6: the key \"<<\" is already set on line 5 | keep one of the two\n"},
		{"b: &b {x: 1}\nv:\n  <<: *b\n  <<: *b\n", "f.yaml:7: the key \"<<\" is already set on line 6 | keep one of the two\n"},
	} {
		_, problems := Parse("f.yaml", []byte("apiVersion: v1\nkind: A\nmetadata: {name: a}\n"+test.text))
		if got := told(problems); got != test.want {
			t.Errorf("%q:\n%swant:\n%s", test.text, got, test.want)
		}
	}
}

func TestParseLimits(t *testing.T) {
	head := "apiVersion: v1\nkind: A\nmetadata: {name: a}\n"
	var laughs strings.Builder
	laughs.WriteString(head + "l0: &l0 [a,a,a,a,a,a,a,a,a,a]\n")
	for i := 1; i < 9; i++ {
		fmt.Fprintf(&laughs, "l%d: &l%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*l%d,", i-1), 10), ","))
	}
	for _, test := range []struct{ name, text, want string }{
		{"file", strings.Repeat("#", MaxFileBytes+1), "the file has"},
		{"document", head + "v: " + strings.Repeat("a", MaxDocumentBytes), "the document has"},
		{"documents", strings.Repeat("---\na: 1\n", MaxDocuments+1), "more than 10000 objects"},
		{"depth", head + "v: " + strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1), "nested deeper than 100"},
		{"depth of what is not closed", head + "v: " + strings.Repeat("[", 200_000), "not valid YAML"},
		{"values", strings.Repeat(head+"v: ["+strings.Repeat("a,", MaxNodes/3)+"]\n---\n", 4), "more than 1000000 values"},
		{"aliases", laughs.String(), "aliases repeat more than 100000 values"},
		{"an alias in itself", head + "v: &v [*v]\n", "the alias *v stands inside"},
		{"merge of itself", head + "v: &v {<<: *v}\n", "the alias *v stands inside"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, problems := Parse("f.yaml", []byte(test.text))
			if !strings.Contains(told(problems), test.want) {
				t.Errorf("problems %.300s\nwant %q", told(problems), test.want)
			}
		})
	}
}

func TestParseTellsAtMostMaxProblems(t *testing.T) {
	_, problems := Parse("f.yaml", []byte(strings.Repeat("---\n- a\n", MaxProblems+5)))
	if len(problems) != MaxProblems+1 || problems[MaxProblems].Message != "5 more problems in this file" {
		t.Errorf("%d problems, the last %v", len(problems), problems[len(problems)-1])
	}
}

func TestParseDropsWhatTheClusterWrites(t *testing.T) {
	objects := mustParse(t, "f.yaml", `apiVersion: apps/v1
kind: Deployment
metadata:
  name: a
  uid: x
  resourceVersion: "5"
  generation: 3
  creationTimestamp: "2024-01-01T00:00:00Z"
  selfLink: /x
  managedFields: [{manager: m}]
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: "{}"
    deployment.kubernetes.io/revision: "7"
    kept: "yes"
spec:
  template:
    metadata: {creationTimestamp: null, labels: {a: b}}
  creationTimestamp: null
status: {replicas: 1}
`)
	want := `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"annotations":{"kept":"yes"},"name":"a"},` +
		`"spec":{"template":{"metadata":{"labels":{"a":"b"}}}}}`
	if got := string(canonical(objects[0].Object)); got != want {
		t.Errorf("object\n%s\nwant\n%s", got, want)
	}
}

func TestJSONEscapes(t *testing.T) {
	objects := mustParse(t, "f.json", `{"apiVersion":"v1","kind":"A","metadata":{"name":"a"},"v":["\ud83d\ude00","\\ud83d\\ude00","a\/b","\u00e9\t","\\\ud83d\ude00x","`+"\u2028"+`"]}`)
	want := []any{"😀", `\ud83d\ude00`, "a/b", "é\t", `\😀x`, "\u2028"}
	if got := objects[0].Object["v"]; fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("strings %q, want %q", got, want)
	}
}
