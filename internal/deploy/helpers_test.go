package deploy

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/plan"
)

func wants(names ...string) []plan.Placed {
	var objects []plan.Placed
	for _, name := range names {
		objects = append(objects, plan.Placed{Object: &manifest.Object{Unstructured: &unstructured.Unstructured{}}, Key: manifesttest.ConfigMap(name)})
	}
	return objects
}
