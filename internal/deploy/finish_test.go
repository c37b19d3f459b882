package deploy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/sealed"
)

// finished ends a deploy of an app with a record, and returns the entry that is kept of it.
func (o *office) finished(a *app, todo *plan.Plan, rec record.Record) record.Entry {
	o.t.Helper()
	j := newJob(record.CausePush, access.Caller{})
	a.queue.begin(j)
	rec.App, rec.Number = a.name, j.run.Number
	a.finish(j, todo, rec)
	if len(o.kept.entries) == 0 {
		return record.Entry{}
	}
	return o.kept.entries[len(o.kept.entries)-1]
}

func TestRecordSaysWhoseDeployItIs(t *testing.T) {
	o := newOffice(t)
	a := o.has("web", "shop", wanted("web", func(t *target) {
		t.charts, t.had = make([]charts.Chart, 1), "before"
		t.Spec.Helm.Generated = []appfile.Generated{{Path: "auth.key"}}
	}))
	a.suspended.set(&record.Suspension{By: "ben"})
	j := newJob(record.CausePush, access.Caller{Operator: "ana", Fingerprint: "SHA256:x"})
	j.push, j.formerly = "p1", []name.App{"old"}
	a.queue.begin(j)
	rec := a.newRecord(j, record.Failed, "why")
	for what, is := range map[string]bool{
		"the app":         rec.App == "web" && rec.Repo == "shop" && rec.Branch == "main" && slices.Equal(rec.Formerly, []name.App{"old"}),
		"the target":      rec.Revision == shop().Revision && rec.Cluster == "default" && rec.NoPrune && rec.Had == "before",
		"the operator":    rec.Operator == "ana" && rec.Key == "SHA256:x" && rec.Push == "p1" && rec.Cause == record.CausePush,
		"the deploy":      rec.Number == 1 && rec.Started.Equal(j.run.started),
		"the outcome":     rec.Result == record.Failed && rec.Message == "why",
		"the charts":      len(rec.Charts) == 1 && slices.Equal(rec.Generated, []string{"auth.key"}),
		"the suspension":  rec.Suspension != nil && rec.Suspension.By == "ben",
		"nothing skipped": rec.Skipped == "" && rec.Held == "",
	} {
		if !is {
			t.Errorf("the record is wrong about %s: %+v", what, rec)
		}
	}
}

func TestRecordWhileARevisionIsSkipped(t *testing.T) {
	o := newOffice(t)
	a := o.has("web", "shop", wanted("web"))
	a.setSkipped("new")
	if rec := a.newRecord(systemJob(record.CauseDrift), record.Corrected, ""); rec.Skipped != "new" || rec.Held != shop().Revision {
		t.Errorf("the record holds %q and skips %q", rec.Held, rec.Skipped)
	}
	a.setWant(nil)
	if rec := a.newRecord(systemJob(record.CauseDrift), record.Corrected, ""); rec.Skipped != "new" || rec.Held != "" {
		t.Errorf("for an app without a target, the record holds %q", rec.Held)
	}
}

func TestRecordOfARemnantKeepsItsGeneratedValues(t *testing.T) {
	o := newOffice(t)
	a := o.has("web", "shop", wanted("web", func(t *target) { t.origin = fromRecord }))
	if paths := a.generatedPaths(a.wanted()); paths != nil {
		t.Errorf("without a record: %q", paths)
	}
	a.remember(record.Record{Generated: []string{"auth.key"}})
	wantLines(t, "generated", a.generatedPaths(a.wanted()), "auth.key")
}

func TestEndOfADeployIsKeptAndTold(t *testing.T) {
	o := newOffice(t)
	a := o.has("web", "shop", wanted("web"))
	entry := o.finished(a, nil, record.Record{Result: record.Deployed})
	if !strings.Contains(string(entry.Log), "web: deployed") {
		t.Errorf("the log that is kept lacks the outcome:\n%s", entry.Log)
	}
	if last := a.lastRecord(); last == nil || last.Result != record.Deployed {
		t.Errorf("the app remembers %+v", last)
	}
	wantLines(t, "told", kindsOf(o.told()), "deploy")
}

func TestRecordThatIsNotTheAppsLast(t *testing.T) {
	for name, test := range map[string]struct {
		rec        record.Record
		remembered bool
	}{
		"superseded before it was applied": {record.Record{Result: record.Superseded}, false},
		"superseded when it was":           {record.Record{Result: record.Superseded, Digest: "d"}, true},
		"failed":                           {record.Record{Result: record.Failed}, true},
	} {
		o := newOffice(t)
		a := o.has("web", "shop", wanted("web"))
		if o.finished(a, nil, test.rec); (a.lastRecord() != nil) != test.remembered {
			t.Errorf("%s: the app remembers %+v", name, a.lastRecord())
		}
	}
}

