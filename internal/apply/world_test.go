package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// world is a cluster with the app "shop" of the repository "shop", whose objects are in the
// namespace shop. The app's fifth deploy is under way.
type world struct {
	t      *testing.T
	api    *fakeAPI
	index  *fakeIndex
	pods   *fakePods
	others *fakeOthers
	log    *testLog
	app    *App
	order  Order
	end    context.CancelCauseFunc // ends the wait
}

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, api: newFakeAPI(), log: &testLog{}, others: &fakeOthers{heirs: map[manifest.ID]string{}},
		pods:  &fakePods{pods: map[string][]*unstructured.Unstructured{}, watches: map[string]*fakeWatch{}},
		index: &fakeIndex{Index: live.New(t.Context(), &kube.Cluster{}, owner.DefaultTools, logrus.NewEntry(logrus.New()))},
	}
	w.app = &App{
		Name: "shop", Repo: "shop", Server: "server", Cluster: newCluster(w.api, w.index, w.pods),
		Ledger:    plan.NewLedger(func(digest string) string { return "sealed " + digest }),
		Inventory: &Inventory{}, Hooks: NewHooks(), HookMemory: &HookMemory{}, Others: w.others,
	}
	w.order = Order{App: w.app, Log: w.log, Number: 5, ID: "r5", Plan: &plan.Plan{App: "shop", RunsHooks: true}}
	w.order.Target = &plan.Target{
		Spec: appfile.App{Name: "shop", Namespace: "shop", Cluster: "default", Prune: true, Timeout: 5 * time.Minute},
		Repo: "shop",
	}
	w.order.Wait, w.end = context.WithCancelCause(t.Context())
	w.index.OnChange(func(event live.Event) {
		if event.Entry.Hook != nil {
			w.app.Hooks.See(event)
		}
	})
	w.api.tell = w.index.Note
	w.made("kubectl-create", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}")
	return w
}

// inTime runs a test on a clock of its own, which moves on when all goroutines wait. A
// goroutine that is left over fails the test, and so does a listener of the index.
func inTime(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		f(w)
		if w.index.waiting != 0 {
			t.Errorf("%d listeners of the index are left", w.index.waiting)
		}
	})
}

// work starts to carry out the plan.
func (w *world) work() *Work { return New(w.order) }

// begins calls a function in the background, and returns when all goroutines wait. The
// function's error arrives on the channel.
func (w *world) begins(f func() error) <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- f() }()
	synctest.Wait()
	return ended
}

// steps returns a plan's steps for the documents: objects that do not run are created,
// others are changed, and hooks are run.
func (w *world) steps(documents ...string) []plan.Step {
	w.t.Helper()
	var steps []plan.Step
	for _, o := range parsed(w.t, documents...) {
		kind, err := w.api.Kind(w.t.Context(), o.GroupVersionKind())
		if err != nil {
			w.t.Fatal(err)
		}
		placed := plan.Place(w.order.Target, o, kind)
		policy, _ := o.Policy()
		step := plan.Step{ID: placed.Key, Action: record.Create, Object: placed.Object, Kind: kind, Digest: "d", Policy: policy}
		if running := w.api.look(step.ID); running != nil {
			step.Action, step.Entry = record.Configure, w.index.EntryOf(running)
		}
		if policy.Phase != 0 {
			step.Action = record.Hook
		}
		steps = append(steps, step)
	}
	plan.SortSteps(steps)
	return steps
}

// step returns the only step for a document.
func (w *world) step(document string) plan.Step {
	w.t.Helper()
	return w.steps(document)[0]
}

// plans adds steps to the plan.
func (w *world) plans(steps ...plan.Step) {
	for _, step := range steps {
		if step.Action == record.Hook {
			w.order.Plan.Hooks = append(w.order.Plan.Hooks, step)
			continue
		}
		w.order.Plan.Steps = append(w.order.Plan.Steps, step)
	}
}

// prunes makes the plan delete running objects, in the order of deletion.
func (w *world) prunes(ids ...manifest.ID) {
	for _, id := range ids {
		entry := w.index.EntryOf(w.api.look(id))
		policy := manifest.Policy{Policies: entry.Policies, Wave: entry.Wave}
		w.order.Plan.Prune = append(w.order.Plan.Prune, plan.Step{ID: id, Action: record.Delete, Entry: entry, Policy: policy})
	}
	plan.SortSteps(w.order.Plan.Prune)
	slices.Reverse(w.order.Plan.Prune)
}

// runs puts the documents' objects on the cluster, as a deploy of the app has left them.
func (w *world) runs(documents ...string) {
	w.t.Helper()
	for _, step := range w.steps(documents...) {
		u, err := w.api.apply(step.Object.Unstructured, kube.FieldManager)
		if err != nil {
			w.t.Fatal(err)
		}
		w.app.Ledger.Note(step.ID, record.Noted{Digest: "d", Fingerprint: w.index.EntryOf(u).Fingerprint})
	}
}

