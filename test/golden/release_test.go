package golden

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	"github.com/fluxcd/pkg/chartutil"
	"github.com/go-logr/logr"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	dependencies "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	kustypes "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// release renders a HelmRelease of a chart in the repository: its values as helm-controller
// merges them, the chart by Helm's engine, and its post-renderers by kustomize.
func (c *controller) release(u unstructured.Unstructured) error {
	var hr helmv2.HelmRelease
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &hr); err != nil {
		return err
	}
	loaded, err := c.chart(hr.Spec.Chart.Spec)
	if err != nil {
		return err
	}
	values, err := chartutil.ChartValuesFromReferences(context.Background(), logr.Discard(), c, hr.Namespace, hr.GetValues(), hr.Spec.ValuesFrom...)
	if err != nil {
		return err
	}
	hooks, manifests, err := templates(loaded, values, hr.GetReleaseName(), hr.GetReleaseNamespace())
	if err != nil {
		return err
	}
	for _, renderer := range hr.Spec.PostRenderers {
		if renderer.Kustomize == nil {
			continue
		}
		switch hr.Spec.PostRenderStrategy {
		case helmv2.PostRenderStrategyNoHooks:
			manifests, err = postRender(manifests, renderer.Kustomize)
		case helmv2.PostRenderStrategySeparate:
			if manifests, err = postRender(manifests, renderer.Kustomize); err == nil {
				hooks, err = postRender(hooks, renderer.Kustomize)
			}
		default:
			manifests, err = postRender(slices.Concat(manifests, hooks), renderer.Kustomize)
			hooks = nil
		}
		if err != nil {
			return err
		}
	}
	made := slices.Concat(manifests, hooks)
	for _, crd := range loaded.CRDObjects() {
		objects, err := objectsIn(string(crd.File.Data))
		if err != nil {
			return err
		}
		made = append(made, objects...)
	}
	c.take(u, made, false)
	return nil
}

// chart loads a chart of the repository, with the files of values that take the place of its own
// (source-controller, internal/helm/chart, mergeFileValues).
func (c *controller) chart(spec helmv2.HelmChartTemplateSpec) (*chart.Chart, error) {
	loaded, err := loader.Load(filepath.Join(c.repository, spec.Chart))
	if err != nil || len(spec.ValuesFiles) == 0 {
		return loaded, err
	}
	merged := map[string]any{}
	for _, file := range spec.ValuesFiles {
		text, err := os.ReadFile(filepath.Join(c.repository, file))
		if os.IsNotExist(err) && spec.IgnoreMissingValuesFiles {
			continue
		}
		values := map[string]any{}
		if err == nil {
			err = yaml.Unmarshal(text, &values)
		}
		if err != nil {
			return nil, err
		}
		merged = chartutil.MergeMaps(merged, values)
	}
	loaded.Values = merged
	return loaded, nil
}

// templates are the objects of a chart: its hooks, and all others.
func templates(loaded *chart.Chart, values common.Values, name, namespace string) (hooks, manifests []object, err error) {
	if err := dependencies.ProcessDependencies(loaded, values); err != nil {
		return nil, nil, err
	}
	options := common.ReleaseOptions{Name: name, Namespace: namespace, Revision: 1, IsInstall: true}
	top, err := util.ToRenderValues(loaded, values, options, common.DefaultCapabilities)
	if err != nil {
		return nil, nil, err
	}
	files, err := engine.Render(loaded, top)
	if err != nil {
		return nil, nil, err
	}
	for file, text := range files {
		if strings.HasPrefix(path.Base(file), "_") || path.Base(file) == "NOTES.txt" {
			continue
		}
		objects, err := objectsIn(text)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, o := range objects {
			is := unstructured.Unstructured{Object: o}
			if _, hook := is.GetAnnotations()["helm.sh/hook"]; hook {
				hooks = append(hooks, o)
			} else {
				manifests = append(manifests, o)
			}
		}
	}
	return hooks, manifests, nil
}

// postRender builds objects with patches and images (helm-controller, internal/postrender).
func postRender(objects []object, with *helmv2.Kustomize) ([]object, error) {
	if len(objects) == 0 {
		return nil, nil
	}
	texts := make([]string, len(objects))
	for i, o := range objects {
		text, err := yaml.Marshal(o)
		if err != nil {
			return nil, err
		}
		texts[i] = string(text)
	}
	build := kustypes.Kustomization{Resources: []string{"helm-output.yaml"}}
	build.APIVersion, build.Kind = kustypes.KustomizationVersion, kustypes.KustomizationKind
	for _, image := range with.Images {
		build.Images = append(build.Images, kustypes.Image{Name: image.Name, NewName: image.NewName, NewTag: image.NewTag, Digest: image.Digest})
	}
	for _, patch := range with.Patches {
		one := kustypes.Patch{Patch: patch.Patch}
		if target := patch.Target; target != nil {
			one.Target = &kustypes.Selector{LabelSelector: target.LabelSelector, AnnotationSelector: target.AnnotationSelector}
			one.Target.Group, one.Target.Version, one.Target.Kind = target.Group, target.Version, target.Kind
			one.Target.Name, one.Target.Namespace = target.Name, target.Namespace
		}
		build.Patches = append(build.Patches, one)
	}
	text, err := yaml.Marshal(build)
	if err != nil {
		return nil, err
	}
	files := filesys.MakeFsInMemory()
	if err := files.WriteFile("kustomization.yaml", text); err != nil {
		return nil, err
	}
	if err := files.WriteFile("helm-output.yaml", []byte(strings.Join(texts, "---\n"))); err != nil {
		return nil, err
	}
	built, err := krusty.MakeKustomizer(&krusty.Options{LoadRestrictions: kustypes.LoadRestrictionsNone, PluginConfig: kustypes.DisabledPluginConfig()}).Run(files, ".")
	if err != nil {
		return nil, err
	}
	return fromBuild(built)
}

// fromBuild are the objects of a build.
func fromBuild(built resmap.ResMap) ([]object, error) {
	var made []object
	for _, res := range built.Resources() {
		text, err := res.MarshalJSON()
		if err != nil {
			return nil, err
		}
		var o object
		if err := json.Unmarshal(text, &o); err != nil {
			return nil, err
		}
		made = append(made, o)
	}
	return made, nil
}
