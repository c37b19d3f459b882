// Package manifesttest has the objects that the tests of several packages speak of.
package manifesttest

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/manifest"
)

// ConfigMap is a ConfigMap of the namespace shop, by its name.
func ConfigMap(name string) manifest.ID {
	return manifest.ID{Kind: "ConfigMap", Namespace: "shop", Name: name}
}

// ConfigMaps are n of them: c0, c1 and so on.
func ConfigMaps(n int) []manifest.ID {
	ids := make([]manifest.ID, n)
	for i := range ids {
		ids[i] = ConfigMap(fmt.Sprint("c", i))
	}
	return ids
}

// Running is an object as a cluster has it, from YAML.
func Running(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	var content map[string]any
	if err := yaml.Unmarshal([]byte(text), &content); err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: content}
}
