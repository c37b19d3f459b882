package deploy

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// fakeWork is a plan that is carried out on no cluster. It remembers its steps, and each
// step ends as the test wants.
type fakeWork struct {
	order   apply.Order
	ends    map[string]func() error // by step; any other step succeeds
	steps   []string
	hooks   []record.HookResult
	done    []plan.Step
	deleted []string
	same    int
	warned  []record.Warning
	printed []apply.Printed
	toldOf  []string // the reports to the pusher, each with the step after which it came
}

func (w *fakeWork) step(name string) error {
	w.steps = append(w.steps, name)
	if end := w.ends[name]; end != nil {
		return end()
	}
	return nil
}

func (w *fakeWork) tell(what string) {
	w.toldOf = append(w.toldOf, what+" after "+w.steps[len(w.steps)-1])
}

func (w *fakeWork) Apply() error               { return w.step("apply") }
func (w *fakeWork) Prune() error               { return w.step("prune") }
func (w *fakeWork) AwaitHealthy() error        { return w.step("await") }
func (w *fakeWork) Complete() error            { return w.step("complete") }
func (w *fakeWork) AfterFailure()              { _ = w.step("after failure") }
func (w *fakeWork) TellWarnings()              { w.tell("warnings") }
func (w *fakeWork) TellDying()                 { w.tell("dying") }
func (w *fakeWork) Done() []plan.Step          { return w.done }
func (w *fakeWork) Deleted() []string          { return w.deleted }
func (w *fakeWork) Same() int                  { return w.same }
func (w *fakeWork) Hooks() []record.HookResult { return w.hooks }
func (w *fakeWork) Warnings() []record.Warning { return w.warned }
func (w *fakeWork) Printed() []apply.Printed   { return w.printed }
func (w *fakeWork) EndHooks(rec *record.Record) {
	_ = w.step("end hooks")
	rec.Hooks = w.hooks
}

// carries makes the engine carry out plans with the fake work.
func (o *office) carries(w *fakeWork) {
	o.carry = func(order apply.Order) work {
		w.order = order
		return w
	}
}

// pushedOnto queues the deploy of a push whose plan changes nothing, and makes the worker
// take it.
func pushedOnto(a *app) *job {
	j := pushed(a.queue)
	j.plan = &plan.Plan{App: a.name, Cluster: "default", Digest: a.wanted().Digest, Made: time.Now(), Applies: a.ledger.Applies()}
	a.queue.add(j)
	a.queue.take()
	return j
}

func with(err error) func() error { return func() error { return err } }

