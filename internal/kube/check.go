package kube

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/pushboat/pushboat/internal/manifest"
)

// mismatches compares the whole object with its kind's schema.
func (e *explainer) mismatches(ctx context.Context) mismatches {
	if e.cluster.schemas == nil {
		return nil
	}
	gvk := e.obj.GroupVersionKind()
	doc, err := e.cluster.schemas.of(ctx, gvk.GroupVersion())
	if err != nil {
		e.cluster.log.WithError(err).Debug("no schema to explain an error with")
		return nil
	}
	check := checker{doc: doc, base64Hint: "encode it: base64 -w0 FILE"}
	if e.isSecret() {
		check.base64Hint = hintSecret
	}
	check.value(nil, doc.kind(gvk), e.obj.Object)
	return check.found
}

// wanted are the types of OpenAPI that have another name here.
var wanted = map[string]string{"integer": "number", "object": "map", "array": "list"}

// checker compares the names and types of a value with a schema.
type checker struct {
	doc        *document
	base64Hint string
	found      mismatches
}

func (c *checker) value(path fieldPath, n *node, value any) {
	if n != nil && n.isQuantity() {
		c.quantity(path, value)
		return
	}
	if n = c.doc.resolve(n); n == nil || value == nil || n.IntOrString || n.Format == "int-or-string" {
		return
	}
	want := n.Type
	if own, ok := wanted[want]; ok {
		want = own
	}
	switch v := value.(type) {
	case string:
		if n.Format == "byte" && !isBase64(v) {
			c.found = append(c.found, mismatch{path: path, text: notBase64, hint: c.base64Hint})
			return
		}
	case map[string]any:
		if want == "map" || want == "" {
			c.fields(path, n, v)
			return
		}
	case []any:
		if want == "list" || want == "" {
			for i, item := range v {
				c.value(append(slices.Clone(path), step{index: i, isIndex: true}), n.Items, item)
			}
			return
		}
	}
	if want != "" && !fits(want, value) {
		c.found = append(c.found, mismatch{path: path, want: want, hint: hintFor(want, value)})
	}
}

// quantity checks a resource quantity, which may be a number or text.
func (c *checker) quantity(path fieldPath, value any) {
	if value == nil {
		return
	}
	if _, err := resource.ParseQuantity(fmt.Sprint(value)); err != nil || !isScalar(value) {
		c.found = append(c.found, mismatch{path: path, want: "quantity", hint: hintQuantity})
	}
}

func fits(want string, value any) bool {
	switch value.(type) {
	case string:
		return want == "string"
	case bool:
		return want == "boolean"
	case map[string]any:
		return want == "map"
	case []any:
		return want == "list"
	}
	return want == "number"
}

func (c *checker) fields(path fieldPath, n *node, fields map[string]any) {
	values := n.values()
	for name, value := range fields {
		below := append(slices.Clone(path), step{name: name, isKey: values != nil && n.Properties[name] == nil})
		switch {
		case n.Properties[name] != nil:
			c.value(below, n.Properties[name], value)
		case values != nil:
			c.value(below, values, value)
		case len(n.Properties) > 0 && !n.Preserve:
			m := mismatch{path: below}
			if meant := manifest.Closest(name, n.fields()); meant != "" {
				m.hint, m.meant = "did you mean "+meant+"?", append(slices.Clone(path), step{name: meant}).String()
			}
			c.found = append(c.found, m)
		}
	}
}
