package live

import (
	"fmt"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Annotations that mark an object as the run of a hook.
const (
	hookAnnotation = "pushboat/hook"     // its phase, and the key of the hook as written
	runAnnotation  = "pushboat/hook-run" // the deploy that created it
)

// HookRun names the deploy that ran a hook, so that a restarted server finds the hooks
// that it had begun.
type HookRun struct {
	Target string // digest of what was deployed
	Number int    // of the deploy
}

// Hook is the index's record of an object that was created to run as a hook. It has the
// label of its app, so that it is watched and found again, but is not one of the app's
// members.
type Hook struct {
	Key   string // manifest.ID key of the hook as written
	Phase manifest.Phase
	Run   HookRun
	End   manifest.HookEnd
}

// MarkHook marks an object as the run of a hook.
func MarkHook(u *unstructured.Unstructured, hook Hook) {
	annotations := u.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[hookAnnotation] = hook.Phase.String() + " " + hook.Key
	annotations[runAnnotation] = fmt.Sprintf("%s %d", hook.Run.Target, hook.Run.Number)
	u.SetAnnotations(annotations)
}

// hookOf reads the marks of MarkHook and the hook's state; nil for an object that is
// not a hook. They count on objects that Pushboat applied: anybody can write them into the
// template of a pod.
func hookOf(u *unstructured.Unstructured, state health.Health) *Hook {
	metadata, _ := u.Object["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	mark, ok := annotations[hookAnnotation].(string)
	if !ok {
		return nil
	}
	run, _ := annotations[runAnnotation].(string)
	hook := parseHook(mark, run)
	hook.End = endOf(u, state)
	return hook
}

func parseHook(mark, run string) *Hook {
	phase, key, _ := strings.Cut(mark, " ")
	target, number, _ := strings.Cut(run, " ")
	hook := &Hook{Key: key, Phase: manifest.ParsePhase(phase), Run: HookRun{Target: target}}
	hook.Run.Number, _ = strconv.Atoi(number)
	return hook
}

// hookOfMetadata is hookOf for metadata alone, which does not tell whether the hook has
// ended.
func hookOfMetadata(m *metav1.PartialObjectMetadata, known health.Health, partial bool) *Hook {
	mark, ok := m.Annotations[hookAnnotation]
	if !ok {
		return nil
	}
	hook := parseHook(mark, m.Annotations[runAnnotation])
	if !partial && known.OK() {
		hook.End = manifest.EndSucceeded
	}
	return hook
}

// endOf judges whether a hook has done its work. An object that runs to an end must
// reach it; any other must become healthy, which a plain object always is.
func endOf(u *unstructured.Unstructured, state health.Health) manifest.HookEnd {
	phase, _, _ := unstructured.NestedString(u.Object, "status", "phase")
	switch u.GroupVersionKind().GroupKind().String() {
	case "Pod", "Workflow.argoproj.io":
		switch phase {
		case "Succeeded":
			return manifest.EndSucceeded
		case "Failed", "Error":
			return manifest.EndFailed
		}
		return ""
	case "Job.batch":
		if state.Status == health.Suspended {
			return ""
		}
	}
	switch {
	case state.OK():
		return manifest.EndSucceeded
	case state.Status == health.Failed:
		return manifest.EndFailed
	}
	return ""
}

// Hooks returns the objects of an ApplySet that run as hooks, in no order.
func (x *Index) Hooks(partOf string) []Entry {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var entries []Entry
	for entry := range x.hooks[partOf] {
		entries = append(entries, *entry)
	}
	return entries
}
