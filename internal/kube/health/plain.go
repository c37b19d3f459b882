package health

import "k8s.io/apimachinery/pkg/runtime/schema"

// plain are the built-in kinds without health: their objects work as soon as they
// exist, and have no status that says otherwise.
var plain = kinds(map[string][]string{
	"":                             {"ComponentStatus", "ConfigMap", "Endpoints", "Event", "LimitRange", "PodTemplate", "ResourceQuota", "Secret", "ServiceAccount"},
	"admissionregistration.k8s.io": {"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration"},
	"apps":                         {"ControllerRevision"},
	"certificates.k8s.io":          {"ClusterTrustBundle"},
	"coordination.k8s.io":          {"Lease", "LeaseCandidate"},
	"discovery.k8s.io":             {"EndpointSlice"},
	"events.k8s.io":                {"Event"},
	"flowcontrol.apiserver.k8s.io": {"PriorityLevelConfiguration"},
	"networking.k8s.io":            {"IPAddress", "IngressClass", "NetworkPolicy"},
	"node.k8s.io":                  {"RuntimeClass"},
	"rbac.authorization.k8s.io":    {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"},
	"resource.k8s.io":              {"DeviceClass", "DeviceTaintRule", "ResourceClaimTemplate", "ResourceSlice"},
	"scheduling.k8s.io":            {"PriorityClass", "Workload"},
	"storage.k8s.io":               {"CSIDriver", "CSINode", "CSIStorageCapacity", "StorageClass", "VolumeAttributesClass"},
})

func kinds(groups map[string][]string) map[schema.GroupKind]bool {
	set := map[schema.GroupKind]bool{}
	for group, names := range groups {
		for _, name := range names {
			set[schema.GroupKind{Group: group, Kind: name}] = true
		}
	}
	return set
}

// NeedsBody reports whether the health of a kind's objects needs more than their
// metadata. Objects of any other kind are healthy unless they are being deleted.
func NeedsBody(gk schema.GroupKind) bool { return !plain[gk] }
