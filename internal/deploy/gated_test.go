package deploy

import (
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// vanishes deletes an object from the cluster.
func (o *office) vanishes(api *fakeAPI, id manifest.ID) {
	u := api.running[id].DeepCopy()
	u.SetLabels(nil)
	u.SetResourceVersion("9")
	o.index.Note(u)
	delete(api.running, id)
}

const widget = "apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: a}\n"

// twoApps is a revision with the apps web and api in one namespace.
func twoApps(web, api string) map[string]string {
	return map[string]string{
		appfile.Name:   "apps: [{path: web, namespace: shop}, {path: api, namespace: shop}]\n",
		"web/all.yaml": web, "api/all.yaml": api,
	}
}

// TestAllProblemsOfAPush: all problems are reported at the same time, each of them once.
func TestAllProblemsOfAPush(t *testing.T) {
	for what, test := range map[string]struct {
		set   func(o *office, api *fakeAPI)
		files map[string]string
		want  []string
	}{
		"a Secret in the clear": {func(*office, *fakeAPI) {}, oneApp(secretLogin), []string{"is not encrypted"}},
		"a file that cannot be read, and a claim of another app": {
			func(o *office, _ *fakeAPI) { o.claims.Set("other", "default", wants("a")) }, twoApps(config, "a: [\n"), []string{"api/all.yaml", "belongs to app other"},
		},
		"a file that cannot be read, which may define a kind": {func(*office, *fakeAPI) {}, twoApps(widget, "a: [\n"), []string{"api/all.yaml"}},
		"a kind that two apps name":                           {func(*office, *fakeAPI) {}, twoApps(widget, strings.Replace(widget, "name: a", "name: b", 1)), []string{"does not know the kind Widget"}},
		"a cluster that does not answer for two apps":         {func(_ *office, api *fakeAPI) { api.fails["read parent"] = away }, twoApps(config, config2), []string{"cluster default does not answer"}},
	} {
		o := newOffice(t)
		api := o.answering()
		test.set(o, api)
		wantProblems(t, what, o.proposes(test.files).Problems, test.want...)
	}
}

func TestAppsThatComeAndLeave(t *testing.T) {
	o := newOffice(t)
	o.answering()
	o.settledOn(config)
	p := o.proposes(map[string]string{appfile.Name: "apps: [{name: api, path: api, namespace: shop}]\n", "api/all.yaml": config2})
	wantLines(t, "come", p.added, "api")
	wantLines(t, "leave", p.removed, "web")
}

// TestNamespaceThatTwoAppsAskFor: if two apps ask for one namespace, one of them makes it.
func TestNamespaceThatTwoAppsAskFor(t *testing.T) {
	o := newOffice(t)
	o.answering()
	files := twoApps(strings.Replace(config, "shop", "team", 1), strings.Replace(config2, "shop", "team", 1))
	files[appfile.Name] = strings.ReplaceAll(files[appfile.Name], "namespace: shop", "namespace: team, createNamespace: true")
	p := o.proposes(files)
	wantProblems(t, "problems", p.Problems)
	made := 0
	for _, step := range p.plannedSteps() {
		if strings.HasSuffix(step, "created Namespace team") {
			made++
		}
	}
	if made != 1 {
		t.Errorf("planned %q", p.plannedSteps())
	}
	if _, err := p.Accept(); err != nil {
		t.Fatal(err)
	}
	web := o.app("web")
	o.claims.Set("api", "default", []plan.Placed{{Object: web.wanted().Objects[0], Key: plan.NamespaceID("team")}})
	todo, err := web.replan(web.wanted(), systemJob(record.CauseDrift))
	if err != nil || slices.Contains(stepsOf(todo), "created Namespace team") {
		t.Errorf("the other app makes the namespace as well: %q, %v", stepsOf(todo), err)
	}
}

// TestAppThatAPushLeavesAsItIs: an app whose folder has not changed since its deploy is
// left as it is, and the cluster is asked nothing about it.
func TestAppThatAPushLeavesAsItIs(t *testing.T) {
	o := newOffice(t)
	o.answering()
	push := func(revision name.Revision) *Proposal {
		return o.Propose(t.Context(), Change{Repo: "shop", Branch: "main", Revision: revision, Tree: withApps(shopAt("1")), Push: "p", Options: Options{ConfirmPrune: -1}})
	}
	first := push("r1")
	if _, err := first.Accept(); err != nil || first.stays["shop"] {
		t.Fatal(err, first.Problems)
	}
	first.Close()
	a := o.app("shop")
	second := push("r2")
	if second.Close(); second.stays["shop"] || len(second.Plans) != 1 {
		t.Error("an app that was never deployed is left as it is")
	}
	a.remember(record.Record{Revision: "r1", Result: record.Deployed, Digest: a.digestFor(a.wanted())})
	if third := push("r3"); !third.stays["shop"] || len(third.Plans) > 0 || third.claims.Owner("default", plan.NamespaceID("shop")) != "" {
		t.Errorf("the app is left as it is: %v; planned %q", third.stays, third.plannedSteps())
	}
}

// TestPlannerOfAnApp: a planner gets the engine's knowledge of the app, and its plan gets
// the decisions about the target.
func TestPlannerOfAnApp(t *testing.T) {
	o := newOffice(t)
	o.answering()
	before := wanted("web", func(t *target) { t.forced = true })
	a := o.has("web", "shop", before)
	p := plan.Planner{API: o.callerOf(before).api, With: plan.NewCompanions(nil, nil), Claims: o.claims}
	now := wanted("web", func(t *target) { t.given.fates = []plan.Fate{{Path: "a", Is: fateNew}} })
	if o.equip(&p, a, now); p.Wanted != &before.Target || !p.Forcing || p.Target != &now.Target {
		t.Errorf("the planner gets %+v", p)
	}
	parent := kubetest.Parent("web", "shop", "mine", "7", kubetest.Extent{Kinds: "Secret", Namespaces: "shop"})
	made, problems, err := o.planTarget(t.Context(), now, p, &parent, nil)
	if err != nil || len(problems) > 0 || len(made.Generated) != 1 || made.Parent != &parent || made.Applies != a.ledger.Applies() {
		t.Errorf("planned %+v, %v, %v", made, problems, err)
	}
	index, ok := o.Clusters.Get("default").planIndex.(*fakeIndex)
	if !ok || !slices.Equal(index.followed, []string{"Secret"}) {
		t.Errorf("of the kinds that the app had, %q are followed", index.followed)
	}
}

// TestForcedPushTriesAll: a forced push also tries objects that seem unchanged.
func TestForcedPushTriesAll(t *testing.T) {
	for force, want := range map[bool]bool{false: false, true: true} {
		o := newOffice(t)
		api := o.answering()
		a := o.settledOn(config)
		o.leftAsIs(api, a)
		o.proposes(oneApp(config), func(c *Change) { c.Options.Force, c.Only = force, "web" })
		if tried := slices.ContainsFunc(api.asked, func(request string) bool { return strings.HasPrefix(request, "apply") }); tried != want {
			t.Errorf("force %v: asked %q", force, api.asked)
		}
	}
}

// TestObjectsThatAskToBeMadeAnew: objects with Force=true,Replace=true are recreated by a
// deploy that changes something, and never by a check.
func TestObjectsThatAskToBeMadeAnew(t *testing.T) {
	anew := strings.Replace(config, "name: a,", `name: a, annotations: {argocd.argoproj.io/sync-options: "Force=true,Replace=true"},`, 1)
	for what, test := range map[string]struct {
		cause   record.Cause
		settled bool
		want    []string
	}{
		"a check":                       {record.CauseDrift, true, []string{"created ConfigMap shop/b"}},
		"a check of what was not there": {record.CauseDrift, false, []string{"recreated ConfigMap shop/a", "created ConfigMap shop/b"}},
		"a deploy":                      {record.CauseSync, true, []string{"recreated ConfigMap shop/a", "created ConfigMap shop/b"}},
	} {
		o := newOffice(t)
		api := o.answering()
		a := o.settledOn(anew, config2)
		o.leftAsIs(api, a)
		o.vanishes(api, manifesttest.ConfigMap("b"))
		if !test.settled {
			a.last.Result = record.Failed
		}
		todo, err := a.replan(a.wanted(), systemJob(test.cause))
		if got := stepsOf(todo); err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
}
