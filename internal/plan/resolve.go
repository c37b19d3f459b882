package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/appfile"
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
	Ignored          appfile.Ignored  // the fields that are somebody else's
	Whole            *manifest.Object // with those that pushboat.yaml ignores, as it is created; nil if it ignores none
	Note             string           // a remark about them

	place *placed // where that is remembered; nil if it is not
}

// Resolve finds the kind and the namespace of every object of a target. It refuses
// kinds that the cluster does not know, objects that are written twice, and those outside
// of the bounds.
func Resolve(ctx context.Context, api API, t *Target, with *Companions, within Bounds) ([]Placed, manifest.Problems) {
	before := t.Places.newest()
	r := newResolver(t, before, within)
	for _, written := range r.all {
		r.resolve(ctx, api, written, with)
	}
	if len(r.fresh) > 0 && r.isTwice() { // which of the two is the first, the order tells
		r = newResolver(t, resolved{}, within)
		for _, written := range r.all {
			r.resolve(ctx, api, written, with)
		}
	}
	if len(r.problems) == 0 {
		t.Places.keep(r.kept(before))
	}
	return r.objects, r.problems
}

// Outside are the problems of the target's objects that are outside of the bounds. The
// error is of a cluster that does not say the labels of a namespace.
func Outside(ctx context.Context, api API, t *Target, with *Companions, within Bounds) (manifest.Problems, error) {
	r := newResolver(t, t.Places.newest(), within)
	for _, written := range r.all {
		r.resolve(ctx, api, written, with)
	}
	for _, v := range r.within.found {
		if v.err != nil {
			return nil, v.err
		}
	}
	return r.outside, nil
}

// resolver resolves the objects of a target.
type resolver struct {
	target   *Target
	within   *judge
	all      []*manifest.Object
	before   aligned[manifest.Object] // that were resolved before, and are not the same as others
	places   []*placed                // of those
	kinds    []servedKind
	objects  []Placed
	fresh    map[manifest.ID]int // the other ones of objects
	problems manifest.Problems
	outside  manifest.Problems // those of objects outside of the bounds
}

// servedKind is a kind as it is written, and as the cluster serves it.
type servedKind struct {
	gvk  schema.GroupVersionKind
	kind kube.Kind
}

func newResolver(t *Target, before resolved, within Bounds) *resolver {
	all := t.Objects
	if len(t.LastHooks) > 0 {
		all = slices.Concat(all, t.LastHooks)
	}
	return &resolver{
		target: t, within: within.judge(t), all: all, before: aligned[manifest.Object]{list: before.written}, places: before.places,
		objects: make([]Placed, 0, len(all)), fresh: map[manifest.ID]int{},
	}
}

// resolve resolves one object.
func (r *resolver) resolve(ctx context.Context, api API, written *manifest.Object, with *Companions) {
	t := r.target
	place, known := r.placeOf(written)
	kind, problem, unserved := r.kindOf(ctx, api, written, place, with)
	if unserved {
		policy, _ := manifest.PolicyOf(written.Unstructured)
		if t.Gone || policy.IsSkipped() {
			return // its kind is gone, and so are the objects it was to run for; or it is never applied
		}
	}
	if problem != nil {
		problem.App = t.Spec.Name
		r.problems = append(r.problems, *problem)
		return
	}
	if kind.GVK.Empty() {
		return
	}
	known = known && place.fits(*kind)
	o, misread := placeOf(t, written, *kind, place)
	if problem := r.within.refuse(ctx, api.Name(), o); problem != nil {
		if !t.Gone { // else it is a hook of an app that leaves, which does without
			r.outside, r.problems = append(r.outside, *problem), append(r.problems, *problem)
		}
		return
	}
	if !known && !o.Policy.IsSkipped() { // a skipped object leaves alone the one that runs
		if first, twice := r.fresh[o.Key]; twice {
			r.refuse(o, "is written twice; the first is at "+r.objects[first].Source.String(), "remove one of the two")
			return
		}
		r.fresh[o.Key] = len(r.objects)
	}
	r.objects, r.problems = append(r.objects, o), append(r.problems, misread...)
}

