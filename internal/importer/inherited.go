package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/argo"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Lineage is an app in the tree of apps.
type Lineage struct {
	App, Parent name.App // Parent is "" for a root
	Depth       int      // 0 for a root
	By          meaning.Ref
	// Inherited are the places of what the parent has changed in the object that means the
	// app: patches, or names that it replaces.
	Inherited []manifest.Source
}

// Lineages are the apps of the tree, each before those that it makes.
func (t *Tree) Lineages() []Lineage {
	children := map[name.App][]name.App{}
	for _, app := range t.order {
		children[t.apps[app].Parent] = append(children[t.apps[app].Parent], app)
	}
	var all []Lineage
	var visit func(app name.App, depth int)
	visit = func(app name.App, depth int) {
		made := t.apps[app]
		all = append(all, Lineage{App: app, Parent: made.Parent, Depth: depth, By: made.By, Inherited: t.inherits[t.keyOf(app)]})
		for _, child := range children[app] {
			visit(child, depth+1)
		}
	}
	for _, root := range children[""] {
		visit(root, 0)
	}
	return all
}

// keyOf names the object that means an app.
func (t *Tree) keyOf(app name.App) rooted {
	key := rooted{t.stem[app], t.apps[app].By}
	key.Source = manifest.Source{}
	return key
}

// maxInherited bounds the places that are named of one app.
const maxInherited = 5

// inherited are the places of what an app has changed in an object that it makes, as far as
// they can be known. Only what differs from the object as it is written was changed.
func (t *Tree) inherited(parent appfile.App, o *manifest.Object) []manifest.Source {
	written := t.files.as(o)
	if written == nil || sameSettings(written, o) {
		return nil
	}
	var found []manifest.Source
	add := func(at manifest.Source) {
		if len(found) < maxInherited && !slices.Contains(found, at) {
			found = append(found, at)
		}
	}
	made := t.apps[parent.Name]
	if made != nil {
		for i, patch := range patchesIn(parent.Kustomize.Patches) {
			if patch.fits(o) {
				add(t.files.place(objectOf(made.By), fmt.Sprintf("spec.patches[%d]", i)))
			}
		}
	}
	for _, folder := range foldersBetween(parent.Path, path.Dir(o.Source.File)) {
		for _, patch := range t.files.patches(folder) {
			if patch.fits(o) {
				add(patch.at)
			}
		}
	}
	if made != nil && len(found) == 0 && parent.PostBuild.Substitutes() {
		add(t.files.place(objectOf(made.By), "spec.postBuild"))
	}
	return found
}

// objectOf is an object of which only the name and the place are known.
func objectOf(ref meaning.Ref) *manifest.Object {
	fields := map[string]any{"kind": ref.Kind, "metadata": map[string]any{"name": ref.Name, "namespace": ref.Namespace}}
	return &manifest.Object{Unstructured: &unstructured.Unstructured{Object: fields}, Source: ref.Source}
}

// sameSettings reports whether two objects have the same spec, labels and annotations.
func sameSettings(a, b *manifest.Object) bool {
	of := func(o *manifest.Object) any {
		text, err := json.Marshal([]any{o.Object["spec"], o.GetLabels(), o.GetAnnotations()})
		if err != nil {
			return nil
		}
		var plain any
		_ = json.Unmarshal(text, &plain) // what was written can be read
		return plain
	}
	return reflect.DeepEqual(of(a), of(b))
}

// foldersBetween are a folder, and those from the one of a file up to it, or up to the root
// where it is elsewhere.
func foldersBetween(top, folder string) []string {
	folders := []string{top}
	for ; folder != top && folder != "."; folder = path.Dir(folder) {
		folders = append(folders, folder)
	}
	return folders
}

// patch is a patch of a kustomization.
type patch struct {
	at     manifest.Source
	Target *target `yaml:"target" json:"target"`
	Text   string  `yaml:"patch" json:"patch"`
	Path   string  `yaml:"path" json:"path"`
}

// target says which objects a patch is for; the texts are regular expressions for the whole
// (kustomize, api/types/selector.go).
type target struct {
	Group      string `yaml:"group" json:"group"`
	Version    string `yaml:"version" json:"version"`
	Kind       string `yaml:"kind" json:"kind"`
	Name       string `yaml:"name" json:"name"`
	Namespace  string `yaml:"namespace" json:"namespace"`
	Labels     string `yaml:"labelSelector" json:"labelSelector"`
	Annotation string `yaml:"annotationSelector" json:"annotationSelector"`
}

// patchesIn are patches in JSON.
func patchesIn(text json.RawMessage) []patch {
	var found []patch
	if json.Unmarshal(text, &found) != nil {
		return nil
	}
	return found
}

