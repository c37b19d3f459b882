package manifest

import (
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func fromYAML(t *testing.T, text string) map[string]any {
	t.Helper()
	_, problems := Parse("f.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatalf("%q: %v", text, problems)
	}
	objects, _ := Parse("f.yaml", []byte(text))
	return objects[0].Object
}

// changes writes the differences that Diff found, one a line: "~ path: a -> b".
func changes(list []Change) string {
	var b strings.Builder
	for _, c := range list {
		sign := map[ChangeKind]string{Added: "+", Removed: "-", Changed: "~"}[c.Kind]
		fmt.Fprintf(&b, "%s %s: %s -> %s\n", sign, c.Path, c.Before, c.After)
	}
	return b.String()
}

func TestDiff(t *testing.T) {
	long := strings.Repeat("x", 50)
	for _, test := range []struct {
		name, before, after string // below spec
		ignore              []string
		want                string
	}{
		{"nothing", "{a: 1}", "{a: 1}", nil, ""},
		{"a field", "{replicas: 2}", "{replicas: 3}", nil, "~ spec.replicas: 2 -> 3\n"},
		{
			"types", "{a: 80, b: 'on', c: '', d: ' x'}", "{a: '80', b: on, c: x, d: x}", nil,
			"~ spec.a: 80 -> \"80\"\n~ spec.b: \"on\" -> true\n~ spec.c: \"\" -> x\n~ spec.d: \" x\" -> x\n",
		},
		{
			"null and empty", "{a: null, b: {}, c: []}", "{a: {}, b: [], c: {x: 1}}", nil,
			"+ spec.a:  -> {}\n~ spec.b: {} -> []\n~ spec.c: [] -> {\"x\":1}\n",
		},
		{
			"added tree, field by field", "{}", "{a: {b: {c: 1}, d: [x, {w: 2}], e: {}, f: []}}", nil,
			"+ spec.a.b.c:  -> 1\n+ spec.a.d[0]:  -> x\n+ spec.a.d[1].w:  -> 2\n+ spec.a.e:  -> {}\n+ spec.a.f:  -> []\n",
		},
		{"removed tree, in a line", "{a: {b: 1, c: [2]}}", "{}", nil, "- spec.a: {\"b\":1,\"c\":[2]} -> \n"},
		{
			"named elements", "{containers: [{name: a, image: x}, {name: web, image: 'r/web:1.4'}]}", "{containers: [{name: web, image: 'r/web:1.5'}, {name: new, image: z}]}", nil,
			"~ spec.containers[web].image: r/web:1.4 -> r/web:1.5\n+ spec.containers[new].image:  -> z\n+ spec.containers[new].name:  -> new\n- spec.containers[a]: {\"image\":\"x\",\"name\":\"a\"} -> \n",
		},
		{"order of named elements", "{env: [{name: a}, {name: b}]}", "{env: [{name: b}, {name: a}]}", nil, "~ spec.env: order a, b -> order b, a\n"},
		{
			"elements named by a number", "{ports: [{containerPort: 80}, {containerPort: 81}]}", "{ports: [{containerPort: 80, protocol: UDP}, {containerPort: 81}]}", nil,
			"+ spec.ports[containerPort=80].protocol:  -> UDP\n",
		},
		{"elements named twice go by position", "{a: [{name: x, v: 1}, {name: x, v: 2}]}", "{a: [{name: x, v: 1}, {name: x, v: 3}]}", nil, "~ spec.a[1].v: 2 -> 3\n"},
		{"arguments", "{args: [a, b, c]}", "{args: [a, x, b, c]}", nil, "+ spec.args[1]:  -> x\n"},
		{"arguments at the end", "{args: [a, b, c]}", "{args: [a]}", nil, "- spec.args[1]: b -> \n- spec.args[2]: c -> \n"},
		{"keys with dots", "{m: {a.b/c: 1}}", "{m: {a.b/c: 2}}", nil, "~ spec.m[a.b/c]: 1 -> 2\n"},
		{
			"long values show where they differ", "{a: " + long + "1" + long + "}", "{a: " + long + "2" + long + "}", nil,
			"~ spec.a: ..." + strings.Repeat("x", 20) + "1" + strings.Repeat("x", 39) + "... -> ..." + strings.Repeat("x", 20) + "2" + strings.Repeat("x", 39) + "...\n",
		},
		{"text of several lines", `{a: "1\n2\n3\n"}`, `{a: "1\nx\n3\n"}`, nil, "~ spec.a: line 2: 2 -> line 2: x\n"},
		{"text that became longer", `{a: "1\n2"}`, `{a: "1\n2\n3"}`, nil, "~ spec.a: (2 lines) -> line 3: 3\n"},
		{"a newline at the end", `{a: "1\n2", b: x}`, `{a: "1\n2\n", b: "x\n"}`, nil, "~ spec.a: (2 lines) -> (2 lines and a newline)\n~ spec.b: x -> x (and a newline)\n"},
		{"one line that ends in a newline", `{a: "x: 1\n", b: " z\n"}`, `{a: "x: 2\n", b: "z\n"}`, nil, "~ spec.a: x: 1 -> x: 2\n~ spec.b: \" z\" -> z\n"},
		{"a new text of several lines", `{}`, `{a: "1\n2\n"}`, nil, "+ spec.a:  -> line 1: 1\n"},
		{"text that does not print", `{a: "\e[31m"}`, `{a: "\u202e"}`, nil, "~ spec.a: \\x1b[31m -> \\u202e\n"},
		{"ignored", "{a: 1, b: {c/d: 1, e: 2}, l: [{x: 1}]}", "{a: 2, b: {c/d: 5, e: 3}, l: [{x: 2}]}", []string{"/spec/a", "/spec/b/c~1d", "/spec/l/0/x", "/spec/none/x", "bad"}, "~ spec.b.e: 2 -> 3\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			head := "apiVersion: v1\nkind: A\nmetadata: {name: a}\nspec: "
			before, after := fromYAML(t, head+test.before), fromYAML(t, head+test.after)
			copied := string(canonical(before))
			if got := changes(Diff(before, after, Masker{}, test.ignore...)); got != test.want {
				t.Errorf("changes\n%swant\n%s", got, test.want)
			}
			if string(canonical(before)) != copied {
				t.Error("Diff changed its argument")
			}
		})
	}
}

