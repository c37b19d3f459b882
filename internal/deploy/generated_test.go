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
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/render/generated"
	"github.com/pushboat/pushboat/internal/sealed"
)

func declare(paths ...string) []appfile.Generated {
	var all []appfile.Generated
	for i, path := range paths {
		all = append(all, appfile.Generated{Path: path, Format: appfile.FormatAlphanumeric, Length: 24, Line: i + 1})
	}
	return all
}

// fatesOf lists the fates of an app's values: "a kept, b new".
func fatesOf(is provision) string {
	var texts []string
	for _, fate := range is.fates {
		texts = append(texts, fate.Path+" "+fate.Is)
	}
	return strings.Join(texts, ", ")
}

func TestWhichGeneratedValuesAnAppGets(t *testing.T) {
	kept := generated.Set{"a": {Text: "old-a"}, "former": {Text: "old-former"}}
	for _, test := range []struct {
		name    string
		p       provisioning
		fates   string
		changed bool
		problem string // how the message begins
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
		fates := fatesOf(is)
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
		t.Error("the kept values were changed in place")
	}
}

// An app that is rendered from another artifact is another app, whatever it is called.
func TestSourcesOfGeneratedValues(t *testing.T) {
	of := func(url, folder, chart string) appfile.App {
		return appfile.App{Path: ".", Artifact: appfile.Artifact{URL: url, Path: folder}, Helm: appfile.Helm{Chart: chart}}
	}
	is := of("oci://a.example.org/b/web", "chart", "")
	for _, test := range []struct {
		other appfile.App
		same  bool
	}{
		{is, true},
		{of("oci://a.example.org/b/web", "other", ""), false},
		{of("oci://a.example.org/b/other", "chart", ""), false},
		{of("", "", ""), false},
		{of("", "", "web"), false},
	} {
		if sameSource(is, test.other) != test.same {
			t.Errorf("%+v: %v", test.other.Artifact, !test.same)
		}
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

// TestValuesAreKeptUnlessTheyWereChangedMeanwhile: the first change of the values wins. A
// later one that was planned with the former values is refused.
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
		t.Error("a guess of the value can be compared with the fingerprint")
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
	if is.texts["a"] != "runs" || fatesOf(is) != "a kept as in Secret shop/pg" {
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
		t.Error("without a target, the kept values are not listed")
	}
}

// chartApp is an app of a chart in a folder, with generated values.
func chartApp(app name.App, changes ...func(*appfile.App)) appfile.App {
	spec := appfile.App{Name: app, Branch: "main", Cluster: "default", Path: "pg", Helm: appfile.Helm{Chart: "pg", Generated: declare("a")}}
	for _, change := range changes {
		change(&spec)
	}
	return spec
}

// keeps seals generated values of an app of the repository shop.
func (o *office) keeps(app name.App, text string) {
	o.t.Helper()
	if err := o.Sealed.Seal(sealed.Text{Name: sealed.Name{Repository: "shop", App: app, Kind: sealed.Generated}, Data: []byte(text)}); err != nil {
		o.t.Fatal(err)
	}
}

// TestGeneratedValuesOfAnAppByAnotherName: an app with a new name takes over the generated
// values of the app that had its folder. If it is not clear which app that was, the app
// gets new values.
func TestGeneratedValuesOfAnAppByAnotherName(t *testing.T) {
	const taken, anew = "a kept from app old", "a new"
	for what, test := range map[string]struct {
		set  func(o *office, r *reading, old *target)
		want string
	}{
		"renamed":                    {func(*office, *reading, *target) {}, taken},
		"to another folder":          {func(_ *office, _ *reading, old *target) { old.Spec.Path = "other" }, anew},
		"to another cluster":         {func(_ *office, _ *reading, old *target) { old.Spec.Cluster = "east" }, anew},
		"with another chart":         {func(_ *office, _ *reading, old *target) { old.Spec.Helm.Chart = "mysql" }, anew},
		"of one that generates none": {func(_ *office, _ *reading, old *target) { old.Spec.Helm.Generated = nil }, anew},
		"of one that stays":          {func(_ *office, r *reading, _ *target) { r.specs = append(r.specs, chartApp("old")) }, anew},
		"of one that was leaving":    {func(_ *office, _ *reading, old *target) { old.Gone = true }, anew},
		"of one without a target":    {func(o *office, _ *reading, _ *target) { o.app("old").setWant(nil) }, anew},
		"of one without values":      {func(o *office, _ *reading, _ *target) { o.keeps("old", "{}") }, anew},
		"of one with damaged values": {func(o *office, _ *reading, _ *target) { o.keeps("old", "[") }, anew},
		"of two": {func(o *office, _ *reading, _ *target) {
			o.has("twin", "shop", &target{Target: plan.Target{Spec: chartApp("twin")}})
		}, anew},
		"to one that is there": {func(o *office, _ *reading, _ *target) { o.has("new", "shop", nil) }, anew},
		"to one that was removed": {func(o *office, _ *reading, _ *target) {
			o.has("new", "shop", nil).remember(record.Record{Result: record.Removed})
		}, taken},
		"at an earlier revision": {func(_ *office, r *reading, _ *target) { r.earlier = true }, "the generated value a of app new is not kept any more"},
	} {
		o := newOffice(t)
		old := &target{Target: plan.Target{Spec: chartApp("old"), Repo: "shop"}}
		o.has("old", "shop", old)
		o.keeps("old", `{"a": {"text": "runs"}}`)
		r := reading{repo: "shop", specs: []appfile.App{chartApp("new")}}
		test.set(o, &r, old)
		is, problems := o.provide(r, chartApp("new"))
		got := fatesOf(is)
		if len(problems) > 0 {
			got = problems[0].Message
		}
		if got != test.want || test.want == taken && is.texts["a"] != "runs" {
			t.Errorf("%s: %q, want %q", what, got, test.want)
		}
	}
}

// TestGeneratedValuesThatARecordNames: if the app's record names a value that is no longer
// kept, no new value is made.
func TestGeneratedValuesThatARecordNames(t *testing.T) {
	last := record.Record{App: "pg", Repo: "shop", Generated: []string{"a"}, Result: record.Deployed}
	changed := func(change func(rec *record.Record)) *record.Record { rec := last; change(&rec); return &rec }
	for what, test := range map[string]struct {
		here, read *record.Record // the app's record in the server, and as it was just read
		lost       bool
	}{
		"none":                       {nil, nil, false},
		"its own":                    {&last, nil, true},
		"its own, read just now":     {nil, &last, true},
		"a later reading":            {&last, changed(func(rec *record.Record) { rec.Generated = nil }), false},
		"of before its removal":      {changed(func(rec *record.Record) { rec.Result = record.Removed }), nil, false},
		"that of another repository": {changed(func(rec *record.Record) { rec.Repo = "blog" }), nil, false},
	} {
		o := newOffice(t)
		if test.here != nil {
			o.has("pg", "shop", nil).remember(*test.here)
		}
		r := reading{repo: "shop", records: map[name.App]record.Saved{}}
		if test.read != nil {
			r.records["pg"] = record.Saved{Record: *test.read}
		}
		if _, problems := o.provide(r, chartApp("pg")); len(problems) > 0 != test.lost {
			t.Errorf("%s: %v", what, problems)
		}
	}
	planning := New(Config{}) // pushboat plan keeps no values
	planning.apps["pg"] = newApp(planning, "pg", "shop", "main")
	planning.apps["pg"].last = &last
	if had := planning.hadGenerated(reading{repo: "shop"}, "pg"); had != nil {
		t.Errorf("without a store it had %q", had)
	}
}

// TestGeneratedValuesAreProvided: problems are reported for values that must not be used,
// and for requests about an app that has none.
func TestGeneratedValuesAreProvided(t *testing.T) {
	o := newOffice(t)
	if is, problems := o.provide(reading{repo: "shop", blind: true}, chartApp("pg")); len(problems) > 0 || fatesOf(is) != "a "+fateHidden || is.texts != nil {
		t.Errorf("for a revision that nobody has accepted: %q, %v", fatesOf(is), problems)
	}
	plain := appfile.App{Name: "web"}
	if is, problems := o.provide(reading{repo: "shop"}, plain); len(problems) > 0 || is.print != "" {
		t.Errorf("of an app without: %+v, %v", is, problems)
	}
	if _, problems := o.provide(reading{repo: "shop", renewedApp: "web", renewed: Renewal{All: true}}, plain); len(problems) != 1 || !strings.HasPrefix(problems[0].Hint, "declare them in pushboat.yaml, ") {
		t.Errorf("asked of an app without: %v", problems)
	}
	asked := reading{repo: "shop", renewedApp: "pg", renewed: Renewal{Paths: []string{"b"}}}
	if _, problems := o.provide(asked, chartApp("pg")); len(problems) != 1 || problems[0].Hint != "it declares a" {
		t.Errorf("asked for another: %v", problems)
	}
	o.keeps("pg", "[")
	_, problems := o.provide(reading{repo: "shop"}, chartApp("pg"))
	if len(problems) != 1 || !strings.Contains(problems[0].Hint, "secrets set pg a, ") || !strings.HasSuffix(problems[0].Hint, "secrets rotate pg a") {
		t.Errorf("damaged: %+v", problems)
	}
}
