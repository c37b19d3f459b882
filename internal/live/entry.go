package live

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

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
	Created         time.Time
	Since           time.Time // when Health became good or bad, as far as this server has seen
	Terminating     bool      // deleted, but held by a finalizer
	Held            bool      // it has finalizers
	UnusedClass     string    // see health.UnusedClaim
	Ended           health.End
	Expires         time.Time // see health.Expiry
	Policies        manifest.Policies
	Wave            int32 // sync wave, by the object's own annotation
	Hook            *Hook // nil for all but objects made to run as hooks

	partial bool // from a list of metadata: Health is older than the rest
}

// bare reduces an object to what the index keeps of it, and judges it by what
// is known of its kind everywhere.
func (x *Index) bare(u *unstructured.Unstructured) Entry {
	policy, _ := manifest.PolicyOf(u)
	state := health.Of(u)
	return Entry{
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
		Hook:            hookOf(u, state),
	}
}

// Fingerprint is a hash of the fields that Pushboat owns on an object, as the
// API server notes them in metadata.managedFields. It changes when anybody
// changes or removes such a field, since that takes the field from us, and
// stays for status updates and for fields that controllers add (tried on 1.37).
// Fields that hand tools add are hashed behind a "+". It is "" when Pushboat
// owns nothing, as when managedFields was wiped.
func (t Tools) Fingerprint(fields []metav1.ManagedFieldsEntry) string {
	for _, entry := range fields {
		if !isOurs(entry) || entry.FieldsV1 == nil {
			continue
		}
		print := digest(entry.FieldsV1.GetRawBytes())
		if added := t.HandFields(fields); !added.Empty() {
			text, _ := added.ToJSON() // of a set that was read from JSON
			print += "+" + digest(text)
		}
		return print
	}
	return ""
}

// digest is 64 bits of a SHA-256: enough to tell two states of one object
// apart, which is all that it is for.
func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

func isOurs(entry metav1.ManagedFieldsEntry) bool {
	return entry.Manager == kube.FieldManager &&
		entry.Operation == metav1.ManagedFieldsOperationApply && entry.Subresource == ""
}

// Culprit is who changed an object, other than Pushboat and controllers that
// write its status.
type Culprit struct {
	Manager     string    `json:"manager"`               // the field manager: kubectl-edit, helm, ...
	Operation   string    `json:"operation"`             // Update or Apply
	Subresource string    `json:"subresource,omitempty"` // scale; "" for the object itself
	Time        time.Time `json:"time,omitzero"`         // zero if it was not noted
}

// String says who it was: "kubectl (Update of scale, 2026-01-02T15:04:05Z)". It
// is "" for the zero Culprit.
func (c Culprit) String() string {
	if c.Manager == "" {
		return ""
	}
	text := c.Manager + " (" + c.Operation
	if c.Subresource != "" {
		text += " of " + c.Subresource
	}
	if !c.Time.IsZero() {
		text += ", " + c.Time.UTC().Format(time.RFC3339)
	}
	return text + ")"
}

// CulpritOf finds who wrote the fields that are in question: the newest of the
// writers that own any of them. If none of them does, as when fields were
// removed, it is the newest writer of all. Pushboat and writers of the status are not
// asked. Writers through a subresource such as scale are noted without a time,
// and count as older than any other. The zero Culprit means that managedFields
// names nobody.
func CulpritOf(u *unstructured.Unstructured, fields *fieldpath.Set) Culprit {
	var owner, writer Culprit
	for _, entry := range u.GetManagedFields() {
		if isOurs(entry) || entry.Subresource == "status" {
			continue
		}
		found := Culprit{Manager: entry.Manager, Operation: string(entry.Operation), Subresource: entry.Subresource}
		if entry.Time != nil {
			found.Time = entry.Time.Time
		}
		if writer.Manager == "" || !found.Time.Before(writer.Time) {
			writer = found
		}
		if fields.Intersection(setOf(entry)).Empty() {
			continue
		}
		if owner.Manager == "" || !found.Time.Before(owner.Time) {
			owner = found
		}
	}
	if owner.Manager != "" {
		return owner
	}
	return writer
}

// newer reports whether resource version a is later than b. Versions of one
// kind may be compared as numbers (KEP-5504); anything else counts as newer,
// so that no event is lost.
func newer(a, b string) bool {
	x, errA := strconv.ParseUint(a, 10, 64)
	y, errB := strconv.ParseUint(b, 10, 64)
	return errA != nil || errB != nil || x > y
}
