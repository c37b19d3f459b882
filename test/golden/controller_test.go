package golden

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	fluxkustomize "github.com/fluxcd/pkg/kustomize"
	"github.com/fluxcd/pkg/sourceignore"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// object is an object as JSON has it.
type object = map[string]any

// controller does what the controllers of Flux do with a repository, by their libraries.
type controller struct {
	client.Client // without any method but Get

	repository string              // the folder
	scratch    func() string       // an empty folder
	applied    map[string][]object // by the Kustomization or HelmRelease, as Kind/name
	data       map[string]object   // ConfigMaps and Secrets, as Kind/namespace/name
	waiting    []unstructured.Unstructured
	releases   []unstructured.Unstructured
}

// Get is that of client.Client, for what the Kustomizations have applied.
func (c *controller) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	kind := "ConfigMap"
	if _, secret := into.(*corev1.Secret); secret {
		kind = "Secret"
	}
	found, has := c.data[kind+"/"+key.String()]
	if !has {
		return apierrors.NewNotFound(schema.GroupResource{Resource: kind}, key.Name)
	}
	text, err := json.Marshal(found)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// run builds a root and everything that comes of it.
func (c *controller) run(root string) error {
	objects, err := readObjects(filepath.Join(c.repository, root))
	if err != nil {
		return err
	}
	for _, o := range objects {
		if o["kind"] == "Kustomization" {
			c.waiting = append(c.waiting, unstructured.Unstructured{Object: o})
		}
	}
	for len(c.waiting) > 0 {
		next, stuck := c.waiting, errors.New("no Kustomization was built")
		c.waiting = nil
		for _, u := range next {
			if err := c.kustomization(u); apierrors.IsNotFound(unwrapped(err)) {
				c.waiting = append(c.waiting, u) // what has its values comes later
				continue
			} else if err != nil {
				return fmt.Errorf("Kustomization %s: %w", u.GetName(), err)
			}
			stuck = nil
		}
		if stuck != nil {
			return stuck
		}
	}
	for _, u := range c.releases {
		if err := c.release(u); err != nil {
			return fmt.Errorf("HelmRelease %s: %w", u.GetName(), err)
		}
	}
	return nil
}

// unwrapped is the innermost error.
func unwrapped(err error) error {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return err
}

// artifact is a copy of the repository as source-controller archives it.
func (c *controller) artifact() (string, error) {
	to := c.scratch()
	patterns, err := sourceignore.LoadIgnorePatterns(c.repository, nil)
	if err != nil {
		return "", err
	}
	ignores := sourceignore.NewDefaultMatcher(patterns, nil)
	return to, filepath.WalkDir(c.repository, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		path, err := filepath.Rel(c.repository, name)
		if err != nil || ignores.Match(strings.Split(path, string(filepath.Separator)), false) {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, path)), 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), text, 0o600)
	})
}

// kustomization builds a Kustomization (kustomize-controller, KustomizationReconciler.build).
func (c *controller) kustomization(u unstructured.Unstructured) error {
	root, err := c.artifact()
	if err != nil {
		return err
	}
	path, _, _ := unstructured.NestedString(u.Object, "spec", "path")
	folder := filepath.Join(root, path)
	if err := os.MkdirAll(folder, 0o755); err != nil { // Git has no empty folders, an archive has
		return err
	}
	if _, err := fluxkustomize.NewGenerator(root, u).WriteFile(folder); err != nil {
		return err
	}
	built, err := fluxkustomize.SecureBuild(root, folder, false)
	if err != nil {
		return err
	}
	_, substitutes, _ := unstructured.NestedMap(u.Object, "spec", "postBuild")
	strategy, _, _ := unstructured.NestedString(u.Object, "spec", "postBuild", "substituteStrategy")
	var made []object
	for _, res := range built.Resources() {
		if substitutes {
			out, err := fluxkustomize.SubstituteVariables(context.Background(), c, u, res, fluxkustomize.SubstituteWithAlways(strategy == "Always"))
			if err != nil {
				return err
			}
			if out != nil {
				res = out
			}
		}
		text, err := res.AsYAML()
		if err != nil {
			return err
		}
		o, err := plain(text)
		if err != nil {
			return err
		}
		made = append(made, o)
	}
	force, _, _ := unstructured.NestedBool(u.Object, "spec", "force")
	c.take(u, made, force)
	return nil
}

