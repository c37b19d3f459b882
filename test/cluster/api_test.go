package cluster

import (
	"context"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	version, err := client(t).Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if version.GitVersion != "v1.37.2" || version.Major != "1" || version.Minor != "37" {
		t.Errorf("the API server reports %s (%s.%s), want v1.37.2 (1.37)", version.GitVersion, version.Major, version.Minor)
	}
}

func TestGarbageCollection(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.deploy(t, "web", nil)
	s.awaitAvailable(t, "web")
	if err := s.client.AppsV1().Deployments(s.name).Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	awaitNone(t, s.list(s.client.AppsV1().RESTClient(), "replicasets", ""), &appsv1.ReplicaSet{})
	awaitNone(t, s.pods(), &corev1.Pod{})
}

func TestNamespaceTerminates(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.deploy(t, "web", nil)
	s.awaitAvailable(t, "web")
	namespaces := s.client.CoreV1()
	if err := namespaces.Namespaces().Delete(t.Context(), s.name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	awaitNone(t, cache.NewListWatchFromClient(namespaces.RESTClient(), "namespaces", "",
		fields.OneTermEqualSelector("metadata.name", s.name)), &corev1.Namespace{})
}

func TestServerSideApply(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	apply := func(manager, text string) error {
		_, err := s.client.CoreV1().ConfigMaps(s.name).Patch(t.Context(), "settings", types.ApplyPatchType,
			[]byte(`{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, `+text+`}`),
			metav1.PatchOptions{FieldManager: manager, FieldValidation: metav1.FieldValidationStrict})
		return err
	}
	if err := apply("one", `"data": {"colour": "red"}`); err != nil {
		t.Fatal(err)
	}
	if err := apply("two", `"data": {"colour": "blue"}`); err == nil || !strings.Contains(err.Error(), `conflict with "one"`) {
		t.Errorf("applying a field of another manager: error %v, want a conflict", err)
	}
	if err := apply("one", `"dta": {}`); err == nil || !strings.Contains(err.Error(), "dta") {
		t.Errorf("applying an unknown field: error %v, want one that names the field", err)
	}
}

func TestCustomResources(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	objects, err := dynamic.NewForConfig(shared.cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	definitions := objects.Resource(schema.GroupVersionResource{
		Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
	})
	if _, err := definitions.Create(t.Context(), definition(), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	list := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return definitions.List(ctx, o)
		},
		WatchFuncWithContext: definitions.Watch,
	}
	await(t, list, &unstructured.Unstructured{}, func(d *unstructured.Unstructured) bool {
		conditions, _, _ := unstructured.NestedSlice(d.Object, "status", "conditions")
		for _, condition := range conditions {
			if c, ok := condition.(map[string]any); ok && c["type"] == "Established" {
				return c["status"] == "True"
			}
		}
		return false
	})
	widgets := objects.Resource(schema.GroupVersionResource{Group: "test.example", Version: "v1", Resource: "widgets"})
	_, err = widgets.Namespace(s.name).Create(t.Context(), widget("large"), metav1.CreateOptions{})
	if err == nil || !strings.Contains(err.Error(), "spec.size") {
		t.Errorf("applying a widget that violates its schema: error %v, want one that names spec.size", err)
	}
	if _, err = widgets.Namespace(s.name).Create(t.Context(), widget(int64(3)), metav1.CreateOptions{}); err != nil {
		t.Error(err)
	}
}

func definition() *unstructured.Unstructured {
	object := map[string]any{"type": "object", "properties": map[string]any{
		"spec": map[string]any{"type": "object", "properties": map[string]any{
			"size": map[string]any{"type": "integer"},
		}},
	}}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": "widgets.test.example"},
		"spec": map[string]any{
			"group": "test.example", "scope": "Namespaced",
			"names": map[string]any{"kind": "Widget", "plural": "widgets"},
			"versions": []any{map[string]any{
				"name": "v1", "served": true, "storage": true,
				"schema": map[string]any{"openAPIV3Schema": object},
			}},
		},
	}}
}

func widget(size any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "test.example/v1", "kind": "Widget",
		"metadata": map[string]any{"name": "one"},
		"spec":     map[string]any{"size": size},
	}}
}
