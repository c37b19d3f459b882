// Package health judges Kubernetes objects: is this one healthy, still
// progressing, failed, and why. It has pure functions only: an object goes in,
// a verdict in words comes out. It watches nothing, waits for nothing and knows
// no cluster.
package health

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
)

// Status is the verdict on one object.
type Status string

// The verdicts, from good to bad.
const (
	Healthy     Status = "healthy"
	Suspended   Status = "suspended"   // stands still because its owner asked for it; nothing to wait for
	Progressing Status = "progressing" // not there yet
	Terminating Status = "terminating" // deleted, waiting for its finalizers
	Unknown     Status = "unknown"     // the object's status cannot be read
	Failed      Status = "failed"      // will not get better without a change
)

// Health is the verdict on one object and its reason.
type Health struct {
	Status  Status
	Message string // "2 of 3 pods ready"; "" where the status says it all
}

// Settled reports whether waiting for the object is over: it is healthy,
// suspended or failed.
func (h Health) Settled() bool {
	return h.Status == Healthy || h.Status == Suspended || h.Status == Failed
}

// OK reports whether there is nothing to complain about.
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

// table has the kinds that are judged by a row of our own, where kstatus says
// too little, or calls something current that is not. Every other kind is
// judged by the conventions that kstatus knows.
var table = map[schema.GroupKind]func(object) Health{
	{Group: "", Kind: "Namespace"}:                                    namespaceHealth,
	{Group: "", Kind: "PersistentVolumeClaim"}:                        claimHealth,
	{Group: "", Kind: "Pod"}:                                          podHealth,
	{Group: "", Kind: "Service"}:                                      serviceHealth,
	{Group: "apps", Kind: "DaemonSet"}:                                daemonSetHealth,
	{Group: "apps", Kind: "Deployment"}:                               deploymentHealth,
	{Group: "apps", Kind: "ReplicaSet"}:                               replicaSetHealth,
	{Group: "apps", Kind: "StatefulSet"}:                              statefulSetHealth,
	{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}:           autoscalerHealth,
	{Group: "batch", Kind: "CronJob"}:                                 cronJobHealth,
	{Group: "batch", Kind: "Job"}:                                     jobHealth,
	{Group: "networking.k8s.io", Kind: "Ingress"}:                     ingressHealth,
	{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}: definitionHealth,
	{Group: "apiregistration.k8s.io", Kind: "APIService"}:             apiServiceHealth,
}

// Of judges a live object by its status. An object that is being deleted is
// Terminating whatever its status says; one whose controller has not yet seen
// its newest generation is Progressing.
func Of(u *unstructured.Unstructured) Health {
	if u == nil {
		return Health{Unknown, "no such object"}
	}
	o := object{u.Object}
	if at := u.GetDeletionTimestamp(); at != nil {
		return Health{Terminating, terminatingMessage(o, u.GetFinalizers())}
	}
	if seen, ok := o.lookupInt("status", "observedGeneration"); ok && seen < u.GetGeneration() {
		return progressing("the newest change has not been seen by its controller yet")
	}
	if judge, ok := table[u.GroupVersionKind().GroupKind()]; ok {
		return judge(o)
	}
	return generic(u)
}

// generic judges by the conventions of kstatus: observedGeneration and the
// conditions Reconciling, Stalled and Ready.
func generic(u *unstructured.Unstructured) Health {
	result, err := status.Compute(u)
	if err != nil {
		return Health{Unknown, "status cannot be read: " + err.Error()}
	}
	switch result.Status {
	case status.CurrentStatus:
		return healthy("")
	case status.FailedStatus:
		return failed(result.Message)
	case status.TerminatingStatus:
		return Health{Terminating, ""}
	case status.InProgressStatus:
		return progressing(result.Message)
	}
	return Health{Unknown, result.Message}
}