// fits reports whether a patch is for an object. One without a target names its object itself.
func (p patch) fits(o *manifest.Object) bool {
	to := p.Target
	if to == nil {
		var named struct {
			Kind     string
			Metadata struct{ Name, Namespace string }
		}
		root, problems := manifest.ReadYAML(p.at.File, []byte(p.Text))
		if root == nil || len(problems) > 0 || decode(root, &named) != nil || named.Kind == "" {
			return false
		}
		to = &target{Kind: regexp.QuoteMeta(named.Kind), Name: regexp.QuoteMeta(named.Metadata.Name), Namespace: regexp.QuoteMeta(named.Metadata.Namespace)}
	}
	kind := o.GroupVersionKind()
	for _, one := range [][2]string{{to.Group, kind.Group}, {to.Version, kind.Version}, {to.Kind, kind.Kind}, {to.Name, o.GetName()}, {to.Namespace, o.GetNamespace()}} {
		if !whole(one[0], one[1]) {
			return false
		}
	}
	return selects(to.Labels, o.GetLabels()) && selects(to.Annotation, o.GetAnnotations())
}

// whole reports whether an expression is for a text as a whole; "" is for any.
func whole(expression, text string) bool {
	if expression == "" {
		return true
	}
	compiled, err := regexp.Compile("^(?:" + expression + ")$")
	return err == nil && compiled.MatchString(text)
}

func selects(selector string, pairs map[string]string) bool {
	parsed, err := labels.Parse(selector)
	return err == nil && parsed.Matches(labels.Set(pairs))
}

// files knows the files of a revision that have objects, or patches.
type files struct {
	fsys    fs.FS
	objects map[string][]*manifest.Object
	patched map[string][]patch
}

func newFiles(fsys fs.FS) *files {
	return &files{fsys: fsys, objects: map[string][]*manifest.Object{}, patched: map[string][]patch{}}
}

// as is an object as it is written in its file; nil if it is not found there.
func (f *files) as(o *manifest.Object) *manifest.Object {
	file := o.Source.File
	objects, known := f.objects[file]
	if !known {
		if text, err := fs.ReadFile(f.fsys, file); err == nil && len(text) <= maxFile {
			objects, _ = manifest.Parse(file, text)
		}
		f.objects[file] = objects
	}
	for _, as := range objects {
		if as.GetKind() == o.GetKind() && as.GetName() == o.GetName() {
			return as
		}
	}
	return nil
}

// place finds the line of a field in the file that an object was written in: what kustomize
// makes of it knows the file alone.
func (f *files) place(o *manifest.Object, field string) manifest.Source {
	if as := f.as(o); as != nil {
		return as.At(field)
	}
	return o.At(field)
}

// patches are those of the kustomization of a folder.
func (f *files) patches(folder string) []patch {
	if found, known := f.patched[folder]; known {
		return found
	}
	var found []patch
	for _, base := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		file := path.Join(folder, base)
		text, err := fs.ReadFile(f.fsys, file)
		if err != nil || len(text) > maxFile {
			continue
		}
		if root, problems := manifest.ReadYAML(file, text); root != nil && len(problems) == 0 {
			found = f.patchesOf(file, root)
		}
		break
	}
	f.patched[folder] = found
	return found
}

// patchesOf are those in a kustomization, with their lines.
func (f *files) patchesOf(file string, root *yaml.Node) []patch {
	var found []patch
	if root.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		field, list := root.Content[i].Value, root.Content[i+1]
		if !slices.Contains([]string{"patches", "patchesStrategicMerge", "patchesJson6902"}, field) || list.Kind != yaml.SequenceNode {
			continue
		}
		for _, element := range list.Content {
			one := patch{}
			if element.Kind == yaml.ScalarNode {
				if one.Path = element.Value; strings.Contains(element.Value, "\n") {
					one.Path, one.Text = "", element.Value
				}
			} else if decode(element, &one) != nil {
				continue
			}
			one.at = manifest.Source{File: file, Line: element.Line}
			if one.Text == "" && one.Path != "" && !strings.Contains(one.Path, "://") {
				if text, err := fs.ReadFile(f.fsys, path.Join(path.Dir(file), one.Path)); err == nil && len(text) <= maxFile {
					one.Text = string(text)
				}
			}
			found = append(found, one)
		}
	}
	return found
}

// refOf names an object as those who read it do.
func refOf(o *manifest.Object) meaning.Ref {
	ref := meaning.Ref{Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName()}
	if ref.Namespace == "" {
		ref.Namespace = argo.System
	}
	return ref
}

// decode decodes a node, on which the library may panic.
func decode(n *yaml.Node, into any) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("it cannot be read")
		}
	}()
	return n.Decode(into)
}
