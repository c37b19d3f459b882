package manifest

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The stages of an apply. All objects of one stage are applied in parallel,
// and a stage is ready before the next begins; a prune goes backwards.
const (
	StageNamespace  = iota // the places of other objects
	StageDefinition        // the kinds of other objects
	StageGround            // objects that workloads refer to when they start
	StageWorkload          // workloads, custom resources and all else
	StageAdmission         // objects that judge or serve other requests, and may block them while they are not up
)

// stages is the one table of stages; a kind that is not in it belongs to
// StageWorkload. A Service is ground, so that pods start with its environment
// variables and it has endpoints as soon as they are ready.
var stages = map[schema.GroupKind]int{
	{Kind: "Namespace"}: StageNamespace,

	{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}: StageDefinition,

	{Kind: "ServiceAccount"}:                                                    StageGround,
	{Kind: "ConfigMap"}:                                                         StageGround,
	{Kind: "Secret"}:                                                            StageGround,
	{Kind: "Service"}:                                                           StageGround,
	{Kind: "LimitRange"}:                                                        StageGround,
	{Kind: "ResourceQuota"}:                                                     StageGround,
	{Kind: "PersistentVolume"}:                                                  StageGround,
	{Kind: "PersistentVolumeClaim"}:                                             StageGround,
	{Group: "rbac.authorization.k8s.io", Kind: "Role"}:                          StageGround,
	{Group: "rbac.authorization.k8s.io", Kind: "RoleBinding"}:                   StageGround,
	{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}:                   StageGround,
	{Group: "rbac.authorization.k8s.io", Kind: "ClusterRoleBinding"}:            StageGround,
	{Group: "networking.k8s.io", Kind: "NetworkPolicy"}:                         StageGround,
	{Group: "networking.k8s.io", Kind: "IngressClass"}:                          StageGround,
	{Group: "gateway.networking.k8s.io", Kind: "GatewayClass"}:                  StageGround,
	{Group: "storage.k8s.io", Kind: "StorageClass"}:                             StageGround,
	{Group: "storage.k8s.io", Kind: "CSIDriver"}:                                StageGround,
	{Group: "storage.k8s.io", Kind: "VolumeAttributesClass"}:                    StageGround,
	{Group: "resource.k8s.io", Kind: "DeviceClass"}:                             StageGround,
	{Group: "resource.k8s.io", Kind: "ResourceClaimTemplate"}:                   StageGround,
	{Group: "scheduling.k8s.io", Kind: "PriorityClass"}:                         StageGround,
	{Group: "node.k8s.io", Kind: "RuntimeClass"}:                                StageGround,
	{Group: "policy", Kind: "PodDisruptionBudget"}:                              StageGround,
	{Group: "flowcontrol.apiserver.k8s.io", Kind: "FlowSchema"}:                 StageGround,
	{Group: "flowcontrol.apiserver.k8s.io", Kind: "PriorityLevelConfiguration"}: StageGround,

	{Group: "apiregistration.k8s.io", Kind: "APIService"}:                             StageAdmission,
	{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration"}:   StageAdmission,
	{Group: "admissionregistration.k8s.io", Kind: "MutatingWebhookConfiguration"}:     StageAdmission,
	{Group: "admissionregistration.k8s.io", Kind: "ValidatingAdmissionPolicy"}:        StageAdmission,
	{Group: "admissionregistration.k8s.io", Kind: "ValidatingAdmissionPolicyBinding"}: StageAdmission,
	{Group: "admissionregistration.k8s.io", Kind: "MutatingAdmissionPolicy"}:          StageAdmission,
	{Group: "admissionregistration.k8s.io", Kind: "MutatingAdmissionPolicyBinding"}:   StageAdmission,
}

// StageOf returns the stage to which objects of a kind belong, from
// StageNamespace to StageAdmission.
func StageOf(gk schema.GroupKind) int {
	if stage, ok := stages[gk]; ok {
		return stage
	}
	return StageWorkload
}
