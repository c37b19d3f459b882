package manifest

import "testing"

func TestSpecialOf(t *testing.T) {
	for text, want := range map[string]bool{
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}":                                                                 false,
		"{apiVersion: apps/v1, kind: Deployment, metadata: {name: a, labels: {app: a}, annotations: {team: a}}, spec: {}}":       false,
		"{apiVersion: v1, kind: Namespace, metadata: {name: a}}":                                                                 true,
		"{apiVersion: v1, kind: Secret, metadata: {name: a}}":                                                                    true,
		"{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: a}}":                             true,
		"{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: a}}":                                       true,
		"{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: a}}":                                                true,
		"{apiVersion: batch/v1, kind: Job, metadata: {name: a, annotations: {helm.sh/hook: pre-install}}}":                       true,
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: {argocd.argoproj.io/sync-wave: '2'}}}":               true,
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: {kustomize.toolkit.fluxcd.io/reconcile: disabled}}}": true,
		"{apiVersion: v1, kind: ConfigMap, metadata: {name: a, annotations: {kustomize.toolkit.fluxcd.io/prune: perhaps}}}":      true,
	} {
		objects, problems := Parse("a.yaml", []byte(text))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if special := SpecialOf(objects); special == nil || (len(special) == 1) != want {
			t.Errorf("special of %s are %d, want %v", text, len(special), want)
		}
	}
	objects, _ := Parse("a.yaml", []byte("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {password: of-a-secret}}"))
	if objects[0].Hide("of-a-secret"); !objects[0].IsSpecial() {
		t.Error("an object with a hidden value does not count as special")
	}
}
