package deploy

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// asksForTeam is a change of a target that asks for its namespace with createNamespace.
func asksForTeam(t *target) {
	t.Spec.Namespace, t.Spec.CreateNamespace = "team", true
	t.Objects, _ = plan.WithNamespace(t.Spec, nil, nil)
}

// made is the namespace that a target asks for, as it was found on the cluster.
func made(t *target) plan.Placed {
	return plan.Placed{Object: t.Objects[0], Key: plan.NamespaceID("team")}
}

func keysOfPlaced(objects []plan.Placed) []string {
	var names []string
	for _, o := range objects {
		names = append(names, o.Key.String())
	}
	return names
}

func TestOneAppOfAPushHasTheNamespace(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(o *office, p *Proposal)
		want name.App
	}{
		"the first has it": {func(*office, *Proposal) {}, "web"},
		"the one that holds it": {func(o *office, _ *Proposal) {
			o.has("api", "shop", nil).ledger.Note(plan.NamespaceID("team"), record.Noted{})
		}, "api"},
		"neither, if another owns it": {func(_ *office, p *Proposal) {
			p.claims.Set("infra", "default", []plan.Placed{{Key: plan.NamespaceID("team")}})
		}, "infra"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			web, api, other := wanted("web", asksForTeam), wanted("api", asksForTeam), wanted("other")
			p := o.proposed("shop", web, api, other)
			test.set(o, p)
			objects := map[*target][]plan.Placed{web: wants("a"), api: wants("b"), other: wants("c")}
			o.share(p, objects, map[*target][]plan.Placed{web: {made(web)}, api: {made(api)}})
			if owner := p.claims.Owner("default", plan.NamespaceID("team")); owner != test.want {
				t.Errorf("the namespace is claimed by %q", owner)
			}
			for _, of := range p.targets {
				want := []string{objects[of][len(objects[of])-1].Key.String()}
				if of.Spec.Name == test.want {
					want = append([]string{"Namespace team"}, want...)
				}
				wantLines(t, string(of.Spec.Name), keysOfPlaced(objects[of]), want...)
			}
		})
	}
}

func TestAppsDoWithoutANamespaceThatAnotherHas(t *testing.T) {
	namespace := plan.NamespaceID("team")
	holds := func(o *office, of *target) {
		o.has(of.Spec.Name, "shop", of).ledger.Note(namespace, record.Noted{})
	}
	claims := func(o *office, app name.App) { o.claims.Set(app, "default", []plan.Placed{{Key: namespace}}) }
	for name, test := range map[string]struct {
		set  func(o *office)
		want bool // whether the app has the namespace
	}{
		"nobody has it":                      {func(*office) {}, true},
		"it has claimed it":                  {func(o *office) { claims(o, "web"); holds(o, wanted("api", asksForTeam)) }, true},
		"another app has claimed it":         {func(o *office) { claims(o, "api") }, false},
		"another app holds it, and asks":     {func(o *office) { holds(o, wanted("api", asksForTeam)) }, false},
		"another app holds it, and does not": {func(o *office) { holds(o, wanted("api")) }, true},
		"it holds it itself":                 {func(o *office) { holds(o, wanted("web", asksForTeam)) }, true},
		"another one asks, and has it not":   {func(o *office) { o.has("api", "shop", wanted("api", asksForTeam)) }, true},
	} {
		o := newOffice(t)
		test.set(o)
		web := wanted("web", asksForTeam)
		want := []string{"ConfigMap shop/a"}
		if test.want {
			want = []string{"Namespace team", "ConfigMap shop/a"}
		}
		wantLines(t, name, keysOfPlaced(o.withoutShared(web, append([]plan.Placed{made(web)}, wants("a")...))), want...)
	}
}

func TestObjectsOfAnAppThatAsksForNothingAreItsOwn(t *testing.T) {
	o := newOffice(t)
	wantLines(t, "objects", keysOfPlaced(o.withoutShared(wanted("web"), wants("a"))), "ConfigMap shop/a")
}

func TestNamespaceYieldsToWhoWritesIt(t *testing.T) {
	namespace := plan.NamespaceID("team")
	runs := func(set string) *unstructured.Unstructured {
		u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Namespace"}}
		u.SetName("team")
		u.SetLabels(map[string]string{kube.PartOfLabel: plan.SetID(name.App(set))})
		return u
	}
	for name, test := range map[string]struct {
		set  func(o *office)
		repo name.Repo
		id   manifest.ID
		want bool
	}{
		"asked for":                         {func(*office) {}, "shop", namespace, true},
		"asked for by another repository":   {func(*office) {}, "blog", namespace, true},
		"it runs as the other repository's": {func(o *office) { o.index.Note(runs("web")) }, "blog", namespace, false},
		"it runs as the same repository's":  {func(o *office) { o.index.Note(runs("web")) }, "shop", namespace, true},
		"written by the app": {func(o *office) {
			o.app("web").want.Objects = parsed(o.t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n")
		}, "shop", namespace, false},
		"another object":                  {func(*office) {}, "shop", manifesttest.ConfigMap("a"), false},
		"nothing is wanted of the app":    {func(o *office) { o.app("web").setWant(nil) }, "shop", namespace, false},
		"the cluster is unknown by now":   {func(o *office) { o.Clusters.put("default", nil) }, "shop", namespace, false},
		"it does not ask for it any more": {func(o *office) { o.app("web").want.Spec.CreateNamespace = false }, "shop", namespace, false},
	} {
		o := newOffice(t)
		o.has("web", "shop", wanted("web", asksForTeam))
		test.set(o)
		if got := o.yields("web", test.repo, "default", test.id); got != test.want {
			t.Errorf("%s: the app yields: %v", name, got)
		}
	}
}
