package plan

import (
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
)

func TestAsksFor(t *testing.T) {
	shop := NamespaceID("shop")
	for name, test := range map[string]struct {
		change  func(t *Target)
		cluster string
		id      manifest.ID
		want    bool
	}{
		"it asks for it":     {func(*Target) {}, "default", shop, true},
		"it goes":            {func(t *Target) { t.Gone = true }, "default", shop, false},
		"it does not ask":    {func(t *Target) { t.Spec.CreateNamespace = false }, "default", shop, false},
		"on another cluster": {func(*Target) {}, "other", shop, false},
		"for another":        {func(*Target) {}, "default", NamespaceID("blog"), false},
		"for another kind":   {func(*Target) {}, "default", manifest.ID{Kind: "ClusterRole", Name: "shop"}, false},
	} {
		target := asking("shop", "default", "shop")
		test.change(target)
		if got := target.AsksFor(test.cluster, test.id); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if (*Target)(nil).AsksFor("default", shop) {
		t.Error("no target asks for a namespace")
	}
}

func TestSplitMade(t *testing.T) {
	target := asking("shop", "default", "shop")
	target.Spec.Source = manifest.Source{File: "pushboat.yaml", Line: 3}
	made := Placed{Object: MadeNamespace(target.Spec), Key: NamespaceID("shop")}
	written := Placed{Object: parsed(t, namespaceText("shop"))[0], Key: NamespaceID("shop")}
	other := Placed{Object: parsed(t, config("a", "1"))[0], Key: manifesttest.ConfigMap("a")}
	for name, test := range map[string]struct {
		objects     []Placed
		rest, split int
	}{
		"at first":           {[]Placed{made, other}, 1, 1},
		"later":              {[]Placed{other, made, other}, 2, 1},
		"written by the app": {[]Placed{written, other}, 2, 0},
		"none":               {[]Placed{other}, 1, 0},
	} {
		rest, split := SplitMade(target, test.objects)
		if len(rest) != test.rest || len(split) != test.split || len(split) == 1 && split[0].Object != made.Object {
			t.Errorf("%s: %d objects and %d that are made", name, len(rest), len(split))
		}
		for _, o := range rest {
			if o.Object == made.Object {
				t.Errorf("%s: the made namespace is among the written objects", name)
			}
		}
	}
}

// TestAlsoAsksIsAboutNamespaces: an object of another kind has no other app that asks for
// it.
func TestAlsoAsksIsAboutNamespaces(t *testing.T) {
	target, others := asking("shop", "default", "shop"), fakeOthers{"blog": {asks: "shop"}}
	if got := AlsoAsks(target, &Companions{}, others, NamespaceID("shop")); got != "blog" {
		t.Errorf("the namespace is asked for by %q", got)
	}
	if got := AlsoAsks(target, &Companions{}, others, manifest.ID{Kind: "ClusterRole", Name: "shop"}); got != "" {
		t.Errorf("a ClusterRole is asked for by %q", got)
	}
}

// TestAnAppIsNotBesideItself: the target that asks for the namespace is itself among the
// push's targets.
func TestAnAppIsNotBesideItself(t *testing.T) {
	target := asking("shop", "default", "shop")
	if got := AlsoAsks(target, &Companions{Targets: []*Target{target}}, fakeOthers{}, NamespaceID("shop")); got != "" {
		t.Errorf("besides shop, the namespace is asked for by %q", got)
	}
}

func TestIsMade(t *testing.T) {
	target := asking("shop", "default", "shop")
	made := MadeNamespace(target.Spec)
	if !target.IsMade(made) {
		t.Error("the namespace that the target asks for does not count as made")
	}
	if target.Spec.CreateNamespace = false; target.IsMade(made) {
		t.Error("a namespace that the target does not ask for counts as made")
	}
}

func TestWithNamespace(t *testing.T) {
	for name, test := range map[string]struct {
		spec    appfile.App
		objects []*manifest.Object
		made    bool
	}{
		"it is asked for":                  {appfile.App{Namespace: "shop", CreateNamespace: true}, parsed(t, config("a", "1"), namespaceText("blog")), true},
		"it is not":                        {appfile.App{Namespace: "shop"}, parsed(t, config("a", "1")), false},
		"it has no name":                   {appfile.App{CreateNamespace: true}, parsed(t, config("a", "1")), false},
		"it is written":                    {appfile.App{Namespace: "shop", CreateNamespace: true}, parsed(t, config("a", "1"), namespaceText("shop")), false},
		"one of that name is another kind": {appfile.App{Namespace: "shop", CreateNamespace: true}, parsed(t, "apiVersion: example.org/v1\nkind: Namespace\nmetadata: {name: shop}\n"), true},
	} {
		before := manifest.SpecialOf(test.objects)
		objects, special := WithNamespace(test.spec, test.objects, before)
		made := len(objects) == len(test.objects)+1
		if made != test.made || made && objects[0].ID() != NamespaceID("shop") {
			t.Errorf("%s: the objects are %v", name, objects)
		}
		if len(special)-len(before) != len(objects)-len(test.objects) || made && special[0] != objects[0] {
			t.Errorf("%s: the special ones are %v", name, special)
		}
	}
}
