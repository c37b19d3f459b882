package plan

import (
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Target is the wanted state of an app on its cluster: the objects of a revision, and
// the settings that say where and how they go there.
type Target struct {
	Spec     appfile.App
	Repo     name.Repo
	Revision name.Revision
	Objects  []*manifest.Object
	Digest   string                     // of the objects and the settings that shape the deploy
	Gone     bool                       // pushboat.yaml does not name the app any more: delete it all
	Stays    string                     // of an app that is gone: why its objects stay on the cluster; "" if they are deleted
	Meant    bool                       // of an app that is gone: an object of another tool meant it
	Defining bool                       // of an app that is gone: definitions of kinds stay
	GivenTo  name.Repo                  // of an app that is gone: the repository to which it is released with all it has; "" for none
	TakeOver bool                       // objects of other tools lose what these know them by, see kube.Marks
	Blind    bool                       // nobody who may deploy has accepted the revision: compare as little as possible
	Seal     func(string) string        // keys digests
	Hidden   []string                   // values in its objects, and in those before, that are not to be shown
	Took     []string                   // which version was taken for each range of versions, in words
	Telling  func() func(string) string // removes the values that its objects hide from texts; nil: they hide nothing

	LastHooks []*manifest.Object     // of an app that is gone: hooks that run when it is deleted
	Scalers   map[manifest.ID]string // see ScalersOf
	Places    *Places                // of its objects; nil remembers none
	Special   []*manifest.Object     // of its objects, see manifest.SpecialOf; nil: that is not known yet
}

// SpecialOnes are those of the target's objects that are special, see
// manifest.Object.IsSpecial.
func (t *Target) SpecialOnes() []*manifest.Object {
	if t.Special != nil {
		return t.Special
	}
	return manifest.SpecialOf(t.Objects)
}

// Shown returns a text that the cluster has written about the target's objects, such as
// the message of a pod, without the values that they hide.
func (t *Target) Shown(text string) string {
	if t == nil || t.Telling == nil || text == "" {
		return text
	}
	return t.Telling()(text)
}

// Heard returns a function that removes the values of the target's Secrets from what its
// containers print: all of them, also those that are too short for Shown.
func (t *Target) Heard() func(string) string {
	var values []string
	for _, o := range t.SpecialOnes() {
		values = append(values, o.SecretValues()...)
	}
	return manifest.NewRedacter(values)
}

// Object returns the target's object of that identity, or nil. Namespaces may
// have been added since it was written.
func (t *Target) Object(id manifest.ID) *manifest.Object {
	for _, o := range t.Objects {
		have := o.ID()
		if have.Kind == id.Kind && have.Group == id.Group && have.Name == id.Name &&
			(have.Namespace == id.Namespace || have.Namespace == "") {
			return o
		}
	}
	return nil
}

// DeletionHooks are the hooks that run when the app is removed.
func (t *Target) DeletionHooks() []*manifest.Object {
	var hooks []*manifest.Object
	for _, o := range t.SpecialOnes() {
		if policy, _ := manifest.PolicyOf(o.Unstructured); policy.Phase&(manifest.PreDelete|manifest.PostDelete) != 0 {
			hooks = append(hooks, o)
		}
	}
	return hooks
}

// HiddenIn are the values that objects, of which the special ones are enough, and those of
// the target before, which may be nil, have out of Secrets.
func HiddenIn(objects []*manifest.Object, old *Target) []string {
	hidden := map[string]bool{}
	all := objects
	if old != nil {
		all = slices.Concat(objects, old.SpecialOnes())
	}
	for _, o := range all {
		for _, value := range o.Hidden() {
			hidden[value] = true
		}
	}
	return slices.Sorted(maps.Keys(hidden))
}

// WithNamespace adds the Namespace that createNamespace asks for to an app's objects, and to
// the special ones among them, unless the app writes it itself.
func WithNamespace(spec appfile.App, objects, special []*manifest.Object) (with, specialWith []*manifest.Object) {
	if !spec.CreateNamespace || spec.Namespace == "" {
		return objects, special
	}
	for _, o := range special {
		if o.GetKind() == manifest.NamespaceKind.Kind && o.ID() == NamespaceID(spec.Namespace) {
			return objects, special
		}
	}
	made := []*manifest.Object{MadeNamespace(spec)}
	return slices.Concat(made, objects), slices.Concat(made, special)
}

// MadeNamespace is the Namespace that createNamespace makes.
func MadeNamespace(spec appfile.App) *manifest.Object {
	return &manifest.Object{Source: spec.Source, Unstructured: &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace",
		"metadata": map[string]any{"name": spec.Namespace},
	}}}
}

// TellingIn returns a function that removes the values that objects, of which the special
// ones are enough, hide from texts. It is made on first use.
func TellingIn(objects []*manifest.Object) func() func(string) string {
	return sync.OnceValue(func() func(string) string {
		var values []string
		for _, o := range objects {
			values = append(values, o.Telling()...)
		}
		if len(values) == 0 {
			return func(text string) string { return text }
		}
		return manifest.NewRedacter(values)
	})
}

// StorageClass is the kind of the classes of volumes.
var StorageClass = schema.GroupKind{Group: "storage.k8s.io", Kind: "StorageClass"}

// FirstConsumer is the volumeBindingMode of a class whose claims are bound when the
// first pod that uses them is scheduled.
const FirstConsumer = "WaitForFirstConsumer"

// BindsLate reports whether the target has a class that binds for the first consumer:
// it may come in a later wave than its claims.
func (t *Target) BindsLate(class string) bool {
	o := t.Object(manifest.ID{Group: StorageClass.Group, Kind: StorageClass.Kind, Name: class})
	return o != nil && BindingMode(o.Unstructured) == FirstConsumer
}

// BindingMode is the volumeBindingMode of a class; "" if it names none.
func BindingMode(class *unstructured.Unstructured) string {
	mode, _, _ := unstructured.NestedString(class.Object, "volumeBindingMode")
	return mode
}
