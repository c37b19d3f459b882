package owner

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// unknownWriter is the manager to which the API server ascribes, at the first apply, all
// that an object has whose managedFields are empty: nobody knows who wrote it. That is so
// where a backup of the cluster was restored without them.
const unknownWriter = "before-first-apply"

func isUnknown(entry metav1.ManagedFieldsEntry) bool { return entry.Manager == unknownWriter }

// machined are the fields, beside annotations and labels, that controllers and the API
// server set, and people seldom. Where the writer is unknown, they are left: to take them
// away would set a scaled Deployment back to one pod, and a bound claim cannot lose its
// volume at all. "*" is any element.
var machined = [...]string{
	"metadata.finalizers", "metadata.ownerReferences", "metadata.generateName", "status",
	"spec.replicas", "spec.finalizers", // of a Namespace
	"spec.volumeName", "spec.storageClassName", "spec.volumeMode", "spec.claimRef",
	"spec.clusterIP", "spec.clusterIPs", "spec.ipFamilies", "spec.ipFamilyPolicy", "spec.healthCheckNodePort", "spec.ports.*.nodePort",
	"spec.nodeName", "spec.selector", "spec.template.metadata.labels.batch.kubernetes.io/controller-uid",
	"spec.template.metadata.labels.batch.kubernetes.io/job-name", "spec.template.metadata.labels.controller-uid", "spec.template.metadata.labels.job-name",
	"webhooks.*.clientConfig.caBundle", "spec.caBundle", "spec.conversion.webhook.clientConfig.caBundle",
	"secrets", // of a ServiceAccount
}

// isMachined reports whether a field of which the writer is unknown is one of machined,
// or an annotation or label whose key has a domain: those are how controllers and tools
// remember things.
func isMachined(path fieldpath.Path) bool {
	var steps []string
	for _, element := range path {
		step := "*"
		if element.FieldName != nil {
			step = *element.FieldName
		}
		steps = append(steps, step)
	}
	if len(steps) > 2 && steps[0] == "metadata" && (steps[1] == "annotations" || steps[1] == "labels") {
		return strings.Contains(steps[2], "/")
	}
	written := strings.Join(steps, ".") + "."
	for _, field := range machined {
		if strings.HasPrefix(written, field+".") {
			return true
		}
	}
	return false
}
