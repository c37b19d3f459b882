package deploy

import (
	"errors"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube/health"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// member puts an object of the app on the cluster, as Pushboat left it.
func (o *office) member(a *app, name string, changes ...func(u *unstructured.Unstructured)) *unstructured.Unstructured {
	u := settings(name, "1")
	u.SetLabels(map[string]string{"applyset.kubernetes.io/part-of": a.set})
	for _, change := range changes {
		change(u)
	}
	o.index.Note(u)
	return u
}

// left notes in the app's ledger that an object is as its deploy left it.
func (o *office) left(a *app, u *unstructured.Unstructured) {
	a.ledger.Note(manifest.IDOf(u), record.Noted{Fingerprint: o.index.EntryOf(u).Fingerprint})
}

func pending(u *unstructured.Unstructured) {
	u.SetKind("PersistentVolumeClaim")
	u.Object["status"] = map[string]any{"phase": "Pending"}
}

func terminating(u *unstructured.Unstructured) {
	moment := time.Unix(1, 0)
	_ = unstructured.SetNestedField(u.Object, moment.UTC().Format(time.RFC3339), "metadata", "deletionTimestamp")
}

func frozen(u *unstructured.Unstructured) {
	u.SetAnnotations(map[string]string{"kustomize.toolkit.fluxcd.io/reconcile": "disabled"})
}

func TestStatusOfAnApp(t *testing.T) {
	o := newOffice(t)
	a := o.deployed(wanted("web", func(t *target) { t.Spec.Schedule = "@daily" }))
	o.left(a, o.member(a, "a"))
	s, ok := o.Status("web")
	if !ok || s.App != "web" || s.Repo != "shop" || s.Branch != "main" || s.Cluster != "default" || s.Revision != shop().Revision || s.Schedule != "@daily" {
		t.Errorf("got %+v", s)
	}
	if s.Sync != InSync || s.Health != "healthy" || s.Objects != 1 || s.Last != a.lastRecord() || s.Outage != nil || s.Running != "" || len(s.Drift)+len(s.Sick) > 0 {
		t.Errorf("got %+v", s)
	}
	if _, ok := o.Status("other"); ok {
		t.Error("an unknown app has a status")
	}
}

// TestStatusTellsWhatIsWrong takes an app that is in sync, and changes one thing at a time.
func TestStatusTellsWhatIsWrong(t *testing.T) {
	fault := errors.New("refused")
	for name, test := range map[string]struct {
		change func(o *office, a *app)
		is     func(s Status) bool
	}{
		"a deploy goes on": {func(o *office, a *app) {
			o.t.Cleanup(func() { a.queue.newestRun().finish(record.Record{}) })
			a.queue.newRun()
		}, func(s Status) bool { return s.Sync == Deploying && s.Running == "web-2" }},
		"it has ended":          {func(_ *office, a *app) { a.queue.newRun().finish(record.Record{}) }, func(s Status) bool { return s.Sync == InSync && s.Running == "" }},
		"a revision is skipped": {func(_ *office, a *app) { a.setSkipped("r") }, func(s Status) bool { return s.Sync == Held }},
		"it is removed":         {func(_ *office, a *app) { a.last.Result = record.Removed }, func(s Status) bool { return s.Sync == Gone }},
		"it was never deployed": {func(_ *office, a *app) { a.last = nil }, func(s Status) bool { return s.Sync == Pending }},
		"nothing is wanted":     {func(_ *office, a *app) { a.setWant(nil) }, func(s Status) bool { return s.Sync == Pending && s.Health == "unknown" && s.Cluster == "" }},
		"the deploy failed":     {func(_ *office, a *app) { a.last.Result = record.Failed }, func(s Status) bool { return s.Sync == NotSynced }},
		"it cannot be rendered": {func(_ *office, a *app) { a.setUnrendered("a key") }, func(s Status) bool { return s.Sync == NotSynced && s.Unrendered == "a key" }},
		"it is suspended":       {func(_ *office, a *app) { a.suspended.set(&record.Suspension{By: "ben"}); a.want.Digest = "new" }, func(s Status) bool { return s.Sync == Held && s.Suspension != nil }},
		"a check failed":        {func(_ *office, a *app) { a.trouble.set("no answer") }, func(s Status) bool { return s.Sync == Unsure && s.Trouble == "no answer" && len(s.Reasons) == 1 }},
		"an object was changed": {func(_ *office, a *app) {
			a.ledger.Note(manifesttest.ConfigMap("a"), record.Noted{Fingerprint: "other"})
		}, func(s Status) bool { return s.Sync == Drifted && slices.Equal(s.Drift, []string{"ConfigMap shop/a"}) }},
		"its cluster is away":    {func(o *office, _ *app) { o.Clusters.Get("default").fails(fault) }, func(s Status) bool { return s.Sync == InSync && s.Outage != nil && s.Outage.Error == "refused" }},
		"its cluster is unknown": {func(o *office, _ *app) { o.Clusters.put("default", nil) }, func(s Status) bool { return s.Objects == 0 && s.Outage == nil }},
		"an object is not ready": {func(o *office, a *app) { o.member(a, "data", pending) }, func(s Status) bool {
			return s.Health == "progressing" && len(s.Sick) == 1 && s.Sick[0].Object == "PersistentVolumeClaim shop/data" && s.Objects == 2
		}},
		"a hook failed": {
			func(_ *office, a *app) {
				a.last.Result, a.last.Hooks = record.Unhealthy, []record.HookResult{
					{Key: "batch/Job/shop/ok", Phase: "PostSync", Result: manifest.EndSucceeded},
					{Key: "batch/Job/shop/h", Phase: "PostSync", Result: manifest.EndFailed, Message: "exit 1\nlog"},
					{Key: "damaged", Result: manifest.EndFailed},
				}
			}, func(s Status) bool {
				return s.Health == "failing" && slices.Equal(s.Sick, []Symptom{{Object: "PostSync hook Job shop/h", State: "exit 1"}})
			},
		},
		"the revision freezes an object": {
			func(o *office, a *app) {
				a.want.Objects = parsed(o.t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, annotations: {kustomize.toolkit.fluxcd.io/reconcile: disabled}}\n")
				a.want.Spec.Namespace = "team"
			},
			func(s Status) bool { return slices.Equal(s.Left, []string{"ConfigMap team/x"}) },
		},
		"the cluster freezes an object": {
			func(o *office, a *app) { o.member(a, "x", frozen) }, func(s Status) bool { return slices.Equal(s.Left, []string{"ConfigMap shop/x"}) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			a := o.deployed(wanted("web"))
			o.left(a, o.member(a, "a"))
			test.change(o, a)
			if s := a.status(); !test.is(s) {
				t.Errorf("got %+v", s)
			}
		})
	}
}

func TestFailedHooksAreSymptomsOfWhatWasApplied(t *testing.T) {
	hooks := []record.HookResult{{Key: "batch/Job/shop/h", Phase: "PreSync", Result: manifest.EndFailed}}
	if symptoms := hookSymptoms(&record.Record{Result: record.Failed, Hooks: hooks}); len(symptoms) > 0 {
		t.Errorf("a hook of an earlier phase is a symptom: %+v", symptoms)
	}
	if symptoms := hookSymptoms(nil); len(symptoms) > 0 {
		t.Errorf("no record: %+v", symptoms)
	}
}

func TestHealthOfAll(t *testing.T) {
	sick := func(statuses ...health.Status) []live.Entry {
		var entries []live.Entry
		for _, status := range statuses {
			entries = append(entries, live.Entry{Health: health.Health{Status: status}})
		}
		return entries
	}
	for name, test := range map[string]struct {
		sick    []live.Entry
		objects int
		want    string
	}{
		"all well":      {nil, 3, "healthy"},
		"no object":     {nil, 0, "-"},
		"one not ready": {sick(health.Progressing), 3, "progressing"},
		"one failed":    {sick(health.Progressing, health.Failed), 3, "failing"},
	} {
		if got := overall(test.sick, test.objects); got != test.want {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func TestContestsAreThoseThatWereLookedAt(t *testing.T) {
	got := contests(map[manifest.ID]Fight{
		manifesttest.ConfigMap("b"): {Times: 4, Next: 2 * time.Second, with: "a-controller", pointers: []string{"/data/x"}},
		manifesttest.ConfigMap("a"): {Times: 3, Next: time.Second, with: "kubectl"},
		manifesttest.ConfigMap("c"): {Times: 9},
	})
	want := []Contest{
		{"ConfigMap shop/a", "kubectl", 3, "1s", ""},
		{"ConfigMap shop/b", "a-controller", 4, "2s", `{kind: ConfigMap, name: "b", pointers: ["/data/x"]}`},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}

// TestDifferencesOfAnApp checks the known differences: each object once, sorted.
func TestDifferencesOfAnApp(t *testing.T) {
	for name, test := range map[string]struct {
		set  func(o *office, a *app)
		want []string
	}{
		"none":               {func(o *office, a *app) { o.left(a, o.member(a, "a")) }, nil},
		"one that was found": {func(_ *office, a *app) { a.drifts.note(&plan.Plan{Steps: []plan.Step{changed("a")}}) }, []string{"ConfigMap shop/a was changed"}},
		"one found, and seen too": {func(o *office, a *app) {
			a.drifts.note(&plan.Plan{Steps: []plan.Step{changed("a")}})
			o.member(a, "a")
			a.ledger.Note(manifesttest.ConfigMap("a"), record.Noted{Fingerprint: "x"})
		}, []string{"ConfigMap shop/a was changed"}},
		"one of which there is no word": {func(_ *office, a *app) {
			a.drifts.note(&plan.Plan{Steps: []plan.Step{{ID: manifesttest.ConfigMap("a"), Action: record.Configure}}})
		}, []string{"ConfigMap shop/a would be configured"}},
		"one that is seen": {func(o *office, a *app) {
			o.member(a, "a")
			a.ledger.Note(manifesttest.ConfigMap("a"), record.Noted{Fingerprint: "x"})
		}, []string{"ConfigMap shop/a was changed"}},
		"one that the revision freezes": {func(o *office, a *app) {
			o.member(a, "a")
			a.ledger.Note(manifesttest.ConfigMap("a"), record.Noted{Fingerprint: "x"})
			a.want.Objects = parsed(o.t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {kustomize.toolkit.fluxcd.io/reconcile: disabled}}\n")
			a.want.Spec.Namespace = "shop"
		}, nil},
		"one that is frozen there": {func(o *office, a *app) {
			o.member(a, "a", frozen)
			a.ledger.Note(manifesttest.ConfigMap("a"), record.Noted{Fingerprint: "x"})
		}, nil},
		"one that ends":                 {func(o *office, a *app) { o.left(a, o.member(a, "a", terminating)) }, []string{"ConfigMap shop/a is being deleted"}},
		"one that ends, and was pruned": {func(o *office, a *app) { o.member(a, "a", terminating) }, []string{"ConfigMap shop/a is being deleted"}},
		"two":                           {func(o *office, a *app) { o.member(a, "b", terminating); o.member(a, "a", terminating) }, []string{"ConfigMap shop/a is being deleted", "ConfigMap shop/b is being deleted"}},
		"of an unknown cluster":         {func(o *office, a *app) { o.member(a, "a", terminating); o.Clusters.put("default", nil) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			a := o.deployed(wanted("web"))
			test.set(o, a)
			var lines []string
			for _, found := range a.differences(a.wanted()) {
				lines = append(lines, found.Object+" "+found.What)
			}
			wantLines(t, name, lines, test.want...)
		})
	}
}

func TestDifferenceNamesFieldsAndCulprit(t *testing.T) {
	step := changed("a")
	step.Changes, step.Culprit = []manifest.Change{{Path: "data.x"}}, owner.Culprit{Manager: "kubectl-edit", Operation: "Update"}
	got := differenceOf(step)
	if got.What != "changed by kubectl-edit (Update); was changed" || !slices.Equal(got.Fields, []string{"data.x"}) || got.Culprit == nil || got.pending {
		t.Errorf("got %+v", got)
	}
	if got := differenceOf(changed("a")); got.What != "was changed" || got.Culprit != nil {
		t.Errorf("without a known culprit: %+v", got)
	}
}

func TestObjectThatFailedForGoodAndIsGone(t *testing.T) {
	o := newOffice(t)
	a := o.deployed(wanted("web"))
	a.ledger.Note(manifesttest.ConfigMap("a"), record.Noted{Ended: health.Exhausted})
	if symptoms := a.goneSymptoms(a.wanted()); len(symptoms) > 0 {
		t.Errorf("before the object is known to be gone: %+v", symptoms)
	}
	o.Clusters.put("default", nil)
	if symptoms := a.goneSymptoms(a.wanted()); len(symptoms) > 0 {
		t.Errorf("on an unknown cluster: %+v", symptoms)
	}
}

func TestListsOfApps(t *testing.T) {
	o := newOffice(t)
	o.deployed(wanted("web"))
	o.has("fresh", "shop", wanted("fresh"))
	o.has("empty", "shop", nil)
	o.has("skipped", "shop", nil).remember(record.Record{Result: record.Skipped})
	o.has("removed", "shop", nil).remember(record.Record{Result: record.Removed})
	o.deployed(wanted("blog", func(t *target) { t.Repo = "blog" }))
	o.deployed(wanted("next")).branch = "release"
	wantLines(t, "all", o.Apps(), "blog", "empty", "fresh", "next", "removed", "skipped", "web")
	wantLines(t, "of a repository", o.AppsOf("shop"), "fresh", "next", "skipped", "web")
	wantLines(t, "on a branch", o.AppsOn("shop", "main"), "empty", "fresh", "skipped", "web")
}

func TestRunOfAnApp(t *testing.T) {
	o := newOffice(t)
	a := o.deployed(wanted("web"))
	run := a.queue.newRun()
	defer run.finish(record.Record{})
	if o.Run("web", 2) != run || o.Run("web", 0) != run || o.Run("web", 1) != nil || o.Run("other", 1) != nil {
		t.Error("Run does not find the current run, or finds another one")
	}
}

func TestAppsOfADeletedRepositoryAreForgotten(t *testing.T) {
	o := newOffice(t)
	web := o.deployed(wanted("web"))
	blog := o.deployed(wanted("blog", func(t *target) { t.Repo = "blog" }))
	o.Forget("shop")
	if o.app("web") != nil || !web.isOver() {
		t.Error("an app of the deleted repository exists, or its worker goes on")
	}
	if o.app("blog") != blog || blog.isOver() {
		t.Error("an app of another repository is forgotten")
	}
}

func TestDeletionsThatWaitForHealth(t *testing.T) {
	last := changed("last")
	last.Action, last.Policy.Policies = record.Delete, manifest.PruneLast
	steps := []plan.Step{changed("now"), last}
	for name, test := range map[string]struct {
		set   func(o *office, a *app)
		steps []plan.Step
		want  int
	}{
		"all is well":         {func(*office, *app) {}, steps, 2},
		"something is sick":   {func(o *office, a *app) { o.member(a, "data", pending) }, steps, 1},
		"sick, but none wait": {func(o *office, a *app) { o.member(a, "data", pending) }, steps[:1], 1},
		"unknown cluster":     {func(o *office, _ *app) { o.Clusters.put("default", nil) }, steps, 2},
	} {
		o := newOffice(t)
		a := o.deployed(wanted("web"))
		test.set(o, a)
		if due := a.due(a.wanted(), test.steps); len(due) != test.want {
			t.Errorf("%s: %d deletions are due", name, len(due))
		}
	}
}

func TestAppThatLosesWhatItWants(t *testing.T) {
	o := newOffice(t)
	a := o.deployed(wanted("web", func(of *target) { of.Objects = parsed(t, config) }))
	if o.member(a, "other", terminating); a.losesWanted(a.wanted()) {
		t.Error("the deletion of another object counts")
	}
	if o.member(a, "a", terminating); !a.losesWanted(a.wanted()) {
		t.Error("the deletion of an object of the revision does not count")
	}
}