// TestRetriesThatFailAgain checks which failures are not recorded because the record before
// them says the same.
func TestRetriesThatFailAgain(t *testing.T) {
	before := record.Record{Result: record.Failed, Revision: "r", Message: "why", Cause: record.CauseRetry}
	for name, test := range map[string]struct {
		last   *record.Record
		change func(rec *record.Record)
		want   bool
	}{
		"the same again":        {&before, func(*record.Record) {}, true},
		"the first":             {nil, func(*record.Record) {}, false},
		"a push":                {&before, func(rec *record.Record) { rec.Cause = record.CausePush }, false},
		"for another reason":    {&before, func(rec *record.Record) { rec.Message = "other" }, false},
		"of another revision":   {&before, func(rec *record.Record) { rec.Revision = "s" }, false},
		"that went well":        {&before, func(rec *record.Record) { rec.Result = record.Deployed }, false},
		"after one that worked": {&record.Record{Result: record.Deployed, Revision: "r", Message: "why"}, func(*record.Record) {}, false},
	} {
		a := newOffice(t).has("web", "shop", nil)
		if test.last != nil {
			a.remember(*test.last)
		}
		rec := before
		if test.change(&rec); a.repeats(rec) != test.want {
			t.Errorf("%s: repeats is %v", name, !test.want)
		}
	}
}

// TestRecordThatCannotBeWritten: if a record cannot be written, the deploy stands. The next
// record has the objects that the lost one would have had.
func TestRecordThatCannotBeWritten(t *testing.T) {
	o := newOffice(t)
	a := o.has("web", "shop", wanted("web"))
	a.ledger.Note(manifesttest.ConfigMap("a"), record.Noted{Fingerprint: "f"})
	o.kept.full = errors.New("the disk is full")
	o.finished(a, nil, record.Record{Result: record.Deployed})
	if log := string(a.queue.newestRun().Log()); !strings.Contains(log, "warning: this deploy could not be recorded: the disk is full") {
		t.Errorf("the log has no warning:\n%s", log)
	}
	o.kept.full = nil
	if entry := o.finished(a, nil, record.Record{Result: record.Corrected}); len(entry.Kept) != 1 || entry.Kept[0].ID != manifesttest.ConfigMap("a") {
		t.Errorf("the next record has %+v", entry.Kept)
	}
	if entry := o.finished(a, nil, record.Record{Result: record.Corrected}); len(entry.Kept) != 0 || len(entry.Noted) != 1 {
		t.Errorf("the record after that has %+v, of %d", entry.Kept, len(entry.Noted))
	}
}

func TestRecordKeepsWhatItsDeployWrote(t *testing.T) {
	o := newOffice(t)
	web := wanted("web")
	a := o.has("web", "shop", web)
	secret := parsed(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: login, namespace: shop}\nstringData: {password: opensesame}\n")[0]
	id := secret.ID()
	todo := &plan.Plan{Target: &web.Target, Steps: []plan.Step{{ID: id, Object: secret, Digest: "d", Action: record.Create}}}
	a.ledger.Note(id, record.Noted{Digest: "d"})
	a.ledger.Note(manifesttest.ConfigMap("other"), record.Noted{Digest: "o"})
	entry := o.finished(a, todo, record.Record{Result: record.Deployed})
	kept := map[manifest.ID]record.Kept{}
	for _, k := range entry.Kept {
		kept[k.ID] = k
	}
	text := string(kept[id].Manifest)
	if !strings.Contains(text, "name: login") || strings.Contains(text, "opensesame") || strings.Contains(text, "b3BlbnNlc2FtZQ") {
		t.Errorf("the entry's manifest is\n%s", text)
	}
	if other, ok := kept[manifesttest.ConfigMap("other")]; !ok || other.Manifest != nil || other.Gone {
		t.Errorf("the entry of an object outside the plan is %+v", other)
	}
	a.ledger.Forget(id)
	entry = o.finished(a, nil, record.Record{Result: record.Deployed})
	if len(entry.Kept) != 1 || entry.Kept[0].ID != id || !entry.Kept[0].Gone {
		t.Errorf("the entries of an object that is gone are %+v", entry.Kept)
	}
}

func TestRecordLeavesOutWhatWasNotWritten(t *testing.T) {
	o := newOffice(t)
	web := wanted("web")
	a := o.has("web", "shop", web)
	object := parsed(t, config)[0]
	a.ledger.Note(object.ID(), record.Noted{Digest: "applied"})
	todo := &plan.Plan{Target: &web.Target, Steps: []plan.Step{{ID: object.ID(), Object: object, Digest: "planned"}}}
	if entry := o.finished(a, todo, record.Record{Result: record.Failed}); len(entry.Kept) != 1 || entry.Kept[0].Manifest != nil {
		t.Errorf("an object that was only planned is kept: %+v", entry.Kept)
	}
}

