package plan

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/record"
)

// lose changes the metadata of the running ConfigMap a, as when it was lost.
func (w *world) lose(change func(u *unstructured.Unstructured)) {
	u := w.api.running[manifesttest.ConfigMap("a")].DeepCopy()
	change(u)
	w.index.Note(w.api.store(u))
}

func withoutFields(u *unstructured.Unstructured) { u.SetManagedFields(nil) }

func withoutLabel(u *unstructured.Unstructured) {
	unstructured.RemoveNestedField(u.Object, "metadata", "labels", kube.PartOfLabel)
}

// TestWhatIsTakenBack: an object that a backup of the cluster has brought back is taken
// back without hurry if it is as the revision says, and corrected otherwise.
func TestWhatIsTakenBack(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(w *world)
		retakes bool
	}{
		"without managedFields": {func(w *world) { w.lose(withoutFields) }, true},
		"without its label":     {func(w *world) { w.lose(withoutLabel) }, true},
		"without either, and made anew": {func(w *world) {
			w.lose(func(u *unstructured.Unstructured) { withoutFields(u); withoutLabel(u); u.SetUID("new") })
		}, true},
		"with another value": {func(w *world) {
			w.lose(func(u *unstructured.Unstructured) { withoutFields(u); setData("value", "2")(u) })
		}, false},
		"with a value that the app has not": {func(w *world) {
			w.lose(func(u *unstructured.Unstructured) { withoutFields(u); setData("old", "2")(u) })
		}, false},
		"with the label of another set": {func(w *world) {
			w.Claims.Set("shop", "default", wants("a"))
			w.lose(func(u *unstructured.Unstructured) { labelled(u, "applyset-x-v1") })
		}, false},
		"that it has not applied": {func(w *world) { w.lose(withoutLabel); w.Ledger.Forget(manifesttest.ConfigMap("a")) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.deployed(config("a", "1"))
			test.change(w)
			plan, problems := w.planned(config("a", "1"))
			wantProblems(t, problems)
			if got := len(plan.Retaking()) > 0; got != test.retakes || plan.Empty() {
				t.Errorf("the object is taken back: %v; the plan is %q", got, told(plan))
			}
			if plan.LeaveRetaking(); plan.Empty() != test.retakes {
				t.Errorf("without the retakes, the plan is %q", told(plan))
			}
		})
	}
}

// TestStraysArePruned: an object that is known to have lost the app's label is deleted once
// its manifest is gone.
func TestStraysArePruned(t *testing.T) {
	w := newWorld(t)
	w.deployed(config("b", "1"))
	id := manifesttest.ConfigMap("a")
	objects, _ := w.resolved(config("a", "1"))
	u, err := w.api.merge(objects[0].Unstructured, kube.FieldManager)
	if err != nil {
		t.Fatal(err)
	}
	w.api.store(u)
	w.Ledger.Note(id, record.Noted{Digest: objects[0].Digest, Fingerprint: "f"})
	entry := w.index.EntryOf(u)
	entry.PartOf = ""
	for name, test := range map[string]struct {
		strays   []live.Entry
		revision []string
		want     []string
	}{
		"it is not known of":    {nil, []string{config("b", "1")}, []string{"same ConfigMap shop/b"}},
		"it is wanted no more":  {[]live.Entry{entry}, []string{config("b", "1")}, []string{"same ConfigMap shop/b", "deleted ConfigMap shop/a"}},
		"it is still wanted":    {[]live.Entry{entry}, []string{config("a", "1"), config("b", "1")}, nil},
		"it has its label back": {[]live.Entry{w.index.EntryOf(w.api.running[manifesttest.ConfigMap("b")])}, []string{config("b", "1")}, []string{"same ConfigMap shop/b"}},
	} {
		w.Strays = test.strays
		plan, problems := w.planned(test.revision...)
		wantProblems(t, problems)
		if deletes := slices.ContainsFunc(plan.Prune, func(s Step) bool { return s.ID == id }); test.want == nil && deletes || test.want != nil && !slices.Equal(told(plan), test.want) {
			t.Errorf("%s: the plan is %q", name, told(plan))
		}
	}
}
