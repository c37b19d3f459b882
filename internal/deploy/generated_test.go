package deploy

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/render/generated"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/sealed"
)

func declare(paths ...string) []appfile.Generated {
	var all []appfile.Generated
	for i, path := range paths {
		all = append(all, appfile.Generated{Path: path, Format: appfile.FormatAlphanumeric, Length: 24, Line: i + 1})
	}
	return all
}

func TestWhichGeneratedValuesAnAppGets(t *testing.T) {
	kept := generated.Set{"a": {Text: "old-a"}, "former": {Text: "old-former"}}
	for _, test := range []struct {
		name    string
		p       provisioning
		fates   string
		changed bool
		problem string // the beginning of the message
	}{
		{"the first", provisioning{declared: declare("a", "b"), mayMake: true}, "a new, b new", true, ""},
		{"those that are kept", provisioning{declared: declare("a"), kept: kept, had: []string{"a"}}, "a kept", false, ""},
		{"one that was declared since", provisioning{declared: declare("a", "b"), kept: kept, had: []string{"a"}, mayMake: true}, "a kept, b new", true, ""},
		{"one that comes back", provisioning{declared: declare("former"), kept: kept, mayMake: true}, "former kept", false, ""},
		{"of an app by another name", provisioning{declared: declare("a"), kept: kept, from: "web", mayMake: true}, "a kept from app web", true, ""},
		{"one that is lost", provisioning{declared: declare("b"), kept: kept, had: []string{"b"}, mayMake: true}, "", false, "the generated value b of app shop is not kept any more"},
		{"at an earlier revision", provisioning{declared: declare("b")}, "", false, "the generated value b of app shop is not kept any more"},
		{"rotated, one", provisioning{declared: declare("a", "former"), kept: kept, renewal: Renewal{Paths: []string{"a"}}}, "a rotated, former kept", true, ""},
		{"rotated, all", provisioning{declared: declare("a", "former"), kept: kept, renewal: Renewal{All: true}}, "a rotated, former rotated", true, ""},
		{"rotated, a lost one", provisioning{declared: declare("b"), had: []string{"b"}, renewal: Renewal{All: true}}, "b rotated", true, ""},
		{"given", provisioning{declared: declare("a"), kept: kept, renewal: Renewal{Given: map[string]string{"a": "mine"}}}, "a set", true, ""},
		{"rotated, what is not declared", provisioning{declared: declare("a"), kept: kept, renewal: Renewal{Paths: []string{"former"}}}, "", false, "app shop does not declare former as generated"},
		{"rotated, where nothing is declared", provisioning{kept: kept, renewal: Renewal{All: true}}, "", false, "app shop declares no generated values"},
		{"given, what is not declared", provisioning{declared: declare("a"), renewal: Renewal{Given: map[string]string{"b": "x"}}}, "", false, "app shop does not declare b as generated"},
		{"damaged", provisioning{declared: declare("a", "b"), damaged: sealed.ErrDamaged, mayMake: true}, "", false, "the generated values of app shop cannot be read: the sealed file is damaged"},
		{"damaged, one given", provisioning{declared: declare("a", "b"), damaged: sealed.ErrDamaged, renewal: Renewal{Given: map[string]string{"a": "mine"}}}, "", false, "the generated values of app shop cannot be read"},
		{"damaged, all given", provisioning{declared: declare("a"), damaged: sealed.ErrDamaged, renewal: Renewal{Given: map[string]string{"a": "mine"}}}, "a set", true, ""},
		{"damaged, all rotated", provisioning{declared: declare("a", "b"), damaged: sealed.ErrDamaged, renewal: Renewal{All: true}}, "a rotated, b rotated", true, ""},
	} {
		test.p.app, test.p.by, test.p.now = "shop", "ana", time.Unix(1, 0)
		is, problems := test.p.decide()
		fates := strings.TrimPrefix(report.Fates(is.fates), "values generated once: ")
		switch {
		case test.problem != "":
			if len(problems) != 1 || !strings.HasPrefix(problems[0].Message, test.problem) || problems[0].Hint == "" || problems[0].App != "shop" {
				t.Errorf("%s: %v", test.name, problems)
			}
		case len(problems) > 0 || fates != test.fates || is.changed != test.changed || len(is.texts) != len(test.p.declared):
			t.Errorf("%s: %q, changed %v, %v", test.name, fates, is.changed, problems)
		}
	}
	if len(kept) != 2 || kept["a"].Text != "old-a" {
		t.Error("what is kept was changed in place")
	}
}

