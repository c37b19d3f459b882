package deploy

import (
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/window"
)

var (
	noon    = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	evening = noon.Add(6 * time.Hour)
)

// freeze is a window that denies deploys from ten to the evening.
func freeze(changes ...func(*window.Window)) window.Window {
	w := window.Window{
		Name: "freeze", Kind: window.Deny, Times: window.Times{From: noon.Add(-2 * time.Hour), To: evening},
		WhenClosed: window.Refuse, Corrections: window.Always,
	}
	for _, change := range changes {
		change(&w)
	}
	return w
}

func waiting(w *window.Window)  { w.WhenClosed = window.Wait }
func inWindow(w *window.Window) { w.Corrections = window.InWindow }
func forEver(w *window.Window)  { w.Times.To = noon.AddDate(10, 0, 0) }

// windowed are the windows of the rules: the same for all.
func windowed(windows ...window.Window) Windows {
	return func(name.Repo, name.Branch, string) window.Set { return windows }
}

func atNoon(windows ...window.Window) window.Verdict { return window.Sets{windows}.At(noon) }

func TestAdmit(t *testing.T) {
	for name, test := range map[string]struct {
		v                      window.Verdict
		override, again, opens bool
		want                   admission
	}{
		"no windows":                          {atNoon(), false, false, true, admitted},
		"no windows, with a reason":           {atNoon(), true, false, true, admitted},
		"closed":                              {atNoon(freeze()), false, false, true, refused},
		"closed, with a reason":               {atNoon(freeze()), true, false, true, overridden},
		"closed for pushes that wait":         {atNoon(freeze(waiting)), false, false, true, postponed},
		"the same, with a reason":             {atNoon(freeze(waiting)), true, false, true, overridden},
		"the same, for good":                  {atNoon(freeze(waiting)), false, false, false, refused},
		"what waits already":                  {atNoon(freeze()), false, true, true, postponed},
		"what waits already, with a reason":   {atNoon(freeze()), true, true, true, overridden},
		"one of two has pushes wait":          {atNoon(freeze(waiting), freeze()), false, false, true, refused},
		"what waits already, closed for good": {atNoon(freeze()), false, true, false, postponed},
	} {
		if got := admit(test.v, test.override, test.again, test.opens); got != test.want {
			t.Errorf("%s: got %d, want %d", name, got, test.want)
		}
	}
}

// gated is a proposal of an app as the gate's windows see it at noon.
func (o *office) gated(files map[string]string, changes ...func(*Change)) (*Proposal, manifest.Problems) {
	p := o.proposes(files, changes...)
	return p, p.judgeWindows(noon)
}

func TestGateAsksWindows(t *testing.T) {
	reason := func(c *Change) { c.Options.Override = "it burns" }
	const own = "apps: [{name: web, path: web, namespace: shop, windows: [{name: ours, deny: {from: 2026-12-01, to: 2026-12-01}}]}]\n"
	const never = "apps:\n- {name: web, path: web, namespace: shop,\n   windows: [{name: ours, allow: {from: 2020-12-01, to: 2020-12-01}}]}\n"
	for name, test := range map[string]struct {
		windows  []window.Window
		file     string // pushboat.yaml; "" for one without windows
		change   func(*Change)
		problem  string // "" for none
		said     string
		override string
	}{
		"open":                          {},
		"closed":                        {windows: []window.Window{freeze()}, problem: "app web cannot be deployed now:\nwindow freeze denies deploys;\nit opens at Tue 2026-12-01 18:00 UTC, in 6h"},
		"closed by the app":             {file: own, problem: "window ours denies deploys;\nit opens at Wed 2026-12-02 00:00 UTC, in 12h"},
		"closed by both":                {windows: []window.Window{freeze()}, file: own, problem: "window ours denies deploys; window freeze denies deploys;\nit opens at Wed 2026-12-02 00:00 UTC"},
		"the app cannot have it wait":   {windows: []window.Window{freeze()}, file: strings.Replace(own, "deny:", "whenClosed: wait, deny:", 1), problem: "cannot be deployed now"},
		"the app closes what is open":   {windows: []window.Window{freeze(waiting)}, file: own, problem: "cannot be deployed now"},
		"closed, and it waits":          {windows: []window.Window{freeze(waiting)}, said: "web: waits for window freeze,\n  which opens at Tue 2026-12-01 18:00 UTC, in 6h\n"},
		"closed for good, and it waits": {windows: []window.Window{freeze(waiting, forEver)}, problem: "it does not open within a year"},
		"overridden":                    {windows: []window.Window{freeze()}, change: reason, said: "web: deployed although a window is closed: \"it burns\"\n", override: "it burns"},
		"open, with a reason":           {change: reason},
		"a rollback by the server":      {windows: []window.Window{freeze()}, change: func(c *Change) { c.Options.Undo = true }, said: "web: deployed although a window is closed: \"onFailure: rollback\"\n", override: undoReason},
		"a plan":                        {windows: []window.Window{freeze()}, change: func(c *Change) { c.Options.Plan = true }, said: "web: would be refused now:\n  window freeze denies deploys;\n  it opens at Tue 2026-12-01 18:00 UTC, in 6h\n"},
		"windows that never open":       {file: never, problem: "pushboat.yaml:3: app web could never be deployed:\nwindow ours, which allows deploys, is not open;\nit does not open within a year"},
		"they cannot be overridden":     {file: never, change: reason, problem: "could never be deployed"},
		"never open with the server's":  {windows: []window.Window{freeze(forEver)}, file: own, problem: "could never be deployed"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			o.answering()
			o.Windows = windowed(test.windows...)
			files := oneApp(config)
			if test.file != "" {
				files["pushboat.yaml"] = test.file
			}
			p, problems := o.gated(files, func(c *Change) {
				if test.change != nil {
					test.change(c)
				}
			})
			switch {
			case test.problem == "" && len(problems) > 0:
				t.Fatalf("got %v", problems)
			case test.problem != "" && (len(problems) != 1 || !strings.Contains(problems[0].Error(), test.problem)):
				t.Fatalf("got %v, want %q", problems, test.problem)
			}
			var said strings.Builder
			p.printWindows(&said)
			if said.String() != test.said || p.Overridden() != test.override || p.Asked().Override != test.override {
				t.Errorf("said %q, overridden %q; want %q and %q", said.String(), p.Overridden(), test.said, test.override)
			}
		})
	}
}