// refuse notes what is wrong with an object.
func (r *resolver) refuse(o Placed, message, hint string) {
	r.problems = append(r.problems, manifest.Problem{
		App: r.target.Spec.Name, Source: o.Source, Object: o.Key.String(), Message: message, Hint: hint,
	})
}

// placeOf returns the remembered place of an object, nil for none. known says that no other
// of the objects with such a place is the same object of a cluster.
func (r *resolver) placeOf(written *manifest.Object) (place *placed, known bool) {
	if at, ok := r.before.find(written); ok {
		return r.places[at], true
	}
	return r.target.Places.find(written), false
}

// kindOf looks the kind of an object up, once for all objects of it.
func (r *resolver) kindOf(ctx context.Context, api API, written *manifest.Object, place *placed, with *Companions) (*kube.Kind, *manifest.Problem, bool) {
	gvk := place.kindOf(written)
	for i := range r.kinds {
		if r.kinds[i].gvk == gvk {
			return &r.kinds[i].kind, nil, false
		}
	}
	kind, problem, unserved := kindOf(ctx, api, written, with)
	if problem == nil && !kind.GVK.Empty() {
		r.kinds = append(r.kinds, servedKind{gvk, kind})
	}
	return &kind, problem, unserved
}

// isTwice reports whether a known object is the same as one that is not.
func (r *resolver) isTwice() bool {
	names := map[string]bool{}
	for id := range r.fresh {
		names[id.Name] = true
	}
	for i := range r.objects {
		o := &r.objects[i]
		if !names[o.Key.Name] || o.Policy.IsSkipped() {
			continue
		}
		if at, ok := r.fresh[o.Key]; ok && at != i {
			return true
		}
	}
	return false
}

// kept is what is to be kept of the objects for the next time: what was kept before, if
// that is the same.
func (r *resolver) kept(before resolved) resolved {
	if len(r.fresh) == 0 && len(r.objects) == len(before.written) {
		return before
	}
	now := resolved{make([]*manifest.Object, 0, len(r.objects)), make([]*placed, 0, len(r.objects))}
	for i := range r.objects {
		if o := &r.objects[i]; o.place != nil && !o.Policy.IsSkipped() {
			now.written, now.places = append(now.written, o.place.written), append(now.places, o.place)
		}
	}
	return now
}

// kindsOf are the kinds of objects, but for those that are skipped.
func kindsOf(objects []Placed) []kube.Kind {
	var (
		kinds []kube.Kind
		seen  distinct[schema.GroupVersionKind]
	)
	for i := range objects {
		if o := &objects[i]; !o.Policy.IsSkipped() && seen.add(o.Kind.GVK) {
			kinds = append(kinds, o.Kind)
		}
	}
	return kinds
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
		Hint:    "remove it from the revision: Pushboat deploys objects that can be read back and watched",
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
	for _, version := range []*manifest.Object{r.Object, r.Whole} {
		if version == nil {
			continue
		}
		labels := version.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[kube.PartOfLabel] = SetID(t.Spec.Name)
		version.SetLabels(labels)
	}
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
	scaler := t.scalerOf(o.Key)
	if scaler != "" {
		if parent, key := walk(o.Object.Object, replicasPointer); child(parent, key) != nil {
			o.Note = "spec.replicas is left to " + scaler
		}
		o.Object.Object = manifest.Without(o.Object.Object, replicasPointer)
	}
	if o.Ignored = t.Spec.Ignored(o.Key); !o.Ignored.IsEmpty() {
		o.Whole = o.Labelled()
		pointers, note := o.Ignored.In(o.Whole.Object)
		o.Object.Object = manifest.Without(o.Whole.Object, pointers...)
		o.ConcealAs(o.Whole)
		o.Note = strings.Trim(o.Note+"; "+note, "; ")
	}
	if scaler != "" {
		o.Ignored.Pointers = append(o.Ignored.Pointers, replicasPointer)
	}
}
