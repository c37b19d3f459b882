package live

import (
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Entry is the index's record of an object.
type Entry struct {
	ID              manifest.ID
	PartOf          string // ApplySet id, the value of kube.PartOfLabel
	UID             types.UID
	ResourceVersion string
	Generation      int64  // counts the changes of its spec; 0 for kinds that do not count
	Fingerprint     string // see the function Fingerprint
	Health          health.Health
	Created         time.Time
	Since           time.Time // when Health became good or bad, as far as this server knows
	Terminating     bool      // deleted, but held by a finalizer
	Held            bool      // it has finalizers
	UnusedClass     string    // see health.UnusedClaim
	Ended           health.End
	Expires         time.Time // see health.Expiry
	Policies        manifest.Policies
	Wave            int32 // sync wave, by the object's own annotation
	Hook            *Hook // nil for all but objects that Pushboat made to run as hooks

	partial bool // from a list of metadata: Health is older than the rest
}

// bare makes the entry of an object, and judges its health by the rules that hold for
// all apps.
func (x *Index) bare(u *unstructured.Unstructured) Entry {
	policy, _ := manifest.PolicyOf(u)
	state := health.Of(u)
	entry := Entry{
		ID:              manifest.IDOf(u),
		PartOf:          u.GetLabels()[kube.PartOfLabel],
		UID:             u.GetUID(),
		ResourceVersion: u.GetResourceVersion(),
		Generation:      u.GetGeneration(),
		Fingerprint:     x.tools.Fingerprint(u.GetManagedFields()),
		Health:          state,
		Created:         u.GetCreationTimestamp().Time,
		Since:           changedAt(u),
		Terminating:     u.GetDeletionTimestamp() != nil,
		Held:            len(u.GetFinalizers()) > 0,
		UnusedClass:     health.UnusedClaim(u),
		Ended:           (*health.Rules)(nil).EndOf(u),
		Expires:         health.Expiry(u.GetCreationTimestamp().Time, u.GetAnnotations(), u.GetLabels()),
		Policies:        policy.Policies,
		Wave:            policy.Wave,
	}
	if entry.Fingerprint != "" {
		entry.Hook = hookOf(u, state)
	}
	return entry
}

// newer reports whether resource version a is later than b. Versions of one kind may be
// compared as numbers (KEP-5504); anything else counts as newer, so that no event is
// lost.
func newer(a, b string) bool {
	x, errA := strconv.ParseUint(a, 10, 64)
	y, errB := strconv.ParseUint(b, 10, 64)
	return errA != nil || errB != nil || x > y
}
