package plan

import (
	"cmp"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/manifest"
)

// replicasPointer is the field that autoscalers set.
const replicasPointer = "/spec/replicas"

// scalerKinds are the kinds that scale the workload of their
// spec.scaleTargetRef: Kubernetes' own, and KEDA's, which makes one of those.
var scalerKinds = map[schema.GroupKind]bool{
	{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}: true,
	{Group: "keda.sh", Kind: "ScaledObject"}:                true,
}

// ScalersOf maps the workloads that an autoscaler among the objects scales to
// that autoscaler.
func ScalersOf(defaultNS string, objects []*manifest.Object) map[manifest.ID]string {
	scalers := map[manifest.ID]string{}
	for _, o := range objects {
		if kind := o.GetKind(); kind != "HorizontalPodAutoscaler" && kind != "ScaledObject" || !scalerKinds[o.GroupVersionKind().GroupKind()] {
			continue
		}
		if policy, _ := manifest.PolicyOf(o.Unstructured); policy.IsSkipped() {
			continue
		}
		read := func(field string) string {
			text, _, _ := unstructured.NestedString(o.Object, "spec", "scaleTargetRef", field)
			return text
		}
		version, err := schema.ParseGroupVersion(cmp.Or(read("apiVersion"), "apps/v1"))
		if err != nil {
			continue
		}
		scaled := manifest.ID{
			Group: version.Group, Kind: cmp.Or(read("kind"), "Deployment"),
			Namespace: cmp.Or(o.GetNamespace(), defaultNS, defaultNamespace), Name: read("name"),
		}
		scalers[scaled] = o.GetKind() + " " + o.GetName()
	}
	return scalers
}

// scalerOf names the autoscaler of the app that sets an object's replicas; ""
// if there is none.
func (t *Target) scalerOf(id manifest.ID) string { return t.Scalers[id] }
