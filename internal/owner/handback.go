package owner

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/pushboat/pushboat/internal/kube"
)

// HandBack returns field owners in which nothing is Pushboat's. What it has applied is another
// applier's then, so that a field which later leaves that one's source goes as if it had applied
// it itself; with "", it is nobody's.
func HandBack(fields []metav1.ManagedFieldsEntry, to string) ([]metav1.ManagedFieldsEntry, error) {
	var kept []metav1.ManagedFieldsEntry
	given := metav1.ManagedFieldsEntry{Manager: to, Operation: metav1.ManagedFieldsOperationApply, FieldsType: "FieldsV1"}
	own := &fieldpath.Set{}
	for _, entry := range fields {
		switch {
		case IsOurs(entry):
			given.APIVersion, given.Time = entry.APIVersion, entry.Time
			own = own.Union(setOf(entry))
		case entry.Manager == kube.FieldManager && entry.Subresource == "":
		case to != "" && entry.Manager == to && entry.Operation == given.Operation && entry.Subresource == "":
			own = own.Union(setOf(entry))
			if given.APIVersion == "" {
				given.APIVersion, given.Time = entry.APIVersion, entry.Time
			}
		default:
			kept = append(kept, entry)
		}
	}
	label := fieldpath.MakePathOrDie("metadata", "labels", kube.PartOfLabel)
	if own = own.Difference(fieldpath.NewSet(label)); to == "" || own.Empty() {
		return kept, nil
	}
	if err := setFields(&given, own); err != nil {
		return nil, err
	}
	return append(kept, given), nil
}
