package owner

import (
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Culprit is the person or program that changed an object, other than Pushboat and
// controllers that write its status.
type Culprit struct {
	Manager     string    `json:"manager"`               // the field manager: kubectl-edit, helm, ...
	Operation   string    `json:"operation"`             // Update or Apply
	Subresource string    `json:"subresource,omitempty"` // scale; "" for the object itself
	Time        time.Time `json:"time,omitzero"`         // zero if it was not noted
}

// String names the culprit: "kubectl (Update of scale, 2026-01-02T15:04:05Z)". It is ""
// for the zero Culprit.
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

// CulpritOf finds the writer of the given fields: the newest of the writers that own
// any of them. If none of them does, as when fields were removed, it is the newest
// writer of all. Pushboat and writers of the status do not count. Writers through a
// subresource such as scale are noted without a time, and count as older than any
// other. The zero Culprit means that managedFields names nobody.
func CulpritOf(u *unstructured.Unstructured, fields *fieldpath.Set) Culprit {
	var owner, writer Culprit
	for _, entry := range u.GetManagedFields() {
		if IsOurs(entry) || entry.Subresource == "status" {
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
