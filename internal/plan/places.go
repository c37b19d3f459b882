package plan

import (
	"maps"
	"reflect"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Places remembers the places and digests of a target's objects. The next target has
// nearly all of these objects, and would work both out again. The object to apply is
// only made where it differs from the running one.
type Places struct {
	rule PlaceRule

	mu   sync.Mutex
	of   map[*manifest.Object]*placed // never changed once they are here
	last resolved
}

// resolved are the objects of a target that were resolved without a problem, and whose
// places are remembered, in their order. No two of them are the same object of a cluster.
type resolved struct {
	written []*manifest.Object
	places  []*placed // of each
}

// newest returns what was kept last.
func (s *Places) newest() resolved {
	if s == nil {
		return resolved{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// keep keeps what was resolved, which is not changed any more.
func (s *Places) keep(r resolved) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = r
}

// PlaceRule is everything that decides the place of an object, besides the object and
// its kind.
type PlaceRule struct {
	Namespace string
	Ignore    []appfile.Ignore
	Scalers   map[manifest.ID]string
}

// placed is the result of place for one object.
type placed struct {
	written    *manifest.Object
	id         manifest.ID
	digest     string
	policy     manifest.Policy
	ignored    appfile.Ignored
	note       string
	namespaced bool
	gvk        schema.GroupVersionKind // of the object, which is two look-ups in it
}

// PlacesAfter returns the places for a target that comes after another one: those of
// that, if both place objects by the same rule.
func PlacesAfter(old *Target, rule PlaceRule) *Places {
	if old != nil && old.Places != nil && old.Places.rule.equal(rule) {
		return old.Places
	}
	return &Places{rule: rule, of: map[*manifest.Object]*placed{}}
}

func (r PlaceRule) equal(other PlaceRule) bool {
	return r.Namespace == other.Namespace && reflect.DeepEqual(r.Ignore, other.Ignore) && maps.Equal(r.Scalers, other.Scalers)
}

// find returns what is remembered of an object; nil for nothing.
func (s *Places) find(o *manifest.Object) *placed {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of[o]
}

// kindOf is the kind of the object that has the place. The place may be nil.
func (p *placed) kindOf(o *manifest.Object) schema.GroupVersionKind {
	if p == nil {
		return o.GroupVersionKind()
	}
	return p.gvk
}

// PolicyOf is the policy of one of the target's objects.
func (t *Target) PolicyOf(o *manifest.Object) manifest.Policies {
	if known := t.Places.find(o); known != nil {
		return known.policy.Policies
	}
	policy, _ := manifest.PolicyOf(o.Unstructured)
	return policy.Policies
}

// remember notes the place of an object, which nobody changes from now on. Objects that
// conceal something are not remembered, for that is found out later. Of pushes that are
// refused there may be as many more as the target has; then all are forgotten.
func (s *Places) remember(written *manifest.Object, r Placed, objects int) *placed {
	if s == nil || written.Conceals() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.of) > 2*objects {
		clear(s.of)
	}
	p := &placed{written: written, id: r.Key, digest: r.Digest, policy: r.Policy, ignored: r.Ignored, note: r.Note, namespaced: r.Kind.Namespaced, gvk: written.GroupVersionKind()}
	s.of[written] = p
	return p
}

// placeOf places an object of a target. known is what is remembered of it, or nil. The
// result may have the object as written, see Placed.Make.
func placeOf(t *Target, written *manifest.Object, kind kube.Kind, known *placed) (Placed, manifest.Problems) {
	if known.fits(kind) {
		return Placed{
			Object: written, Key: known.id, Kind: kind, Digest: known.digest, Policy: known.policy,
			Ignored: known.ignored, Note: known.note, Written: true, place: known,
		}, nil
	}
	r := Place(t, written, kind)
	r.Key = r.Key.Interned()
	problems := r.readPolicy(t)
	if len(problems) == 0 {
		r.place = t.Places.remember(written, r, len(t.Objects))
	}
	return r, problems
}

// fits reports whether the place, nil for none, is that of an object of the kind.
func (p *placed) fits(kind kube.Kind) bool { return p != nil && p.namespaced == kind.Namespaced }

// Make makes the object to apply, unless it is made already.
func (o *Placed) Make(t *Target) {
	if o.Written {
		made := Place(t, o.Object, o.Kind)
		o.Object, o.Whole, o.Written = made.Object, made.Whole, false
	}
}

// Make makes the object to apply of a step, unless it is made already.
func (s *Step) Make(t *Target) {
	if s.Written && s.Object != nil {
		s.Object, s.Written = Place(t, s.Object, s.Kind).Object, false
	}
}
