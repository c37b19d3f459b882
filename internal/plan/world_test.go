package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// world is a cluster with the app "shop" of the repository "shop", whose objects go to the
// namespace shop. The namespace is there, and no app's.
type world struct {
	*Planner
	t      *testing.T
	api    *fakeAPI
	index  *fakeIndex
	others fakeOthers
	trials *fakeTrials
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, api: newFakeAPI(t), index: newFakeIndex(t), others: fakeOthers{}, trials: &fakeTrials{sound: map[manifest.ID]string{}}}
	target := &Target{
		Spec: appfile.App{Name: "shop", Namespace: "shop", Cluster: "default", Prune: true, Source: manifest.Source{File: "pushboat.yaml", Line: 3}},
		Repo: "shop", Revision: "r1", Digest: "d1", Seal: func(digest string) string { return "sealed " + digest },
	}
	w.Planner = &Planner{
		Reader: func(name.Repo) bool { return true },
		API:    w.api, Index: w.index, Others: w.others, Ledger: testLedger(), Trials: w.trials, Target: target, Claims: NewClaims(),
	}
	w.pushedWith()
	w.runs("kubectl-create", namespaceText("shop"))
	return w
}

// pushedWith has other targets come with the push.
func (w *world) pushedWith(others ...*Target) {
	w.With = NewCompanions(append([]*Target{w.Target}, others...), func(_ *Target, o *manifest.Object) bool {
		_, known := w.index.Get(o.ID())
		return known
	})
}

// resolved makes the documents the revision of the app, and finds their places.
func (w *world) resolved(documents ...string) ([]Placed, manifest.Problems) {
	w.t.Helper()
	w.Target.Objects = parsed(w.t, documents...)
	return Resolve(w.t.Context(), w.api, w.Target, w.With, Bounds{})
}

// planned plans a revision of the app that has the documents.
func (w *world) planned(documents ...string) (*Plan, manifest.Problems) {
	w.t.Helper()
	objects, problems := w.resolved(documents...)
	if len(problems) > 0 {
		w.t.Fatal(problems)
	}
	plan, problems, err := w.Plan(w.t.Context(), objects)
	if err != nil {
		w.t.Fatal(err)
	}
	return plan, problems
}

// again plans the same objects once more.
func (w *world) again() *Plan {
	w.t.Helper()
	objects, _ := Resolve(w.t.Context(), w.api, w.Target, w.With, Bounds{})
	plan, _, err := w.Plan(w.t.Context(), objects)
	if err != nil {
		w.t.Fatal(err)
	}
	return plan
}

// deployed has the documents run as a deploy of the app has left them.
func (w *world) deployed(documents ...string) {
	w.t.Helper()
	objects, problems := w.resolved(documents...)
	if len(problems) > 0 {
		w.t.Fatal(problems)
	}
	for i := range objects {
		o := &objects[i]
		entry := w.index.EntryOf(w.applied(kube.FieldManager, o.Unstructured))
		w.Ledger.Note(o.Key, record.Noted{Digest: o.Digest, Fingerprint: entry.Fingerprint})
	}
	w.api.asked = nil
}

// deployedBy has the documents run as a deploy of another app of this server has left
// them.
func (w *world) deployedBy(app name.App, repo name.Repo, documents ...string) {
	w.t.Helper()
	w.others[app] = fakeApp{repo: repo}
	w.Claims.Know(app)
	for _, o := range parsed(w.t, documents...) {
		o.SetNamespace("shop")
		labelled(o.Unstructured, SetID(app))
		w.applied(kube.FieldManager, o.Unstructured)
	}
}

func labelled(u *unstructured.Unstructured, set string) {
	labels := u.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[kube.PartOfLabel] = set
	u.SetLabels(labels)
}

// applied has a manager apply an object, and the index see it.
func (w *world) applied(manager string, u *unstructured.Unstructured) *unstructured.Unstructured {
	w.t.Helper()
	after, err := w.api.merge(u, manager)
	if err != nil {
		w.t.Fatal(err)
	}
	w.index.Note(w.api.store(after))
	return after
}

// runs has documents run that a program other than Pushboat has made.
func (w *world) runs(manager string, documents ...string) {
	w.t.Helper()
	for _, o := range parsed(w.t, documents...) {
		if kind := w.api.kinds[o.GroupVersionKind()]; kind.Namespaced && o.GetNamespace() == "" {
			o.SetNamespace("shop")
		}
		after, err := kubetest.Update(nil, o.Unstructured, manager)
		if err != nil {
			w.t.Fatal(err)
		}
		w.index.Note(w.api.store(after))
	}
}

// edited has a program change a running object.
func (w *world) edited(id manifest.ID, manager string, edit func(u *unstructured.Unstructured)) {
	w.t.Helper()
	u := w.api.running[id].DeepCopy()
	edit(u)
	after, err := w.api.update(u, manager)
	if err != nil {
		w.t.Fatal(err)
	}
	w.index.Note(w.api.store(after))
}

// deleting has the deletion of a running object begin.
func (w *world) deleting(id manifest.ID) {
	u := w.api.running[id]
	u.SetDeletionTimestamp(&metav1.Time{Time: time.Unix(1, 0)})
	w.index.Note(w.api.store(u))
}

// told writes a plan, one object a line, in the words of its actions.
func told(plan *Plan) []string {
	var lines []string
	add := func(step Step, more string) {
		line := fmt.Sprintf("%s %s", step.Action, step.ID)
		if step.Note != "" {
			line += ": " + step.Note
		}
		lines = append(lines, line+more)
	}
	for _, o := range plan.Same {
		lines = append(lines, "same "+o.Key.String())
	}
	for _, step := range slices.Concat(plan.Steps, plan.Hooks, plan.Moved) {
		add(step, "")
	}
	for _, step := range plan.Dying {
		add(step, " (dying)")
	}
	for _, step := range plan.Prune {
		add(step, "")
	}
	return lines
}

// wantTold checks a plan as told writes it.
func wantTold(t *testing.T, plan *Plan, want ...string) {
	t.Helper()
	if got := told(plan); !slices.Equal(got, want) {
		t.Errorf("the plan is\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// wantProblems checks that each problem has one of the texts, in their order.
func wantProblems(t *testing.T, problems manifest.Problems, want ...string) {
	t.Helper()
	if len(problems) != len(want) {
		t.Errorf("the problems are\n%v\nwant %q", problems, want)
		return
	}
	for i, text := range want {
		if !strings.Contains(problems[i].Error(), text) {
			t.Errorf("problem %d is %q, want it to have %q", i, problems[i].Error(), text)
		}
	}
}

// changed lists the paths that a step changes.
func changed(step Step) []string {
	var paths []string
	for _, change := range step.Changes {
		paths = append(paths, change.Path)
	}
	return paths
}

// The documents of the tests.
var (
	parsed        = manifesttest.Parsed
	config        = manifesttest.ConfigMapText
	job           = manifesttest.JobText
	namespaceText = manifesttest.NamespaceText
)

// setData sets the value of a ConfigMap's key.
func setData(key, value string) func(u *unstructured.Unstructured) {
	return func(u *unstructured.Unstructured) {
		_ = unstructured.SetNestedField(u.Object, value, "data", key)
	}
}