// TestAppsThatNothingTouchesPassWindows: a revision that leaves an app as it is deploys
// nothing. A sync of one app deploys it in any case.
func TestAppsThatNothingTouchesPassWindows(t *testing.T) {
	o := newOffice(t)
	o.answering()
	a := o.settledOn(config)
	o.Windows = windowed(freeze())
	p := o.proposes(oneApp(config))
	for what, made := range map[string]*plan.Plan{"nothing to plan": nil, "a plan that changes nothing": {App: "web"}} {
		p.changed["web"] = made
		if problems := p.judgeWindows(noon); len(problems) > 0 {
			t.Errorf("%s: refused: %v", what, problems)
		}
	}
	if p, problems := o.gated(oneApp(config), func(c *Change) { c.Only = "web" }); len(problems) != 1 {
		t.Errorf("a sync of %s, plans %v: %v", a.name, p.plannedSteps(), problems)
	}
}

// TestRollbackLeavesOthersWaiting: a rollback that overrides windows overrides them for its
// own app, not for another one that waits.
func TestRollbackLeavesOthersWaiting(t *testing.T) {
	o := newOffice(t)
	o.answering()
	o.Windows = windowed(freeze())
	first := o.proposes(oneApp(config))
	first.Problems = nil
	if _, err := first.Accept(); err != nil {
		t.Fatal(err)
	}
	first.Close()
	rollback := func(c *Change) { c.Cause, c.Options.Override = record.CauseRollback, "it burns" }
	if p, problems := o.gated(oneApp(config), rollback); len(problems) > 0 || p.closed["web"].verdict.Open() || p.Overridden() != "" {
		t.Errorf("the app that waits: %v, overridden %q", problems, p.Overridden())
	}
	if p, problems := o.gated(oneApp(twoConfigs), rollback); len(problems) > 0 || p.Overridden() != "it burns" {
		t.Errorf("the app itself: %v, overridden %q", problems, p.Overridden())
	}
}

// TestWindowsOfDependencies: an app waits for the windows of those that it depends on, as
// long as these are to be deployed; also if revisions that wait depend on each other.
func TestWindowsOfDependencies(t *testing.T) {
	o := newOffice(t)
	o.Windows = func(_ name.Repo, _ name.Branch, cluster string) window.Set {
		if cluster == "prod" {
			return window.Set{freeze()}
		}
		return nil
	}
	web := o.has("web", "shop", wanted("web", func(t *target) { t.Spec.DependsOn = []name.App{"db", "none"} }))
	db := wanted("db", func(t *target) { t.Spec.Cluster, t.Spec.DependsOn = "prod", []name.App{"web"} })
	o.has("db", "shop", db)
	if web.closing(web.wanted(), noon).verdict.Open() {
		t.Error("it does not wait for the app that it depends on")
	}
	db.override = "it burns"
	if !web.closing(web.wanted(), noon).verdict.Open() {
		t.Error("it waits for one that is deployed")
	}
	db.override = ""
	o.deployed(db)
	if !web.closing(web.wanted(), noon).verdict.Open() {
		t.Error("it waits for one that was deployed")
	}
}

func TestClosedInWords(t *testing.T) {
	c := ask(window.Sets{{freeze()}}, noon)
	shown := c.shown(false)
	if shown.String() != "closed: window freeze denies deploys;\nit opens at Tue 2026-12-01 18:00 UTC, in 6h" || !shown.Opens.Equal(evening) || shown.Waits {
		t.Errorf("got %+v", shown)
	}
	if shown := c.shown(true); shown.String() != c.String() || !shown.Waits {
		t.Errorf("got %+v", shown)
	}
	if shown := (closing{}).shown(true); shown != nil {
		t.Errorf("open: got %+v", shown)
	}
}
