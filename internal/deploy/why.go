package deploy

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render"
)

// Reason is the explanation of a field of an object.
type Reason struct {
	Object manifest.ID
	Value  any
	Source manifest.Source // where the object was written
	Causes []render.Cause  // none if the renderer makes the value itself
}

// Why finds the causes of a field of an object of the app Only of a change, as
// rendered. The object is named like deploy/web, or deploy/shop/web where several
// namespaces have one; ErrNaming is the error of an invalid name. The error is
// fs.ErrNotExist if there is no such object, and render.ErrNoField if the object does
// not set the field.
func (e *Engine) Why(ctx context.Context, change Change, object, field string) (Reason, error) {
	draft := e.Open(change)
	p := draft.p
	if p.imports != nil {
		draft.render()
	}
	if err := p.Problems.Err(); err != nil {
		return Reason{}, err
	}
	for _, spec := range p.specs {
		if spec.Name == change.Only {
			named, err := parseNaming(object, e.kindsNamed(ctx, spec.Cluster))
			if err != nil {
				return Reason{}, err
			}
			return e.why(ctx, change, spec, named.rendered(spec.Namespace), field)
		}
	}
	return Reason{}, fmt.Errorf("app %s is not named by %s at this revision: %w", change.Only, appfile.Name, fs.ErrNotExist)
}

func (e *Engine) why(ctx context.Context, change Change, spec appfile.App, is func(*manifest.Object) bool, field string) (Reason, error) {
	session := e.Renderer.For(change.Repo).Session(change.Tree)
	defer session.Close()
	var id manifest.ID
	value, source, causes, err := session.Why(ctx, spec, func(o *manifest.Object) bool {
		if !is(o) {
			return false
		}
		id = o.ID()
		return true
	}, field)
	return Reason{Object: id, Value: value, Source: source, Causes: causes}, err
}

// rendered tells the object that is named among those that are rendered. One that
// names no namespace is in that of the app, or in the one of Kubernetes.
func (n naming) rendered(namespace string) func(*manifest.Object) bool {
	return func(o *manifest.Object) bool {
		id := o.ID()
		if id.Namespace == "" {
			id.Namespace = cmp.Or(namespace, "default")
		}
		return n.is(id)
	}
}
