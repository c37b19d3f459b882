package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/sealed"
)

const secretLogin = "apiVersion: v1\nkind: Secret\nmetadata: {name: login, namespace: shop}\nstringData: {password: opensesame}\n"

// loads reads the repository shop.
func (o *office) loads() {
	o.t.Helper()
	if err := o.load(o.t.Context(), "shop"); err != nil {
		o.t.Fatal(err)
	}
}

// TestForceOutlivesTheServer: a forced push that was not carried out is still forced after
// a restart. No other push becomes forced.
func TestForceOutlivesTheServer(t *testing.T) {
	for name, test := range map[string]struct {
		asked record.Asked
		want  bool
	}{
		"the newest revision":  {record.Asked{Revision: "new", Force: true}, true},
		"the one before it":    {record.Asked{Revision: "old", Force: true}, false},
		"nothing is asked for": {record.Asked{Revision: "new"}, false},
	} {
		o := newOffice(t)
		o.source.push("shop", "new", oneApp(config))
		o.source.asked["main"] = test.asked
		o.loads()
		if a := o.app("web"); a.wanted().forced != test.want || a.isForced() != test.want {
			t.Errorf("%s: forced: %v", name, a.wanted().forced)
		}
	}
}

// TestWhatWasAskedOutlivesTheServer: a reason to override windows, of a push for all its apps
// and of a verb for one, and who signed the push.
func TestWhatWasAskedOutlivesTheServer(t *testing.T) {
	signed := record.Signed{Push: &record.PushSigner{Operator: "ana", Key: "SHA256:x"}}
	for about, test := range map[string]struct {
		asked, own record.Asked
		override   string
		signed     record.Signed
	}{
		"of a push":              {record.Asked{Revision: "new", Override: "why", Signed: signed}, record.Asked{}, "why", signed},
		"of a verb":              {record.Asked{}, record.Asked{Revision: "new", Override: "now"}, "now", record.Signed{}},
		"of both":                {record.Asked{Revision: "new", Override: "why", Signed: signed}, record.Asked{Revision: "new", Override: "now"}, "now", signed},
		"of a verb, for another": {record.Asked{Revision: "new", Signed: signed}, record.Asked{Revision: "old", Override: "now"}, "", signed},
		"of a push before":       {record.Asked{Revision: "old", Override: "why", Signed: signed}, record.Asked{}, "", record.Signed{}},
	} {
		o := newOffice(t)
		o.source.push("shop", "new", oneApp(config))
		o.source.asked["main"], o.source.askedOf = test.asked, map[name.App]record.Asked{"web": test.own}
		o.loads()
		a := o.app("web")
		if got := a.wanted(); got.override != test.override || got.signed.Push != test.signed.Push {
			t.Errorf("%s: override %q, signed %+v", about, got.override, got.signed)
		}
		rec := a.newRecord(systemJob(record.CauseStart), record.Deployed, "")
		if rec.PushBy != test.signed.Push {
			t.Errorf("%s: the record is signed by %s", about, rec.PushBy)
		}
		a.remember(rec)
		if again := a.newRecord(systemJob(record.CauseDrift), record.Deployed, ""); again.PushBy != nil {
			t.Errorf("%s: the record of a correction is signed by %s", about, again.PushBy)
		}
	}
}

// TestAppBesideABrokenOne: if another app of the revision cannot be rendered, only an app
// that renders to its last applied state moves to the revision. Any other app waits.
func TestAppBesideABrokenOne(t *testing.T) {
	two := "apps: [{name: web, path: web, namespace: shop}, {name: api, path: api, namespace: shop}]\n"
	files := func(web, api string) map[string]string {
		return map[string]string{appfile.Name: two, "web/all.yaml": web, "api/all.yaml": api}
	}
	whole := newOffice(t)
	whole.source.push("shop", "new", files(config, config2))
	whole.loads()
	digest := whole.Masker.Seal(whole.app("web").wanted().Digest)
	for name, test := range map[string]struct {
		rec  *record.Record
		web  string
		want string
	}{
		"as it was applied":         {&record.Record{App: "web", Revision: "old", Result: record.Deployed, Digest: digest}, config, "new"},
		"not as it was":             {&record.Record{App: "web", Revision: "old", Result: record.Deployed, Digest: "other"}, config, "remnant, held"},
		"never applied":             {nil, config, "unknown"},
		"broken as well, as it was": {&record.Record{App: "web", Revision: "old", Result: record.Deployed, Digest: digest}, "a: [\n", "remnant, held"},
	} {
		o := newOffice(t)
		o.source.push("shop", "new", files(test.web, "a: [\n"))
		if test.rec != nil {
			o.kept.records("shop", *test.rec)
		}
		o.loads()
		if got := o.state("web"); got != test.want {
			t.Errorf("%s: the app is %q, want %q", name, got, test.want)
		}
	}
}

