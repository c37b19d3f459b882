package plan

import (
	"context"
	"sync"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
)

// A first deploy is all objects that the index does not know, and nearly all of
// them do not exist. They are not looked for one by one: the dry-run that every
// object needs tells whether it would create or change, and where the namespace
// itself does not exist there is nothing to look for.

// planNew plans an object that does not exist, in one request. ok is false if the
// object turns out to exist, or is refused: then the caller has to look at it.
func (p *Planner) planNew(ctx context.Context, o Placed, step Step) (_ Step, _ manifest.Problems, ok bool) {
	if _, known := p.Index.Get(o.Key); known {
		return step, nil, false
	}
	step.Action, step.Object = record.Create, o.createWhole()
	if p.namespaceIsNew(ctx, o.Key.Namespace) {
		return step, p.API.Rehearse(ctx, o.Kind, o.Object), true
	}
	exists, err := p.API.TryOut(ctx, o.Kind, o.Unstructured)
	return step, nil, err == nil && !exists
}

// createWhole makes the object to apply that of one that is created: it has the fields that
// pushboat.yaml ignores as they are written, for nobody else has set them yet. It returns the
// object.
func (o *Placed) createWhole() *manifest.Object {
	if o.Whole != nil {
		o.Object = o.Whole
	}
	return o.Object
}

// namespaceIsNew reports whether a namespace comes with the push and does not
// exist yet. That is asked once a plan.
func (p *Planner) namespaceIsNew(ctx context.Context, name string) bool {
	if !p.With.Namespaces[name] {
		return false
	}
	if _, known := p.Index.Get(manifest.ID{Kind: manifest.NamespaceKind.Kind, Name: name}); known {
		return false
	}
	p.news.Lock()
	ask, asked := p.news.missing[name]
	if !asked {
		ask = sync.OnceValue(func() bool {
			exists, err := p.API.HasNamespace(ctx, name)
			return err == nil && !exists // a cluster that does not answer says so again at the next request
		})
		p.news.missing[name] = ask
	}
	p.news.Unlock()
	return ask()
}
