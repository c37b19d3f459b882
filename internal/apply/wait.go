package apply

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

// waiting is one wait for the health of an app, by watch: it asks nothing of
// the cluster but the pods of objects that do not become healthy.
type waiting struct {
	app     *App
	target  *plan.Target
	cluster *Cluster
	log     Log
	former  Former
	only    map[manifest.ID]bool // the objects to wait for; nil for all that the app owns

	lines  map[manifest.ID]*waitLine    // of the objects that were not healthy at some time
	causes map[manifest.ID]health.Cause // as far as is known
	told   map[manifest.ID]health.Cause // that have had a line
	pods   map[string]Pods              // by namespace
	ends   []func()                     // of the watches of pods
	nudge  chan struct{}                // any of the pods changed
}

// newWaiting begins a wait for some of the app's objects; nil means all. Call close at its
// end.
func (w *Work) newWaiting(only map[manifest.ID]bool) *waiting {
	return &waiting{
		app: w.App, target: w.Target, cluster: w.cluster, log: w.Log, former: w.former, only: only,
		lines: map[manifest.ID]*waitLine{}, causes: map[manifest.ID]health.Cause{}, told: map[manifest.ID]health.Cause{},
		pods: map[string]Pods{}, nudge: make(chan struct{}, 1),
	}
}

// close ends the watches of pods that nobody else needs.
func (w *waiting) close() {
	for _, end := range w.ends {
		end()
	}
}

// AwaitHealthy returns when all objects of the app are healthy. The error is an
// UnhealthyError, or that of WaitError.
func (w *Work) AwaitHealthy() error { return w.awaitHealthy(nil) }

// awaitHealthy is AwaitHealthy for some of the objects; nil stands for all.
func (w *Work) awaitHealthy(only map[manifest.ID]bool) error {
	timeout := w.Target.Spec.Timeout
	watching, stop := context.WithTimeout(w.Wait, timeout) // also of the questions that it asks
	defer stop()
	wait := w.newWaiting(only)
	defer wait.close()
	w.Log.WaitsFor("its objects to become healthy", timeout)
	defer w.Log.WaitsFor("the cluster to take its objects", 0)
	changed, done := w.cluster.Index.Changed(w.App.set())
	defer done()
	late := time.NewTimer(timeout)
	defer late.Stop()
	lines := time.NewTicker(lookEvery)
	defer lines.Stop()
	for {
		began := time.Now()
		sick := wait.look(watching)
		if len(sick) == 0 {
			return nil
		}
		w.Log.StillWaitsFor(wait.why(sick))
		rest := min(restShare*time.Since(began), lookEvery)
		if hopeless := wait.hopeless(sick); hopeless != "" {
			return UnhealthyError{hopeless}
		}
		select {
		case <-changed:
			pause(w.Wait, rest)
		case <-wait.nudge:
			pause(w.Wait, rest)
		case <-lines.C:
		case <-late.C:
			return UnhealthyError{wait.why(sick)}
		case <-w.Wait.Done():
			if CancelledBy(w.Wait) != "" {
				return UnhealthyError{wait.why(sick)}
			}
			return WaitError(w.Wait)
		}
	}
}

// restShare is how many times as long as a look took it is until the next one: of ten
// thousand objects each that changes would otherwise have all of them looked at.
const restShare = 4

// pause returns after d, or at the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// LineEvery is how often an object that is not healthy may have a line, and
// how long it may be so before it has its first. A rollout of ten pods passes
// through twenty states in a second; nobody reads them.
const LineEvery = time.Second

// lookEvery is how often a wait asks whether it is time for a line: a line comes
// late by that at most.
const lookEvery = LineEvery / 4

// waitLine is the log's newest line about one object.
type waitLine struct {
	since time.Time     // of the first look
	said  health.Health // zero: nothing yet
	at    time.Time     // of the line, or of the first look
}

// look compares the health of every object with the log, prints the changes, and
// returns the objects that are not healthy.
func (w *waiting) look(ctx context.Context) []live.Entry {
	sick := w.app.Sick(w.target)
	if w.only != nil {
		sick = slices.DeleteFunc(sick, func(entry live.Entry) bool { return !w.only[entry.ID] })
	}
	for id := range w.former {
		if entry, ok := w.app.member(w.target, id); ok && (w.only == nil || w.only[id]) {
			w.former.see(entry)
		}
	}
	for _, entry := range w.recovered() {
		w.log.Event("healthy", entry.ID, entry.Health.Message)
		delete(w.lines, entry.ID)
		delete(w.causes, entry.ID)
		delete(w.told, entry.ID)
	}
	for _, entry := range sick {
		w.say(entry)
	}
	w.findCauses(ctx, sick)
	return sick
}

// recovered lists the objects that were waited for and are healthy by now, sorted.
func (w *waiting) recovered() []live.Entry {
	var well []live.Entry
	for id := range w.lines {
		if entry, ok := w.app.member(w.target, id); ok && isWell(entry) {
			well = append(well, entry)
		}
	}
	sortEntries(well)
	return well
}

