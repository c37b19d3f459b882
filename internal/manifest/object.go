// Package manifest holds Kubernetes objects as data: it parses files into
// objects that remember their file and line, names them, orders them into
// stages, compares them, and masks their secrets. It knows no cluster and no
// Git.
package manifest

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Object is one Kubernetes object of a revision and the place it was written.
type Object struct {
	*unstructured.Unstructured
	Source Source
	// Random says that another rendering makes a different object, which does not
	// matter: no deploy applies it.
	Random bool

	lines     lines
	hidden    []string // see Hide
	concealed []string // JSON pointers, see Conceal
	short     []string // texts that are concealed and too short to be hidden everywhere
}

// GetKind returns the object's kind. Callers look for a few kinds among ten thousand
// objects of an app: this takes a fifth of the time that Unstructured takes.
func (o *Object) GetKind() string {
	kind, _ := o.Object["kind"].(string)
	return kind
}

// GetAPIVersion returns the object's API group and version, as they are written.
func (o *Object) GetAPIVersion() string {
	version, _ := o.Object["apiVersion"].(string)
	return version
}

// GroupVersionKind returns the object's kind with its API; it is empty if the API is
// malformed.
func (o *Object) GroupVersionKind() schema.GroupVersionKind {
	api, err := schema.ParseGroupVersion(o.GetAPIVersion())
	if err != nil {
		return schema.GroupVersionKind{}
	}
	return api.WithKind(o.GetKind())
}

// ID returns the object's identity as written now.
func (o *Object) ID() ID { return IDOf(o.Unstructured) }

// LineOf returns the line on which a field was written. The path is in the
// notation of the API server (spec.template.spec.containers[0].image,
// metadata.labels[app], data[key], with or without a dot in front), of
// server-side apply (containers[name="web"]) or of Diff (containers[web]). A
// field that was not written has the line of its nearest written ancestor, and
// at last that of the object.
func (o *Object) LineOf(path string) int {
	if o.lines.line == 0 {
		return o.Source.Line
	}
	return o.lines.find(path, o.Object).line
}

// Check returns the mistakes of the object's type and metadata, as Parse does: for
// callers that have changed the object since.
func (o *Object) Check() Problems { return checkObject(o) }

// At returns the place of a field of the object.
func (o *Object) At(path string) Source {
	return Source{File: o.Source.File, Line: o.LineOf(path)}
}
