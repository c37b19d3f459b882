package deploy

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"testing"
	"testing/fstest"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/render"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/sealed"
)

// sealing is an engine that has a sealed store and nothing else.
func sealing(t *testing.T) *Engine {
	t.Helper()
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	store, err := sealed.Open(t.TempDir(), bytes.Repeat([]byte{7}, 32), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return New(Config{Sealed: store, Masker: manifest.NewMasker([]byte("key")), Log: logrus.NewEntry(logger)})
}

// parsed reads the objects of a manifest.
func parsed(t *testing.T, text string) []*manifest.Object {
	t.Helper()
	objects, problems := manifest.Parse("web.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return objects
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 3, template: {spec: {containers: [{name: web, image: "web:${PASSWORD}"}]}}}
`

func TestASealedTargetComesBackAsItWas(t *testing.T) {
	e := sealing(t)
	objects := parsed(t, deployment+"---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\n"+
		"spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n")
	objects[0].Hide("canary")
	objects[0].Conceal("/spec/replicas")
	was := &target{
		given: provision{print: "p"},
		Target: plan.Target{
			Spec: appfile.App{Name: "shop", Branch: "main", Cluster: "default", Helm: appfile.Helm{Values: []appfile.HelmValues{{Inline: json.RawMessage(`{"n":1}`)}}}},
			Repo: "team/shop", Revision: "r1", Objects: objects, Digest: "d",
		}, taken: render.Taken{Values: "s", Cluster: "c"}, computed: true,
	}
	if err := e.sealTargets(sealed.Accepted, was); err != nil {
		t.Fatal(err)
	}
	is := e.unseal("team/shop", "shop", sealed.Accepted)
	if is == nil {
		t.Fatal("nothing was kept")
	}
	if !reflect.DeepEqual(is.Spec, was.Spec) || is.Revision != "r1" || is.Repo != was.Repo || is.Digest != "d" || is.taken != was.taken || !is.computed {
		t.Errorf("got %+v", is)
	}
	if !reflect.DeepEqual(is.Objects[0].Object, objects[0].Object) || is.Objects[0].Source != objects[0].Source {
		t.Errorf("got %v, want %v", is.Objects[0].Object, objects[0].Object)
	}
	if !reflect.DeepEqual(is.Hidden, []string{"canary"}) {
		t.Errorf("the values that must not be shown are %q", is.Hidden)
	}
	if is.given.print != "p" || !reflect.DeepEqual(is.Objects[0].Concealed(), []string{"/spec/replicas"}) {
		t.Errorf("the fingerprint is %q, concealed are %q", is.given.print, is.Objects[0].Concealed())
	}
	if len(is.Scalers) != 1 || is.Seal("x") != e.Masker.Seal("x") {
		t.Errorf("the autoscalers are %v", is.Scalers)
	}
	if manifest.Digest(is.Objects[0].Unstructured) != manifest.Digest(objects[0].Unstructured) {
		t.Error("the object has another digest, so that every start would try it")
	}
}

// TestASealedTargetIsTakenForTheSameInputsOnly: a sealed target without traced inputs is
// never used.
func TestASealedTargetIsTakenForTheSameInputsOnly(t *testing.T) {
	e := sealing(t)
	spec := appfile.App{Name: "shop"}
	if err := e.sealTargets(sealed.Accepted, &target{Target: plan.Target{Spec: spec, Repo: "shop", Revision: "r1"}, computed: true}); err != nil {
		t.Fatal(err)
	}
	if e.unsealedAs(spec, nil, "shop") != nil {
		t.Error("a target without known inputs was used")
	}
}

func TestWhatIsSealed(t *testing.T) {
	secret := "apiVersion: v1\nkind: Secret\nmetadata: {name: login}\n"
	hidden := parsed(t, deployment)
	hidden[0].Hide("canary")
	for name, test := range map[string]struct {
		target target
		want   bool
	}{
		"plain manifests":          {target{Target: plan.Target{Objects: parsed(t, deployment)}}, false},
		"made by a worker":         {target{Target: plan.Target{Objects: parsed(t, deployment)}, computed: true}, true},
		"from a registry":          {target{charts: make([]charts.Chart, 1)}, true},
		"values of the cluster":    {target{taken: render.Taken{Values: "s"}}, true},
		"a Secret":                 {target{Target: plan.Target{Objects: parsed(t, secret)}}, true},
		"a decrypted value":        {target{Target: plan.Target{Objects: hidden}}, true},
		"an app that is gone":      {target{computed: true, Target: plan.Target{Gone: true}}, false},
		"all that is known of one": {target{computed: true, origin: fromRecord}, false},
	} {
		if got := test.target.sealable(); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestObjectsOfARecord(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want bool
	}{
		"in the clear":     {deployment, true},
		"with a mask":      {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: 'x (secret 0123456789ab) y'}\n", false},
		"masked all alike": {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: (secret)}\n", false},
		"a Secret":         {"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n", false},
		"nothing":          {"", false},
		"no YAML":          {"\t- {", false},
		"no object":        {"a: b\n", false},
	} {
		if got := inTheClear([]byte(test.text)); (got != nil) != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	o := inTheClear([]byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {applyset.kubernetes.io/part-of: x, b: c}}\ncount: 3\n"))
	if labels := o.GetLabels(); len(labels) != 1 || labels["b"] != "c" {
		t.Errorf("labels: %v", labels)
	}
	if o.Object["count"] != int64(3) {
		t.Errorf("the number became a %T", o.Object["count"])
	}
}

// TestWhichTargetsOfABrokenRevisionAreSound: a problem of one app does not spoil the
// targets of the others.
func TestWhichTargetsOfABrokenRevisionAreSound(t *testing.T) {
	shop := &target{Target: plan.Target{Spec: appfile.App{Name: "shop"}}}
	for name, test := range map[string]struct {
		problems manifest.Problems
		want     bool
	}{
		"none":             {nil, true},
		"another app's":    {manifest.Problems{{App: "blog"}}, true},
		"its own":          {manifest.Problems{{App: "blog"}, {App: "shop"}}, false},
		"of pushboat.yaml": {manifest.Problems{{}}, false},
	} {
		if got := shop.sound(test.problems); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestAHeldAppClaimsWhatItHad: an app whose revision cannot be rendered claims the objects
// that it had.
func TestAHeldAppClaimsWhatItHad(t *testing.T) {
	e := sealing(t)
	a := newApp(e, "shop", "shop", "main")
	had := manifest.ID{Kind: "ConfigMap", Namespace: "shop", Name: "had"}
	found := manifest.ID{Kind: "ConfigMap", Namespace: "shop", Name: "found"}
	a.ledger.Note(had, record.Noted{Digest: "d"})
	a.ledger.Note(found, record.Noted{Digest: "d"})
	all := a.withNoted([]plan.Placed{{Key: found}})
	if len(all) != 2 || all[1].Key != had {
		t.Errorf("claims %v", all)
	}
}

// sealedShop returns the target of the app shop of shopAt on a server, and a second server
// that is started with the first one's sealed store.
func sealedShop(t *testing.T) (was *target, next *office) {
	t.Helper()
	o := newOffice(t)
	tree := shopAt("1")
	file, problems := appfile.Read(withApps(tree), appfile.Place{Repo: "shop", Branch: "main", Main: "main"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	targets, problems := o.readTargets(reading{specs: file.Apps, tree: tree, repo: "shop", revision: "r1"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	targets[0].computed = true // plain manifests would not be sealed
	next = newOffice(t)
	next.Sealed = o.Sealed
	return targets[0], next
}

func withApps(tree fstest.MapFS) fstest.MapFS {
	tree[appfile.Name] = &fstest.MapFile{Data: []byte("apps: [{path: shop, health: [{kind: Widget, current: status.ready}]}]")}
	return tree
}

// TestSealedTargetIsTakenAtAStart: a revision that is read at a start gets its target from
// the sealed store, unless one of the target's inputs has changed.
func TestSealedTargetIsTakenAtAStart(t *testing.T) {
	for what, test := range map[string]struct {
		set    func(of *target)
		kind   sealed.Kind
		change func(r *reading)
		want   bool
	}{
		"as it was accepted":    {func(*target) {}, sealed.Accepted, func(*reading) {}, true},
		"as it was applied":     {func(*target) {}, sealed.Applied, func(*reading) {}, true},
		"the folder changed":    {func(*target) {}, sealed.Accepted, func(r *reading) { r.tree = withApps(shopAt("2")) }, false},
		"the spec changed":      {func(*target) {}, sealed.Accepted, func(r *reading) { r.specs[0].Prune = !r.specs[0].Prune }, false},
		"another repository":    {func(*target) {}, sealed.Accepted, func(r *reading) { r.repo = "blog" }, false},
		"with generated values": {func(of *target) { of.given.print = "p" }, sealed.Accepted, func(*reading) {}, false},
		"nobody has accepted":   {func(*target) {}, sealed.Accepted, func(r *reading) { r.blind = true }, false},
	} {
		was, next := sealedShop(t)
		test.set(was)
		if err := next.sealTargets(test.kind, was); err != nil {
			t.Fatal(err)
		}
		r := reading{specs: []appfile.App{was.Spec}, tree: withApps(shopAt("1")), repo: "shop", revision: "r2"}
		test.change(&r)
		targets, problems := next.readTargets(r)
		if len(problems) > 0 || len(targets) != 1 {
			t.Fatalf("%s: %d targets, %v", what, len(targets), problems)
		}
		is := targets[0]
		if taken := is.specText != nil; taken != test.want || is.Revision != "r2" || is.rules == nil {
			t.Errorf("%s: the sealed target is used: %v; the revision is %s, the rules are %v", what, taken, is.Revision, is.rules)
		}
		if test.want && !reflect.DeepEqual(is.Spec, was.Spec) {
			t.Errorf("%s: the spec is %+v", what, is.Spec)
		}
	}
}

// TestWhichTargetsTheGateSeals: the gate seals the targets of the apps that a change is
// about and that it changes.
func TestWhichTargetsTheGateSeals(t *testing.T) {
	for what, test := range map[string]struct {
		set  func(p *Proposal)
		want bool
	}{
		"a change":             {func(*Proposal) {}, true},
		"of this app":          {func(p *Proposal) { p.Only = "web" }, true},
		"of another one":       {func(p *Proposal) { p.Only = "api" }, false},
		"that leaves it as is": {func(p *Proposal) { p.stays = map[name.App]bool{"web": true} }, false},
	} {
		o := newOffice(t)
		p := o.proposed("shop", wanted("web", func(t *target) { t.computed = true }))
		test.set(p)
		if problems := p.seal(); len(problems) > 0 {
			t.Fatal(problems)
		}
		if kept := o.unseal("shop", "web", sealed.Accepted); (kept != nil) != test.want {
			t.Errorf("%s: sealed is %+v", what, kept)
		}
	}
}

// TestSettingsOfASealedTargetHaveTheirTypes: JSON has one type for all numbers, and the
// settings of a target that was unsealed must still equal those that were read.
func TestSettingsOfASealedTargetHaveTheirTypes(t *testing.T) {
	was, next := sealedShop(t)
	was.Spec.Substitute.Names = []appfile.Substitution{{Name: "PORT", Value: int64(8080)}}
	if err := next.sealTargets(sealed.Accepted, was); err != nil {
		t.Fatal(err)
	}
	is := next.unsealedAs(was.Spec, withApps(shopAt("1")), "shop")
	if is == nil || !reflect.DeepEqual(is.Spec, was.Spec) {
		t.Errorf("the unsealed target is %+v", is)
	}
}
