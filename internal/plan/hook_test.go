package plan

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

var hookJob = manifest.ID{Group: "batch", Kind: "Job", Namespace: "shop", Name: "h"}

// TestHooksAreTriedOnce: a hook is tried until it is found sound, and again after it has
// changed.
func TestHooksAreTriedOnce(t *testing.T) {
	w := newWorld(t)
	plan, problems := w.planned(job("h", preSync), config("a", "1"))
	wantProblems(t, problems)
	wantTold(t, plan, "created ConfigMap shop/a", "hook Job shop/h")
	wantAsked(t, w, "apply Job shop/h", "get Job shop/h", "try ConfigMap shop/a")
	if w.trials.sound[hookJob] == "" {
		t.Fatal("the hook is not known to be sound")
	}

	w.api.asked = nil
	w.planned(job("h", preSync))
	wantAsked(t, w)
	w.planned(job("h", preSync, secondWave))
	wantAsked(t, w, "apply Job shop/h", "get Job shop/h")

	w.deployed(job("h", preSync))
	plan, _ = w.planned(job("h", preSync))
	wantTold(t, plan, "hook Job shop/h") // a hook is never an object that stays as it is

	w.api.asked, w.Target.Gone = nil, true
	w.Target.LastHooks = parsed(t, job("h", "argocd.argoproj.io/hook: PreDelete"))
	w.trials.sound[hookJob] = ""
	plan, _ = w.planned()
	wantTold(t, plan, "hook Job shop/h")
	wantAsked(t, w) // the hook was tried when it was pushed
}

// TestTrialOfAHook checks how a hook is tried, and which problems that finds.
func TestTrialOfAHook(t *testing.T) {
	const free = "Job shop/h-9f3a1"
	hook := job("h", preSync)
	generated := strings.Replace(hook, "name: h", "generateName: h-", 1)
	for name, test := range map[string]struct {
		hook     string
		change   func(w *world)
		asked    []string
		problems []string
	}{
		"its name is free":   {hook: hook, asked: []string{"apply Job shop/h", "get Job shop/h"}},
		"it has no name yet": {hook: generated, asked: []string{"apply " + free}},
		"a run of it is there": {
			hook: hook, change: func(w *world) { w.deployed(job("h")) }, asked: []string{"apply " + free, "get Job shop/h"},
		},
		"it is refused": {
			hook: hook, change: func(w *world) { w.api.refuses["apply Job shop/h"] = []error{kubetest.Refused} },
			asked: []string{"apply Job shop/h", "get Job shop/h"}, problems: []string{"refused"},
		},
		"it is refused under another name": {
			hook: generated, change: func(w *world) { w.api.refuses["apply "+free] = []error{kubetest.Refused} },
			asked: []string{"apply " + free}, problems: []string{"refused"},
		},
		"it cannot be looked for": {
			hook: hook, change: func(w *world) { w.api.refuses["get Job shop/h"] = []error{kubetest.Refused} },
			asked: []string{"get Job shop/h"}, problems: []string{"refused"},
		},
		"its namespace comes with the push": {
			hook: hook, change: func(w *world) { w.emptied(); w.With.Namespaces["shop"] = true },
			asked: []string{"apply Job shop/h", "get Job shop/h", "rehearse Job shop/h"},
		},
		"its namespace comes, and it is wrong": {
			hook: hook, change: func(w *world) {
				w.emptied()
				w.With.Namespaces["shop"], w.api.faults["Job shop/h"] = true, "is wrong"
			},
			asked: []string{"apply Job shop/h", "get Job shop/h", "rehearse Job shop/h"}, problems: []string{"is wrong"},
		},
		"its namespace does not come": {
			hook: hook, change: (*world).emptied,
			asked: []string{"apply Job shop/h", "get Job shop/h"}, problems: []string{"not found"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if test.change != nil {
				test.change(w)
			}
			plan, problems := w.planned(test.hook)
			wantProblems(t, problems, test.problems...)
			wantAsked(t, w, test.asked...)
			if len(plan.Hooks) != 1 || len(plan.Steps) > 0 {
				t.Fatalf("the plan is %q", told(plan))
			}
			id := plan.Hooks[0].ID
			if sound := w.trials.sound[id] != ""; sound == (len(problems) > 0) {
				t.Errorf("the hook is known to be sound: %v", sound)
			}
			if len(problems) == 1 && problems[0].Object != id.String() {
				t.Errorf("the problem is that of %s", problems[0].Object)
			}
		})
	}
}

// emptied removes the namespace shop.
func (w *world) emptied() { delete(w.api.running, NamespaceID("shop")) }

