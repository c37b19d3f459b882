package kustomize

import (
	"encoding/json"
	"fmt"
	"path"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/resid"
	k8syaml "sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
)

// hookAnnotation marks hooks of charts, which no post-renderer sees.
const hookAnnotation = "helm.sh/hook"

// Post does patches and images to the objects of a chart, as a post-renderer of Flux does:
// they are written in place, and nothing else is read. Hooks stay as they are.
func Post(objects []*manifest.Object, settings appfile.Kustomize) ([]*manifest.Object, manifest.Problems) {
	if len(settings.Patches)+len(settings.Images) == 0 || len(objects) == 0 {
		return objects, nil
	}
	var hooks, others []*manifest.Object
	sources := map[resid.ResId]manifest.Source{}
	for _, o := range objects {
		if _, hook := o.GetAnnotations()[hookAnnotation]; hook {
			hooks = append(hooks, o)
			continue
		}
		others = append(others, o)
		kind := o.GroupVersionKind()
		sources[resid.NewResIdWithNamespace(resid.NewGvk(kind.Group, kind.Version, kind.Kind), o.GetName(), o.GetNamespace())] = o.Source
	}
	at := objects[0].Source
	failed := func(err error) ([]*manifest.Object, manifest.Problems) {
		return nil, manifest.Problems{{Source: at, Message: "post-render the chart: " + manifest.Clean(err.Error()), Hint: "a patch has to name an object that the chart makes"}}
	}
	files, err := postFiles(others, settings)
	if err != nil {
		return failed(err)
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, postFolder)
	if err != nil {
		return failed(err)
	}
	made := make([]*manifest.Object, 0, built.Size()+len(hooks))
	for _, res := range built.Resources() {
		fields, err := fieldsOf(res.YNode())
		if err != nil {
			return failed(err)
		}
		source, known := sources[res.OrgId()]
		if !known {
			source = at
		}
		made = append(made, &manifest.Object{Unstructured: &unstructured.Unstructured{Object: fields}, Source: source})
	}
	return append(made, hooks...), nil
}

// postFolder is where Post builds, in memory.
const postFolder = "/post"

func postFiles(objects []*manifest.Object, settings appfile.Kustomize) (filesys.FileSystem, error) {
	text, err := textOf(objects)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{
		"apiVersion": types.KustomizationVersion, "kind": types.KustomizationKind, "resources": []string{"objects.yaml"},
	}
	for name, list := range map[string]json.RawMessage{"patches": settings.Patches, "images": settings.Images} {
		if len(list) == 0 {
			continue
		}
		var elements []map[string]any
		if err := json.Unmarshal(list, &elements); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, element := range elements {
			if file, has := element["path"]; has {
				return nil, fmt.Errorf("%s: the file %v is not read here", name, file)
			}
		}
		fields[name] = elements
	}
	root, err := k8syaml.Marshal(fields)
	if err != nil {
		return nil, err
	}
	files := filesys.MakeFsInMemory()
	for name, content := range map[string][]byte{"objects.yaml": text, Names[0]: root} {
		if err := files.WriteFile(path.Join(postFolder, name), content); err != nil {
			return nil, err
		}
	}
	return files, nil
}
