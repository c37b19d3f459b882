package kube

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// Container is a container of a pod, as the pod's status has it.
type Container struct {
	Name     string
	Pod      types.UID
	Restarts int64
	Begun    bool // it runs or has run: it has a log
	Ended    bool // it does not run any more; it may be restarted
}

// Containers reads the containers of a pod; with a name, only the one of that name,
// which may also be an init container, if the pod has it.
func (c *Cluster) Containers(ctx context.Context, namespace, pod, name string) ([]Container, error) {
	u, err := c.Get(ctx, podKind, namespace, pod)
	if err != nil {
		return nil, err
	}
	return ContainersOf(u, name), nil
}

// ContainersOf lists the containers of a pod, as Cluster.Containers does.
func ContainersOf(pod *unstructured.Unstructured, name string) []Container {
	fields := []string{"containers"}
	if name != "" {
		fields = []string{"containers", "initContainers", "ephemeralContainers"}
	}
	var found []Container
	for _, field := range fields {
		statuses := statusesOf(pod, field)
		list, _, _ := unstructured.NestedSlice(pod.Object, "spec", field)
		for _, item := range list {
			spec, _ := item.(map[string]any)
			if text, _ := spec["name"].(string); text != "" && (name == "" || name == text) {
				found = append(found, containerOf(pod, text, statuses[text]))
			}
		}
	}
	return found
}

// statusFields name, by the field of a pod's spec, the one of its status.
var statusFields = map[string]string{
	"containers": "containerStatuses", "initContainers": "initContainerStatuses", "ephemeralContainers": "ephemeralContainerStatuses",
}

// statusesOf returns the statuses of a pod's containers, by name.
func statusesOf(pod *unstructured.Unstructured, field string) map[string]map[string]any {
	list, _, _ := unstructured.NestedSlice(pod.Object, "status", statusFields[field])
	statuses := map[string]map[string]any{}
	for _, item := range list {
		status, _ := item.(map[string]any)
		if name, _ := status["name"].(string); name != "" {
			statuses[name] = status
		}
	}
	return statuses
}

func containerOf(pod *unstructured.Unstructured, name string, status map[string]any) Container {
	restarts, _, _ := unstructured.NestedInt64(status, "restartCount")
	_, running, _ := unstructured.NestedMap(status, "state", "running")
	_, ended, _ := unstructured.NestedMap(status, "state", "terminated")
	_, before, _ := unstructured.NestedMap(status, "lastState", "terminated")
	return Container{
		Name: name, Pod: pod.GetUID(), Restarts: restarts,
		Begun: running || ended || before, Ended: !running && (ended || before), // one that waits for its restart has the log of the run before
	}
}
