package deploy

import (
	"slices"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// changes makes the proposal change some of its apps.
func (p *Proposal) changes(apps ...name.App) *Proposal {
	for _, app := range apps {
		made := &plan.Plan{App: app, Cluster: "default"}
		p.Plans, p.changed[app] = append(p.Plans, made), made
	}
	return p
}

func needs(apps ...name.App) func(*target) {
	return func(t *target) { t.Spec.DependsOn = apps }
}

func appsOf(runs []*Run) []string {
	var names []string
	for _, run := range runs {
		names = append(names, string(run.App))
	}
	return names
}

func TestAcceptedChangeDeploysTheAppsThatItChanges(t *testing.T) {
	o := newOffice(t)
	p := o.proposed("shop", wanted("web", needs("api", "db")), wanted("api", needs("db")), wanted("db"), wanted("same")).changes("web", "api", "db")
	p.Caller = access.Caller{Operator: "ana"}
	runs, err := p.Accept()
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, "begun", appsOf(runs), "db", "api", "web")
	web, db := queued(o.app("web")), queued(o.app("db"))
	wantLines(t, "web comes after", appsOf(web.after), "api", "db")
	if len(db.after) > 0 || db.cause != record.CausePush || db.caller.Operator != "ana" || db.push != "p1" || db.plan != p.changed["db"] || db.run != runs[0] {
		t.Errorf("the job of db is %+v", db)
	}
	if web.together == nil || web.together != db.together || !slices.Equal(web.together.runs, runs) {
		t.Errorf("the jobs are of the pushes %p and %p", web.together, db.together)
	}
	for app, free := range map[string]bool{"db": true, "api": false, "web": false} {
		if web.together.free[name.App(app)] != free {
			t.Errorf("%s depends on no app: %v", app, !free)
		}
	}
	if runs[0].revision != shop().Revision {
		t.Errorf("the run has revision %q", runs[0].revision)
	}
	if same := o.app("same"); queued(same) != nil || same.wanted() == nil {
		t.Error("an app that does not change is deployed, or is not wanted")
	}
}

func TestAcceptedChangeIsWantedAtOnce(t *testing.T) {
	o := newOffice(t)
	a := o.has("web", "shop", nil)
	a.setSkipped("old")
	a.setUnrendered("a key is away")
	forced := wanted("web")
	p := o.proposed("shop", forced).changes("web")
	p.Options.Force = true
	p.claims.Set("web", "default", wants("a"))
	if _, err := p.Accept(); err != nil {
		t.Fatal(err)
	}
	if a.wanted() != forced || !forced.forced || a.skippedRevision() != "" || a.unrenderedWhy() != "" {
		t.Errorf("the app wants %+v, skips %q, and cannot be rendered: %q", a.wanted(), a.skippedRevision(), a.unrenderedWhy())
	}
	if j := queued(a); !j.force {
		t.Error("the deploy is not forced")
	}
	if owner := o.claims.Owner("default", manifesttest.ConfigMap("a")); owner != "web" {
		t.Errorf("the app's object is claimed by %q", owner)
	}
}

// TestForceGoesOnUntilItIsCarriedOut: if a forced change is not carried out before the next
// change comes, that one is forced too. After a forced deploy was carried out, the next one
// is not forced.
func TestForceGoesOnUntilItIsCarriedOut(t *testing.T) {
	o := newOffice(t)
	a := o.has("web", "shop", nil)
	accept := func(force bool) (isForced, isAsked bool) {
		next := wanted("web")
		p := o.proposed("shop", next).changes("web")
		p.Options.Force = force
		asked := p.Asked()
		if _, err := p.Accept(); err != nil {
			t.Fatal(err)
		}
		return next.forced, asked.Force
	}
	if forced, asked := accept(false); forced || asked {
		t.Error("a change without force is forced")
	}
	accept(true)
	if forced, asked := accept(false); !forced || !asked {
		t.Errorf("before the forced change is carried out: forced %v, and after a restart %v", forced, asked)
	}
	a.remember(record.Record{Digest: o.Masker.Seal(a.wanted().Digest), Result: record.Deployed})
	if forced, asked := accept(false); forced || asked {
		t.Errorf("after the forced change was carried out: forced %v, and after a restart %v", forced, asked)
	}
}

