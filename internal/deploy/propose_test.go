package deploy

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/record"
)

// oneApp is a revision with one app, web, whose objects are given as texts.
func oneApp(texts ...string) map[string]string {
	return map[string]string{
		appfile.Name:   "apps: [{name: web, path: web, namespace: shop}]\n",
		"web/all.yaml": strings.Join(texts, "---\n"),
	}
}

// proposes plans the push of a revision to the branch main of the repository shop.
func (o *office) proposes(files map[string]string, changes ...func(*Change)) *Proposal {
	draft := o.opened("main", files)
	for _, change := range changes {
		change(&draft.p.Change)
	}
	return draft.Propose(o.t.Context())
}

// plannedSteps lists the changes in a proposal's plans, as "app: action object".
func (p *Proposal) plannedSteps() []string {
	var lines []string
	for _, made := range p.Plans {
		for _, step := range made.Changes() {
			lines = append(lines, fmt.Sprintf("%s: %s %s", made.App, step.Action, step.ID))
		}
	}
	return lines
}

// lives makes an object run as the deploy of the app web has left it.
func (o *office) lives(api *fakeAPI, text string) *unstructured.Unstructured {
	u := parsed(o.t, text)[0].Unstructured
	u.SetNamespace("shop")
	u.SetManagedFields(settings("", "1").GetManagedFields())
	u.SetLabels(settings("", "1").GetLabels())
	u.SetLabels(map[string]string{kube.PartOfLabel: o.app("web").set})
	u.SetUID("uid of it")
	u.SetResourceVersion("1")
	api.running[manifest.IDOf(u)] = u
	o.index.Note(u)
	return u
}

func TestProposalPlansAndChangesNothing(t *testing.T) {
	o := newOffice(t)
	o.answering()
	p := o.proposes(oneApp(config))
	wantProblems(t, "problems", p.Problems)
	wantLines(t, "planned", p.plannedSteps(), "web: created ConfigMap shop/a")
	if o.app("web") != nil || len(o.kept.entries) > 0 || o.claims.Has("web") {
		t.Error("a proposal has changed something")
	}
	if plan := p.Plans[0]; !plan.RunsHooks || plan.Parent == nil || plan.Parent.Exists() {
		t.Errorf("the plan is %+v", plan)
	}
	runs, err := p.Accept()
	if err != nil || len(runs) != 1 || queued(o.app("web")).plan != p.Plans[0] || o.claims.Owner("default", manifesttest.ConfigMap("a")) != "web" {
		t.Errorf("accepted: %d deploys, %v", len(runs), err)
	}
}

func TestDraftIsProposedOnce(t *testing.T) {
	o := newOffice(t)
	o.answering()
	draft := o.opened("main", oneApp(config))
	first, second := draft.Propose(t.Context()), draft.Propose(t.Context())
	wantProblems(t, "the second", second.Problems, "the change was proposed already")
	second.Close()
	if !o.reservations.expect("shop", "main") {
		t.Error("closing the second proposal releases the branch that the first one has reserved")
	}
	if _, err := second.Accept(); !errors.Is(err, ErrRefused) {
		t.Errorf("the second is accepted: %v", err)
	}
	if _, err := first.Accept(); err != nil {
		t.Errorf("the first is not: %v", err)
	}
}

