package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
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
	app     *app
	target  *target
	cluster *Cluster
	run     *Run
	only    map[manifest.ID]bool // the objects that are waited for; nil for all that the app owns

	lines  map[manifest.ID]*waitLine    // of the objects that were not healthy at some time
	causes map[manifest.ID]health.Cause // as far as is known
	told   map[manifest.ID]health.Cause // that have had a line
	pods   map[string]*live.Pods        // by namespace
	leave  []func()                     // the watches of pods
	nudge  chan struct{}                // any of the pods changed
}

// newWaiting begins a wait for some of an app's objects; nil means all. Call close at its
// end.
func newWaiting(a *app, t *target, run *Run, only map[manifest.ID]bool) *waiting {
	return &waiting{
		app: a, target: t, cluster: a.engine.Clusters[t.Spec.Cluster], run: run, only: only,
		lines: map[manifest.ID]*waitLine{}, causes: map[manifest.ID]health.Cause{}, told: map[manifest.ID]health.Cause{},
		pods: map[string]*live.Pods{}, nudge: make(chan struct{}, 1),
	}
}

// close ends the watches of pods that nobody else needs.
func (w *waiting) close() {
	for _, leave := range w.leave {
		leave()
	}
}

// awaitHealthy returns when the given objects of the app are healthy; nil stands for all
// that it owns. The error is an unhealthyError, or that of waitError.
func (a *app) awaitHealthy(ctx context.Context, t *target, run *Run, only map[manifest.ID]bool) error {
	watching, stop := context.WithTimeout(ctx, t.Spec.Timeout) // also of the questions that it asks
	defer stop()
	w := newWaiting(a, t, run, only)
	defer w.close()
	run.waitsFor("its objects to become healthy", t.Spec.Timeout)
	defer run.waitsFor("the cluster to take its objects", 0)
	changed, done := w.cluster.Index.Changed(plan.SetID(a.name))
	defer done()
	timeout := time.NewTimer(t.Spec.Timeout)
	defer timeout.Stop()
	lines := time.NewTicker(lookEvery)
	defer lines.Stop()
	for {
		began := time.Now()
		sick := w.look(watching)
		if len(sick) == 0 {
			return nil
		}
		run.stillWaitsFor(w.why(sick))
		rest := min(restShare*time.Since(began), lookEvery)
		if hopeless := w.hopeless(sick); hopeless != "" {
			return unhealthyError{hopeless}
		}
		select {
		case <-changed:
			pause(ctx, rest)
		case <-w.nudge:
			pause(ctx, rest)
		case <-lines.C:
		case <-timeout.C:
			return unhealthyError{w.why(sick)}
		case <-ctx.Done():
			if cancelledBy(ctx) != "" {
				return unhealthyError{w.why(sick)}
			}
			return waitError(ctx)
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

// lineEvery is how often an object that is not healthy may have a line, and
// how long it may be so before it has its first. A rollout of ten pods passes
// through twenty states in a second; nobody reads them.
const lineEvery = time.Second

// lookEvery is how often a wait asks whether it is time for a line: a line comes
// late by that at most.
const lookEvery = lineEvery / 4

// waitLine is the log's newest line about one object.
type waitLine struct {
	since time.Time     // of the first look
	said  health.Health // zero: nothing yet
	at    time.Time     // of the line, or of the first look
}

// look compares the health of every object with what the log says, prints
// what is new, and returns the objects that are not healthy.
func (w *waiting) look(ctx context.Context) []live.Entry {
	sick := w.app.sick(w.target)
	if w.only != nil {
		sick = slices.DeleteFunc(sick, func(entry live.Entry) bool { return !w.only[entry.ID] })
	}
	for id := range w.run.before {
		if entry, ok := w.app.member(w.target, id); ok && (w.only == nil || w.only[id]) {
			w.run.before.see(entry)
		}
	}
	for _, entry := range w.recovered() {
		w.run.event("healthy", entry.ID, entry.Health.Message)
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

// say prints the state of an object that is not healthy, if it is news and it
// is time for a line. What has failed is told at once.
func (w *waiting) say(entry live.Entry) {
	line, known := w.lines[entry.ID]
	if !known {
		line = &waitLine{since: time.Now(), at: time.Now()}
		w.lines[entry.ID] = line
	}
	failed := entry.Health.Status == health.Failed
	if line.said == entry.Health || (!failed && time.Since(line.at) < lineEvery) {
		return
	}
	word := "waiting"
	if failed {
		word = "failing"
	}
	w.run.event(word, entry.ID, entry.Health.Message)
	line.said, line.at = entry.Health, time.Now()
}

// findCauses looks at the pods of the objects that have not been healthy for a while,
// and prints what keeps them.
func (w *waiting) findCauses(ctx context.Context, sick []live.Entry) {
	troubled := map[string][]*unstructured.Unstructured{} // by namespace
	for _, entry := range sick {
		if time.Since(w.lines[entry.ID].since) < lineEvery || !runsPods(entry.ID) {
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

// findPodCause is findCauses for one object, of whatever kind.
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

// noteCause notes what keeps an object from being healthy, and prints it if it is new.
func (w *waiting) noteCause(ctx context.Context, entry live.Entry, pods []*unstructured.Unstructured) {
	var cause health.Cause
	if len(pods) > 0 {
		cause, _ = w.cluster.causeOf(ctx, entry.ID, pods)
		cause.Message = w.target.Shown(cause.Message)
	}
	known := newestCause(w.causes[entry.ID], cause)
	w.causes[entry.ID] = known
	if known.Reason != "" && known.Reason != health.NotReady && w.told[entry.ID] != known {
		w.told[entry.ID] = known
		w.run.event("failing", entry.ID, known.String())
	}
}

// newestCause is what keeps an object's pods, given the cause of a moment ago and that
// of now. The zero cause is none. A container that ends again and again is ready, or
// about to be, in between: its last end stays the cause.
func newestCause(before, now health.Cause) health.Cause {
	if before.Ended && (now.Reason == "" || now.Reason == health.NotReady) {
		return before
	}
	return now
}

// podsOf follows the pods of a namespace from the first time on.
func (w *waiting) podsOf(namespace string) *live.Pods {
	if pods, ok := w.pods[namespace]; ok {
		return pods
	}
	pods, leave := w.cluster.pods.join(w.cluster.Kube, namespace, w.nudge)
	w.leave = append(w.leave, leave)
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

// causeOf finds what keeps the pods of a workload's current revision.
func (c *Cluster) causeOf(ctx context.Context, id manifest.ID, pods []*unstructured.Unstructured) (health.Cause, bool) {
	workload, err := c.get(ctx, id)
	if err != nil {
		return health.Cause{}, false
	}
	slices.SortFunc(pods, func(x, y *unstructured.Unstructured) int { return strings.Compare(x.GetName(), y.GetName()) })
	for _, pod := range pods {
		if cause, ok := health.PodCause(pod); ok && health.Selects(workload, pod) {
			return cause, true
		}
	}
	return health.Cause{}, false
}

// get reads an object, whose version is the one that the API server prefers.
func (c *Cluster) get(ctx context.Context, id manifest.ID) (*unstructured.Unstructured, error) {
	kind, err := c.Kube.KindOf(ctx, id.GroupKind())
	if err != nil {
		return nil, err
	}
	return c.Kube.Get(ctx, kind, id.Namespace, id.Name)
}

// hopeless says what has failed for good, or "". A pod that has ended is not
// that yet: a Job tries again as often as it was told to, and all else that
// runs pods does for ever. Neither is a failure that is older than the deploy.
func (w *waiting) hopeless(sick []live.Entry) string {
	for _, entry := range sick {
		before := w.run.before
		failed := entry.Health.Status == health.Failed && !before.failed(entry)
		if failed || w.causes[entry.ID].Incurable && !before.unchanged(entry) {
			return w.why([]live.Entry{entry})
		}
	}
	return ""
}

// why says what keeps the first object that is not healthy, and how many more
// there are.
func (w *waiting) why(sick []live.Entry) string {
	first := sick[0]
	for _, entry := range sick {
		if w.causes[entry.ID].Reason != "" {
			first = entry
			break
		}
	}
	text := first.ID.String() + ": " + state(first.Health)
	if more := len(sick) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	if cause := w.causes[first.ID]; cause.Reason != "" {
		text += "\n" + cause.String()
	}
	return text
}

// state says how an object is: in its own words if it has any, since those
// tell more than "progressing".
func state(h health.Health) string {
	if h.Message == "" {
		return string(h.Status)
	}
	return h.Message
}

// sick lists the app's objects on the cluster that are not healthy, sorted.
func (a *app) sick(t *target) []live.Entry {
	cluster := a.engine.Clusters[t.Spec.Cluster]
	if cluster == nil {
		return nil
	}
	sick := cluster.Index.Sick(a.set)
	for i, entry := range sick {
		sick[i] = t.shownEntry(cluster.settled(t, entry))
	}
	sick = slices.DeleteFunc(sick, isWell)
	sortEntries(sick)
	return sick
}

// member returns one of the app's objects on the cluster, as sick judges it.
func (a *app) member(t *target, id manifest.ID) (live.Entry, bool) {
	cluster := a.engine.Clusters[t.Spec.Cluster]
	if cluster == nil {
		return live.Entry{}, false
	}
	entry, ok := cluster.Index.Get(id)
	if !ok || entry.PartOf != a.set || entry.Hook != nil {
		return live.Entry{}, false
	}
	return t.shownEntry(cluster.settled(t, entry)), true
}

// isWell reports whether nobody has to wait for the object.
func isWell(entry live.Entry) bool { return entry.Health.OK() || entry.Terminating }

func sortEntries(entries []live.Entry) {
	slices.SortFunc(entries, func(x, y live.Entry) int { return x.ID.Compare(y.ID) })
}
