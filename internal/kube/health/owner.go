package health

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

// Selects reports whether a pod belongs to the current revision of a workload: a pod of
// an old revision says nothing about the new one. If the workload's status does not
// tell its revision yet, every pod of the workload is selected.
func Selects(workload, pod *unstructured.Unstructured) bool {
	if workload == nil || pod == nil || workload.GetNamespace() != pod.GetNamespace() {
		return false
	}
	w := object{workload.Object}
	switch workload.GroupVersionKind().GroupKind().String() {
	case "Pod":
		return workload.GetName() == pod.GetName()
	case "Deployment.apps":
		return Matches(workload, pod) && ofReplicaSet(w, workload.GetName(), pod)
	case "StatefulSet.apps":
		return ownedBy(workload, pod) && labelIs(pod, "controller-revision-hash", w.string("status", "updateRevision"))
	case "DaemonSet.apps":
		generation := workload.GetAnnotations()["deprecated.daemonset.template.generation"]
		return ownedBy(workload, pod) && labelIs(pod, "pod-template-generation", generation)
	}
	return ownedBy(workload, pod) // ReplicaSet, Job and whatever else owns pods directly
}

// Matches reports whether a workload's label selector selects the pod,
// whatever the revision.
func Matches(workload, pod *unstructured.Unstructured) bool {
	selector, ok := Selector(workload)
	return ok && workload.GetNamespace() == pod.GetNamespace() && selector.Matches(labels.Set(pod.GetLabels()))
}

// Selector returns a workload's label selector for pods; ok is false if it has none
// that selects anything.
func Selector(workload *unstructured.Unstructured) (selector labels.Selector, ok bool) {
	fields, found, err := unstructured.NestedMap(workload.Object, "spec", "selector")
	if err != nil || !found {
		return labels.Nothing(), false
	}
	var ls metav1.LabelSelector
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields, &ls); err != nil {
		return labels.Nothing(), false
	}
	selector, err = metav1.LabelSelectorAsSelector(&ls)
	return selector, err == nil && !selector.Empty()
}

// RunsPods reports whether objects of this kind own pods, so that the pods' problems
// are theirs.
func RunsPods(u *unstructured.Unstructured) bool {
	switch u.GroupVersionKind().GroupKind().String() {
	case "Pod", "Deployment.apps", "ReplicaSet.apps", "StatefulSet.apps", "DaemonSet.apps", "Job.batch":
		return true
	}
	return false
}

// ownedBy reports whether the workload is the pod's controller.
func ownedBy(workload, pod *unstructured.Unstructured) bool {
	owner := metav1.GetControllerOf(pod)
	if owner == nil || owner.Kind != workload.GetKind() || owner.Name != workload.GetName() {
		return false
	}
	return workload.GetUID() == "" || owner.UID == workload.GetUID()
}

// labelIs reports whether the pod has the label value, or whether there is none to
// compare with.
func labelIs(pod *unstructured.Unstructured, label, value string) bool {
	return value == "" || pod.GetLabels()[label] == value
}

// ofReplicaSet reports whether the pod belongs to the Deployment's newest ReplicaSet. A
// Deployment's status names it only in the message of its Progressing condition
// ("ReplicaSet "web-5d4f8" is progressing."), which the deployment controller rewrites
// as it creates or adopts a ReplicaSet.
func ofReplicaSet(w object, name string, pod *unstructured.Unstructured) bool {
	_, rest, _ := strings.Cut(w.condition("Progressing").message, `"`)
	current, _, found := strings.Cut(rest, `"`)
	if !found || !strings.HasPrefix(current, name+"-") {
		return true
	}
	owner := metav1.GetControllerOf(pod)
	return owner != nil && owner.Kind == "ReplicaSet" && owner.Name == current
}