// TestRefusals checks the reasons for which a change is refused. A refused change does not
// keep other changes out.
func TestRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		set    func(o *office, api *fakeAPI)
		files  map[string]string
		want   []string
		hint   string
		remedy manifest.RemedyKind
	}{
		"an unknown kind": {
			func(*office, *fakeAPI) {}, oneApp("apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: a}\n"),
			[]string{"web/all.yaml:1: Widget a: the cluster does not know the kind Widget"},
			"", "",
		},
		"a definition that may not be": {
			func(_ *office, api *fakeAPI) { api.vetted = manifest.Problems{{Message: "it redefines Pod"}} }, oneApp(config), []string{"it redefines Pod"}, "", "",
		},
		"an inventory of another server": {
			func(_ *office, api *fakeAPI) {
				api.parents["web"] = existing(kube.Parent{App: "web", Repository: "shop", Server: "theirs"})
			}, oneApp(config), []string{"app web on cluster default is deployed by another Pushboat server (theirs)"}, "take-over web shop", "",
		},
		"an inventory that cannot be read": {
			func(_ *office, api *fakeAPI) { api.fails["read parent"] = away }, oneApp(config), []string{"cluster default does not answer"}, "", manifest.RemedyAgainOrSkip,
		},
		"an object that cannot be tried": {
			func(_ *office, api *fakeAPI) { api.fails["try"], api.fails["apply"] = away, away }, oneApp(config), []string{"cluster default does not answer"}, "", manifest.RemedyAgainOrSkip,
		},
		"an object of another app": {
			func(o *office, _ *fakeAPI) { o.claims.Set("api", "default", wants("a")) }, oneApp(config), []string{"belongs to app api"}, "remove it from one", "",
		},
		"an object twice": {
			func(*office, *fakeAPI) {}, oneApp(config, config), []string{"ConfigMap"}, "", "",
		},
		"a full disk": {
			func(o *office, _ *fakeAPI) { _ = o.Sealed.Close() }, oneApp("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"), []string{"seal"}, "", "again",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			api := o.answering()
			test.set(o, api)
			p := o.proposes(test.files)
			if wantProblems(t, name, p.Problems, test.want...); t.Failed() {
				return
			}
			if got := p.Problems[0]; !strings.Contains(got.Hint, test.hint) || test.remedy != "" && got.Remedy.Kind != test.remedy {
				t.Errorf("the hint is %q, the remedy %q", got.Hint, got.Remedy.Kind)
			}
		})
	}
}

var away = kubetest.Down

func TestReservationOfAProposal(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Change)
		files  map[string]string
		want   bool
	}{
		"a push":            {func(*Change) {}, oneApp(config), true},
		"a plan alone":      {func(c *Change) { c.Options.Plan = true }, oneApp(config), false},
		"a skipped push":    {func(c *Change) { c.Options.Skip = true }, oneApp(config), true},
		"a push with fault": {func(*Change) {}, oneApp("apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: a}\n"), false},
	} {
		o := newOffice(t)
		o.answering()
		p := o.proposes(test.files, test.change)
		if got := o.reservations.expect("shop", "main"); got != test.want {
			t.Errorf("%s: the branch is reserved: %v", name, got)
		}
		if p.Close(); o.reservations.expect("shop", "main") {
			t.Errorf("%s: the branch stays reserved", name)
		}
	}
}

func TestPushesThatWantTheSameCollide(t *testing.T) {
	o := newOffice(t)
	o.answering()
	o.proposes(oneApp(config))
	o.source.push("blog", "other", map[string]string{"all.yaml": config})
	p := o.Propose(t.Context(), Change{Repo: "blog", Branch: "main", Revision: "other", Tree: o.source.trees["other"], Push: "p2", Options: Options{ConfirmPrune: -1}})
	wantProblems(t, "the second push", p.Problems, "is wanted by app web in a push at this moment")
}

func TestAppsThatAreUpToDateAreNotPlanned(t *testing.T) {
	o := newOffice(t)
	api := o.answering()
	if _, err := o.proposes(oneApp(config)).Accept(); err != nil {
		t.Fatal(err)
	}
	a := o.app("web")
	a.remember(record.Record{Revision: "new", Result: record.Deployed, Digest: a.digestFor(a.wanted())})
	api.asked = nil
	p := o.proposes(oneApp(config))
	if wantProblems(t, "problems", p.Problems); len(p.Plans) > 0 || len(api.asked) > 0 {
		t.Errorf("planned %q, and asked %q", p.plannedSteps(), api.asked)
	}
	if p.targets[0].origin != fromRevision || p.stays["web"] {
		t.Error("a target without known inputs counts as the one before it")
	}
}

