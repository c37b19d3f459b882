package live

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Entry is all that the index keeps of an object.
type Entry struct {
	ID              manifest.ID
	PartOf          string // ApplySet id, the value of kube.PartOfLabel
	UID             types.UID
	ResourceVersion string
	Generation      int64  // counts the changes of its spec; 0 for kinds that do not count
	Fingerprint     string // see Fingerprint
	Health          health.Health
	Since           time.Time // when Health became good or bad, as far as this server has seen
	Terminating     bool      // deleted, but held by a finalizer
	Policies        manifest.Policies
	Wave            int32 // sync wave, by the object's own annotation
	Hook            *Hook // nil for all but objects made to run as hooks

	partial bool // from a list of metadata: Health is older than the rest
}

// EntryOf reduces an object to what the index keeps of it.
func EntryOf(u *unstructured.Unstructured) Entry {
	policy, _ := manifest.PolicyOf(u)
	state := health.Of(u)
	return Entry{
		ID:              manifest.IDOf(u),
		PartOf:          u.GetLabels()[kube.PartOfLabel],
		UID:             u.GetUID(),
		ResourceVersion: u.GetResourceVersion(),
		Generation:      u.GetGeneration(),
		Fingerprint:     Fingerprint(u),
		Health:          state,
		Since:           changedAt(u),
		Terminating:     u.GetDeletionTimestamp() != nil,
		Policies:        policy.Policies,
		Wave:            policy.Wave,
		Hook:            hookOf(u, state),
	}
}

// Fingerprint is a hash of the fields that Pushboat owns on the object, as the
// API server notes them in metadata.managedFields. It changes when anybody
// changes or removes such a field, since that takes the field from us, and
// stays for status updates and for fields that others add (tried on 1.37). It
// is "" when Pushboat owns nothing, as when managedFields was wiped.
func Fingerprint(u *unstructured.Unstructured) string { return fingerprint(u.GetManagedFields()) }

func fingerprint(fields []metav1.ManagedFieldsEntry) string {
	for _, entry := range fields {
		if isOurs(entry) && entry.FieldsV1 != nil {
			sum := sha256.Sum256(entry.FieldsV1.GetRawBytes())
			return hex.EncodeToString(sum[:8])
		}
	}
	return ""
}

func isOurs(entry metav1.ManagedFieldsEntry) bool {
	return entry.Manager == kube.FieldManager &&
		entry.Operation == metav1.ManagedFieldsOperationApply && entry.Subresource == ""
}

// Culprit is who last changed an object, other than Pushboat and controllers
// that write its status.
type Culprit struct {
	Manager   string    // the field manager: kubectl-edit, helm, ...
	Operation string    // Update or Apply
	Time      time.Time // zero if it was not noted
}

// String says who it was: "kubectl-edit (Update)". It is "" for the zero
// Culprit.
func (c Culprit) String() string {
	if c.Manager == "" {
		return ""
	}
	return c.Manager + " (" + c.Operation + ")"
}

// CulpritOf finds the newest writer of the object that is not Pushboat, status
// aside. Writers through a subresource such as scale are noted without a time,
// and count as older than any other. The zero Culprit means that managedFields
// names nobody.
func CulpritOf(u *unstructured.Unstructured) Culprit {
	var found Culprit
	for _, entry := range u.GetManagedFields() {
		if isOurs(entry) || entry.Subresource == "status" {
			continue
		}
		var at time.Time
		if entry.Time != nil {
			at = entry.Time.Time
		}
		if found.Manager == "" || !at.Before(found.Time) {
			found = Culprit{Manager: entry.Manager, Operation: string(entry.Operation), Time: at}
		}
	}
	return found
}

// newer reports whether resource version a is later than b. Versions of one
// kind may be compared as numbers (KEP-5504); anything else counts as newer,
// so that no event is lost.
func newer(a, b string) bool {
	x, errA := strconv.ParseUint(a, 10, 64)
	y, errB := strconv.ParseUint(b, 10, 64)
	return errA != nil || errB != nil || x > y
}
