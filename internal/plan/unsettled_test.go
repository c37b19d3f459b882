package plan

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/record"
)

// history is the app through random pushes, deploys and edits by others.
type history struct {
	*world
	random *rand.Rand
	texts  map[string]string           // of the revision, by name
	parsed map[string]*manifest.Object // by text: what did not change is the same object
}

func newHistory(t *testing.T, seed uint64) *history {
	h := &history{
		world: newWorld(t), random: rand.New(rand.NewPCG(seed, 7)),
		texts: map[string]string{}, parsed: map[string]*manifest.Object{},
	}
	h.Target.Places = PlacesAfter(nil, PlaceRule{Namespace: "shop"})
	for i := range 40 {
		h.write(fmt.Sprintf("o%02d", i))
	}
	return h
}

// write writes an object of the revision anew, now and then as one that is left alone.
func (h *history) write(name string) {
	var annotations []string
	if h.random.IntN(20) == 0 {
		annotations = append(annotations, "kustomize.toolkit.fluxcd.io/reconcile: disabled")
	}
	h.texts[name] = config(name, fmt.Sprint(h.random.IntN(3)), annotations...)
}

// some is the name of an object that there may be.
func (h *history) some() string { return fmt.Sprintf("o%02d", h.random.IntN(50)) }

// push makes what is written the target.
func (h *history) push() {
	h.Target.Objects = nil
	for _, name := range slices.Sorted(maps.Keys(h.texts)) {
		text := h.texts[name]
		if h.parsed[text] == nil {
			h.parsed[text] = parsed(h.t, text)[0]
		}
		h.Target.Objects = append(h.Target.Objects, h.parsed[text])
	}
}

// plan plans with a planner, whose target may be a copy.
func (h *history) plan(p *Planner) *Plan {
	h.t.Helper()
	objects, problems := Resolve(h.t.Context(), h.api, p.Target, h.With, Bounds{})
	if len(problems) > 0 {
		h.t.Fatal(problems)
	}
	plan, _, err := p.Plan(h.t.Context(), objects)
	if err != nil {
		h.t.Fatal(err)
	}
	return plan
}

// afresh plans with nothing remembered but the notes.
func (h *history) afresh() *Plan {
	p, target, ledger := *h.Planner, *h.Target, testLedger()
	ledger.Recall(maps.Collect(h.Ledger.Each))
	target.Places = nil
	p.Ledger, p.Target = ledger, &target
	return h.plan(&p)
}

// deploy carries a plan out, and may fail amid it.
func (h *history) deploy(plan *Plan) {
	for _, step := range plan.Steps {
		if h.random.IntN(30) == 0 {
			return
		}
		if step.Action == record.Create || step.Action == record.Configure {
			entry := h.index.EntryOf(h.applied(kube.FieldManager, step.Object.Unstructured))
			h.Ledger.Note(step.ID, record.Noted{Digest: step.Digest, Fingerprint: entry.Fingerprint})
		}
	}
	for _, step := range plan.Prune {
		h.vanish(step.ID)
		h.Ledger.Forget(step.ID)
	}
	h.wantOnly(plan)
	h.Ledger.Retain(plan.IDs)
}

// wantOnly checks that HasOnly says nothing wrong of a plan.
func (h *history) wantOnly(plan *Plan) {
	h.t.Helper()
	if !h.Ledger.HasOnly(h.index, h.set, plan) {
		return
	}
	if more := h.index.Beyond(h.set, plan.IDs); len(more) > 0 {
		h.t.Errorf("the app has more than the plan: %v", more)
	}
	its := maps.Collect(func(yield func(manifest.ID, bool) bool) {
		plan.IDs(func(id manifest.ID) bool { return yield(id, true) })
	})
	for id := range h.Ledger.Each {
		if !its[id] {
			h.t.Errorf("%s is noted, and not of the plan", id)
		}
	}
}

// vanish takes an object off the cluster, and out of the index.
func (h *history) vanish(id manifest.ID) {
	u := h.api.running[id]
	if u == nil {
		return
	}
	u = u.DeepCopy()
	u.SetLabels(nil)
	h.index.Note(h.api.store(u))
	delete(h.api.running, id)
}

// happen has something happen to an object that is there.
func (h *history) happen(id manifest.ID) {
	if h.api.running[id] == nil {
		return
	}
	switch h.random.IntN(6) {
	case 0:
		h.edited(id, "kubectl-edit", setData("value", fmt.Sprint(h.random.IntN(5))))
	case 1:
		h.vanish(id)
	case 2:
		h.edited(id, "kubectl-label", func(u *unstructured.Unstructured) { labelled(u, "of another set") })
	case 3:
		h.edited(id, "kubectl-label", func(u *unstructured.Unstructured) { labelled(u, h.set) })
	case 4:
		h.edited(id, "kubectl-annotate", func(u *unstructured.Unstructured) {
			u.SetAnnotations(map[string]string{"kustomize.toolkit.fluxcd.io/reconcile": []string{"disabled", ""}[h.random.IntN(2)]})
		})
	case 5:
		h.Ledger.NoteEnd(id, health.Succeeded)
	}
}

// move does one thing.
func (h *history) move() {
	switch h.random.IntN(8) {
	case 0, 1:
		h.write(h.some())
		h.push()
	case 2:
		delete(h.texts, h.some())
		h.push()
	case 3:
		for range h.random.IntN(40) { // more than are passed over, now and then
			delete(h.texts, h.some())
		}
		h.push()
	case 4:
		h.happen(manifesttest.ConfigMap(h.some()))
	case 5:
		h.Ledger.Forget(manifesttest.ConfigMap(h.some()))
	default:
		h.deploy(h.plan(h.Planner))
	}
}

// TestPlansAreThoseOfAFreshLedger: whatever happens, a plan that looks only at what was
// told of since the one before is that of who looks at everything.
func TestPlansAreThoseOfAFreshLedger(t *testing.T) {
	for seed := range uint64(12) {
		h := newHistory(t, seed)
		h.push()
		for range 50 {
			h.move()
			want := told(h.afresh())
			plan := h.plan(h.Planner)
			if got := told(plan); !slices.Equal(got, want) {
				t.Fatalf("the plan is\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
			}
			h.wantOnly(plan)
			h.wantUnsettled()
		}
	}
}

// wantUnsettled checks that the ledger knows the objects that are not as they were left.
func (h *history) wantUnsettled() {
	h.t.Helper()
	want := map[manifest.ID]bool{}
	for id, n := range h.Ledger.Each {
		entry, there := h.index.Get(id)
		want[id] = !there || entry.PartOf != h.set || entry.Fingerprint != n.Fingerprint || n.Ended != "" || entry.Policies.Has(manifest.Frozen)
	}
	h.index.Has(h.set, func(entry *live.Entry) bool {
		if _, noted := want[entry.ID]; !noted {
			want[entry.ID] = true
		}
		return false
	})
	maps.DeleteFunc(want, func(_ manifest.ID, unsettled bool) bool { return !unsettled })
	got := map[manifest.ID]bool{}
	for _, id := range h.Ledger.Unsettled(h.index, h.set) {
		got[id] = true
	}
	if !maps.Equal(got, want) {
		h.t.Fatalf("unsettled are %v, want %v", got, want)
	}
}