func TestDiffLeavesOutWhatTheClusterWrites(t *testing.T) {
	var before, after map[string]any
	for text, into := range map[string]*map[string]any{
		"metadata: {name: a, generation: 1, resourceVersion: '1', managedFields: [{a: 1}]}\nstatus: {a: 1}": &before,
		"metadata: {name: a, generation: 2, resourceVersion: '2', uid: x}\nstatus: {a: 2}":                  &after,
	} {
		if err := yaml.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	if got := Diff(before, after, Masker{}); len(got) != 0 {
		t.Errorf("changes %v, want none", got)
	}
}

func TestDiffOfNothing(t *testing.T) {
	object := fromYAML(t, fmt.Sprintf(configMap, "a"))
	want := "+ apiVersion:  -> v1\n+ kind:  -> ConfigMap\n+ metadata.name:  -> a\n"
	if got := changes(Diff(nil, object, Masker{})); got != want {
		t.Errorf("changes\n%swant\n%s", got, want)
	}
}

func TestDiffMasksSecrets(t *testing.T) {
	m := NewMasker([]byte("key"))
	head := "apiVersion: v1\nkind: Secret\nmetadata: {name: a, labels: {l: "
	before := fromYAML(t, head+"one}}\ndata: {a: aHVudGVyMQ==, b: aHVudGVyMg==, gone: aHVudGVyMw==}\nslip: [{name: hunter4}]\n")
	after := fromYAML(t, head+"two}}\ndata: {a: aHVudGVyMQ==}\nstringData: {b: hunter5, tls.crt: \"hunter6\\nhunter7\"}\nslip: [{name: hunter8}]\nwrong: hunter9\n")
	want := strings.NewReplacer(
		"B1", m.Value("hunter2"), "B2", m.Value("hunter5"), "G", m.Value("hunter3"), "T", m.Value("hunter6\nhunter7"),
		"S1", m.Value(`[{"name":"hunter4"}]`), "S2", m.Value(`[{"name":"hunter8"}]`), "W", m.Value("hunter9"),
	).Replace("~ data.b: B1 -> B2\n- data.gone: G -> \n+ data[tls.crt]:  -> T\n~ metadata.labels.l: one -> two\n~ slip: S1 -> S2\n+ wrong:  -> W\n")
	got := changes(Diff(before, after, m))
	if got != want {
		t.Errorf("changes\n%swant\n%s", got, want)
	}
	for name, list := range map[string][]Change{
		"created": Diff(nil, after, m),
		"deleted": Diff(before, map[string]any{}, m),
		"no key":  Diff(before, after, Masker{}),
	} {
		if text := changes(list); strings.Contains(text, "hunter") || strings.Contains(text, "aHVud") || text == "" {
			t.Errorf("%s: changes\n%s", name, text)
		}
	}
}
