// Package health judges Kubernetes objects: whether one is healthy, progressing or
// failed, and why. It has only pure functions: from an object to a verdict in words. It
// watches nothing, waits for nothing and knows no cluster.
package health

import (
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
)

// Status is the verdict on one object.
type Status string

// The verdicts, from good to bad.
const (
	Healthy     Status = "healthy"
	Suspended   Status = "suspended"   // paused because its owner asked for it; nothing to wait for
	Progressing Status = "progressing" // not ready yet
	Terminating Status = "terminating" // deleted, waiting for its finalizers
	Unknown     Status = "unknown"     // the object's status cannot be read
	Failed      Status = "failed"      // will not get better without a change
)

// Health is the verdict on one object and its reason.
type Health struct {
	Status  Status
	Message string // "2 of 3 pods ready"; "" where the status says it all
}

// Unseen reports whether the only reason for the verdict is that the object's
// controller has not looked at its newest generation yet.
func (h Health) Unseen() bool { return h.Status == Progressing && h.Message == newestNotSeen }

// OK reports whether the verdict is good.
func (h Health) OK() bool { return h.Status == Healthy || h.Status == Suspended }

// String writes the verdict on one line: "progressing: 1 of 3 pods updated".
func (h Health) String() string {
	if h.Message == "" {
		return string(h.Status)
	}
	return string(h.Status) + ": " + h.Message
}

func healthy(message string) Health     { return Health{Healthy, message} }
func progressing(message string) Health { return Health{Progressing, message} }
func failed(message string) Health      { return Health{Failed, message} }

// table has a row for every built-in kind whose objects can be anything but healthy.
// kstatus knows some of them, but says too little, or is wrong about them. The
// conventions for custom resources apply to a kind that is neither here nor in plain.
var table = map[schema.GroupKind]func(object) Health{
	{Group: "", Kind: "Namespace"}:                                             namespaceHealth,
	{Group: "", Kind: "Node"}:                                                  nodeHealth,
	{Group: "", Kind: "PersistentVolume"}:                                      volumeHealth,
	{Group: "", Kind: "PersistentVolumeClaim"}:                                 claimHealth,
	{Group: "", Kind: "Pod"}:                                                   podHealth,
	{Group: "", Kind: "ReplicationController"}:                                 replicaSetHealth,
	{Group: "", Kind: "Service"}:                                               serviceHealth,
	{Group: "admissionregistration.k8s.io", Kind: "ValidatingAdmissionPolicy"}: policyHealth,
	{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}:          definitionHealth,
	{Group: "apiregistration.k8s.io", Kind: "APIService"}:                      apiServiceHealth,
	{Group: "apps", Kind: "DaemonSet"}:                                         daemonSetHealth,
	{Group: "apps", Kind: "Deployment"}:                                        deploymentHealth,
	{Group: "apps", Kind: "ReplicaSet"}:                                        replicaSetHealth,
	{Group: "apps", Kind: "StatefulSet"}:                                       statefulSetHealth,
	{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}:                    autoscalerHealth,
	{Group: "batch", Kind: "CronJob"}:                                          cronJobHealth,
	{Group: "batch", Kind: "Job"}:                                              jobHealth,
	{Group: "certificates.k8s.io", Kind: "CertificateSigningRequest"}:          signingHealth,
	{Group: "certificates.k8s.io", Kind: "PodCertificateRequest"}:              requestHealth("Issued", "issued"),
	{Group: "flowcontrol.apiserver.k8s.io", Kind: "FlowSchema"}:                flowHealth,
	{Group: "internal.apiserver.k8s.io", Kind: "StorageVersion"}:               storageVersionHealth,
	{Group: "lifecycle.k8s.io", Kind: "Eviction"}:                              requestHealth("TargetEvicted", "evicted"),
	{Group: "lifecycle.k8s.io", Kind: "EvictionRequest"}:                       requestHealth("TargetEvicted", "evicted"),
	{Group: "networking.k8s.io", Kind: "Ingress"}:                              ingressHealth,
	{Group: "networking.k8s.io", Kind: "ServiceCIDR"}:                          rangeHealth,
	{Group: "policy", Kind: "PodDisruptionBudget"}:                             budgetHealth,
	{Group: "resource.k8s.io", Kind: "ResourceClaim"}:                          deviceClaimHealth,
	{Group: "resource.k8s.io", Kind: "ResourcePoolStatusRequest"}:              requestHealth("Complete", "complete"),
	{Group: "scheduling.k8s.io", Kind: "CompositePodGroup"}:                    podGroupHealth,
	{Group: "scheduling.k8s.io", Kind: "PodGroup"}:                             podGroupHealth,
	{Group: "storage.k8s.io", Kind: "VolumeAttachment"}:                        attachmentHealth,
	{Group: "storagemigration.k8s.io", Kind: "StorageVersionMigration"}:        migrationHealth,
}

// Of judges a live object by its status. An object that is being deleted is
// Terminating whatever its status says; one whose controller has not yet seen
// its newest generation is Progressing.
func Of(u *unstructured.Unstructured) Health { return (*Rules)(nil).Of(u) }

// maxMessage bounds a message in bytes: the index keeps one for every object, and
// controllers put whole responses of their clouds into conditions.
const maxMessage = 512

// short makes a message one line, and cuts a long one between two characters.
func (h Health) short() Health {
	if strings.ContainsAny(h.Message, "\n\r") {
		h.Message = strings.Join(strings.Fields(h.Message), " ")
	}
	if len(h.Message) <= maxMessage {
		return h
	}
	end := maxMessage - len("…")
	for end > 0 && !utf8.RuneStart(h.Message[end]) {
		end--
	}
	h.Message = strings.Clone(h.Message[:end]) + "…" // lets go of the rest
	return h
}

// generic judges by the conventions for custom resources that kstatus knows, the
// conditions Reconciling, Stalled and Ready, and by Available where there is no Ready.
// An object without such conditions is healthy: most kinds that have no status never
// will, and nothing distinguishes them from the others.
func generic(u *unstructured.Unstructured) Health {
	result, err := status.Compute(u)
	if err != nil {
		return Health{Unknown, "status cannot be read: " + err.Error()}
	}
	o := object{u.Object}
	switch result.Status {
	case status.CurrentStatus:
		return available(o)
	case status.FailedStatus:
		return failed(standing(o, result.Message, "Stalled"))
	case status.TerminatingStatus:
		return Health{Terminating, ""}
	case status.InProgressStatus:
		return progressing(standing(o, result.Message, "Reconciling", "Ready"))
	}
	return Health{Unknown, result.Message}
}

// available judges by the condition Available, which means the same as Ready in an
// object that has no condition Ready.
func available(o object) Health {
	c := o.condition("Available")
	if o.condition("Ready").status != "" || c.status == "" || c.isTrue() {
		return healthy("")
	}
	return progressing(join("not available yet", c.text()))
}

// standing returns kstatus's message or, if that is empty, the reason of the condition
// behind it.
func standing(o object, message string, conditions ...string) string {
	for _, kind := range conditions {
		if c := o.condition(kind); message == "" && c.status != "" {
			message = c.reason
		}
	}
	return message
}