// take applies what an object has been built to.
func (c *controller) take(u unstructured.Unstructured, made []object, force bool) {
	name := u.GetKind() + "/" + u.GetName()
	c.applied[name] = []object{}
	labels, _, _ := unstructured.NestedStringMap(u.Object, "spec", "commonMetadata", "labels")
	annotations, _, _ := unstructured.NestedStringMap(u.Object, "spec", "commonMetadata", "annotations")
	for _, o := range made {
		is := unstructured.Unstructured{Object: o}
		is.SetLabels(joined(is.GetLabels(), labels)) // fluxcd/pkg/ssa, SetCommonMetadata
		is.SetAnnotations(joined(is.GetAnnotations(), annotations))
		group := is.GroupVersionKind().Group
		switch {
		case group == "kustomize.toolkit.fluxcd.io":
			if is.GetName() != "flux-system" {
				c.waiting = append(c.waiting, is)
			}
			continue
		case group == "helm.toolkit.fluxcd.io":
			c.releases = append(c.releases, is)
			continue
		case strings.HasSuffix(group, ".toolkit.fluxcd.io"):
			continue
		case is.GetLabels()["app.kubernetes.io/part-of"] == "flux" && is.GetKind() != "Namespace":
			continue // what flux bootstrap has committed for itself
		case is.GetKind() == "ConfigMap", is.GetKind() == "Secret":
			c.data[is.GetKind()+"/"+is.GetNamespace()+"/"+is.GetName()] = stored(o)
		}
		c.applied[name] = append(c.applied[name], o)
		differ(is, force)
	}
}

// differ makes the differences in an object that docs/migrating.md lists.
func differ(o unstructured.Unstructured, force bool) {
	annotations := o.GetAnnotations()
	delete(annotations, "config.kubernetes.io/origin")
	if force {
		annotations = joined(annotations, map[string]string{"kustomize.toolkit.fluxcd.io/force": "enabled"})
	}
	o.SetAnnotations(annotations)
	if len(annotations) == 0 {
		unstructured.RemoveNestedField(o.Object, "metadata", "annotations")
	}
}

// joined are labels or annotations with others over them; nil if there are none.
func joined(own, more map[string]string) map[string]string {
	for key, value := range more {
		if own == nil {
			own = map[string]string{}
		}
		own[key] = value
	}
	return own
}

// stored is a Secret as the API server returns it, or a ConfigMap.
func stored(o object) object {
	copied := (&unstructured.Unstructured{Object: o}).DeepCopy().Object
	texts, _, _ := unstructured.NestedStringMap(copied, "stringData")
	data, _ := copied["data"].(map[string]any)
	for key, text := range texts {
		if data == nil {
			data = map[string]any{}
		}
		data[key] = base64.StdEncoding.EncodeToString([]byte(text))
	}
	delete(copied, "stringData")
	if data != nil {
		copied["data"] = data
	}
	return copied
}

// plain is an object of YAML.
func plain(text []byte) (object, error) {
	var o object
	err := yaml.Unmarshal(text, &o)
	return o, err
}

// readObjects are the objects of a file.
func readObjects(name string) ([]object, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return objectsIn(string(text))
}

// objectsIn are the objects in a text.
func objectsIn(text string) ([]object, error) {
	var all []object
	for _, part := range strings.Split("\n"+text, "\n---\n") {
		o, err := plain([]byte(part))
		if err != nil {
			return nil, err
		}
		if len(o) > 0 {
			all = append(all, o)
		}
	}
	return all, nil
}