// say prints the state of an unhealthy object, if it is new and it is time for a line.
// It prints a failure at once.
func (w *waiting) say(entry live.Entry) {
	line, known := w.lines[entry.ID]
	if !known {
		line = &waitLine{since: time.Now(), at: time.Now()}
		w.lines[entry.ID] = line
	}
	failed := entry.Health.Status == health.Failed
	if line.said == entry.Health || (!failed && time.Since(line.at) < LineEvery) {
		return
	}
	word := "waiting"
	if failed {
		word = "failing"
	}
	w.log.Event(word, entry.ID, entry.Health.Message)
	line.said, line.at = entry.Health, time.Now()
}

// findCauses looks at the pods of the objects that have been unhealthy for a while, and
// prints the causes.
func (w *waiting) findCauses(ctx context.Context, sick []live.Entry) {
	troubled := map[string][]*unstructured.Unstructured{} // by namespace
	for _, entry := range sick {
		if time.Since(w.lines[entry.ID].since) < LineEvery || !runsPods(entry.ID) {
			continue // it needs no pods watched
		}
		pods, looked := troubled[entry.ID.Namespace]
		if !looked {
			pods = w.troubledPods(entry.ID.Namespace)
			troubled[entry.ID.Namespace] = pods
		}
		if len(pods) == 0 || w.target.Object(entry.ID) != nil {
			w.noteCause(ctx, entry, pods)
		}
	}
}

// findPodCause is findCauses for one object, of any kind.
func (w *waiting) findPodCause(ctx context.Context, entry live.Entry) {
	if runsPods(entry.ID) {
		w.noteCause(ctx, entry, w.troubledPods(entry.ID.Namespace))
	}
}

// troubledPods lists the pods of a namespace if any of them has trouble.
func (w *waiting) troubledPods(namespace string) []*unstructured.Unstructured {
	if pods := w.podsOf(namespace).List(); anyCause(pods) {
		return pods
	}
	return nil
}

// noteCause notes the cause of an object's ill health, and prints it if it is new.
func (w *waiting) noteCause(ctx context.Context, entry live.Entry, pods []*unstructured.Unstructured) {
	var cause health.Cause
	if len(pods) > 0 {
		cause, _ = w.cluster.CauseOf(ctx, entry.ID, pods)
		if ctx.Err() != nil {
			return // the wait has ended during the request: the known cause stays
		}
		cause.Message = w.target.Shown(cause.Message)
	}
	known := newestCause(w.causes[entry.ID], cause)
	w.causes[entry.ID] = known
	if known.Reason != "" && known.Reason != health.NotReady && w.told[entry.ID] != known {
		w.told[entry.ID] = known
		w.log.Event("failing", entry.ID, known.String())
	}
}

// newestCause returns the cause that keeps an object's pods, from the previous cause
// and the current one. The zero cause is none. A container that keeps ending is ready,
// or about to be, in between: its last end stays the cause.
func newestCause(before, now health.Cause) health.Cause {
	if before.Ended && (now.Reason == "" || now.Reason == health.NotReady) {
		return before
	}
	return now
}

// podsOf follows the pods of a namespace from the first time on.
func (w *waiting) podsOf(namespace string) Pods {
	if pods, ok := w.pods[namespace]; ok {
		return pods
	}
	pods, end := w.cluster.pods.join(namespace, w.nudge)
	w.ends = append(w.ends, end)
	w.pods[namespace] = pods
	return pods
}

func anyCause(pods []*unstructured.Unstructured) bool {
	for _, pod := range pods {
		if _, ok := health.PodCause(pod); ok {
			return true
		}
	}
	return false
}

// hopeless describes an object that has failed for good, or "". A pod that has ended
// has not: a Job retries as often as its spec says, and everything else that runs pods
// retries for ever. Neither has a failure that is older than the deploy.
func (w *waiting) hopeless(sick []live.Entry) string {
	for _, entry := range sick {
		before := w.former
		failed := entry.Health.Status == health.Failed && !before.failed(entry)
		if failed || w.causes[entry.ID].Incurable && !before.unchanged(entry) {
			return w.why([]live.Entry{entry})
		}
	}
	return ""
}

// why describes the first unhealthy object with its cause, and the number of others.
func (w *waiting) why(sick []live.Entry) string {
	first := sick[0]
	for _, entry := range sick {
		if w.causes[entry.ID].Reason != "" {
			first = entry
			break
		}
	}
	text := first.ID.String() + ": " + State(first.Health)
	if more := len(sick) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	if cause := w.causes[first.ID]; cause.Reason != "" {
		text += "\n" + cause.String()
	}
	return text
}

// State says how an object is: in its own words if it has any, since those
// tell more than "progressing".
func State(h health.Health) string {
	if h.Message == "" {
		return string(h.Status)
	}
	return h.Message
}