const config2 = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: shop}\n"

// TestAppsWithARecordAreKnown: objects that have the label of a removed app are attributed
// to this app.
func TestAppsWithARecordAreKnown(t *testing.T) {
	o := newOffice(t)
	o.source.push("shop", "new", map[string]string{appfile.Name: "apps: []\n"})
	o.kept.records("shop", record.Record{App: "former", Result: record.Removed})
	o.loads()
	if app, ok := o.claims.AppOf(plan.SetID("former")); !ok || app != "former" {
		t.Errorf("the label of an app with a record is that of %q", app)
	}
	if app, ok := o.claims.AppOf(plan.SetID("never")); ok {
		t.Errorf("the label of an app that never was is that of %q", app)
	}
}

// TestBranchOfARecordThatIsGoneIsTriedAgain: a missing branch may come back, for example
// when a repository is restored piece by piece.
func TestBranchOfARecordThatIsGoneIsTriedAgain(t *testing.T) {
	o := newOffice(t)
	o.source.push("shop", "new", oneApp(config))
	o.kept.records("shop", record.Record{App: "web", Revision: "old", Result: record.Deployed})
	o.source.branches["shop"] = map[name.Branch]name.Revision{"other": "new"}
	o.loads()
	if unread := o.unreadBranches(); len(unread) != 1 || unread[0] != (unreadBranch{"shop", "main"}) || o.state("web") != "remnant, held" {
		t.Errorf("tried again are %v; the app is %q", unread, o.state("web"))
	}
}

// TestAppWhoseGeneratedValuesCannotBeKept: an app must not run with generated values that
// cannot be kept.
func TestAppWhoseGeneratedValuesCannotBeKept(t *testing.T) {
	for what, recorded := range map[string]bool{"one with a record": true, "a new one": false} {
		o := newOffice(t)
		l := &loading{engine: o.Engine, repo: "shop", before: o.asked("shop"), records: map[name.App]record.Saved{}}
		l.at = func(name.Branch, name.Revision, name.App) *target { return nil }
		if recorded {
			l.records["web"] = record.Saved{Record: record.Record{App: "web", Branch: "main", Result: record.Deployed}}
		}
		if err := o.Sealed.Close(); err != nil {
			t.Fatal(err)
		}
		l.deploy("web", wanted("web", func(t *target) { t.given.changed = true }))
		switch a := o.app("web"); {
		case recorded && (a == nil || a.unrenderedWhy() == "" || a.wanted().origin != fromRecord):
			t.Errorf("%s is not held", what)
		case !recorded && a != nil:
			t.Errorf("%s is deployed", what)
		}
	}
}

// TestRenderedTargetsAreSealed: a target that was rendered for a branch is sealed, so that
// the next start has the same target. A target that a push has set meanwhile is not
// replaced.
func TestRenderedTargetsAreSealed(t *testing.T) {
	o := newOffice(t)
	o.source.push("shop", "new", oneApp(secretLogin))
	o.loads()
	if kept := o.unseal("shop", "web", sealed.Accepted); kept == nil || kept.Digest != o.app("web").wanted().Digest {
		t.Errorf("sealed is %+v", kept)
	}
	l := &loading{engine: o.Engine, repo: "shop", before: map[name.App]asking{}}
	if l.deploy("web", wanted("web")); len(l.fresh) > 0 {
		t.Error("a target that was read before a push would be sealed after it")
	}
	again := &loading{engine: o.Engine, repo: "shop", before: o.asked("shop")}
	if again.deploy("web", wanted("web", func(t *target) { t.specText = []byte("{}") })); len(again.fresh) > 0 {
		t.Error("a target that was unsealed would be sealed again")
	}
	if again.before = o.asked("shop"); len(again.before) == 0 {
		t.Fatal("the app is not in the list of what is asked")
	}
	if again.deploy("web", wanted("web")); len(again.fresh) != 1 {
		t.Error("a target that was rendered would not be sealed")
	}
}