// TestForeignHooks: to run a hook, the object of its name is deleted. That object has to be
// an earlier run of the hook.
func TestForeignHooks(t *testing.T) {
	const foreign = "there is an object of that name which is not this app's"
	for name, test := range map[string]struct {
		runs    func(w *world)
		problem string
	}{
		"an object of nobody":           {func(w *world) { w.runs("helm", job("h")) }, foreign},
		"a hook of nobody":              {func(w *world) { w.runs("helm", job("h", preSync)) }, ""},
		"the app's":                     {func(w *world) { w.deployed(job("h")) }, ""},
		"an object of another app":      {func(w *world) { w.deployedBy("blog", "shop", job("h")) }, foreign},
		"a hook that another app had":   {func(w *world) { w.deployedBy("blog", "shop", job("h", preSync)) }, ""},
		"a hook of another repository":  {func(w *world) { w.deployedBy("blog", "blog", job("h", preSync)) }, foreign},
		"a hook that another app wants": {func(w *world) { w.deployedBy("blog", "shop", job("h", preSync)); w.claims("blog") }, foreign},
		"a hook that came to this app":  {func(w *world) { w.deployedBy("blog", "shop", job("h", preSync)); w.claims("shop") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.runs(w)
			_, problems := w.planned(job("h", preSync))
			if test.problem == "" {
				wantProblems(t, problems)
				return
			}
			wantProblems(t, problems, test.problem)
			if len(problems) == 1 && (problems[0].Hint == "" || problems[0].Source.Line == 0) {
				t.Errorf("the problem is %+v", problems[0])
			}
		})
	}
}

// claims makes an app want the hook.
func (w *world) claims(app name.App) { w.Claims.Set(app, "default", []Placed{{Key: hookJob}}) }

func TestSkippedAndTestHooksAreNotPlanned(t *testing.T) {
	w := newWorld(t)
	plan, problems := w.planned(job("skipped", skip), job("tests", "helm.sh/hook: test"), job("never", "helm.sh/hook: pre-rollback"), config("a", "1"))
	wantProblems(t, problems)
	wantTold(t, plan, "created ConfigMap shop/a")
	wantAsked(t, w, "try ConfigMap shop/a")
}

func TestHooksOfAPlan(t *testing.T) {
	hook := func(name string, annotations ...string) Step {
		policy, _ := parsed(t, job(name, annotations...))[0].Policy()
		return Step{ID: manifest.ID{Kind: "Job", Name: name}, Action: record.Hook, Policy: policy}
	}
	names := func(steps []Step) (names string) {
		for _, step := range steps {
			names += step.ID.Name + " "
		}
		return names
	}
	plan := &Plan{RunsHooks: true, Hooks: []Step{
		hook("late", preSync, secondWave), hook("early", preSync), hook("both", `argocd.argoproj.io/hook: "PostSync,SyncFail"`),
		hook("install", "helm.sh/hook: pre-install"), hook("upgrade", "helm.sh/hook: pre-upgrade"), hook("delete", "helm.sh/hook: pre-delete"),
	}}
	if got := names(plan.HooksOf(manifest.PreSync)); got != "early upgrade late " {
		t.Errorf("before the apply, a later deploy runs %q", got)
	}
	if got := names(plan.ShownHooks()); got != "early upgrade late both " {
		t.Errorf("the shown hooks are %q", got)
	}
	plan.First = true
	if got := names(plan.HooksOf(manifest.PreSync)); got != "early install late " {
		t.Errorf("before the apply, the first deploy runs %q", got)
	}
	plan.Gone = true
	if got := names(plan.ShownHooks()); got != "delete " {
		t.Errorf("the shown hooks of a removed app are %q", got)
	}
	if plan.RunsHooks = false; plan.ShownHooks() != nil {
		t.Error("hooks that do not run are shown")
	}
}

func TestSplitHooks(t *testing.T) {
	objects, hooks := splitHooks([]Step{{Action: record.Hook}, {Action: record.Create}, {Action: record.Hook}, {Action: record.Unchanged}})
	actions := func(steps []Step) (actions []record.Action) {
		for _, step := range steps {
			actions = append(actions, step.Action)
		}
		return actions
	}
	if got := actions(objects); !slices.Equal(got, []record.Action{record.Create, record.Unchanged}) || len(hooks) != 2 {
		t.Errorf("the objects are %v, and %d hooks", got, len(hooks))
	}
}

func TestNameHook(t *testing.T) {
	long := strings.Repeat("a", 70)
	for _, test := range []struct{ name, generate, want string }{
		{"migrate", "", "migrate-9f3a1"},
		{"", "migrate-", "migrate-9f3a1"},
		{"migrate", "other-", "migrate-9f3a1"},
		{long, "", long[:58] + "9f3a1"},
		{"", long[:58], long[:58] + "9f3a1"},
	} {
		u := &unstructured.Unstructured{Object: map[string]any{}}
		u.SetName(test.name)
		u.SetGenerateName(test.generate)
		NameHook(u, "9f3a1")
		if u.GetName() != test.want || u.GetGenerateName() != "" {
			t.Errorf("%q or %q becomes %q", test.name, test.generate, u.GetName())
		}
	}
}