func TestDeletionsAreConfirmed(t *testing.T) {
	service := "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: LoadBalancer}\n"
	for name, test := range map[string]struct {
		text    string
		files   map[string]string
		confirm int
		want    string // a part of the hint, or of the problem
	}{
		"of an app that leaves":           {config, map[string]string{appfile.Name: "apps: []\n"}, -1, ""},
		"of a Service with an address":    {service, oneApp(strings.Replace(config, "name: a", "name: other", 1)), -1, ""},
		"confirmed":                       {service, oneApp(strings.Replace(config, "name: a", "name: other", 1)), 1, "confirmed"},
		"confirmed with a wrong number":   {service, oneApp(strings.Replace(config, "name: a", "name: other", 1)), 7, "confirm-prune=7 does not match"},
		"of a ConfigMap beside an object": {config, oneApp(strings.Replace(config, "name: a", "name: other", 1)), -1, "confirmed"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			api := o.answering()
			if _, err := o.proposes(oneApp(config)).Accept(); err != nil {
				t.Fatal(err)
			}
			o.lives(api, test.text)
			p := o.proposes(test.files, func(c *Change) { c.Options.ConfirmPrune = test.confirm })
			if test.want == "confirmed" {
				wantProblems(t, name, p.Problems)
				return
			}
			if len(p.Problems) != 1 || p.Problems[0].Remedy != (manifest.Remedy{Kind: manifest.RemedyConfirmPrune, Deletions: 1}) || p.Problems[0].Hint != test.want || !p.guarded {
				t.Errorf("%+v", p.Problems)
			}
			if len(p.Plans) == 0 {
				t.Error("the plan does not show what is to be confirmed")
			}
		})
	}
}

func TestServicesThatCannotBeLookedAt(t *testing.T) {
	o := newOffice(t)
	api := o.answering()
	if _, err := o.proposes(oneApp(config)).Accept(); err != nil {
		t.Fatal(err)
	}
	o.lives(api, "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n")
	api.fails["get Service shop/web"] = away
	wantProblems(t, "refused", o.proposes(oneApp(config)).Problems, "cluster default does not answer")
}

func TestManyInventoriesAreReadWithOneRequest(t *testing.T) {
	for name, test := range map[string]struct {
		apps  int
		lists int
	}{"few apps": {fewParents, 0}, "many apps": {fewParents + 1, 1}} {
		o := newOffice(t)
		api := o.answering()
		files := map[string]string{appfile.Name: "apps: [{path: 'a*', namespace: shop}]\n"}
		for i := range test.apps {
			files[fmt.Sprintf("a%d/all.yaml", i)] = strings.Replace(config, "name: a", fmt.Sprint("name: a", i), 1)
		}
		api.parents["a0"] = existing(kube.Parent{App: "a0", Repository: "shop", Server: "mine"})
		p := o.proposes(files)
		wantProblems(t, name, p.Problems)
		lists, reads := 0, 0
		for _, request := range api.asked {
			switch {
			case request == "list parents":
				lists++
			case strings.HasPrefix(request, "read parent"):
				reads++
			}
		}
		if wanted := test.apps * (1 - test.lists); lists != test.lists || reads != wanted {
			t.Errorf("%s: %d lists, %d reads", name, lists, reads)
		}
		for _, made := range p.Plans {
			if made.Parent.Exists() != (made.App == "a0") || made.Parent.App != made.App {
				t.Errorf("%s: the inventory of %s is %+v", name, made.App, made.Parent)
			}
		}
	}
}

func TestListOfInventoriesThatFails(t *testing.T) {
	o := newOffice(t)
	o.answering().fails["list parents"] = away
	files := map[string]string{appfile.Name: "apps: [{path: 'a*', namespace: shop}]\n"}
	for i := range fewParents + 1 {
		files[fmt.Sprintf("a%d/all.yaml", i)] = strings.Replace(config, "name: a", fmt.Sprint("name: a", i), 1)
	}
	wantProblems(t, "refused", o.proposes(files).Problems, "cluster default does not answer")
}

func TestRevisionThatIsReadInPartShowsNoPlan(t *testing.T) {
	o := newOffice(t)
	o.answering()
	p := o.proposes(map[string]string{
		appfile.Name: "apps: [{path: web, namespace: shop}, {path: api, namespace: shop}]\n", "web/all.yaml": config, "api/all.yaml": "a: [\n",
	})
	if len(p.Problems) == 0 || len(p.Plans) > 0 || !p.unread {
		t.Errorf("%v, planned %q", p.Problems, p.plannedSteps())
	}
}