// TestStagesOfADeploy tries each way in which a stage can end, and checks the next stage,
// the attempt's ending, and the record.
func TestStagesOfADeploy(t *testing.T) {
	const whole, onFailure = "apply, prune, await, complete, end hooks", ", after failure, end hooks"
	forbidden, sick := errors.New("forbidden"), apply.UnhealthyError{Reason: "not ready"}
	hook := errors.New("hook failed")
	cancelled := errors.New("cancelled")
	for name, test := range map[string]struct {
		stage  string // the stage that ends with the event
		err    error
		steps  string
		ending ending
		result record.Result // "" for no record
		digest bool          // whether the record says that the target was reached, or was to be
	}{
		"all well":                      {"", nil, whole, endedWell, record.Deployed, true},
		"applying fails":                {"apply", forbidden, "apply" + onFailure, endedFailed, record.Failed, true},
		"a hook fails before":           {"apply", hook, "apply" + onFailure, endedHookFailed, record.Failed, true},
		"applying is cancelled":         {"apply", cancelled, "apply, end hooks", endedCancelled, record.Failed, true},
		"applying is superseded":        {"apply", apply.ErrSuperseded, "apply, end hooks", endedSuperseded, record.Superseded, false},
		"applying is interrupted":       {"apply", apply.ErrInterrupted, "apply", endedInterrupted, "", false},
		"pruning fails":                 {"prune", forbidden, "apply, prune" + onFailure, endedFailed, record.Failed, true},
		"a hook fails beside pruning":   {"prune", hook, "apply, prune" + onFailure, endedHookFailed, record.Failed, true},
		"pruning is cancelled":          {"prune", cancelled, "apply, prune, end hooks", endedCancelled, record.Failed, true},
		"pruning is superseded":         {"prune", apply.ErrSuperseded, "apply, prune, end hooks", endedSuperseded, record.Superseded, false},
		"pruning is interrupted":        {"prune", apply.ErrInterrupted, "apply, prune", endedInterrupted, "", false},
		"an object stays sick":          {"await", sick, "apply, prune, await" + onFailure, endedUnhealthy, record.Unhealthy, true},
		"the wait is superseded":        {"await", apply.ErrSuperseded, "apply, prune, await, end hooks", endedSuperseded, record.Superseded, true},
		"the wait is interrupted":       {"await", apply.ErrInterrupted, "apply, prune, await", endedInterrupted, "", false},
		"the last deletions fail":       {"complete", forbidden, "apply, prune, await, complete" + onFailure, endedFailed, record.Failed, true},
		"a hook fails after":            {"complete", hook, "apply, prune, await, complete" + onFailure, endedUnhealthy, record.Unhealthy, true},
		"the last stage is cancelled":   {"complete", cancelled, "apply, prune, await, complete, end hooks", endedCancelled, record.Failed, true},
		"the last stage is superseded":  {"complete", apply.ErrSuperseded, "apply, prune, await, complete, end hooks", endedSuperseded, record.Superseded, true},
		"the last stage is interrupted": {"complete", apply.ErrInterrupted, "apply, prune, await, complete", endedInterrupted, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			a := o.has("web", "shop", wanted("web"))
			w := &fakeWork{}
			w.ends = map[string]func() error{test.stage: func() error {
				if errors.Is(test.err, hook) {
					w.hooks = []record.HookResult{{Key: "batch/Job/shop/h", Phase: manifest.Sync.String(), Result: manifest.EndFailed}}
				}
				if errors.Is(test.err, cancelled) {
					a.queue.cancel(access.Caller{Operator: "dora"})
				}
				return test.err
			}}
			o.carries(w)
			j := pushedOnto(a)
			at := a.attempt(j)
			if steps := strings.Join(w.steps, ", "); steps != test.steps || at.stage != stageEnded || at.ending != test.ending {
				t.Errorf("the attempt took the steps %s, is %s and ended %s; want %s, ended %s", steps, at.stage, at.ending, test.steps, test.ending)
			}
			rec := o.kept.last()
			if rec.Result != test.result || (rec.Digest != "") != test.digest {
				t.Errorf("recorded %q with the digest %q", rec.Result, rec.Digest)
			}
			if test.err != nil && rec.Result != "" && rec.Message != test.err.Error() {
				t.Errorf("recorded because of %q", rec.Message)
			}
			if by := map[bool]string{true: "dora"}[errors.Is(test.err, cancelled)]; rec.Cancelled != by {
				t.Errorf("recorded as cancelled by %q", rec.Cancelled)
			}
			if _, ended := j.run.Outcome(); !ended || !isClosed(j.run.applied) {
				t.Error("the run has not ended, so others wait for it for ever")
			}
		})
	}
}

func TestStagesOfARemoval(t *testing.T) {
	for name, test := range map[string]struct {
		ends   map[string]func() error
		steps  string
		ending ending
		result record.Result
	}{
		"all well": {nil, "apply, prune, end hooks", endedWell, record.Removed},
		"it fails": {map[string]func() error{"prune": with(errors.New("forbidden"))}, "apply, prune, end hooks", endedFailed, record.Failed},
	} {
		o := newOffice(t)
		a := o.has("web", "shop", wanted("web", func(t *target) { t.Gone = true }))
		w := &fakeWork{ends: test.ends}
		o.carries(w)
		at := a.attempt(pushedOnto(a))
		if steps := strings.Join(w.steps, ", "); steps != test.steps || at.ending != test.ending || o.kept.last().Result != test.result {
			t.Errorf("%s: the attempt took the steps %s, ended %s, and is recorded as %s", name, steps, at.ending, o.kept.last().Result)
		}
	}
}

