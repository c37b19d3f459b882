package health

import (
	"cmp"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// UnusedClaim returns the class of a claim that is not bound, and that no scheduled pod
// uses; "" for everything else. If the class binds for the first consumer
// (volumeBindingMode: WaitForFirstConsumer), there is nothing to wait for: only a pod
// gets the claim bound.
func UnusedClaim(u *unstructured.Unstructured) (class string) {
	o := object{u.Object}
	if o.string("kind") != "PersistentVolumeClaim" || o.string("apiVersion") != "v1" || u.GetDeletionTimestamp() != nil {
		return ""
	}
	phase, annotations := o.string("status", "phase"), u.GetAnnotations()
	if phase != "" && phase != "Pending" || o.string("spec", "volumeName") != "" || annotations[selectedNode] != "" {
		return ""
	}
	return cmp.Or(annotations[classAnnotation], o.string("spec", "storageClassName"))
}

// The annotations of a claim: the node that the scheduler has chosen for its first
// consumer, and the class as it was written before spec.storageClassName existed.
const (
	selectedNode    = "volume.kubernetes.io/selected-node"
	classAnnotation = "volume.beta.kubernetes.io/storage-class"
)

// claimHealth waits until a volume is bound. A bound claim stays healthy while its
// volume is resized, since its pods keep running.
func claimHealth(o object) Health {
	switch o.string("status", "phase") {
	case "Bound":
		return healthy(resize(o))
	case "Lost":
		return failed("its volume is lost")
	}
	return progressing("not bound to a volume yet")
}

// resize describes the progress of a change to a bound claim's volume.
func resize(o object) string {
	for _, at := range []struct{ condition, words string }{
		{"ControllerResizeError", "bound, but its volume cannot be resized"},
		{"NodeResizeError", "bound, but its file system cannot be resized"},
		{"ModifyVolumeError", "bound, but its volume cannot be modified"},
		{"FileSystemResizePending", "bound; the new size comes when a pod mounts it"},
		{"Resizing", "bound, its volume is being resized"},
		{"ModifyingVolume", "bound, its volume is being modified"},
	} {
		if c := o.condition(at.condition); c.isTrue() {
			return join(at.words, c.message)
		}
	}
	return "bound"
}

// volumeHealth is the health of a PersistentVolume, whose phases are in
// k8s.io/api/core/v1. A released one needs a person, but does what its reclaim policy
// says.
func volumeHealth(o object) Health {
	switch o.string("status", "phase") {
	case "Available":
		return healthy("available")
	case "Bound":
		return healthy("bound to " + o.string("spec", "claimRef", "namespace") + "/" + o.string("spec", "claimRef", "name"))
	case "Released":
		return healthy("released; its claim is gone")
	case "Failed":
		return failed(join("cannot be reclaimed", o.string("status", "message")))
	}
	return progressing("not available yet")
}

func attachmentHealth(o object) Health {
	if o.bool("status", "attached") {
		return healthy("attached")
	}
	return progressing(join("not attached yet", o.string("status", "attachError", "message")))
}

func migrationHealth(o object) Health {
	switch {
	case o.condition("Failed").isTrue():
		return failed(o.condition("Failed").text())
	case o.condition("Succeeded").isTrue():
		return healthy("migrated")
	case o.condition("Running").isTrue():
		return progressing("migrating")
	}
	return progressing("not started yet")
}
