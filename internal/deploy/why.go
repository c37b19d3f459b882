package deploy

import (
	"cmp"
	"context"
	"slices"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
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
	p, spec, err := e.entryOf(change)
	if err != nil {
		return Reason{}, err
	}
	named, err := parseNaming(object, e.kindsNamed(ctx, spec.Cluster))
	if err != nil {
		return Reason{}, err
	}
	return e.why(ctx, p, spec, named.rendered(spec.Namespace), field)
}

func (e *Engine) why(ctx context.Context, p *Proposal, spec appfile.App, is func(*manifest.Object) bool, field string) (Reason, error) {
	session := e.Renderer.For(p.Repo).Session(p.Tree)
	defer session.Close()
	var grown *render.Grown
	if p.imports != nil {
		grown = &render.Grown{Files: p.grownOf(ctx, session, spec.Name), App: func(file string, data []byte) (appfile.App, bool) {
			spec, err := e.specOf(p.Change, changedTree{p.Tree, map[string][]byte{file: data}})
			return spec, err == nil
		}}
	}
	var id manifest.ID
	value, source, causes, err := session.Why(ctx, spec, grown, func(o *manifest.Object) bool {
		if !is(o) {
			return false
		}
		id = o.ID()
		return true
	}, field)
	return Reason{Object: id, Value: value, Source: source, Causes: causes}, err
}

// grownOf are the files from which the change's app has grown: those with the objects that mean
// it and the apps above it, and those from which these are rendered.
func (p *Proposal) grownOf(ctx context.Context, session *render.Session, app name.App) []string {
	var files []string
	add := func(file string) {
		if file != "" && !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	for made := p.imports.Of(app); made != nil; made = p.imports.Of(made.Parent) {
		add(made.By.Source.File)
		if made.App.Name == app {
			continue
		}
		tried, _ := session.Try(ctx, p.Tree, made.App, false) // what is wrong with it has been reported
		for _, file := range tried.Read {
			add(file)
		}
	}
	return files
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