func TestAcceptedChangeTellsTheSchedules(t *testing.T) {
	for about, skip := range map[string]bool{"deployed": false, "skipped": true} {
		o := newOffice(t)
		var told []string
		o.OnWanted(func(app name.App, schedule, _ string) { told = append(told, string(app)+" "+schedule) })
		p := o.proposed("shop", wanted("web", func(t *target) { t.Spec.Schedule = "@daily" }))
		p.Options.Skip = skip
		if _, err := p.Accept(); err != nil {
			t.Fatal(err)
		}
		want := "web @daily"
		if skip {
			want = "web "
		}
		wantLines(t, about, told, want)
	}
}

func TestAppsThatStayKeepTheirClaims(t *testing.T) {
	o := newOffice(t)
	o.claims.Set("web", "default", wants("a"))
	p := o.proposed("shop", wanted("web"))
	p.stays = map[name.App]bool{"web": true}
	p.claims.Set("web", "default", nil)
	if _, err := p.Accept(); err != nil {
		t.Fatal(err)
	}
	if owner := o.claims.Owner("default", manifesttest.ConfigMap("a")); owner != "web" {
		t.Errorf("the app's object is claimed by %q", owner)
	}
}

func TestChangeOfOneAppLeavesTheOthers(t *testing.T) {
	o := newOffice(t)
	p := o.proposed("shop", wanted("web"), wanted("api")).changes("web", "api")
	p.Only = "api"
	runs, err := p.Accept()
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, "begun", appsOf(runs), "api")
	if o.app("web") != nil {
		t.Error("the other app is registered")
	}
}

func TestAppThatAnotherRepositoryHasIsNotBegun(t *testing.T) {
	o := newOffice(t)
	o.has("web", "blog", nil)
	runs, err := o.proposed("shop", wanted("web"), wanted("api")).changes("web", "api").Accept()
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, "begun", appsOf(runs), "api")
}

func TestAppRemembersItsFormerNames(t *testing.T) {
	moved := func(to ...string) []plan.Step {
		var steps []plan.Step
		for _, other := range to {
			steps = append(steps, plan.Step{Action: record.Hand, Other: name.App(other)})
		}
		return steps
	}
	o := newOffice(t)
	p := o.proposed("shop")
	p.Plans = []*plan.Plan{
		{App: "web", Gone: true, Moved: moved("store", "store")},
		{App: "api", Gone: true, Moved: moved("store", "other")},
		{App: "db", Moved: moved("store")},
		{App: "old", Gone: true, Moved: moved("other")},
	}
	wantLines(t, "store was", p.formerly("store"), "web")
	wantLines(t, "shop was", p.formerly("shop"))
}

func TestCauseOfAChange(t *testing.T) {
	for want, change := range map[record.Cause]Change{
		record.CausePush:     {Push: "p1"},
		record.CauseSync:     {},
		record.CauseRollback: {Push: "p1", Cause: record.CauseRollback},
	} {
		if got := causeOf(&Proposal{Change: change}); got != want {
			t.Errorf("%+v: got %s, want %s", change, got, want)
		}
	}
}

func TestAppsDeployInTheOrderOfTheirDependencies(t *testing.T) {
	for name, test := range map[string]struct{ targets, want []string }{
		"each after those that it needs": {[]string{"web: api db", "api: db", "other", "db"}, []string{"db", "api", "web", "other"}},
		"one that the change lacks":      {[]string{"web: elsewhere"}, []string{"web"}},
		"in the order that they came":    {[]string{"b", "a"}, []string{"b", "a"}},
	} {
		var targets []*target
		for _, line := range test.targets {
			app, dependencies := cutNeeds(line)
			targets = append(targets, wanted(app, needs(dependencies...)))
		}
		var names []string
		for _, t := range inOrder(targets, nil) {
			names = append(names, string(t.Spec.Name))
		}
		wantLines(t, name, names, test.want...)
	}
}

// skippedBy returns a push with -o skip.
func (o *office) skippedBy(targets ...*target) *Proposal {
	p := o.proposed("shop", targets...)
	p.Options.Skip = true
	return p
}

func TestSkippedRevisionIsRecordedForEveryApp(t *testing.T) {
	o := newOffice(t)
	web := o.deployed(wanted("web"))
	o.deployed(wanted("blog", func(t *target) { t.Repo = "blog" }))
	runs, err := o.skippedBy(wanted("web", func(t *target) { t.Revision = "new" })).Accept()
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, "recorded", appsOf(runs), "web")
	rec := o.kept.last()
	if rec.App != "web" || rec.Result != record.Skipped || rec.Skipped != "new" || rec.Held != shop().Revision || rec.Revision != "new" || rec.Cluster != "default" {
		t.Errorf("recorded %+v", rec)
	}
	if web.wanted().Revision == "new" || web.skippedRevision() != "new" || queued(web) != nil {
		t.Error("the skipped revision is deployed")
	}
	if rec.Digest != web.digestFor(web.wanted()) {
		t.Error("the record does not have the digest that was applied before")
	}
	if _, ended := runs[0].Outcome(); !ended {
		t.Error("the run has not ended, so whoever is attached to it waits for ever")
	}
}

