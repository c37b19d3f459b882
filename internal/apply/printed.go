package apply

import (
	"cmp"
	"context"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Printed is what a hook that has succeeded has printed: the last lines of its newest pod,
// without the values of Secrets. The failure of one that has failed has them, see HookError.
type Printed struct {
	Key   string   `json:"key"` // of manifest.ID
	Phase string   `json:"phase"`
	Lines []string `json:"lines"`
}

// printTimeout bounds the questions about the pod of a hook that has succeeded. The deploy goes
// on meanwhile, and its end waits for the answer: a kubelet that hangs costs no more than that.
const printTimeout = 3 * time.Second

// keepPrinted reads what a hook has printed, while its pod is still there.
func (w *Work) keepPrinted(hook running) {
	if !w.Prints || !runsPods(hook.entry.ID) {
		return
	}
	w.printing.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(w.Wait), printTimeout)
		defer cancel()
		lines := w.cluster.printed(ctx, hook.entry.ID)
		if len(lines) == 0 {
			return
		}
		one := Printed{Key: hook.step.ID.Key(), Phase: hook.phase.String()}
		heard := w.Target.Heard()
		for _, line := range lines {
			one.Lines = append(one.Lines, heard(w.Target.Shown(line)))
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.printed = append(w.printed, one)
	})
}

// Printed lists what the hooks that have succeeded have printed, as far as that could be read.
func (w *Work) Printed() []Printed {
	w.printing.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.SortFunc(w.printed, func(a, b Printed) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Phase, b.Phase)) })
	return w.printed
}

// printed returns the last lines of an object's newest pod; none if they cannot be had.
func (c *Cluster) printed(ctx context.Context, id manifest.ID) []string {
	workload, err := c.get(ctx, id)
	if err != nil {
		return nil
	}
	pods, err := c.podsOnce.List(ctx, id.Namespace)
	if err != nil {
		return nil
	}
	var newest *unstructured.Unstructured
	for _, pod := range pods {
		if health.Selects(workload, pod) && (newest == nil || newest.GetCreationTimestamp().Time.Before(pod.GetCreationTimestamp().Time)) {
			newest = pod
		}
	}
	if newest == nil {
		return nil
	}
	lines, err := c.API.Logs(ctx, newest.GetNamespace(), newest.GetName(), mainContainer(newest), logLines)
	if err != nil {
		return nil
	}
	return lines
}

// mainContainer is the container of a pod that kubectl logs shows; "" if the pod has none.
func mainContainer(pod *unstructured.Unstructured) string {
	if named := pod.GetAnnotations()["kubectl.kubernetes.io/default-container"]; named != "" {
		return named
	}
	containers, _, _ := unstructured.NestedSlice(pod.Object, "spec", "containers") // another form is none
	if len(containers) == 0 {
		return ""
	}
	first, _ := containers[0].(map[string]any)
	named, _ := first["name"].(string)
	return named
}