// TestStagesOfACorrection: a correction does not wait for the health of the objects that it
// has corrected.
func TestStagesOfACorrection(t *testing.T) {
	o := newOffice(t)
	a := o.deployed(wanted("web"))
	w := &fakeWork{done: []plan.Step{changed("a")}}
	w.done[0].Culprit = owner.Culprit{Manager: "kubectl-edit"}
	o.carries(w)
	at := a.newAttempt(systemJob(record.CauseDrift))
	at.plan = &plan.Plan{App: "web", Cluster: "default", Steps: w.done}
	at.stage = stageComparing
	for at.advance(at.seeTo(at.plan)); at.stage != stageEnded; {
		at.advance(at.step())
	}
	if steps := strings.Join(w.steps, ", "); steps != "apply, prune, complete, end hooks" || !w.order.Corrects || at.ending != endedWell {
		t.Errorf("the attempt took the steps %s, and ended %s", steps, at.ending)
	}
	rec := o.kept.last()
	if rec.Result != record.Corrected || len(rec.Objects) != 1 || rec.Objects[0].Culprit == nil || rec.Objects[0].Culprit.Manager != "kubectl-edit" {
		t.Errorf("recorded %+v", rec)
	}
}

func TestOrderSaysWhatIsCarriedOut(t *testing.T) {
	o := newOffice(t)
	a := o.deployed(wanted("web", func(t *target) { t.Digest = "before" }))
	a.setWant(wanted("web"))
	w := &fakeWork{}
	o.carries(w)
	j := pushedOnto(a)
	j.plan.Steps = []plan.Step{{ID: manifesttest.ConfigMap("a"), Action: record.Create, Warned: manifest.Problems{{Message: "old"}}}}
	last := a.lastRecord()
	a.attempt(j)
	order := w.order
	if order.App.Name != "web" || order.Target != &a.wanted().Target || order.Plan != j.plan || order.Log != j.run || order.Number != j.run.Number || order.Corrects {
		t.Errorf("ordered %+v", order)
	}
	if len(order.Told) != 1 || order.Last != last || order.ID == "" {
		t.Errorf("ordered with warnings %v, after %+v, of %q", order.Told, order.Last, order.ID)
	}
	again := &fakeWork{}
	o.carries(again)
	a.attempt(pushedOnto(a))
	if again.order.ID != order.ID || again.order.Number == order.Number {
		t.Error("the same target has another id, or the same number")
	}
}

// TestWarningsAreToldAsTheyCome: the pusher sees warnings and deletions before a wait, and
// not only at its end.
func TestWarningsAreToldAsTheyCome(t *testing.T) {
	o := newOffice(t)
	a := o.has("web", "shop", wanted("web"))
	w := &fakeWork{warned: []record.Warning{{Key: "/ConfigMap/shop/a", Text: "old"}}}
	o.carries(w)
	a.attempt(pushedOnto(a))
	want := []string{
		"warnings after prune", "dying after await", "warnings after await", "warnings after complete", "warnings after end hooks",
	}
	wantLines(t, "told", w.toldOf, want...)
	if rec := o.kept.last(); !slices.Equal(rec.Warnings, w.warned) {
		t.Errorf("recorded %+v", rec.Warnings)
	}
}

func TestCrashOfAStageIsContained(t *testing.T) {
	o := newOffice(t)
	a := o.has("web", "shop", wanted("web"))
	o.carries(&fakeWork{ends: map[string]func() error{"apply": func() error { panic("a fault") }}})
	j := pushedOnto(a)
	at := a.attempt(j)
	if rec, ended := j.run.Outcome(); !ended || rec.Message != crashMessage || at.ending != endedFailed || len(o.kept.entries) > 0 {
		t.Errorf("the attempt ended %s: %+v", at.ending, rec)
	}
}

func TestDefinitionsEndTheTroubleOfOtherApps(t *testing.T) {
	definition := plan.Step{ID: manifest.ID{Group: manifest.DefinitionKind.Group, Kind: manifest.DefinitionKind.Kind, Name: "widgets"}, Action: record.Create}
	for name, test := range map[string]struct {
		steps []plan.Step
		err   error
		want  []string
	}{
		"a definition is applied": {[]plan.Step{definition}, nil, []string{"api: retry"}},
		"it is not":               {[]plan.Step{definition}, errors.New("forbidden"), nil},
		"another object":          {[]plan.Step{{ID: manifesttest.ConfigMap("a"), Action: record.Create}}, nil, nil},
	} {
		o := newOffice(t)
		api := o.has("api", "shop", wanted("api"))
		api.trouble.set("no definition")
		a := o.has("web", "shop", wanted("web"))
		o.carries(&fakeWork{ends: map[string]func() error{"apply": with(test.err)}})
		j := pushedOnto(a)
		j.plan.Steps = test.steps
		a.attempt(j)
		wantLines(t, name, jobNames(api), test.want...)
	}
}

