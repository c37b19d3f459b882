// Package manifest holds Kubernetes objects as data: it parses files into
// objects that remember their file and line, names them, orders them into
// stages and masks their secrets. It knows no cluster and no Git.
package manifest

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Object is one Kubernetes object of a revision and the place it was written.
type Object struct {
	*unstructured.Unstructured
	Source Source

	lines map[string]int // field path -> line, see LineOf
}

// ID returns the object's identity as it is written now.
func (o *Object) ID() ID { return IDOf(o.Unstructured) }

// LineOf returns the line on which a field was written. The path is in the API
// server's notation (spec.template.spec.containers[0].image,
// metadata.labels[app], data[key]). A field that was not written has the line
// of its nearest written ancestor, and at last that of the object.
func (o *Object) LineOf(path string) int {
	for path = strings.TrimPrefix(path, "."); path != ""; path = parentPath(path) {
		if line, ok := o.lines[path]; ok {
			return line
		}
	}
	return o.Source.Line
}

// At returns the place of a field of the object.
func (o *Object) At(path string) Source {
	return Source{File: o.Source.File, Line: o.LineOf(path)}
}

// parentPath cuts the last step off a field path: "a.b[0]" becomes "a.b", and
// "a" becomes "".
func parentPath(path string) string {
	if strings.HasSuffix(path, "]") {
		if open := strings.LastIndexByte(path, '['); open >= 0 {
			return path[:open]
		}
	}
	return path[:max(strings.LastIndexByte(path, '.'), 0)]
}
