package live

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/owner"
)

// entryOf makes the entry of an object from a list or a watch: a whole object, or its
// metadata alone.
func (f *follow) entryOf(obj any) (Entry, bool) {
	switch obj := obj.(type) {
	case *seen:
		return obj.entry, true
	case *unstructured.Unstructured:
		return f.index.EntryOf(obj), true
	case *metav1.PartialObjectMetadata:
		return f.entryOfMetadata(obj), true
	}
	return Entry{}, false
}

// known returns the index's entry of an object if it has the version of a watch event:
// mostly the answer to an apply, which arrives first. Making the entry again would be
// half the cost of an event.
func (f *follow) known(obj any) (Entry, bool) {
	object, ok := obj.(metav1.Object)
	if !ok {
		return Entry{}, false
	}
	gk := f.gk()
	entry, ok := f.index.Get(manifest.ID{Group: gk.Group, Kind: gk.Kind, Namespace: object.GetNamespace(), Name: object.GetName()})
	same := ok && !entry.partial && entry.UID == object.GetUID() && entry.ResourceVersion == object.GetResourceVersion()
	return entry, same && entry.ResourceVersion != ""
}

// entryOfMetadata makes the entry of an object from its metadata. Its health does not
// count for kinds whose health is in the body.
func (f *follow) entryOfMetadata(m *metav1.PartialObjectMetadata) Entry {
	gvk := f.kind.GVK
	policy := manifest.PolicyOfMetadata(m.Annotations, m.Labels)
	state, partial := healthOfMetadata(m, gvk), f.index.needsBody(gvk.GroupKind())
	entry := Entry{
		ID:              manifest.ID{Group: gvk.Group, Kind: gvk.Kind, Namespace: m.Namespace, Name: m.Name},
		PartOf:          m.Labels[kube.PartOfLabel],
		UID:             m.UID,
		ResourceVersion: m.ResourceVersion,
		Generation:      m.Generation,
		Fingerprint:     f.index.tools.Fingerprint(canonical(m.ManagedFields)),
		Health:          state,
		Created:         m.CreationTimestamp.Time,
		Terminating:     m.DeletionTimestamp != nil,
		Held:            len(m.Finalizers) > 0,
		Expires:         health.Expiry(m.CreationTimestamp.Time, m.Annotations, m.Labels),
		Policies:        policy.Policies,
		Wave:            policy.Wave,
		partial:         partial,
	}
	if entry.Fingerprint != "" {
		entry.Hook = hookOfMetadata(m, state, partial)
	}
	return entry
}

// healthOfMetadata judges an object of a kind whose health needs no body: it is healthy
// unless it is being deleted.
func healthOfMetadata(m *metav1.PartialObjectMetadata, gvk schema.GroupVersionKind) health.Health {
	if m.DeletionTimestamp == nil {
		return health.Health{Status: health.Healthy}
	}
	u := &unstructured.Unstructured{Object: map[string]any{}}
	u.SetGroupVersionKind(gvk)
	u.SetDeletionTimestamp(m.DeletionTimestamp)
	u.SetFinalizers(m.Finalizers)
	return health.Of(u)
}

// canonical writes our fields as they read back from an object in JSON, sorted by name,
// so that an object has one fingerprint whichever way it came.
func canonical(entries []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
	for i, entry := range entries {
		if !owner.IsOurs(entry) || entry.FieldsV1 == nil {
			continue
		}
		var fields map[string]any
		if json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields) != nil {
			continue
		}
		if text, err := json.Marshal(fields); err == nil {
			entries[i].FieldsV1.SetRawBytes(text)
		}
	}
	return entries
}

type groupKind = schema.GroupKind

// notSeen is the health of an object that a list of metadata has shown before the watch
// did.
var notSeen = health.Health{Status: health.Unknown, Message: "not seen by the watch yet"}
