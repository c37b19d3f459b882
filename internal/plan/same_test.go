package plan

import (
	"fmt"
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/record"
)

// TestFolds: an unchanged object has a step of its own if other objects of the plan, or
// people, need to know of it.
func TestFolds(t *testing.T) {
	config := Placed{Key: manifesttest.ConfigMap("a")}
	with := func(change func(*Placed)) Placed {
		o := config
		change(&o)
		return o
	}
	for name, test := range map[string]struct {
		o    Placed
		want bool
	}{
		"a ConfigMap":          {config, true},
		"of an unknown kind":   {with(func(o *Placed) { o.Key.Group, o.Key.Kind = "example.org", "Widget" }), true},
		"a Namespace":          {with(func(o *Placed) { o.Key = NamespaceID("a") }), false},
		"a definition":         {with(func(o *Placed) { o.Key.Group, o.Key.Kind = manifest.DefinitionKind.Group, manifest.DefinitionKind.Kind }), false},
		"something to say":     {with(func(o *Placed) { o.Note = "spec.replicas is left to an autoscaler" }), false},
		"made anew each time":  {with(func(o *Placed) { o.Policy.Policies = manifest.Force | manifest.Replace }), false},
		"forced, not replaced": {with(func(o *Placed) { o.Policy.Policies = manifest.Force }), true},
	} {
		if got := test.o.folds(); got != test.want {
			t.Errorf("%s: needs no step: %v, want %v", name, got, test.want)
		}
	}
	if objects := []Placed{config, with(func(o *Placed) { o.Policy.Wave = -1 })}; !hasWaves(objects) || hasWaves(objects[:1]) {
		t.Error("a plan with a wave other than 0 has no waves, or another one has")
	}
}

// TestSameObjectsCount: objects without a step count like objects that have one.
func TestSameObjectsCount(t *testing.T) {
	same := []*Placed{{Key: manifesttest.ConfigMap("b")}, {Key: serviceID("web")}}
	plan := &Plan{Steps: []Step{{ID: manifesttest.ConfigMap("a"), Action: record.Configure}}, Same: same}
	if counts := plan.Counts(); counts.Unchanged != 2 || counts.Change != 1 {
		t.Errorf("counts %+v, want 2 unchanged and 1 to change", counts)
	}
	var ids []string
	plan.IDs(func(id manifest.ID) bool { ids = append(ids, id.Name); return true })
	if fmt.Sprint(ids) != "[a b web]" {
		t.Errorf("the plan's objects are %v, want a, b and web", ids)
	}
	for range plan.IDs {
		ids = append(ids, "one")
		break
	}
	if len(ids) != 4 {
		t.Errorf("IDs continues after the first: %v", ids)
	}
	plan.Steps = nil
	for id := range plan.IDs {
		ids = append(ids, id.Name)
		break
	}
	if len(ids) != 5 {
		t.Errorf("IDs continues after the first unchanged object: %v", ids)
	}
	plan.Steps = []Step{{ID: manifesttest.ConfigMap("a"), Action: record.Configure}}
	plan.Same = append(plan.Same, &Placed{Key: manifesttest.ConfigMap("c")})
	if kinds := plan.Kinds(); len(kinds) != 2 || kinds[0].ID.Kind != "ConfigMap" || kinds[1].ID.Kind != "Service" || kinds[1].ID.Namespace != "shop" {
		t.Errorf("the kinds of the unchanged objects are %v", kinds)
	}
	if steps := plan.WithSame(); len(steps) != 4 || steps[0].ID.Name != "a" || steps[2].ID.Name != "c" || steps[3].Action != record.Unchanged {
		t.Errorf("the steps with the unchanged objects are %v", told(&Plan{Steps: steps}))
	}
	if plan.Prune = []Step{{ID: manifesttest.ConfigMap("c"), Action: record.Delete}}; plan.loss() != "" {
		t.Error("a plan with unchanged objects counts as leaving none")
	}
}