func TestSkippedRevisionOfANewApp(t *testing.T) {
	o := newOffice(t)
	o.has("removed", "shop", wanted("removed")).remember(record.Record{Result: record.Removed})
	o.has("other", "blog", nil)
	if _, err := o.skippedBy(wanted("fresh"), wanted("removed"), wanted("other")).Accept(); err != nil {
		t.Fatal(err)
	}
	var recorded []string
	for _, entry := range o.kept.entries {
		recorded = append(recorded, string(entry.Record.App)+" on "+entry.Record.Cluster)
	}
	wantLines(t, "recorded", recorded, "fresh on default", "removed on default")
	if o.app("fresh").wanted() != nil || o.app("removed").wanted() != nil {
		t.Error("an app that was only pushed with -o skip is wanted")
	}
}

func TestSkippedRecordCarriesOnWhatIsThere(t *testing.T) {
	for last, carries := range map[record.Result]bool{
		record.Deployed: true, record.Unhealthy: true, record.Skipped: true, record.Failed: false,
	} {
		a := newOffice(t).has("web", "shop", wanted("web"))
		a.remember(record.Record{Result: last, Digest: "d"})
		a.ledger.Note(manifesttest.ConfigMap("a"), record.Noted{})
		j := newJob(record.CausePush, access.Caller{})
		if rec := a.skippedRecord(j); (rec.Digest == "d") != carries || rec.Same != 1 {
			t.Errorf("after a deploy that was %s: %+v", last, rec)
		}
	}
}

func TestChecksAreQueued(t *testing.T) {
	due := time.Unix(100, 0)
	for name, test := range map[string]struct {
		ask   func(e *Engine)
		cause record.Cause
		fresh time.Time
		depth Depth
	}{
		"by the schedule":              {func(e *Engine) { e.CheckDue("web", due) }, record.CauseSchedule, due, BySight},
		"by the schedule of full ones": {func(e *Engine) { e.FullCheckDue("web", due) }, record.CauseSchedule, due, ByTrial},
		"by the server":                {func(e *Engine) { e.Check("web", record.CauseHealth) }, record.CauseHealth, time.Time{}, BySight},
	} {
		o := newOffice(t)
		a := o.has("web", "shop", wanted("web"))
		test.ask(o.Engine)
		if j := queued(a); j == nil || !j.checks() || j.cause != test.cause || !j.fresh.Equal(test.fresh) || j.depth != test.depth {
			t.Errorf("%s: %+v", name, j)
		}
	}
	e := newOffice(t).Engine // an engine without apps
	e.CheckDue("web", due)
	e.FullCheckDue("web", due)
	e.Check("web", record.CauseHealth)
}

func TestChecksThatCouldNotBeDoneAreTriedAgain(t *testing.T) {
	o := newOffice(t)
	troubled, well := o.has("web", "shop", wanted("web")), o.has("api", "shop", wanted("api"))
	elsewhere := o.has("east", "shop", wanted("east", func(t *target) { t.Spec.Cluster = "east" }))
	left := o.has("left", "shop", nil)
	for _, a := range []*app{troubled, elsewhere, left} {
		a.trouble.set("no definition")
	}
	o.checkTroubled("default")
	wantLines(t, "checked", jobNames(troubled, well, elsewhere, left), "web: retry")
}

func TestClaimIsOfWhatIsWantedStill(t *testing.T) {
	o := newOffice(t)
	was := wanted("web")
	a := o.has("web", "shop", was)
	o.claim(a, was, wants("a"))
	a.setWant(wanted("web"))
	o.claim(a, was, wants("b"))
	if got := o.claims.Owner("default", manifesttest.ConfigMap("a")); got != "web" {
		t.Errorf("the first target's object is claimed by %q", got)
	}
	if got := o.claims.Owner("default", manifesttest.ConfigMap("b")); got != "" {
		t.Errorf("an object of a target that was replaced is claimed by %q", got)
	}
}
