package deploy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

func TestWithWhatABranchWasRead(t *testing.T) {
	var r readWith
	at := branchOf{"shop", "main"}
	eu := appfile.Clusters{"eu": {"region": "eu"}}
	if r.same(at, nil) {
		t.Error("a branch that was never read needs no reading")
	}
	r.note(at, surroundings{clusters: eu, places: []followed{{repo: "lib", at: meaning.At{Branch: "next"}}}})
	if !r.same(at, appfile.Clusters{"eu": {"region": "eu"}}) || r.same(at, appfile.Clusters{"eu": nil}) || r.same(branchOf{"shop", "other"}, eu) {
		t.Error("it was read with other clusters")
	}
	if got := r.following("lib", "refs/heads/next"); len(got) != 1 || got[0] != at || len(r.following("lib", "refs/heads/main")) > 0 {
		t.Errorf("it follows %v", got)
	}
	note := meaning.Note{Source: manifest.Source{File: "a.yaml", Line: 1}, Object: "Alert a", Text: "has no effect"}
	if r.hasSaid(at, note) {
		t.Error("nothing was said yet")
	}
	r.note(at, surroundings{said: map[string]bool{keyOf(note): true}})
	note.Source.Line = 9
	if r.note(at, surroundings{clusters: eu}); !r.hasSaid(at, note) || r.hasSaid(branchOf{"shop", "other"}, note) {
		t.Error("it was said, and a line above it makes no difference")
	}
	if note.Text = "has none"; r.hasSaid(at, note) {
		t.Error("this was not said")
	}
	if r.forget("shop"); r.same(at, eu) {
		t.Error("its repository is deleted, and it is known")
	}
}

// perCluster is a repository of Argo CD with an app for each cluster of some region.
var perCluster = map[string]string{
	"set.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all, namespace: argocd}\nspec:\n" +
		"  generators: [{clusters: {selector: {matchLabels: {region: eu}}}}]\n  template:\n    metadata: {name: 'web-{{name}}'}\n    spec:\n      project: default\n" +
		"      destination: {name: '{{name}}', namespace: shop}\n      source: {repoURL: 'https://example.org/team/shop', path: web}\n      syncPolicy: {automated: {prune: true}}\n",
	"web/a.yaml": config,
}

