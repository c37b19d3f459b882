package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
)

func TestTargetObject(t *testing.T) {
	target := &Target{Objects: parsed(t, named(config("a", "1"), "other"), config("b", "1"), widget("1"))}
	for name, test := range map[string]struct {
		id   manifest.ID
		want bool
	}{
		"as it is written":        {manifest.ID{Kind: "ConfigMap", Namespace: "other", Name: "a"}, true},
		"its namespace was added": {manifest.ID{Kind: "ConfigMap", Namespace: "shop", Name: "b"}, true},
		"another namespace":       {manifest.ID{Kind: "ConfigMap", Namespace: "shop", Name: "a"}, false},
		"another name":            {manifest.ID{Kind: "ConfigMap", Namespace: "shop", Name: "c"}, false},
		"another kind":            {manifest.ID{Kind: "Secret", Namespace: "shop", Name: "b"}, false},
		"another group":           {manifest.ID{Group: "example.com", Kind: "Widget", Namespace: "shop", Name: "web"}, false},
		"a group":                 {webWidget, true},
	} {
		o := target.Object(test.id)
		if (o != nil) != test.want || o != nil && o.GetName() != test.id.Name {
			t.Errorf("%s: %v", name, o)
		}
	}
}

func TestShown(t *testing.T) {
	asked := 0
	telling := func() func(string) string {
		asked++
		return func(text string) string { return strings.ReplaceAll(text, "password", "…") }
	}
	target := &Target{Telling: telling}
	if got := target.Shown(""); got != "" || asked > 0 {
		t.Errorf("an empty text is %q, after %d questions", got, asked)
	}
	if got := target.Shown("the password"); got != "the …" {
		t.Errorf("shown is %q", got)
	}
	for name, target := range map[string]*Target{"no target": nil, "one that hides nothing": {}} {
		if got := target.Shown("a text"); got != "a text" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestTellingIn(t *testing.T) {
	hiding := parsed(t, config("a", "1"))[0]
	hiding.Hide("a-long-password")
	if got := TellingIn([]*manifest.Object{hiding})()("it is a-long-password"); strings.Contains(got, "password") {
		t.Errorf("the text is %q", got)
	}
	if got := TellingIn(parsed(t, config("a", "1")))()("a text"); got != "a text" {
		t.Errorf("the text is %q", got)
	}
}

func TestHiddenIn(t *testing.T) {
	now, before := parsed(t, config("a", "1")), &Target{Objects: parsed(t, config("a", "1"))}
	now[0].Hide("second")
	now[0].Hide("first")
	before.Objects[0].Hide("second")
	before.Objects[0].Hide("third")
	if got := HiddenIn(now, nil); !slices.Equal(got, []string{"first", "second"}) {
		t.Errorf("the hidden values are %q", got)
	}
	if got := HiddenIn(now, before); !slices.Equal(got, []string{"first", "second", "third"}) {
		t.Errorf("with those of the target before, the hidden values are %q", got)
	}
}

func TestDeletionHooks(t *testing.T) {
	target := &Target{Objects: parsed(t, job("pre", "helm.sh/hook: pre-delete"), job("post", "helm.sh/hook: post-delete"), job("sync", preSync), job("plain"))}
	var names []string
	for _, o := range target.DeletionHooks() {
		names = append(names, o.GetName())
	}
	if !slices.Equal(names, []string{"pre", "post"}) {
		t.Errorf("the hooks of a removal are %q", names)
	}
}

func TestBindsLate(t *testing.T) {
	class := func(name, more string) string {
		return "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: " + name + "}\n" + more
	}
	target := &Target{Objects: parsed(t, class("late", "volumeBindingMode: WaitForFirstConsumer\n"), class("now", "volumeBindingMode: Immediate\n"), class("plain", ""))}
	for name, want := range map[string]bool{"late": true, "now": false, "plain": false, "missing": false} {
		if got := target.BindsLate(name); got != want {
			t.Errorf("the class %s binds late: %v", name, got)
		}
	}
}

// TestPolicyOf: an object's policy comes from its annotations, whether it is remembered or
// not.
func TestPolicyOf(t *testing.T) {
	w := newWorld(t)
	objects := parsed(t, config("a", "1", frozen))
	if got := w.Target.PolicyOf(objects[0]); got != manifest.Frozen {
		t.Errorf("without places, the policy is %v", got)
	}
	w.Target.Places = PlacesAfter(nil, PlaceRule{})
	if got := w.Target.PolicyOf(objects[0]); got != manifest.Frozen {
		t.Errorf("before it is placed, the policy is %v", got)
	}
	placeOf(w.Target, objects[0], w.api.kinds[objects[0].GroupVersionKind()], nil)
	objects[0].SetAnnotations(nil) // shows that the policy is remembered
	if got := w.Target.PolicyOf(objects[0]); got != manifest.Frozen {
		t.Errorf("once it is placed, the policy is %v", got)
	}
}

// TestMisreadObjectsAreNotRemembered: the next push with the same object reports the
// problem again.
func TestMisreadObjectsAreNotRemembered(t *testing.T) {
	w := newWorld(t)
	w.Target.Places = PlacesAfter(nil, PlaceRule{})
	o := parsed(t, config("a", "1", "argocd.argoproj.io/sync-options: Prune=no"))[0]
	for range 2 {
		if _, problems := placeOf(w.Target, o, w.api.kinds[o.GroupVersionKind()], w.Target.Places.find(o)); len(problems) != 1 {
			t.Errorf("the problems are %v", problems)
		}
	}
}

// TestPlaceRules: a rule is equal only to one with the same namespace, ignored fields and
// autoscalers.
func TestPlaceRules(t *testing.T) {
	rule := PlaceRule{Namespace: "shop", Ignore: []appfile.Ignore{{Kind: "A"}}, Scalers: map[manifest.ID]string{webDeployment: "HorizontalPodAutoscaler web"}}
	for name, change := range map[string]func(r *PlaceRule){
		"the namespace":   func(r *PlaceRule) { r.Namespace = "other" },
		"what is ignored": func(r *PlaceRule) { r.Ignore = []appfile.Ignore{{Kind: "B"}} },
		"the autoscalers": func(r *PlaceRule) { r.Scalers = nil },
	} {
		other := rule
		if !rule.equal(other) {
			t.Fatal("a rule is not the same as itself")
		}
		if change(&other); rule.equal(other) {
			t.Errorf("%s makes no difference", name)
		}
	}
}

// TestMakeOfAStep: a step is made once, in the form that is applied. A deletion has nothing
// to make.
func TestMakeOfAStep(t *testing.T) {
	w := newWorld(t)
	written := parsed(t, config("a", "1"))[0]
	step := Step{Object: written, Kind: w.api.kinds[written.GroupVersionKind()], Written: true}
	step.Make(w.Target)
	made := step.Object
	if step.Written || made == written || made.GetNamespace() != "shop" {
		t.Errorf("made is %+v", step)
	}
	if step.Make(w.Target); step.Object != made {
		t.Error("the step is made twice")
	}
	deleted := Step{Written: true}
	if deleted.Make(w.Target); deleted.Object != nil {
		t.Error("a deletion has an object")
	}
}
