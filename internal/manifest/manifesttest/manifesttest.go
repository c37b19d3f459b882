// Package manifesttest has the objects that the tests of several packages speak of.
package manifesttest

import (
	"fmt"
	"strings"
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

// Parsed are the objects of some documents, which are those of the file app.yaml.
func Parsed(t testing.TB, documents ...string) []*manifest.Object {
	t.Helper()
	objects, problems := manifest.Parse("app.yaml", []byte(strings.Join(documents, "\n---\n")))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return objects
}

// ConfigMapText is a ConfigMap with one value. Annotations are as in YAML: "key: value".
func ConfigMapText(name, value string, annotations ...string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\n%sdata:\n  value: %q\n", name, Annotated(annotations...), value)
}

// JobText is a Job, annotated as ConfigMapText is.
func JobText(name string, annotations ...string) string {
	return fmt.Sprintf("apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: %s\n%sspec:\n  backoffLimit: 1\n", name, Annotated(annotations...))
}

// NamespaceText is a Namespace, annotated as ConfigMapText is.
func NamespaceText(name string, annotations ...string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: %s\n%s", name, Annotated(annotations...))
}

// Annotated are annotations in the metadata of a text; "" for none.
func Annotated(annotations ...string) string {
	if len(annotations) == 0 {
		return ""
	}
	return "  annotations:\n    " + strings.Join(annotations, "\n    ") + "\n"
}
