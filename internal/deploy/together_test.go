package deploy

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// pushOf makes the runs of a push, one for each app. An app and its dependencies are
// written as "web: api db".
func pushOf(lines ...string) *together {
	g := &together{free: map[name.App]bool{}}
	for _, line := range lines {
		app, needs := cutNeeds(line)
		g.runs = append(g.runs, newRun(app, 1))
		g.free[app] = len(needs) == 0
	}
	return g
}

// cutNeeds reads an app and its dependencies from a text such as "web: api db".
func cutNeeds(line string) (app name.App, needs []name.App) {
	first, others, _ := strings.Cut(line, ":")
	for other := range strings.FieldsSeq(others) {
		needs = append(needs, name.App(other))
	}
	return name.App(first), needs
}

func (g *together) run(app name.App) *Run {
	for _, run := range g.runs {
		if run.App == app {
			return run
		}
	}
	return nil
}

func TestAllAppliesBeforeAnyPrune(t *testing.T) {
	g := pushOf("db", "web: db", "blog", "old")
	pruned := make(chan error)
	go func() { pruned <- g.awaitApplied(t.Context(), g.run("old"), time.Hour) }()
	for _, app := range []name.App{"db", "web"} {
		g.run(app).setApplied()
	}
	select {
	case <-pruned:
		t.Fatal("old prunes before blog is applied")
	default:
	}
	g.run("blog").finish(record.Record{Result: record.Failed}) // a deploy that has ended holds up no other
	if err := <-pruned; err != nil {
		t.Fatal(err)
	}
}

// TestDependentsAreNotWaitedFor: an app does not wait for the applies of apps that depend
// on others. Two apps with dependents would wait for each other's dependents, and neither
// would end.
func TestDependentsAreNotWaitedFor(t *testing.T) {
	g := pushOf("one", "needs-one: one", "two", "needs-two: two")
	g.run("one").setApplied()
	g.run("two").setApplied()
	if err := g.awaitApplied(t.Context(), g.run("one"), time.Hour); err != nil {
		t.Fatal(err)
	}
	g.run("one").finish(record.Record{Result: record.Deployed})
	g.run("needs-one").setApplied() // its wait for one has ended
	if err := g.awaitApplied(t.Context(), g.run("two"), time.Hour); err != nil {
		t.Fatal(err)
	}
}

func TestWaitForOthersEnds(t *testing.T) {
	g := pushOf("web", "old")
	if err := g.awaitApplied(t.Context(), g.run("old"), time.Millisecond); err != nil {
		t.Errorf("after the timeout, got %v; want to go on", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(apply.ErrSuperseded)
	if err := g.awaitApplied(ctx, g.run("old"), time.Hour); !errors.Is(err, apply.ErrSuperseded) {
		t.Errorf("after a newer revision came, got %v", err)
	}
}

func TestWaitForOthersNamesThem(t *testing.T) {
	g := pushOf("a", "b", "c", "d", "old")
	g.run("b").setApplied()
	if got := unapplied(g.runs, g.run("old")); got != "a, c, d" {
		t.Errorf("got %q", got)
	}
	g.runs = append(g.runs, newRun("e", 1))
	if got := unapplied(g.runs, g.run("old")); got != "a, c, d, 1 more" {
		t.Errorf("got %q", got)
	}
}

// TestNewerPushEndsTheWaitForDependencies: a job that waits for its dependencies gives way
// to a newer one. Otherwise two pushes could wait for each other.
func TestNewerPushEndsTheWaitForDependencies(t *testing.T) {
	e := New(Config{Log: quiet(), Recorder: forgetful{}})
	a := newApp(e, "web", "shop", "main")
	wanted := &target{Target: plan.Target{Spec: appfile.App{Name: "web", Cluster: "default", DependsOn: []name.App{"db"}}, Revision: "r"}}
	a.setWant(wanted)
	j := pushed(a.queue)
	j.after = []*Run{newRun("db", 1)}
	ended := make(chan ending)
	go func() { ended <- a.attempt(j).ending }()
	a.enqueue(pushed(a.queue))
	if end := <-ended; end != endedSuperseded || end.again(false) {
		t.Errorf("the older deploy ended %s", end)
	}
	if rec, _ := j.run.Outcome(); rec.Result != record.Superseded {
		t.Errorf("the older deploy is recorded as %s", rec.Result)
	}
}

func TestRenamedTo(t *testing.T) {
	moved := func(apps ...name.App) []plan.Step {
		var steps []plan.Step
		for _, app := range apps {
			steps = append(steps, plan.Step{Action: record.Hand, Other: app})
		}
		return steps
	}
	tests := []struct {
		name string
		plan plan.Plan
		want name.App
	}{
		{"all to one", plan.Plan{Gone: true, Moved: moved("store", "store")}, "store"},
		{"to two", plan.Plan{Gone: true, Moved: moved("store", "depot")}, ""},
		{"not all", plan.Plan{Gone: true, Moved: moved("store"), Prune: []plan.Step{{Action: record.Delete}}}, ""},
		{"it had nothing", plan.Plan{Gone: true}, ""},
		{"it stays", plan.Plan{Moved: moved("store")}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.plan.RenamedTo(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
