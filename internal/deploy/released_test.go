package deploy

import (
	"maps"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// within gives every repository the namespaces of the patterns.
func within(patterns ...glob.Pattern) Grants {
	return func(name.Repo) *grant.Grant { return &grant.Grant{Namespaces: grant.Namespaces{Patterns: patterns}} }
}

// TestWhatIsReleased: an object changes its repository only if the app that has it says so,
// and that one's own grant gives it.
func TestWhatIsReleased(t *testing.T) {
	object := manifesttest.ConfigMap("settings")
	gives := func(to name.Repo) func(*target) {
		return func(t *target) {
			t.Spec.Released = []appfile.Released{{To: to, Kind: "ConfigMap", Namespace: object.Namespace, Name: "settings"}}
		}
	}
	main := branchOf{"shop", "main"}
	for what, test := range map[string]struct {
		set  func(o *office)
		want bool
	}{
		"nobody has the app":         {func(*office) {}, false},
		"nothing is released":        {func(o *office) { o.deployed(wanted("web")) }, false},
		"the object":                 {func(o *office) { o.deployed(wanted("web", gives("store"))) }, true},
		"the object, to a third":     {func(o *office) { o.deployed(wanted("web", gives("third"))) }, false},
		"by an app without a target": {func(o *office) { o.has("web", "shop", nil) }, false},
		"by an app that is gone":     {func(o *office) { o.deployed(wanted("web", gives("store"), func(t *target) { t.Gone = true })) }, false},
		"by one on another cluster": {func(o *office) {
			o.deployed(wanted("web", gives("store"), func(t *target) { t.Spec.Cluster = "east" }))
		}, false},
		"within the grant":     {func(o *office) { o.Grants = within("shop"); o.deployed(wanted("web", gives("store"))) }, true},
		"outside of the grant": {func(o *office) { o.Grants = within("other"); o.deployed(wanted("web", gives("store"))) }, false},
		"the whole app": {func(o *office) {
			o.deployed(wanted("web"))
			o.releases.set(main, map[name.App]name.Repo{"web": "store"})
		}, true},
		"the whole app, to a third": {func(o *office) {
			o.deployed(wanted("web"))
			o.releases.set(main, map[name.App]name.Repo{"web": "third"})
		}, false},
		"by a repository that does not have it": {func(o *office) {
			o.deployed(wanted("web"))
			o.releases.set(branchOf{"thief", "main"}, map[name.App]name.Repo{"web": "store"})
		}, false},
		"before its repository was deleted": {func(o *office) {
			o.deployed(wanted("web"))
			o.releases.set(main, map[name.App]name.Repo{"web": "store"})
			o.releases.forget("shop")
		}, false},
		"before it was taken back": {func(o *office) {
			o.deployed(wanted("web"))
			o.releases.set(main, map[name.App]name.Repo{"web": "store"})
			o.releases.set(main, nil)
		}, false},
		"by an app that is a third's by now": {func(o *office) {
			o.deployed(wanted("web", gives("store"), func(t *target) { t.Repo = "third" }))
		}, false},
	} {
		t.Run(what, func(t *testing.T) {
			o := newOffice(t)
			test.set(o)
			r := plan.Release{App: "web", From: "shop", To: "store", Cluster: "default", ID: object}
			if got := (others{o.Engine}).Released(t.Context(), r); got != test.want {
				t.Errorf("released: %v", got)
			}
			if r.Cluster = "west"; (others{o.Engine}).Released(t.Context(), r) {
				t.Error("released on a cluster that is not known")
			}
		})
	}
}

// TestHolder: what an app has left on a cluster is its repository's, whoever has the app's
// name by now.
func TestHolder(t *testing.T) {
	shops, blogs := kube.Parent{Server: "mine", Repository: "shop"}, kube.Parent{Server: "mine", Repository: "blog"}
	for what, test := range map[string]struct {
		known  kube.Parent // as it was read or written last
		on     string      // where that was; "" if it was not
		is     kube.Parent // as it is on the cluster
		broken error
		want   name.Repo
	}{
		"as it is deployed":           {known: shops, on: "default", broken: away, want: "shop"},
		"left by another one":         {known: blogs, on: "default", broken: away, want: "blog"},
		"read, of another one":        {is: blogs, want: "blog"},
		"another one on this cluster": {known: shops, on: "west", is: blogs, want: "blog"},
		"of another server":           {is: kube.Parent{Server: "theirs", Repository: "shop"}},
		"not there":                   {want: "shop"},
		"on a cluster that is away":   {known: shops, on: "west", broken: away},
	} {
		t.Run(what, func(t *testing.T) {
			o := newOffice(t)
			api := o.answering()
			a := o.deployed(wanted("web"))
			if test.known.App = "web"; test.on != "" {
				at, err := kube.Open(test.on, &rest.Config{Host: "https://127.0.0.1:1"}, quiet())
				if err != nil {
					t.Fatal(err)
				}
				parent := existing(test.known)
				a.on(NewCluster(at, o.index)).SetInventory(&parent)
			}
			if test.is.App = "web"; test.is.Server != "" {
				api.parents["web"] = existing(test.is)
			}
			api.fails["read parent"] = test.broken
			repo, _, ok, err := (others{o.Engine}).Holder(t.Context(), "web", "default")
			if repo != test.want || ok != (test.want != "") || (err != nil) != (test.broken != nil && test.want == "") {
				t.Errorf("%q, %v, %v", repo, ok, err)
			}
			if _, _, ok, err := (others{o.Engine}).Holder(t.Context(), "unknown", "default"); ok || err != nil {
				t.Errorf("of an app that is not known: %v, %v", ok, err)
			}
		})
	}
}

// TestNamesThatAreLeft: a name goes to another repository without what was known of the
// app, and not at all while it is promised to a third.
func TestNamesThatAreLeft(t *testing.T) {
	o := newOffice(t)
	o.has("web", "shop", nil)
	a := o.app("web")
	a.remember(record.Record{App: "web", Result: record.Removed})
	parent := there(t, kube.Parent{App: "web", Server: "mine", Repository: "shop"})
	a.on(o.Clusters.Get("default")).SetInventory(&parent)
	a.ledger.Note(manifesttest.ConfigMap("settings"), record.Noted{Digest: "d"})
	if o.releases.set(branchOf{"shop", "main"}, map[name.App]name.Repo{"web": "store"}); o.promised(a, "third") == nil || o.promised(a, "store") != nil || o.promised(a, "shop") != nil {
		t.Error("the name is not kept for the repository that it was released to")
	}
	o.skip(&Proposal{Change: Change{Repo: "third", Branch: "main", Revision: "r"}, targets: []*target{wanted("web")}})
	if a.repository() != "shop" {
		t.Error("a revision that is only stored has taken the name")
	}
	if _, err := o.register("web", "shop", "main"); err != nil || a.ledger.Count() == 0 || !a.knowsInventory(wanted("web")) {
		t.Errorf("an app that comes back where it was is not known any more: %v", err)
	}
	taken := wanted("web")
	taken.Repo = "store"
	if a.knowsInventory(taken) {
		t.Error("the inventory of another repository counts as known")
	}
	if _, err := o.register("web", "store", "main"); err != nil || a.repository() != "store" || a.ledger.Count() > 0 {
		t.Errorf("the other repository has not got the name, or more than that: %v", err)
	}
	if _, known := a.inventory.Known(); known {
		t.Error("the inventory is not read again")
	}
}

func TestBranchesReleaseTheirOwnApps(t *testing.T) {
	o := newOffice(t)
	o.deployed(wanted("web"))
	o.has("blog", "blog", nil)
	all := map[name.App]name.Repo{"web": "store", "blog": "store", "unknown": "store"}
	for at, want := range map[branchOf]map[name.App]name.Repo{
		{"shop", "main"}: {"web": "store"}, {"shop", "draft"}: {}, {"store", "main"}: {}, {"blog", "main"}: {"blog": "store"},
	} {
		if got := o.ownReleases(at, all); !maps.Equal(got, want) {
			t.Errorf("%v: %v, want %v", at, got, want)
		}
	}
	o.releases.set(branchOf{"shop", "main"}, map[name.App]name.Repo{"web": "store"})
	o.app("web").moveIn("store", "main") // it has accepted the app
	for to, want := range map[name.Repo]int{"store": 1, "third": 0} {
		if got := o.ownReleases(branchOf{"shop", "main"}, map[name.App]name.Repo{"web": to}); len(got) != want {
			t.Errorf("to %s, after another repository has accepted the app: %v", to, got)
		}
	}
}

// TestReleasedInventory: the inventory of an app that was released is that of the
// repository which it was released to, and of no other.
func TestReleasedInventory(t *testing.T) {
	o := newOffice(t)
	o.releases.set(branchOf{"shop", "main"}, map[name.App]name.Repo{"web": "store"})
	parent := there(t, kube.Parent{App: "web", Server: "mine", Repository: "shop"})
	for repo, want := range map[name.Repo]bool{"store": true, "shop": true, "third": false} {
		if err := o.foreign(parent, "default", repo); (err == nil) != want {
			t.Errorf("for %s: %v", repo, err)
		}
	}
	parent = there(t, kube.Parent{App: "web", Server: "theirs", Repository: "shop"})
	if o.foreign(parent, "default", "store") == nil {
		t.Error("the inventory of another server was released")
	}
}

// TestWhatIsKeptBack: objects that the former repository's grant does not give do not come
// with the app.
func TestWhatIsKeptBack(t *testing.T) {
	o := newOffice(t)
	o.Grants = within("shop")
	entry := func(namespace, app string) plan.Step {
		id := manifest.ID{Kind: "ConfigMap", Namespace: namespace, Name: "a"}
		return plan.Step{ID: id, Entry: live.Entry{ID: id, PartOf: plan.SetID(name.App(app))}}
	}
	planned := &plan.Plan{
		App:   "web",
		Steps: []plan.Step{entry("shop", "web"), entry("outside", "web"), entry("outside", "web"), entry("others", "other")},
		Prune: []plan.Step{entry("away", "web")},
		Same:  []*plan.Placed{{Key: manifest.ID{Kind: "ConfigMap", Namespace: "same", Name: "a"}}},
	}
	t1 := wanted("web")
	t1.Repo = "store"
	parent := there(t, kube.Parent{App: "web", Server: "mine", Repository: "shop"})
	if problems := o.keptBack(t.Context(), planned, parent, t1, nil); len(problems) > 0 {
		t.Errorf("of an app that is not released: %v", problems)
	}
	o.releases.set(branchOf{"shop", "main"}, map[name.App]name.Repo{"web": "store"})
	wantProblems(t, "hidden", o.keptBack(t.Context(), planned, parent, t1, nil),
		"ConfigMap outside/a: belongs to another repository", "ConfigMap away/a: belongs to another", "ConfigMap same/a: belongs to another")
	all := func(name.Repo) bool { return true }
	wantProblems(t, "seen", o.keptBack(t.Context(), planned, parent, t1, all)[:1],
		"comes with app web, and is not to be given up: the grant of repository shop does not give the namespace outside")
}

// TestReleasedAppLeaves: nothing of an app that is released as a whole is deleted, whatever
// it said before, also if the server stops before it is done.
func TestReleasedAppLeaves(t *testing.T) {
	o := newOffice(t)
	o.deployed(wanted("old", func(t *target) { t.Spec.Prune = true }))
	p := o.proposed("shop", wanted("web"))
	p.released = map[name.App]name.Repo{"old": "store"}
	if left := o.leaving(p); len(left) != 1 || left[0].Spec.Prune || left[0].GivenTo != "store" || len(left[0].LastHooks) > 0 {
		t.Errorf("leaving: %+v", left)
	}
	given := map[string]string{appfile.Name: "apps: []\nrelease: [{app: web, to: store}]\n"}
	for branch, want := range map[name.Branch]name.Repo{"main": "store", "draft": ""} {
		o := newOffice(t)
		o.source.push("shop", "new", given)
		saved := record.Saved{Record: record.Record{App: "web", Repo: "shop", Branch: branch, Revision: "old", Cluster: "default", Result: record.Deployed}}
		o.kept.newest["shop"] = map[name.App]record.Saved{"web": saved}
		if err := o.load(t.Context(), "shop"); err != nil {
			t.Fatal(err)
		}
		if got := o.releases.to("shop", "web"); got != want {
			t.Errorf("an app of branch %s is released to %q after a start", branch, got)
		}
		if got := o.app("web").wanted(); branch == "main" && (!got.Gone || got.Spec.Prune || got.GivenTo != "store") {
			t.Errorf("after a start, the app's target is %+v", got)
		}
	}
	skipped := newOffice(t)
	skipped.source.push("shop", "new", given)
	skipped.source.asked["main"] = record.Asked{Revision: "new", Skip: true}
	skipped.kept.records("shop", record.Record{App: "web", Branch: "main", Revision: "old", Cluster: "default", Result: record.Deployed})
	if err := skipped.load(t.Context(), "shop"); err != nil || skipped.releases.any(branchOf{"shop", "main"}) {
		t.Errorf("a revision that -o skip only stores releases an app: %v", err)
	}
}
