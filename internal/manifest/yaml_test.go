package manifest_test

import (
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/manifest"
)

// TestYAMLIsThatOfKubectl: an object has the same text as in the records of older versions.
func TestYAMLIsThatOfKubectl(t *testing.T) {
	const file = `
apiVersion: v1
kind: ConfigMap
metadata:
  name: odd
  annotations: {empty: "", "1": a, "true": b, "null": c, "a b": d, "é": "\u2028 <&> \x07"}
data:
  zero: ""
  lines: |
    one
      two

  folded: >-
    a long text that a writer of YAML might want to fold since it has more than eighty characters
  trailing: "a \n b\n\n"
  number: "1"
  exponent: "1e3"
  octal: "0o17"
  date: "2026-11-29"
  truth: "yes"
  tilde: "~"
  colon: "a: b"
  hash: "a #b"
  dash: "- a"
  tab: "a\tb"
  marker: "---"
spec:
  integers: [0, -1, 9223372036854775807, -9223372036854775808, 0x10, 1e3, 2.0]
  floats: [0.1, -1.5e-7, 1e21, 1e300]
  others: [true, false, null, [], {}, [[]], [{}], [[a, b], {c: d}]]
  item10: {}
  item9: {}
`
	objects, problems := manifest.Parse("odd.yaml", []byte(file))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		want, err := yaml.Marshal(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		got, err := manifest.YAML(o.Object)
		if err != nil || string(got) != string(want) {
			t.Errorf("%v\ngot:\n%s\nwant:\n%s", err, got, want)
		}
	}
}

func BenchmarkYAML(b *testing.B) {
	objects, problems := manifest.Parse("web.yaml", []byte(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: web, image: "registry.example/web:1", ports: [{containerPort: 8080}]}
`))
	if err := problems.Err(); err != nil {
		b.Fatal(err)
	}
	for name, marshal := range map[string]func(map[string]any) ([]byte, error){
		"ours": manifest.YAML, "sigs": func(content map[string]any) ([]byte, error) { return yaml.Marshal(content) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := marshal(objects[0].Object); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