// made puts the documents' objects on the cluster, as another program has made them.
func (w *world) made(manager string, documents ...string) {
	w.t.Helper()
	for _, o := range parsed(w.t, documents...) {
		if kind := w.api.kinds[o.GroupVersionKind()]; kind.Namespaced {
			o.SetNamespace("shop")
		}
		if _, err := w.api.update(o.Unstructured, manager); err != nil {
			w.t.Fatal(err)
		}
	}
}

// edited changes a running object.
func (w *world) edited(id manifest.ID, edit func(u *unstructured.Unstructured)) {
	w.t.Helper()
	u := w.api.look(id)
	if u == nil {
		w.t.Fatalf("%s does not run", id)
	}
	edit(u)
	w.api.store(u)
}

// becomes gives a running object a status, as YAML.
func (w *world) becomes(id manifest.ID, status string) {
	w.t.Helper()
	w.edited(id, func(u *unstructured.Unstructured) { give(u, status) })
}

// holds gives a running object a finalizer, so that its deletion does not end before the
// test lets it vanish.
func (w *world) holds(id manifest.ID) {
	w.t.Helper()
	w.edited(id, func(u *unstructured.Unstructured) { u.SetFinalizers([]string{"example.org/keep"}) })
}

// beginDeletion is an edit that begins an object's deletion.
func beginDeletion(u *unstructured.Unstructured) {
	u.SetDeletionTimestamp(&metav1.Time{Time: time.Unix(1, 0)})
}

// give sets the status of an object, as YAML; "" leaves it.
func give(u *unstructured.Unstructured, status string) {
	if status == "" {
		return
	}
	var fields map[string]any
	if err := yaml.Unmarshal([]byte(status), &fields); err != nil {
		panic(err) // a mistake in the test
	}
	u.Object["status"] = fields
}

// hides makes the app hide a value.
func (w *world) hides(value string) {
	w.order.Target.Telling = func() func(string) string {
		return func(text string) string { return strings.ReplaceAll(text, value, "***") }
	}
}

// wantAsked checks the requests since the last call, in their order.
func (w *world) wantAsked(want ...string) {
	w.t.Helper()
	w.api.mu.Lock()
	defer w.api.mu.Unlock()
	if got := w.api.asked; !slices.Equal(got, want) {
		w.t.Errorf("the requests are\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	w.api.asked = nil
}

// wantLog checks all lines of the log.
func (w *world) wantLog(want ...string) {
	w.t.Helper()
	if got := w.log.String(); got != strings.Join(want, "\n") {
		w.t.Errorf("the log is\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// wantRunning checks which objects run, apart from namespaces.
func (w *world) wantRunning(want ...string) {
	w.t.Helper()
	w.api.mu.Lock()
	defer w.api.mu.Unlock()
	got := slices.DeleteFunc(idsOf(w.api.running), func(id string) bool { return strings.HasPrefix(id, "Namespace ") })
	if !slices.Equal(got, want) {
		w.t.Errorf("the running objects are %q, want %q", got, want)
	}
}

// wantError checks that an error contains a text; "" stands for no error.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case err == nil && want == "":
	case err == nil || want == "" || !strings.Contains(err.Error(), want):
		t.Errorf("the error is %v, want %q", err, want)
	}
}

// wantCause checks that an error wraps another one.
func wantCause(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("the error is %v, want %v", err, want)
	}
}

func jobID(name string) manifest.ID {
	return manifest.ID{Group: "batch", Kind: "Job", Namespace: "shop", Name: name}
}

func deploymentID(name string) manifest.ID {
	return manifest.ID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: name}
}

// The documents of the tests.
var (
	parsed        = manifesttest.Parsed
	configMap     = manifesttest.ConfigMap
	config        = manifesttest.ConfigMapText
	job           = manifesttest.JobText
	namespaceText = manifesttest.NamespaceText
)

// deployment is a Deployment of one pod, annotated like config.
func deployment(name string, annotations ...string) string {
	return fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: %s\n%sspec:\n  replicas: 1\n  selector: {matchLabels: {app: %s}}\n",
		name, manifesttest.Annotated(annotations...), name)
}

// Annotations.

func wave(n int) string { return fmt.Sprintf("argocd.argoproj.io/sync-wave: %q", fmt.Sprint(n)) }

func hookOf(phase string) string { return "argocd.argoproj.io/hook: " + phase }

func policyOf(policy string) string { return "argocd.argoproj.io/hook-delete-policy: " + policy }

// States, as controllers write them.
const (
	available = "{observedGeneration: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1, replicas: 1}"
	rolling   = "{observedGeneration: 1, updatedReplicas: 1, replicas: 1}"
	stuck     = "{observedGeneration: 1, conditions: [{type: Progressing, status: 'False', reason: ProgressDeadlineExceeded}]}"
	underWay  = "{startTime: '2026-01-01T00:00:00Z', active: 1}"
	complete  = "{startTime: '2026-01-01T00:00:00Z', succeeded: 1, conditions: [{type: Complete, status: 'True'}]}"
	exhausted = "{startTime: '2026-01-01T00:00:00Z', failed: 1, conditions: [{type: Failed, status: 'True', reason: BackoffLimitExceeded}]}"
)
