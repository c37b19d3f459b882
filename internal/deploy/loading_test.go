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

// A push by force that was not carried out goes on to be one after a restart, and no other
// push becomes one.
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

// Beside an app that cannot be rendered, one that is as it was applied last waits for
// nothing; any other one does.
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
			t.Errorf("%s: it is %q, want %q", name, got, test.want)
		}
	}
}

const config2 = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: shop}\n"

// Objects with the label of an app that was removed are known to be that app's.
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

// A branch that is gone may come back, as when a repository is restored piece by piece.
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

// An app must not run with generated values that are not kept.
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

// What was rendered for a branch is sealed, so that the next start has the same; what a
// push has made of the app meanwhile is not touched.
func TestRenderedTargetsAreSealed(t *testing.T) {
	o := newOffice(t)
	o.source.push("shop", "new", oneApp(secretLogin))
	o.loads()
	if kept := o.unseal("shop", "web", sealed.Accepted); kept == nil || kept.Digest != o.app("web").wanted().Digest {
		t.Errorf("sealed is %+v", kept)
	}
	l := &loading{engine: o.Engine, repo: "shop", before: map[name.App]asking{}}
	if l.deploy("web", wanted("web")); len(l.fresh) > 0 {
		t.Error("what was read before a push is to be sealed after it")
	}
	again := &loading{engine: o.Engine, repo: "shop", before: o.asked("shop")}
	if again.deploy("web", wanted("web", func(t *target) { t.specText = []byte("{}") })); len(again.fresh) > 0 {
		t.Error("what was unsealed is to be sealed again")
	}
	if again.before = o.asked("shop"); len(again.before) == 0 {
		t.Fatal("nothing is asked of the app")
	}
	if again.deploy("web", wanted("web")); len(again.fresh) != 1 {
		t.Error("what was rendered is not to be sealed")
	}
}

// What keeps an app from its newest revision is forgotten when its branch is read anew, and
// its schedule is told.
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
			t.Fatalf("%s: at first it is %q, want %q", what, got, test.before)
		}
		o.has("blog", "blog", wanted("blog"))
		told = nil
		o.source.push("shop", "newer", oneApp(config))
		o.loads()
		if got := o.state("web"); got != "newer" {
			t.Errorf("%s: read again it is %q", what, got)
		}
		wantLines(t, what+": told", told, "web "+appfile.DefaultSchedule)
	}
}

// A record that is damaged keeps its app's name and objects.
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

// A chart is held to the content with which it was deployed, also after the server has lost
// what it knew of it. A record that names none properly keeps no app from being read.
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