func TestDeployEndsTheDifferencesThatWereLeft(t *testing.T) {
	o := newOffice(t)
	a := o.has("web", "shop", wanted("web"))
	a.drifts.note(&plan.Plan{Steps: []plan.Step{changed("a")}})
	o.carries(&fakeWork{})
	if a.attempt(pushedOnto(a)); a.drifts.has(manifesttest.ConfigMap("a")) {
		t.Error("a difference still counts after a deploy")
	}
}

// TestFailedRetryKeepsTheHooksThatAreDone: the record of a retry that fails before its
// hooks keeps the hooks that were done, since the next retry reads this record.
func TestFailedRetryKeepsTheHooksThatAreDone(t *testing.T) {
	for name, set := range map[string]func(o *office, j *job){
		"it cannot apply": func(*office, *job) {},
		"it cannot plan": func(o *office, j *job) {
			o.Clusters.put("default", nil)
			j.fresh = time.Now().Add(time.Minute) // no plan is that young
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			a := o.has("web", "shop", wanted("web"))
			job := record.HookResult{Key: "batch/Job/shop/a", Phase: "PreSync", Result: manifest.EndSucceeded}
			a.remember(record.Record{Result: record.Failed, Digest: a.digestFor(a.wanted()), Hooks: []record.HookResult{job}})
			w := &fakeWork{ends: map[string]func() error{"apply": with(errors.New("away"))}}
			o.carries(w)
			j := pushedOnto(a)
			j.kind, j.cause = checkJob, record.CauseRetry
			set(o, j)
			a.attempt(j)
			last := a.lastRecord()
			if last.Result != record.Failed || last.Message == "" || !reflect.DeepEqual(last.Hooks, []record.HookResult{job}) {
				t.Errorf("the retry is recorded as %s (%s) with hooks %v", last.Result, last.Message, last.Hooks)
			}
			if applied := len(w.steps) > 0; applied == (name == "it cannot plan") {
				t.Errorf("the attempt took the steps %v", w.steps)
			}
			if done := a.doneBefore(a.wanted(), systemJob(record.CauseRetry)); !done[apply.HookKey("PreSync", job.Key)] {
				t.Errorf("done before the next retry are %v", done)
			}
		})
	}
}

func TestHooksThatSucceededAreNotRunAgain(t *testing.T) {
	hooks := []record.HookResult{
		{Key: "batch/Job/shop/a", Phase: "PreSync", Result: manifest.EndSucceeded},
		{Key: "batch/Job/shop/b", Phase: "PreSync", Result: manifest.EndFailed},
	}
	for name, test := range map[string]struct {
		rec   record.Record
		cause record.Cause
		want  int
	}{
		"a retry":                    {record.Record{Result: record.Failed, Hooks: hooks}, record.CauseRetry, 1},
		"a push":                     {record.Record{Result: record.Failed, Hooks: hooks}, record.CausePush, 0},
		"after a deploy":             {record.Record{Result: record.Deployed, Hooks: hooks}, record.CauseRetry, 0},
		"a retry of something newer": {record.Record{Result: record.Failed, Hooks: hooks, Digest: "other"}, record.CauseRetry, 0},
	} {
		a := newOffice(t).has("web", "shop", wanted("web"))
		if test.rec.Digest == "" {
			test.rec.Digest = a.digestFor(a.wanted())
		}
		a.remember(test.rec)
		done := a.doneBefore(a.wanted(), systemJob(test.cause))
		if len(done) != test.want || test.want > 0 && !done[apply.HookKey("PreSync", "batch/Job/shop/a")] {
			t.Errorf("%s: done before are %v", name, done)
		}
	}
	if a := newOffice(t).has("web", "shop", wanted("web")); len(a.doneBefore(a.wanted(), systemJob(record.CauseRetry))) > 0 {
		t.Error("hooks count as done before the first deploy")
	}
}
