package kustomize

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/resid"
	k8syaml "sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
)

// hookAnnotation marks hooks of charts.
const hookAnnotation = "helm.sh/hook"

// Post does patches and images to the objects of a chart, as a post-renderer of Flux does:
// they are written in place, and nothing else is read. What becomes of hooks is as the setting
// appfile.Helm.PostRenderHooks; those that have the name of another object are built by themselves
// at least. Definitions in the folders crds stay as they are.
func Post(objects []*manifest.Object, settings appfile.Kustomize, hooks string) ([]*manifest.Object, manifest.Problems) {
	if len(settings.Patches)+len(settings.Images) == 0 || len(objects) == 0 {
		return objects, nil
	}
	var own, others, left []*manifest.Object
	for _, o := range objects {
		switch _, hook := o.GetAnnotations()[hookAnnotation]; {
		case isDefinition(o), hook && hooks == appfile.HooksLeft:
			left = append(left, o)
		case hook:
			own = append(own, o)
		default:
			others = append(others, o)
		}
	}
	groups := [][]*manifest.Object{others, own}
	if hooks == appfile.HooksCombined && !shareNames(others, own) {
		groups = [][]*manifest.Object{slices.Concat(others, own)}
	}
	var made []*manifest.Object
	for _, group := range groups {
		built, err := post(group, settings)
		if err != nil {
			return nil, manifest.Problems{{Source: objects[0].Source, Message: "post-render the chart: " + manifest.Clean(err.Error()), Hint: "a patch has to name an object that the chart makes"}}
		}
		made = append(made, built...)
	}
	return append(made, left...), nil
}

// isDefinition reports whether an object is in a folder crds of a chart, which no post-renderer
// sees.
func isDefinition(o *manifest.Object) bool {
	return o.GetKind() == "CustomResourceDefinition" && path.Base(path.Dir(o.Source.File)) == "crds"
}

// shareNames reports whether an object of one list has the name of one of the other.
func shareNames(some, others []*manifest.Object) bool {
	names := map[manifest.ID]bool{}
	for _, o := range some {
		names[o.ID()] = true
	}
	return slices.ContainsFunc(others, func(o *manifest.Object) bool { return names[o.ID()] })
}

// post builds objects with patches and images.
func post(objects []*manifest.Object, settings appfile.Kustomize) ([]*manifest.Object, error) {
	if len(objects) == 0 {
		return nil, nil
	}
	sources := map[resid.ResId]manifest.Source{}
	for _, o := range objects {
		kind := o.GroupVersionKind()
		sources[resid.NewResIdWithNamespace(resid.NewGvk(kind.Group, kind.Version, kind.Kind), o.GetName(), o.GetNamespace())] = o.Source
	}
	files, err := postFiles(objects, settings)
	if err != nil {
		return nil, err
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, postFolder)
	if err != nil {
		return nil, err
	}
	made := make([]*manifest.Object, 0, built.Size())
	for _, res := range built.Resources() {
		fields, err := fieldsOf(res.YNode())
		if err != nil {
			return nil, err
		}
		source, known := sources[res.OrgId()]
		if !known {
			source = objects[0].Source
		}
		made = append(made, &manifest.Object{Unstructured: &unstructured.Unstructured{Object: fields}, Source: source})
	}
	return made, nil
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
