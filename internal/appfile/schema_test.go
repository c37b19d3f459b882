package appfile

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"
)

// TestSchemaHasEveryField compares the schema with the fields that Parse reads.
func TestSchemaHasEveryField(t *testing.T) {
	type object struct {
		Properties           map[string]any `json:"properties"`
		AdditionalProperties any            `json:"additionalProperties"`
	}
	var root struct {
		object
		Defs map[string]object `json:"$defs"`
	}
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	check := func(name string, o object, fields []string) {
		t.Helper()
		has := slices.Sorted(maps.Keys(o.Properties))
		want := slices.Sorted(slices.Values(fields))
		if !slices.Equal(has, want) || o.AdditionalProperties != false {
			t.Errorf("%s: schema.json has %q, Parse reads %q; others must be refused", name, has, want)
		}
	}
	check("the file", root.object, fileFields)
	for name, fields := range map[string][]string{
		"app": appFields, "helm": helmFields, "kustomize": kustomizeFields, "substitute": substituteFields,
		"origin": originFields, "ignore": ignoreFields, "health": healthFields,
		"generated": generatedFields, "selector": selectorFields, "expressionOfLabels": expressionFields, "release": releaseFields, "artifact": artifactFields,
		"parameter": parameterFields, "files": filesFields, "source": sourceFields, "renderer": rendererFields,
		"postBuild": postBuildFields, "valuesFrom": valuesFromFields, "import": importFields,
	} {
		check(name, root.Defs[name], fields)
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("pushboat.schema.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("pushboat.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func TestSchemaJudgesFiles(t *testing.T) {
	compiled := compileSchema(t)
	for _, test := range []struct {
		name, file string
		wrong      string // a part of the error; "" if the file is right
	}{
		{"the least", "apps: [{path: deploy}]", ""},
		{"nothing to deploy", "apps: []", ""},
		{"a matrix", "apps: [{name: 'shop-${region}', path: deploy, matrix: {region: [eu, {name: us, n: 2}]}}]", ""},
		{"clusters", "apps: [{name: shop, clusters: {matchLabels: {region: eu}, matchExpressions: [{key: tier, operator: In, values: [gold]}]}}]", ""},
		{"clusters of none", "apps: [{clusters: {}}]", "clusters"},
		{"a wrong operator", "apps: [{clusters: {matchExpressions: [{key: a, operator: Equals}]}}]", "operator"},
		{"a number as a name", "apps: [{name: 8080, branch: 1.1}]", ""},
		{"a chart", "apps: [{helm: {chart: web, version: 1.2.3, repo: 'https://charts.example.org', values: [a.yaml, {a: 1}]}}]", ""},
		{"single values of a chart", "apps: [{helm: {skipCRDs: true, skipHooks: [install, upgrade], parameters: [{name: a, value: 1, text: true}, {name: b, file: c}]}}]", ""},
		{"a signed chart", "apps: [{helm: {chart: web, version: 1.2.3, repo: 'oci://a', verify: {keys: [a], secret: b/c, identities: [{issuer: a, subject: b}]}}}]", ""},
		{"an artifact", "apps: [{artifact: {url: 'oci://a/b', version: 1.2.3, path: a, layer: b, ignore: c, verify: {keys: [a]}}, sources: [{artifact: {url: 'oci://a/c', version: '*'}}]}]", ""},
		{"an artifact of a repository of charts", "apps: [{artifact: {url: 'https://a/b', version: 1.2.3}}]", "url"},
		{"an identity without a subject", "apps: [{helm: {chart: web, version: 1.2.3, repo: 'oci://a', verify: {identities: [{issuer: a}]}}}]", "subject"},
		{"post-renderers", "apps: [{helm: {postRender: [{patches: [{patch: x}]}, {images: [{name: a}]}]}}]", ""},
		{"what is suspended and left out", "apps: [{suspended: we move, leaveOut: [flux, argo]}]", ""},
		{"a tool that is not known", "apps: [{leaveOut: [auto]}]", "leaveOut"},
		{"a value without a name", "apps: [{helm: {parameters: [{value: 1}]}}]", "name"},
		{"some files", "apps: [{files: {flat: true, include: ['*.yaml'], exclude: ['{a,b}/*']}}]", ""},
		{"several sources", "apps: [{sources: [{path: b, render: plain}, {helm: {chart: web, version: 1.2.3, repo: 'https://charts.example.org'}}]}]", ""},
		{"generated values", "apps: [{helm: {generated: [auth.password, {path: auth.pin, length: 8, format: digits}]}}]", ""},
		{"a generated value without a path", "apps: [{helm: {generated: [{length: 8}]}}]", "path"},
		{"after the build", "apps: [{postBuild: {values: {a: 1}, from: [{configMap: a/b}, {secret: c/d, optional: true}], labels: {a: b}, annotations: {}}}]", ""},
		{"after the build, of nothing", "apps: [{postBuild: {from: [{optional: true}]}}]", "from"},
		{"substitutes", "apps: [{substitute: {prefix: app_, values: {app_n: 3}, from: {app_d: {configMap: a/b, key: c}}}}]", ""},
		{"health and ignore", "apps: [{ignore: [{kind: Deployment, pointers: [/spec/replicas]}], health: [{kind: Widget, current: 'true'}]}]", ""},
		{"what is released", "apps: [{path: a}]\nrelease: [{app: b, to: x/y}, {app: a, to: x, objects: [ConfigMap/c]}]", ""},
		{"released to nobody", "apps: []\nrelease: [{app: b}]", "to"},
		{"an unknown field", "apps: [{pth: deploy}]", "pth"},
		{"no apps", "app: []", "apps"},
		{"a wrong word", "apps: [{drift: maybe}]", "drift"},
		{"a chart without version", "apps: [{helm: {chart: web, repo: 'https://charts.example.org'}}]", "version"},
		{"two origins", "apps: [{substitute: {from: {x: {configMap: a, secret: b, key: c}}}}]", "oneOf"},
		{"an ignore without pointers", "apps: [{ignore: [{kind: Deployment}]}]", "pointers"},
		{"an ignore with expressions", "apps: [{ignore: [{kind: Deployment, jq: ['.a[] | select(.b) | .c']}, {kind: A, pointers: [/a], jq: [.b]}]}]", ""},
		{"an ignore with no expression", "apps: [{ignore: [{kind: Deployment, jq: []}]}]", "jq"},
	} {
		var value any
		if err := yaml.Unmarshal([]byte(test.file), &value); err != nil {
			t.Fatal(err)
		}
		err := compiled.Validate(value)
		switch {
		case test.wrong == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.wrong != "" && (err == nil || !strings.Contains(err.Error(), test.wrong)):
			t.Errorf("%s: got %v, want an error about %q", test.name, err, test.wrong)
		}
	}
}