// TestPlacesAreThoseOfTheirRule: a target takes over the places of another one that places
// objects in the same way. It keeps at most twice as many places as it has objects.
func TestPlacesAreThoseOfTheirRule(t *testing.T) {
	object := func(name string) *manifest.Object {
		return &manifest.Object{Unstructured: &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name},
		}}}
	}
	rule := PlaceRule{Namespace: "shop", Scalers: map[manifest.ID]string{}}
	a := object("a")
	first := &Target{Spec: appfile.App{Name: "shop", Namespace: "shop"}, Objects: []*manifest.Object{a}}
	first.Seal = func(digest string) string { return "sealed " + digest }
	first.Places = PlacesAfter(nil, rule)
	kind := kube.Kind{Namespaced: true}
	fresh, _ := placeOf(first, a, kind, first.Places.find(a))
	again, _ := placeOf(first, a, kind, first.Places.find(a))
	if fresh.Written || !again.Written || again.Object != a {
		t.Error("the second time, the object was made again")
	}
	if again.Make(first); again.Written || !reflect.DeepEqual(again, fresh) {
		t.Errorf("from a remembered place, the object is\n%+v, want\n%+v", again, fresh)
	}
	if clusterWide, _ := placeOf(first, a, kube.Kind{}, first.Places.find(a)); clusterWide.Written || clusterWide.Key.Namespace != "" {
		t.Error("a remembered place was used although the kind's scope has changed")
	}
	moved := rule
	moved.Namespace = "other"
	if PlacesAfter(first, rule) != first.Places || PlacesAfter(first, moved) == first.Places || PlacesAfter(&Target{}, rule) == nil {
		t.Error("places are taken over by other rules, or not by the same one")
	}
	for i := range 100 {
		placeOf(first, object(fmt.Sprint(i)), kind, nil)
	}
	if n := len(first.Places.of); n > 3 {
		t.Errorf("%d places are remembered for one object", n)
	}
	secret := object("b")
	secret.Hide("hidden-value")
	placeOf(first, secret, kind, first.Places.find(secret))
	if again, _ := placeOf(first, secret, kind, first.Places.find(secret)); again.Written {
		t.Error("the place of an object with a hidden value is remembered")
	}
}

func serviceID(name string) manifest.ID {
	return manifest.ID{Kind: "Service", Namespace: "shop", Name: name}
}

// TestUnfolded: the step of an object that had none is made as it would be applied.
func TestUnfolded(t *testing.T) {
	w := newWorld(t)
	w.deployed(config("a", "1"), config("b", "1"))
	w.Target.Places = PlacesAfter(nil, PlaceRule{})
	w.planned(config("a", "1"), config("b", "1"))
	for range 2 { // the second time, the objects are as they are written
		plan := w.again()
		steps := plan.Unfolded(map[manifest.ID]bool{manifesttest.ConfigMap("b"): true, manifesttest.ConfigMap("c"): true})
		if len(steps) != 1 || steps[0].ID != manifesttest.ConfigMap("b") || steps[0].Written || steps[0].Object.GetLabels()[kube.PartOfLabel] == "" || steps[0].Action != record.Unchanged {
			t.Errorf("the unfolded steps are %+v", steps)
		}
		if again, _ := Resolve(t.Context(), w.api, w.Target, w.With, Bounds{}); len(again) != 2 || !again[0].Written || again[0].Digest != plan.Same[0].Digest {
			t.Errorf("the remembered objects are %+v", again)
		}
	}
}

// TestFoldingTogether: if objects wait for one another, each of them has a step.
func TestFoldingTogether(t *testing.T) {
	w := newWorld(t)
	w.deployed(config("a", "1"), config("b", "1", secondWave))
	plan, _ := w.planned(config("a", "1"), config("b", "1", secondWave))
	wantTold(t, plan, "unchanged ConfigMap shop/a", "unchanged ConfigMap shop/b")
	if plan.Steps[0].Entry.UID == "" {
		t.Error("the step does not have the running object")
	}
}
