package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
)

const (
	// patience is how long a container may keep failing: the kubelet retries, and may
	// be waiting for a network or a registry that is just starting.
	patience = 30 * time.Second
	// askEvery is how often the StatefulSet is read, whose status follows its pod's.
	askEvery = time.Second
)

// view is the observed state of the server while it starts.
type view struct {
	set    *unstructured.Unstructured
	pods   []*unstructured.Unstructured // of the namespace
	events []string                     // warnings about the server, newest last
}

// verdict is the state of the start.
type verdict struct {
	serving bool
	line    string // "0 of 1 pods ready: ImagePullBackOff (container pushboat): ..."
	stuck   bool   // a container fails, and will be retried
	never   bool   // it will never start
}

// judge returns the state of the start.
func judge(v view) verdict {
	if v.set == nil {
		return verdict{line: "the StatefulSet is gone", never: true}
	}
	state := health.Of(v.set)
	if state.OK() {
		return verdict{serving: true, line: state.Message}
	}
	result := verdict{line: state.Message}
	cause, ok := causeOf(v)
	switch {
	case ok:
		result.line += ": " + cause.String()
		result.never = cause.Terminal
		result.stuck = cause.Reason != health.NotReady && cause.Container != ""
	case len(v.events) > 0:
		result.line += ": " + v.events[len(v.events)-1]
	}
	return result
}

// causeOf returns the reason why the server's newest pod does not run as it should.
func causeOf(v view) (health.Cause, bool) {
	revision, _, _ := unstructured.NestedString(v.set.Object, "status", "updateRevision")
	for _, pod := range v.pods {
		if !health.Selects(v.set, pod) || revision != "" && pod.GetLabels()["controller-revision-hash"] != revision {
			continue
		}
		if cause, ok := health.PodCause(pod); ok {
			return cause, true
		}
	}
	return health.Cause{}, false
}

// waitUntilServing follows the start of the server, and writes a line for each change.
func waitUntilServing(asked context.Context, cluster *kube.Cluster, timeout time.Duration, out io.Writer) error {
	ctx, cancel := context.WithTimeout(asked, timeout)
	defer cancel()
	pods := live.WatchPods(ctx, cluster, kube.SystemNamespace)
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	w := waiter{out: out}
	for {
		select {
		case <-pods.Changed():
		case <-tick.C:
		case <-ctx.Done():
			return w.ended(asked.Err() != nil, timeout)
		}
		seen, err := look(ctx, cluster, pods)
		switch {
		case ctx.Err() != nil:
			return w.ended(asked.Err() != nil, timeout)
		case err != nil && !kube.IsUnreachable(err) && !kube.IsTransient(err):
			return err
		case err != nil:
			continue
		}
		if done, err := w.tell(judge(seen), time.Now()); done || err != nil {
			return err
		}
	}
}

// waiter remembers the last line.
type waiter struct {
	out   io.Writer
	line  string
	stuck time.Time // when a container first failed; zero if none did
}

// tell writes the state of the start, unless it is unchanged. The error ends the wait.
func (w *waiter) tell(v verdict, now time.Time) (done bool, err error) {
	if v.line != w.line && !v.serving {
		progress(w.out, "waiting", v.line)
	}
	w.line = v.line
	if v.stuck && w.stuck.IsZero() {
		w.stuck = now
	}
	switch {
	case v.serving:
		progress(w.out, "serving", v.line)
		return true, nil
	case v.never || v.stuck && now.Sub(w.stuck) >= patience:
		return false, w.failed()
	}
	return false, nil
}

// failed returns the reason why the server does not start.
func (w *waiter) failed() error {
	return report.WithHint(fmt.Errorf("the server does not start: %s", w.line), "%s", remedy(w.line))
}

// ended returns the last state, when the time is over or somebody has interrupted the
// wait.
func (w *waiter) ended(interrupted bool, timeout time.Duration) error {
	if interrupted {
		return report.WithHint(errors.New("interrupted; the applied objects stay"), "run the same command again to see whether the server serves")
	}
	line := w.line
	if line == "" {
		line = "the cluster says nothing of it"
	}
	return report.WithHint(fmt.Errorf("the server does not serve after %s: %s", manifest.AsSetting(timeout), line), "%s", remedy(line))
}

// remedy is the next thing to try.
func remedy(line string) string {
	switch {
	case strings.Contains(line, "ImagePull") || strings.Contains(line, "InvalidImageName"):
		return "push the image to where the nodes can pull it, and give its name: pushboat install --image REF"
	case strings.Contains(line, `configmap "pushboat-keys" not found`):
		return "give the key of an admin: pushboat install --admin-key FILE.pub"
	case strings.Contains(line, "PersistentVolumeClaim") || strings.Contains(line, "ReadWriteOncePod"):
		return "name a StorageClass in a file of values, storage: {className: NAME}, and give it: pushboat install --values FILE"
	}
	return "kubectl -n " + kube.SystemNamespace + " describe pod pushboat-0 says more; pushboat install goes on from here"
}

// look reads the state of the server.
func look(ctx context.Context, cluster *kube.Cluster, pods *live.Pods) (view, error) {
	set, err := getServer(ctx, cluster)
	if err != nil {
		return view{}, err
	}
	seen := view{set: set, pods: pods.List()}
	if result := judge(seen); !result.serving && !result.stuck {
		seen.events = warnings(ctx, cluster)
	}
	return seen, nil
}

// eventKind is the kind of the events of controllers and kubelets.
var eventKind = schema.GroupKind{Kind: "Event"}

// warnings reads the warnings of controllers and kubelets about the server; none if the
// user may not read them.
func warnings(ctx context.Context, cluster *kube.Cluster) []string {
	kind, err := cluster.KindOf(ctx, eventKind)
	if err != nil {
		return nil
	}
	list, err := cluster.List(ctx, kind, kube.SystemNamespace, "")
	if err != nil {
		return nil
	}
	return warningsOf(list.Items)
}

// warningsOf selects the warnings about the server from events, newest last.
func warningsOf(events []unstructured.Unstructured) []string {
	var found []*unstructured.Unstructured
	for i := range events {
		event := &events[i]
		kind, _, _ := unstructured.NestedString(event.Object, "type")
		about, _, _ := unstructured.NestedString(event.Object, "involvedObject", "name")
		if kind == "Warning" && (about == App || strings.HasPrefix(about, App+"-")) {
			found = append(found, event)
		}
	}
	slices.SortStableFunc(found, func(a, b *unstructured.Unstructured) int { return strings.Compare(eventTime(a), eventTime(b)) })
	texts := make([]string, len(found))
	for i, event := range found {
		message, _, _ := unstructured.NestedString(event.Object, "message")
		texts[i] = manifest.OneLine(message)
	}
	return texts
}

// eventTime returns the time when an event was last seen, as RFC 3339.
func eventTime(event *unstructured.Unstructured) string {
	for _, field := range []string{"lastTimestamp", "eventTime"} {
		if text, _, _ := unstructured.NestedString(event.Object, field); text != "" {
			return text
		}
	}
	return event.GetCreationTimestamp().UTC().Format(time.RFC3339)
}
