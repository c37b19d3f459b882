package plan

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Bounds say which objects a repository may deploy, and delete. The zero Bounds are only
// that nothing of the server itself is among them.
type Bounds struct {
	Own   Own
	Grant *grant.Grant // of the repository; nil: none bounds it, as where a folder is planned
	Repo  name.Repo
	// Labels reads the labels of a namespace of the cluster; nil if there is none of the
	// name. It is asked only where the grant selects namespaces by labels.
	Labels  func(ctx context.Context, namespace string) (map[string]string, error)
	InPlace bool // refusals name the place of the grant, for those who may read it
}

// judge judges the objects of one target, those of one kind and namespace once.
type judge struct {
	Bounds
	target *Target
	found  map[judgedPlace]verdict
}

// judgedPlace is all of an object that decides about it: its name decides for Namespaces.
type judgedPlace struct {
	kind      schema.GroupKind
	namespace string
}

// verdict says how objects of one kind and place are judged.
type verdict struct {
	refusal *grant.Refusal
	err     error // the cluster did not say the labels that decide
}

func (b Bounds) judge(t *Target) *judge {
	return &judge{Bounds: b, target: t, found: map[judgedPlace]verdict{}}
}

// refuse returns the reason for not deploying an object; nil: it may be.
func (j *judge) refuse(ctx context.Context, cluster string, o Placed) *manifest.Problem {
	if kube.IsSystem(o.Key) {
		return j.Own.refuse(ctx, cluster, j.target, o)
	}
	found := j.verdict(ctx, o.Key)
	if found == (verdict{}) {
		return nil
	}
	problem := &manifest.Problem{App: j.target.Spec.Name, Source: o.Source, Object: o.Key.String()}
	if found.err != nil {
		problem.Message, problem.Remedy = unknownLabels(o.Key.Namespace, found.err), manifest.Again("")
		return problem
	}
	problem.Message, problem.Hint = found.refusal.Tell(j.Grant, j.Repo, j.InPlace)
	return problem
}

func (j *judge) verdict(ctx context.Context, id manifest.ID) (v verdict) {
	if j.Grant == nil {
		return v
	}
	place := judgedPlace{id.GroupKind(), id.Namespace}
	if place.kind == manifest.NamespaceKind {
		place.namespace = id.Name
	}
	v, known := j.found[place]
	if !known {
		v.refusal, v.err = j.Outside(ctx, id)
		j.found[place] = v
	}
	return v
}

// Outside says why an object is outside of the grant; nil: it is not.
func (b Bounds) Outside(ctx context.Context, id manifest.ID) (*grant.Refusal, error) {
	if b.Grant == nil {
		return nil, nil
	}
	var labels map[string]string
	if b.Grant.AsksLabels(id) {
		var err error
		if labels, err = b.Labels(ctx, id.Namespace); err != nil {
			return nil, err
		}
	}
	return b.Grant.Judge(id, labels), nil
}

// Kept says why an object that the revision no longer has stays on the cluster all the same:
// nothing outside of the grant is deleted, whatever the inventory says. It is "" for one
// that may be deleted.
func (b Bounds) Kept(ctx context.Context, id manifest.ID) string {
	refusal, err := b.Outside(ctx, id)
	switch {
	case err != nil:
		return "kept: " + unknownLabels(id.Namespace, err)
	case refusal != nil:
		why, _ := refusal.Tell(b.Grant, b.Repo, b.InPlace)
		return "kept: " + why
	}
	return ""
}

func unknownLabels(namespace string, err error) string {
	return fmt.Sprintf("whether a grant gives the namespace %s cannot be told: its labels cannot be read: %v", namespace, err)
}