// recordedOf returns the record of a work that ended with a result.
func recordedOf(a *app, todo *plan.Plan, w *fakeWork, result record.Result) record.Record {
	rec := record.Record{Result: result}
	a.account(&rec, todo, w)
	return rec
}

func TestAccountOfADeploy(t *testing.T) {
	a := newOffice(t).has("web", "shop", wanted("web"))
	culprit := owner.Culprit{Manager: "kubectl-edit\x1b"}
	step := func(name string, fields int) plan.Step {
		s := plan.Step{ID: manifesttest.ConfigMap(name), Action: record.Configure, Culprit: culprit}
		for i := range fields {
			s.Changes = append(s.Changes, manifest.Change{Path: fmt.Sprint("data.", i)})
		}
		return s
	}
	w := &fakeWork{done: []plan.Step{step("b", 1), step("a", maxFields+2)}, deleted: []string{"x", "y"}, same: 3}
	todo := &plan.Plan{Same: make([]*plan.Placed, 2)}
	rec := recordedOf(a, todo, w, record.Deployed)
	if rec.Same != 5 || !slices.Equal(rec.Deleted, []string{"x", "y"}) || len(rec.Objects) != 2 || rec.Objects[0].Key != manifesttest.ConfigMap("a").Key() {
		t.Errorf("got %+v", rec)
	}
	if len(rec.Objects[0].Fields) != maxFields || !slices.Equal(rec.Objects[1].Fields, []string{"data.0"}) || rec.Objects[0].Culprit != nil {
		t.Errorf("its objects are %+v", rec.Objects)
	}
	corrected := recordedOf(a, todo, w, record.Corrected)
	if c := corrected.Objects[0].Culprit; c == nil || strings.Contains(c.Manager, "\x1b") {
		t.Errorf("the culprit of a correction is %+v", c)
	}
}

func TestAccountOfALookCountsTheRestAsSame(t *testing.T) {
	a := newOffice(t).has("web", "shop", wanted("web"))
	for _, id := range manifesttest.ConfigMaps(5) {
		a.ledger.Note(id, record.Noted{})
	}
	rec := recordedOf(a, &plan.Plan{Partial: true}, &fakeWork{done: []plan.Step{changed("c0")}}, record.Corrected)
	if rec.Same != 4 {
		t.Errorf("%d objects are the same, want 4", rec.Same)
	}
}

// TestAppliedTargetsAreSealed checks which targets are sealed once they were applied.
func TestAppliedTargetsAreSealed(t *testing.T) {
	computed := func(t *target) { t.computed = true }
	for name, test := range map[string]struct {
		of     *target
		rec    record.Record
		digest string
		want   bool
	}{
		"deployed":              {wanted("web", computed), record.Record{Result: record.Deployed}, "digest of web", true},
		"not healthy":           {wanted("web", computed), record.Record{Result: record.Unhealthy}, "digest of web", true},
		"failed":                {wanted("web", computed), record.Record{Result: record.Failed}, "digest of web", false},
		"another target":        {wanted("web", computed), record.Record{Result: record.Deployed}, "other", false},
		"nothing is wanted":     {nil, record.Record{Result: record.Deployed}, "digest of web", false},
		"known by its revision": {wanted("web"), record.Record{Result: record.Deployed}, "digest of web", false},
	} {
		o := newOffice(t)
		a := o.has("web", "shop", test.of)
		test.rec.Digest = o.Masker.Seal(test.digest)
		a.sealApplied(test.of, test.rec)
		if is := o.unseal("shop", "web", sealed.Applied) != nil; is != test.want {
			t.Errorf("%s: the target is sealed: %v", name, is)
		}
	}
}

func TestRemovedAppsAreForgotten(t *testing.T) {
	for name, test := range map[string]struct {
		of   *target
		want bool // whether a sealed target stays
	}{
		"it is gone":        {wanted("web", func(t *target) { t.Gone = true }), false},
		"nothing is wanted": {nil, false},
		"it came back":      {wanted("web"), true},
	} {
		o := newOffice(t)
		a := o.has("web", "shop", test.of)
		if err := o.sealTargets(sealed.Accepted, wanted("web", func(t *target) { t.computed = true })); err != nil {
			t.Fatal(err)
		}
		a.sealApplied(test.of, record.Record{Result: record.Removed})
		if is := o.unseal("shop", "web", sealed.Accepted) != nil; is != test.want {
			t.Errorf("%s: a sealed target stays: %v", name, is)
		}
	}
}

func TestTargetIsSealedOnce(t *testing.T) {
	a := newOffice(t).has("web", "shop", nil)
	first, second := a.newlyApplied(wanted("web")), a.newlyApplied(wanted("web"))
	if other := a.newlyApplied(wanted("web", func(t *target) { t.Digest = "other" })); !first || second || !other {
		t.Errorf("the first is new: %v, the same again: %v, another: %v", first, second, other)
	}
}
