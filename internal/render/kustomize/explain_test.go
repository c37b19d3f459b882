package kustomize

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/appfile"
)

// TestErrorsOfKustomizeAreExplained: each error has its file, the names that its author
// used, and a useful hint. The test fails if kustomize changes its wording.
func TestErrorsOfKustomizeAreExplained(t *testing.T) {
	const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n"
	const inOne = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: one}\n"
	for _, tt := range []struct {
		name, kustomization string
		files               map[string]string
		want                string // source: message | hint, or the beginning of that
	}{
		{"unknown field", "resources: [a.yaml]\nresource: [a.yaml]\n", nil, `app/kustomization.yaml:2: kustomize: unknown field "resource" | did you mean resources?`},
		{"unknown field, nothing near", "resources: [a.yaml]\nzzz: []\n", nil, `app/kustomization.yaml:2: kustomize: unknown field "zzz" | take it out`},
		{"in a base", "resources: [../base]\n", map[string]string{"base/kustomization.yaml": "namePrefix: a-\nresource: []\n"}, `base/kustomization.yaml:2: kustomize: unknown field "resource" | did you mean`},
		{"no list", "namePrefix: x-\nresources: a.yaml\n", nil, "app/kustomization.yaml:2: kustomize: resources: there is text where a list should be | write it in brackets"},
		{"no text", "resources: [a.yaml]\ncommonLabels: {a: 1}\n", nil, "app/kustomization.yaml:2: kustomize: commonLabels: there is a number where text should be | put quotes"},
		{"twice", "resources: [a.yaml, b.yaml]\n", map[string]string{"app/b.yaml": configMap}, "app/b.yaml:1: kustomize: ConfigMap a is there already, at app/a.yaml:1 | remove one"},
		{"twice in a base", "resources: [../base]\n", map[string]string{"base/kustomization.yaml": "resources: [a.yaml, b.yaml]\n", "base/a.yaml": configMap, "base/b.yaml": configMap}, "base/b.yaml:1: kustomize: ConfigMap a is there already, at base/a.yaml:1 | remove one"},
		{"twice in a file", "resources: [b.yaml]\n", map[string]string{"app/b.yaml": configMap + "---\n" + configMap}, "app/b.yaml:6: kustomize: ConfigMap a is there already, at app/b.yaml:1 | remove one"},
		{"twice in a namespace", "resources: [a.yaml, b.yaml, c.yaml]\n", map[string]string{"app/b.yaml": inOne, "app/c.yaml": "# again\n" + inOne}, "app/c.yaml:2: kustomize: ConfigMap a is there already, at app/b.yaml:1 | remove one"},
		{"twice with a prefix", "resources: [../base, b.yaml]\n", map[string]string{"base/kustomization.yaml": "namePrefix: x-\nresources: [a.yaml]\n", "base/a.yaml": configMap, "app/b.yaml": strings.Replace(configMap, "name: a", "name: x-a", 1)}, "app/b.yaml:1: kustomize: ConfigMap x-a is there already, at base/a.yaml:1 | remove one"},
		{"a base twice", "resources: [../x, ../y]\n", map[string]string{"x/kustomization.yaml": "resources: [../base]\n", "y/kustomization.yaml": "resources: [../base]\n", "base/kustomization.yaml": "resources: [a.yaml]\n", "base/a.yaml": configMap}, "base/a.yaml:1: kustomize: ConfigMap a is there already: what has it is built twice | name the file"},
		{"a generator makes it, too", "resources: [a.yaml]\nconfigMapGenerator: [{name: a, literals: [k=v]}]\n", nil, "app/kustomization.yaml: kustomize: a generator makes ConfigMap a, which is there already | write behavior: merge"},
		{"nothing to merge into", "resources: [a.yaml]\nconfigMapGenerator: [{name: b, behavior: merge, literals: [k=v]}]\n", nil, "app/kustomization.yaml: kustomize: a generator merges into ConfigMap b, or replaces it, and there is none | "},
		{"a literal", "configMapGenerator: [{name: b, literals: [k]}]\n", nil, "app/kustomization.yaml: kustomize: a generator's literal k is not KEY=VALUE | write it"},
		{"no target", "resources: [a.yaml]\npatches:\n- patch: |-\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: b}\n", nil, "app/kustomization.yaml: kustomize: no object is the target of the patch of ConfigMap b | name kind"},
		{"no path", "resources: [a.yaml]\npatches:\n- target: {kind: ConfigMap}\n  patch: |-\n    - {op: replace, path: /spec/x, value: 1}\n", nil, "app/kustomization.yaml: kustomize: a patch would replace /spec/x, and an object that it is for has none | fix"},
		{"no patch", "resources: [a.yaml]\npatches:\n- target: {kind: ConfigMap}\n  patch: nothing\n", nil, "app/kustomization.yaml: kustomize: a patch is neither a part of an object nor a list"},
		{"no source", "resources: [a.yaml]\nreplacements:\n- source: {kind: Secret, name: x, fieldPath: data.x}\n  targets: [{select: {kind: ConfigMap}, fieldPaths: [data.k]}]\n", nil, "app/kustomization.yaml: kustomize: replacements: there is no Secret x to take data.x from"},
		{"nothing to scale", "resources: [a.yaml]\nreplicas: [{name: b, count: 3}]\n", nil, "app/kustomization.yaml: kustomize: replicas: there is nothing to scale that is called b"},
		{"YAML", "resources: [b.yaml]\n", map[string]string{"app/b.yaml": "a: [\n"}, "app/b.yaml:1: kustomize: not valid YAML: "},
		{"empty component", "resources: [a.yaml]\ncomponents: [../c]\n", map[string]string{"c/kustomization.yaml": "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\n"}, "c/kustomization.yaml: kustomize: the kustomization is empty | write resources"},
		{"another kind", "kind: Deployment\nresources: [a.yaml]\n", nil, "app/kustomization.yaml: kustomize: its kind is that of another object | take"},
		{"no transformer", "resources: [a.yaml]\ntransformers: [t.yaml]\n", map[string]string{"app/t.yaml": "apiVersion: builtin\nkind: Nope\nmetadata: {name: x}\n"}, "app/kustomization.yaml: kustomize: no Nope is built into kustomize | fix"},
		{"something else", "resources: [a.yaml]\nvalidators: [t.yaml]\n", map[string]string{"app/t.yaml": "x: 1\n"}, "app/kustomization.yaml: kustomize: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := fstest.MapFS{"app/kustomization.yaml": {Data: []byte(tt.kustomization)}, "app/a.yaml": {Data: []byte(configMap)}}
			for name, text := range tt.files {
				files[name] = &fstest.MapFile{Data: []byte(text)}
			}
			_, problems := Render(t.Context(), files, "app", appfile.Kustomize{}, Charts{})
			if len(problems) != 1 {
				t.Fatalf("problems %v, want one", problems)
			}
			p := problems[0]
			if got := p.Source.String() + ": " + p.Message + " | " + p.Hint; !strings.HasPrefix(got, tt.want) || strings.Contains(got, "0x") || p.Hint == "" {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