// TestClustersMakeAndTakeApps: apps of a clusters generator come and go with clusters. What goes
// is planned as a removal, and is held until somebody has confirmed it.
func TestClustersMakeAndTakeApps(t *testing.T) {
	o := newOffice(t)
	o.answering()
	set := appfile.Clusters{"default": {"region": "eu"}, "paris": {"region": "eu"}}
	o.Labels = func() appfile.Clusters { return set }
	o.source.push("shop", "new", perCluster)
	if err := o.load(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if o.state("web-in-cluster") != "new" || o.state("web-paris") != "new" {
		t.Fatalf("%s, %s", o.state("web-in-cluster"), o.state("web-paris"))
	}
	next := appfile.Clusters{"default": {"region": "us"}, "paris": {"region": "eu"}, "rome": {"region": "eu"}}
	grants := func(name.Repo) *grant.Grant { return nil }
	foreseen, err := o.Reselect(t.Context(), Selecting{Clusters: next, Grants: grants, Confirmed: -1})
	if err != nil || len(foreseen.Broken) > 0 {
		t.Fatal(err, foreseen.Broken)
	}
	wantLines(t, "come", foreseen.Added, "web-rome")
	wantLines(t, "go", foreseen.Going(), "web-in-cluster")
	wantProblems(t, "nothing runs that would be deleted", foreseen.Problems)
	if len(foreseen.plans) != 1 || !foreseen.plans[0].Gone || foreseen.plans[0].Target.Stays != "" || !foreseen.plans[0].Target.Meant {
		t.Errorf("planned %+v", foreseen.plans)
	}

	// With the new clusters in force, and nothing confirmed.
	if !o.readWith.same(branchOf{"shop", "main"}, set) {
		t.Error("it is not known with which clusters the branch was read")
	}
	o.app("web-in-cluster").remember(record.Record{App: "web-in-cluster", Repo: "shop", Branch: "main", Revision: "new", Cluster: "default", Result: record.Deployed})
	o.kept.records("shop", record.Record{App: "web-in-cluster", Revision: "new", Cluster: "default", Result: record.Deployed})
	set = next
	if err := o.Reselected(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if got := o.state("web-in-cluster"); got != "new, held" || !o.app("web-in-cluster").isUnselected() || o.state("web-rome") != "new" {
		t.Errorf("%s, %s", got, o.state("web-rome"))
	}
	if why := o.app("web-in-cluster").unrenderedWhy(); why != whyUnmeant {
		t.Errorf("it is held, for %s", why)
	}

	// Confirmed.
	if err := o.Reselected(t.Context(), []name.App{"web-in-cluster"}); err != nil {
		t.Fatal(err)
	}
	if err := o.load(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if got := o.state("web-in-cluster"); got != "gone, prune: true" {
		t.Errorf("it was confirmed, and is %s", got)
	}
}

// TestClustersOfOtherAppsChangeNothing: a branch is not read again where nothing of it is others.
func TestClustersOfOtherAppsChangeNothing(t *testing.T) {
	o := newOffice(t)
	o.answering()
	set := appfile.Clusters{"default": {"region": "eu"}}
	o.Labels = func() appfile.Clusters { return set }
	o.source.push("shop", "new", perCluster)
	if err := o.load(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	before := o.app("web-in-cluster").wanted()
	set = appfile.Clusters{"default": {"region": "eu"}, "rome": {"region": "asia"}}
	if err := o.Reselected(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if o.app("web-in-cluster").wanted() != before || !o.readWith.same(branchOf{"shop", "main"}, set) {
		t.Error("it was read again, or will be")
	}
}

// TestRemovalsThatNobodyConfirmed: what leaves a repository of another tool without a push stays.
func TestRemovalsThatNobodyConfirmed(t *testing.T) {
	files := map[string]string{}
	for file, text := range perCluster {
		files[file] = strings.ReplaceAll(text, "region: eu", "region: mars")
	}
	rec := record.Record{App: "web-in-cluster", Revision: "old", Cluster: "default", Result: record.Deployed}
	for about, test := range map[string]struct {
		asked record.Asked
		want  string
	}{
		"nothing was asked for":                  {record.Asked{}, "remnant, held"},
		"it was confirmed":                       {record.Asked{Revision: "new", Leaving: []name.App{"web-in-cluster"}}, "gone, prune: true"},
		"it was confirmed with another revision": {record.Asked{Revision: "old", Leaving: []name.App{"web-in-cluster"}}, "remnant, held"},
		"it was confirmed, and stays":            {record.Asked{Revision: "new", Leaving: []name.App{"web-in-cluster"}, Keeping: []name.App{"web-in-cluster"}}, "gone, prune: false"},
	} {
		o := newOffice(t)
		o.source.push("shop", "new", files)
		o.source.asked["main"] = test.asked
		o.kept.records("shop", rec)
		if err := o.load(t.Context(), "shop"); err != nil {
			t.Fatal(err)
		}
		if got := o.state("web-in-cluster"); got != test.want {
			t.Errorf("%s: %s, want %s", about, got, test.want)
		}
	}
}

// TestGeneratorsReadOtherRepositories: a git generator makes apps of the folders of another
// repository, and follows it, also while it makes none.
func TestGeneratorsReadOtherRepositories(t *testing.T) {
	o := newOffice(t)
	o.answering()
	o.Elsewhere = func(user name.Repo, address string) name.Repo {
		if user == "shop" && strings.HasSuffix(address, "/lib") {
			return "lib"
		}
		return ""
	}
	o.source.push("shop", "new", map[string]string{
		"set.yaml": strings.NewReplacer("clusters: {selector: {matchLabels: {region: eu}}}", "git: {repoURL: 'https://example.org/lib', revision: HEAD, directories: [{path: 'apps/*'}]}",
			"{{name}}', namespace", "in-cluster', namespace", "web-{{name}}", "{{path.basename}}", "https://example.org/team/shop", "https://example.org/lib", "path: web", "path: '{{path}}'").Replace(perCluster["set.yaml"]),
	})
	o.source.push("lib", "lib1", map[string]string{"README.md": "none yet"})
	read := func() {
		t.Helper()
		if err := o.load(t.Context(), "shop"); err != nil {
			t.Fatal(err)
		}
	}
	if read(); !o.Follows("lib", "refs/heads/main") || o.Follows("lib", "refs/heads/next") {
		t.Fatal("it does not follow what it makes nothing of")
	}
	o.source.push("lib", "lib2", map[string]string{"apps/one/a.yaml": config, "apps/two/b.yaml": strings.Replace(config, "name: a", "name: b", 1)})
	read()
	for i, app := range []name.App{"one", "two"} {
		a := o.app(app)
		if a == nil || a.wanted() == nil || a.wanted().Spec.Path != fmt.Sprintf(".repositories/lib@main/apps/%s", app) || len(a.wanted().others) != 1 {
			t.Errorf("%d: %s is %s", i, app, o.state(app))
		}
	}
}
