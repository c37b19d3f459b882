package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
)

// defaultNamespace is where objects go that name no namespace in an app that
// names none either, as with kubectl.
const defaultNamespace = "default"

// Placed is an object with its place on the cluster.
type Placed struct {
	*manifest.Object // the object to apply, or the written one, see make
	Written          bool
	Key              manifest.ID
	Kind             kube.Kind
	Digest           string
	Policy           manifest.Policy
	Pointers         []string // to the fields that are somebody else's
	Note             string   // a remark about them
}

// Resolve finds the kind and the namespace of every object of a target. It refuses
// kinds that the cluster does not know, and objects that are written twice.
func Resolve(ctx context.Context, api API, t *Target, with *Companions) ([]Placed, manifest.Problems) {
	var (
		all      = slices.Concat(t.Objects, t.LastHooks)
		objects  = make([]Placed, 0, len(all))
		problems manifest.Problems
		seen     = make(map[manifest.ID]manifest.Source, len(all))
		kinds    = map[schema.GroupVersionKind]kube.Kind{}
	)
	for _, written := range all {
		place := t.Places.find(written)
		gvk := place.kindOf(written)
		kind, known := kinds[gvk]
		var problem *manifest.Problem
		var unserved bool
		if !known {
			kind, problem, unserved = kindOf(ctx, api, written, with)
		}
		if unserved {
			policy, _ := manifest.PolicyOf(written.Unstructured)
			if t.Gone || policy.IsSkipped() {
				continue // its kind is gone, and so are the objects it was to run for; or it is never applied
			}
		}
		if problem != nil {
			problem.App = t.Spec.Name
			problems = append(problems, *problem)
			continue
		}
		if kind.GVK.Empty() {
			continue
		}
		if !known {
			kinds[gvk] = kind
		}
		o, misread := placeOf(t, written, kind, place)
		if kube.IsSystem(o.Key) {
			problems = append(problems, manifest.Problem{
				App: t.Spec.Name, Source: o.Source, Object: o.Key.String(),
				Message: "namespace " + kube.SystemNamespace + " is where this server keeps what apps own; it is no app's",
				Hint:    "choose another namespace",
			})
			continue
		}
		if o.Policy.IsSkipped() { // a skipped object leaves alone the one that runs
			objects, problems = append(objects, o), append(problems, misread...)
			continue
		}
		if first, twice := seen[o.Key]; twice {
			problems = append(problems, manifest.Problem{
				App: t.Spec.Name, Source: o.Source, Object: o.Key.String(),
				Message: "is written twice; the first is at " + first.String(),
				Hint:    "remove one of the two",
			})
			continue
		}
		seen[o.Key] = o.Source
		objects, problems = append(objects, o), append(problems, misread...)
	}
	return objects, problems
}

// kindOf looks an object's kind up on the cluster, or among the definitions
// that come with the push. It is the zero Kind, without a problem, if the
// definition may be in a file that could not be read. unserved says that the
// cluster is known not to have it, or not to keep its objects.
func kindOf(ctx context.Context, api API, o *manifest.Object, with *Companions) (_ kube.Kind, _ *manifest.Problem, unserved bool) {
	gvk := o.GroupVersionKind()
	look := func() (kube.Kind, error) { return api.Kind(ctx, gvk) }
	if with.Schemas.Has(gvk.GroupKind()) {
		look = func() (kube.Kind, error) { return with.Schemas.Kind(gvk) }
	}
	kind, err := look()
	if err == nil {
		problem := unkept(o, kind)
		return kind, problem, problem != nil
	}
	if with.mayDefine(err) {
		return kube.Kind{}, nil, false
	}
	problem := manifest.Problem{Source: o.Source, Object: o.ID().String(), Message: err.Error(), Remedy: manifest.Again("")}
	if told := api.Explain(ctx, o, err); len(told) > 0 {
		problem = told[0]
	}
	if left := with.Schemas.Left(gvk.GroupKind()); left != "" && kube.IsUnserved(err) {
		problem.Hint, problem.Remedy = left, manifest.Remedy{}
	}
	if kube.IsUnserved(err) {
		problem.Kind = gvk.String()
	}
	return kube.Kind{}, &problem, kube.IsUnserved(err)
}

// unkept is the problem of an object that the cluster takes and does not keep; nil if
// it does.
func unkept(o *manifest.Object, kind kube.Kind) *manifest.Problem {
	missing := kind.Missing()
	if len(missing) == 0 {
		return nil
	}
	return &manifest.Problem{
		Source: o.Source, Object: o.ID().String(), Kind: kind.GVK.String(),
		Message: fmt.Sprintf("a %s cannot be kept: its API does not offer %s", kind.GVK.Kind, strings.Join(missing, ", ")),
		Hint:    "remove it from the revision: Pushboat deploys what can be read back and followed",
	}
}

// Place returns the object with its namespace decided, the app's label set and the
// fields of others taken out. It shares as much as it can with the written object: most
// objects of most plans have not changed, and copying each took a quarter of a check
// that finds nothing (measured).
func Place(t *Target, written *manifest.Object, kind kube.Kind) Placed {
	o := written.Labelled()
	switch {
	case !kind.Namespaced:
		o.SetNamespace("")
	case o.GetNamespace() == "" && t.Spec.Namespace != "":
		o.SetNamespace(t.Spec.Namespace)
	case o.GetNamespace() == "":
		o.SetNamespace(defaultNamespace)
	}
	o.Object = manifest.AsStored(o.Object)
	r := Placed{Object: o, Key: o.ID(), Kind: kind}
	t.withoutForeign(&r)
	r.Digest = t.DigestOf(o)
	labels := o.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[kube.PartOfLabel] = SetID(t.Spec.Name)
	o.SetLabels(labels)
	return r
}

// DigestOf is the digest of a placed object. It is recorded, and so keyed where the
// object has values out of Secrets.
func (t *Target) DigestOf(o *manifest.Object) string {
	digest := manifest.Digest(o.Unstructured)
	if o.Conceals() {
		return t.Seal(digest)
	}
	return digest
}

// withoutForeign takes the fields of others out of an object: those that pushboat.yaml
// ignores, and the replicas of a workload that an autoscaler of the app scales.
func (t *Target) withoutForeign(o *Placed) {
	o.Pointers = t.Spec.Pointers(o.Key)
	if scaler := t.scalerOf(o.Key); scaler != "" {
		o.Pointers = append(o.Pointers, replicasPointer)
		if parent, key := walk(o.Object.Object, replicasPointer); child(parent, key) != nil {
			o.Note = "spec.replicas is left to " + scaler
		}
	}
	if len(o.Pointers) > 0 {
		o.Object.Object = manifest.Without(o.Object.Object, o.Pointers...)
	}
}
