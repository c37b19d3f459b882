package deploy

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

func configMap(name string) manifest.ID {
	return manifest.ID{Kind: "ConfigMap", Namespace: "shop", Name: name}
}

func wants(names ...string) []plan.Placed {
	var objects []plan.Placed
	for _, name := range names {
		objects = append(objects, plan.Placed{Object: &manifest.Object{Unstructured: &unstructured.Unstructured{}}, Key: configMap(name)})
	}
	return objects
}