// TestReadingAgain: when an app's branch is read again, the reason that held the app back
// is forgotten, and the app's schedule is reported.
func TestReadingAgain(t *testing.T) {
	for what, test := range map[string]struct {
		set    func(o *office)
		before string
	}{
		"held":    {func(o *office) { o.source.push("shop", "new", oneApp("a: [\n")) }, "remnant, held"},
		"skipped": {func(o *office) { o.source.asked["main"] = record.Asked{Revision: "new", Skip: true} }, "old, skips new"},
	} {
		o := newOffice(t)
		o.source.push("shop", "old", oneApp(config))
		o.source.push("shop", "new", oneApp(config))
		if what == "held" {
			delete(o.source.trees, "old")
		}
		o.kept.records("shop", record.Record{App: "web", Revision: "old", Result: record.Deployed})
		test.set(o)
		var told []string
		o.OnWanted(func(app name.App, schedule, _ string) { told = append(told, string(app)+" "+schedule) })
		o.loads()
		if got := o.state("web"); got != test.before {
			t.Fatalf("%s: at first, the app is %q, want %q", what, got, test.before)
		}
		o.has("blog", "blog", wanted("blog"))
		told = nil
		o.source.push("shop", "newer", oneApp(config))
		o.loads()
		if got := o.state("web"); got != "newer" {
			t.Errorf("%s: after the second reading, the app is %q", what, got)
		}
		wantLines(t, what+": told", told, "web "+appfile.DefaultSchedule)
	}
}

// TestDamagedRecordIsHeld: an app whose record is damaged keeps its name and its objects.
func TestDamagedRecordIsHeld(t *testing.T) {
	o := newOffice(t)
	o.source.push("shop", "new", oneApp(config))
	o.kept.newest["shop"] = map[name.App]record.Saved{"web": {Damaged: manifest.Problem{Message: "the record cannot be read"}, Record: record.Record{App: "web", Branch: "main"}}}
	o.loads()
	if got := o.state("web"); got != "new" {
		t.Errorf("an app that its branch names is %q", got)
	}
	o.source.push("shop", "newer", map[string]string{appfile.Name: "apps: []\n"})
	o.loads()
	if got := o.state("web"); got != "new, held" {
		t.Errorf("an app that no branch names is %q", got)
	}
}

// TestChartsOfRecordsAreHeld: a chart must keep the content with which it was deployed,
// even after the server has lost its notes on charts. A record with a damaged digest does
// not keep an app from being read.
func TestChartsOfRecordsAreHeld(t *testing.T) {
	o := newOffice(t)
	dir := t.TempDir()
	store, err := charts.New(charts.Config{Dir: dir, Registries: []string{"https://charts.example.org"}})
	if err != nil {
		t.Fatal(err)
	}
	o.Renderer = o.Renderer.WithCharts(store)
	ref := charts.Ref{Name: "pg", Version: "1.0.0", Repo: "https://charts.example.org"}
	chart := charts.Chart{Ref: ref, Digest: charts.Digest([]byte("one"))}
	o.source.push("shop", "new", oneApp(config))
	o.kept.records("shop",
		record.Record{App: "web", Revision: "old", Result: record.Deployed, Charts: []charts.Chart{{Ref: ref, Digest: "none"}}},
		record.Record{App: "api", Revision: "old", Result: record.Deployed, Charts: []charts.Chart{chart}})
	o.loads()
	noted, err := filepath.Glob(filepath.Join(dir, "digests", "*"))
	if err != nil || len(noted) != 1 {
		t.Fatalf("noted are %q, %v", noted, err)
	}
	if text, err := os.ReadFile(noted[0]); err != nil || !strings.Contains(string(text), chart.Digest) {
		t.Errorf("noted is %s, %v", text, err)
	}
	if got := o.state("web"); got != "new" {
		t.Errorf("the app whose record is damaged is %q", got)
	}
}
