package plan

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/owner"
)

// predecessors are the tools that Pushboat replaces, as writers of fields.
var predecessors = owner.Tools(kube.Predecessors())

// LeftBehind are the fields that tools which Pushboat replaces have left on an object that it
// takes over, and that the revision does not have: they go, as they would have gone under that
// tool. Not so the marks by which the tool knows the object, unless they are to go.
func (s Step) LeftBehind(u *unstructured.Unstructured, marks bool) *fieldpath.Set {
	left := &fieldpath.Set{}
	predecessors.HandFields(u.GetManagedFields()).Iterate(func(path fieldpath.Path) {
		if marks || !isMark(path) {
			left.Insert(path.Copy())
		}
	})
	return s.withoutIgnored(u, left)
}

// isMark reports whether a path leads to a label or an annotation that is a mark.
func isMark(path fieldpath.Path) bool {
	var names []string
	for _, element := range path {
		if element.FieldName != nil {
			names = append(names, *element.FieldName)
		}
	}
	return len(names) == 3 && names[0] == "metadata" && (names[1] == "labels" || names[1] == "annotations") && kube.IsMark(names[2])
}

// withoutLeft asks the API server how an object that is taken over would be without the fields
// that other tools have left, and without those that hands have added. Where it refuses that,
// nothing of the former goes.
func (p *Planner) withoutLeft(ctx context.Context, o Placed, step Step, running, after *unstructured.Unstructured) (would *unstructured.Unstructured, left *fieldpath.Set, err error) {
	none := &fieldpath.Set{}
	if step.Entry.PartOf != "" {
		return nil, none, nil
	}
	if left = step.LeftBehind(after, p.Target.TakeOver); left.Empty() {
		return nil, none, nil
	}
	stripped := after.DeepCopy()
	owner.Remove(stripped.Object, left.Union(step.AddedByHand(p.Index.Tools(), after)))
	would, err = p.API.Replace(ctx, o.Kind, stripped, running.GetResourceVersion(), true)
	if err != nil {
		return nil, none, Unreachable(err)
	}
	return would, left, nil
}

// Surrender returns the field owners of an object that was applied, in which what tools that
// Pushboat replaces have left is Pushboat's.
func (s Step) Surrender(u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	fields, err := predecessors.Surrender(u.GetManagedFields(), s.Remains)
	if err != nil {
		return nil, err
	}
	given := u.DeepCopy()
	given.SetManagedFields(fields)
	return given, nil
}
