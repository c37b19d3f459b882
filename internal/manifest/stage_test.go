package manifest

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestStageOf(t *testing.T) {
	for _, test := range []struct {
		group, kind string
		want        int
	}{
		{"", "Namespace", StageNamespace},
		{"apiextensions.k8s.io", "CustomResourceDefinition", StageDefinition},
		{"", "ConfigMap", StageGround},
		{"", "Service", StageGround},
		{"rbac.authorization.k8s.io", "ClusterRoleBinding", StageGround},
		{"apps", "Deployment", StageWorkload},
		{"batch", "Job", StageWorkload},
		{"example.com", "Namespace", StageWorkload}, // a custom resource of the same kind
		{"serving.knative.dev", "Service", StageWorkload},
		{"networking.k8s.io", "Ingress", StageWorkload},
		{"apiregistration.k8s.io", "APIService", StageAdmission},
		{"admissionregistration.k8s.io", "ValidatingWebhookConfiguration", StageAdmission},
	} {
		if got := StageOf(schema.GroupKind{Group: test.group, Kind: test.kind}); got != test.want {
			t.Errorf("%s %s in stage %d, want %d", test.group, test.kind, got, test.want)
		}
	}
}
