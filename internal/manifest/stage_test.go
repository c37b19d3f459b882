package manifest

import (
	"slices"
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

func TestStagesAreInOrderAndLeaveTheInputAlone(t *testing.T) {
	objects := mustParse(t, "f.yaml", `
{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingWebhookConfiguration, metadata: {name: w}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: b, namespace: z}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: c, namespace: a}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, namespace: a}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: a}}
`)
	var got [][]string
	for _, stage := range Stages(objects) {
		var ids []string
		for _, o := range stage {
			ids = append(ids, o.ID().String())
		}
		got = append(got, ids)
	}
	want := [][]string{
		{"Namespace a"},
		{"Deployment a/a", "Deployment a/c", "Deployment z/b"},
		{"MutatingWebhookConfiguration w"},
	}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("stages %v, want %v", got, want)
	}
	if id := objects[0].ID().String(); id != "MutatingWebhookConfiguration w" {
		t.Errorf("the first of the input became %s", id)
	}
	if Stages(nil) != nil {
		t.Error("no objects have stages")
	}
}
