package manifest

import (
	"encoding/json"
	"testing"

	"sigs.k8s.io/yaml"
)

// inJSON reads YAML, changes the result, and writes it as JSON.
func inJSON(t *testing.T, text string, change func(map[string]any) map[string]any) string {
	t.Helper()
	var object map[string]any
	if err := yaml.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	written, err := json.Marshal(change(object))
	if err != nil {
		t.Fatal(err)
	}
	return string(written)
}

func TestNullIsNotWritten(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{
			"the key of a list", `{apiVersion: v1, kind: Service, spec: {ports: [{port: 80, protocol: null}]}}`,
			`{"apiVersion":"v1","kind":"Service","spec":{"ports":[{"port":80}]}}`,
		},
		{
			"a struct", `{apiVersion: apps/v1, kind: Deployment, spec: {strategy: {rollingUpdate: null}}}`,
			`{"apiVersion":"apps/v1","kind":"Deployment","spec":{"strategy":{}}}`,
		},
		{
			"chosen names keep theirs", `{apiVersion: v1, kind: ConfigMap, data: {a: null}, metadata: {labels: null}}`,
			`{"apiVersion":"v1","data":{"a":null},"kind":"ConfigMap","metadata":{}}`,
		},
		{
			"custom resources keep theirs", `{apiVersion: example.org/v1, kind: Widget, spec: {size: null}}`,
			`{"apiVersion":"example.org/v1","kind":"Widget","spec":{"size":null}}`,
		},
		{
			"so do definitions", `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, spec: {default: null}}`,
			`{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","spec":{"default":null}}`,
		},
	} {
		got := inJSON(t, test.text, func(o map[string]any) map[string]any { dropNulls(o); return o })
		if got != test.want {
			t.Errorf("%s:\n  %s, want\n  %s", test.name, got, test.want)
		}
	}
}

func TestSecretsAsStored(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{
			"texts win over data", `{apiVersion: v1, kind: Secret, data: {a: eA==, b: eQ==}, stringData: {a: z}}`,
			`{"apiVersion":"v1","data":{"a":"eg==","b":"eQ=="},"kind":"Secret"}`,
		},
		{"no texts", `{apiVersion: v1, kind: Secret, data: {a: eA==}}`, `{"apiVersion":"v1","data":{"a":"eA=="},"kind":"Secret"}`},
		{
			"a number is the API server's to refuse", `{apiVersion: v1, kind: Secret, stringData: {a: 1}}`,
			`{"apiVersion":"v1","kind":"Secret","stringData":{"a":1}}`,
		},
		{
			"not a Secret", `{apiVersion: v1, kind: ConfigMap, stringData: {a: z}}`,
			`{"apiVersion":"v1","kind":"ConfigMap","stringData":{"a":"z"}}`,
		},
	} {
		if got := inJSON(t, test.text, AsStored); got != test.want {
			t.Errorf("%s:\n  %s, want\n  %s", test.name, got, test.want)
		}
	}
}