func TestNewValuesAreOthersAndSayWhoseTheyAre(t *testing.T) {
	p := provisioning{
		app: "shop", declared: declare("a", "b", "c"), kept: generated.Set{"a": {Text: "old"}, "b": {Text: "old"}, "x": {Text: "stays"}},
		renewal: Renewal{Paths: []string{"a"}, Given: map[string]string{"b": "mine"}}, mayMake: true, by: "ana", now: time.Unix(7, 0),
	}
	is, problems := p.decide()
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if is.texts["a"] == "old" || len(is.texts["a"]) != 24 || is.texts["b"] != "mine" || len(is.texts["c"]) != 24 || is.texts["c"] == is.texts["a"] || is.texts["x"] != "" {
		t.Error(is.texts)
	}
	want := generated.Value{Text: "mine", Made: time.Unix(7, 0), By: "ana", From: generated.FromOperator}
	if is.set["b"] != want || is.set["a"].From != generated.FromChance || is.set["a"].By != "ana" || is.set["x"].Text != "stays" {
		t.Error(is.set)
	}
}

// Whoever changes the values first wins; the other has planned with what they were.
func TestValuesAreKeptUnlessTheyWereChangedMeanwhile(t *testing.T) {
	store, err := sealed.Open(t.TempDir(), make([]byte, 32), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	e := &Engine{Config: Config{Sealed: store, Masker: manifest.NewMasker([]byte("key"))}}
	read := func(renewal Renewal) *target {
		r := reading{repo: "shop", renewedApp: "shop", renewed: renewal}
		given, problems := e.provide(r, appfile.App{Name: "shop", Branch: "main", Helm: appfile.Helm{Generated: declare("a")}})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return &target{Target: plan.Target{Spec: appfile.App{Name: "shop"}, Repo: "shop"}, given: given}
	}
	e.apps = map[name.App]*app{}
	first, rival := read(Renewal{}), read(Renewal{})
	if err := e.sealGenerated(first); err != nil || first.given.changed {
		t.Fatal(err)
	}
	if err := e.sealGenerated(rival); !errors.Is(err, errValuesMoved) {
		t.Errorf("a rival's values are kept: %v", err)
	}
	again := read(Renewal{})
	if again.given.changed || again.given.print != first.given.print || again.given.texts["a"] != first.given.texts["a"] {
		t.Error("the kept value is not read again")
	}
	rotated := read(Renewal{All: true})
	if err := e.sealGenerated(rotated); err != nil || rotated.given.print == first.given.print {
		t.Errorf("rotated: %v", err)
	}
	if print := first.given.print; strings.Contains(print, first.given.texts["a"]) || print == digestOf(first.given.texts) {
		t.Error("the fingerprint can be tried out")
	}
}

func TestValuesThatRunAreFoundInSecrets(t *testing.T) {
	secret := func(namespace, name string, fields map[string]any) *manifest.Object {
		fields["apiVersion"], fields["kind"] = "v1", "Secret"
		fields["metadata"] = map[string]any{"name": name}
		if namespace != "" {
			fields["metadata"] = map[string]any{"name": name, "namespace": namespace}
		}
		return &manifest.Object{Unstructured: &unstructured.Unstructured{Object: fields}}
	}
	objects := []*manifest.Object{
		secret("", "pg", map[string]any{"data": map[string]any{
			"password": base64.StdEncoding.EncodeToString([]byte("new-1")), "uri": base64.StdEncoding.EncodeToString([]byte("pg://u:new-2@db")), "bad": "%",
		}}),
		secret("other", "copy", map[string]any{"stringData": map[string]any{"p": "new-1", "key": "new-3"}}),
		{Unstructured: &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]any{"p": "new-2"}}}},
	}
	got := keysOf(map[string]string{"a": "new-1", "b": "new-2", "c": "new-3"}, objects, "shop")
	want := map[string]secretKey{"a": {"shop", "pg", "password"}, "c": {"other", "copy", "key"}}
	if len(got) != 2 || got["a"] != want["a"] || got["c"] != want["c"] {
		t.Error(got)
	}
	is := provision{set: generated.Set{"a": {Text: "new-1"}}, fates: []plan.Fate{{Path: "a", Is: fateNew}}}
	is.take(map[string]generated.Value{"a": {Text: "runs", Of: "shop/pg"}}, declare("a"))
	if is.texts["a"] != "runs" || report.Fates(is.fates) != "values generated once: a kept as in Secret shop/pg" {
		t.Error(is)
	}
}

func TestListedValuesAreNamesAlone(t *testing.T) {
	set := generated.Set{"a": {Text: "canary", By: "ana", From: generated.FromChance}, "z": {Text: "canary", From: generated.FromSecret, Of: "shop/pg"}}
	list := listValues(&target{Target: plan.Target{Spec: appfile.App{Helm: appfile.Helm{Generated: declare("b", "a")}}}}, set)
	want := []KeptValue{
		{Path: "b", Declared: true},
		{Path: "a", Declared: true, Kept: true, Origin: generated.FromChance, By: "ana"},
		{Path: "z", Kept: true, Origin: generated.FromSecret, Of: "shop/pg"},
	}
	if !slices.Equal(list, want) {
		t.Error(list)
	}
	if len(listValues(nil, set)) != 2 {
		t.Error("without a target what is kept is not listed")
	}
}
