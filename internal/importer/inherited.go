package importer

import (
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/importer/argo"
	"github.com/pushboat/pushboat/internal/importer/flux"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Lineage is an app in the tree of apps.
type Lineage struct {
	App, Parent name.App // Parent is "" for a root
	Depth       int      // 0 for a root
	By          meaning.Ref
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
		all = append(all, Lineage{App: app, Parent: made.Parent, Depth: depth, By: made.By})
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

// Inherited are the places of what the app that makes the object of another one has changed in it,
// as far as they can be known: patches, or names that it replaces. Only what differs from the
// object as it is written was changed.
func (t *Tree) Inherited(app name.App) []manifest.Source {
	making, known := t.made[t.keyOf(app)]
	if !known {
		return nil
	}
	o, parent := making.object, making.by
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
		for i, patch := range t.files.patchesOfApp(parent) {
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

// refOf names an object as those who read it do.
func refOf(o *manifest.Object) meaning.Ref {
	ref := meaning.Ref{Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName()}
	if ref.Namespace == "" {
		ref.Namespace = flux.System
		if argo.Is(o) {
			ref.Namespace = argo.System
		}
	}
	return ref
}
