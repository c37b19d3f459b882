package deploy

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

var errDisk = errors.New("the disk is gone")

// state describes an app: its revision, and "held", "remnant" or "skips" if they apply.
func (o *office) state(app name.App) string {
	a := o.app(app)
	switch {
	case a == nil:
		return "unknown"
	case a.wanted() == nil:
		return "not wanted" + why(a)
	case a.wanted().Gone:
		return fmt.Sprint("gone, prune: ", a.wanted().Spec.Prune)
	case a.wanted().origin == fromRecord:
		return "remnant" + why(a)
	}
	return string(a.wanted().Revision) + why(a)
}

func why(a *app) string {
	text := ""
	if a.unrenderedWhy() != "" {
		text += ", held"
	}
	if skipped := a.skippedRevision(); skipped != "" {
		text += ", skips " + string(skipped)
	}
	return text
}

// TestAppsAreReadFromTheirBranches checks the state of each app after its repository was
// read.
func TestAppsAreReadFromTheirBranches(t *testing.T) {
	last := record.Record{App: "web", Revision: "old", Cluster: "default", Result: record.Deployed}
	with := func(change func(rec *record.Record)) *record.Record { rec := last; change(&rec); return &rec }
	good, broken := oneApp(config), oneApp("a: [\n")
	none := map[string]string{appfile.Name: "apps: []\n"}
	for what, test := range map[string]struct {
		rec    *record.Record
		files  map[string]string
		set    func(o *office)
		want   string
		unread int // the number of branches that are tried again
	}{
		"a new app":                       {nil, good, nil, "new", 0},
		"an app with a record":            {&last, good, nil, "new", 0},
		"an app that left":                {&last, none, nil, "gone, prune: true", 0},
		"one that left, prune: false":     {with(func(rec *record.Record) { rec.NoPrune = true }), none, nil, "gone, prune: false", 0},
		"one that left, onRemove: keep":   {with(func(rec *record.Record) { rec.KeptFor = "onRemove: keep" }), none, nil, "gone, prune: false", 0},
		"one that left, onRemove: delete": {with(func(rec *record.Record) { rec.NoPrune, rec.Deletes = true, true }), none, nil, "gone, prune: true", 0},
		"one that a push has let stay": {
			&last, none, func(o *office) { o.source.asked["main"] = record.Asked{Revision: "new", Keeping: []name.App{"web"}} }, "gone, prune: false", 0,
		},
		"one that another push has let stay": {
			&last, none, func(o *office) { o.source.asked["main"] = record.Asked{Revision: "older", Keeping: []name.App{"web"}} }, "gone, prune: true", 0,
		},
		"one that left long ago":         {with(func(rec *record.Record) { rec.Result = record.Removed }), none, nil, "not wanted", 0},
		"one that cannot be rendered":    {&last, broken, nil, "remnant, held", 1},
		"a new one that cannot be":       {nil, broken, nil, "unknown", 1},
		"one that renders at its record": {&last, broken, func(o *office) { o.source.push("shop", "old", good); o.source.branches["shop"]["main"] = "new" }, "old, held", 1},
		"one of which options are lost":  {&last, good, func(o *office) { o.source.askedErr = errDisk }, "remnant, held", 1},
		"one that -o skip keeps": {
			&last, good, func(o *office) {
				o.source.push("shop", "old", good)
				o.source.push("shop", "new", good)
				o.source.asked["main"] = record.Asked{Revision: "new", Skip: true}
			}, "old, skips new", 0,
		},
		"the same, that cannot be read": {&last, good, func(o *office) { o.source.asked["main"] = record.Asked{Revision: "new", Skip: true} }, "remnant, held, skips new", 0},
		"one that was pushed by force":  {nil, good, func(o *office) { o.source.asked["main"] = record.Asked{Revision: "new", Force: true} }, "new", 0},
		"whose branches cannot be read": {&last, good, func(o *office) { o.source.err = errDisk }, "remnant, held", 0},
	} {
		t.Run(what, func(t *testing.T) {
			o := newOffice(t)
			o.source.push("shop", "new", test.files)
			if test.set != nil {
				test.set(o)
			}
			if test.rec != nil {
				o.kept.records("shop", *test.rec)
			}
			if err := o.load(t.Context(), "shop"); err != nil {
				t.Fatal(err)
			}
			if got := o.state("web"); got != test.want {
				t.Errorf("the app is %q, want %q", got, test.want)
			}
			if test.want != "unknown" && test.rec != nil && o.app("web").lastRecord() == nil {
				t.Error("the app's record is forgotten")
			}
			if unread := len(o.unreadBranches()); test.unread != unread && o.source.err == nil {
				t.Errorf("%d branches are tried again", unread)
			}
		})
	}
}

func TestRepositoryThatCannotBeRead(t *testing.T) {
	o := newOffice(t)
	o.kept.err = errDisk
	if err := o.load(t.Context(), "shop"); !errors.Is(err, errDisk) {
		t.Errorf("when the records cannot be read: %v", err)
	}
	o.kept.err, o.source.err = nil, errDisk
	if err := o.load(t.Context(), "shop"); !errors.Is(err, errDisk) {
		t.Errorf("when the branches cannot be read: %v", err)
	}
	if err := o.arrive(t.Context(), "shop", record.CauseStart); !errors.Is(err, errDisk) {
		t.Errorf("what has arrived: %v", err)
	}
}

func TestAppThatARecordGivesToAnotherRepository(t *testing.T) {
	o := newOffice(t)
	o.source.push("blog", "new", oneApp(config))
	o.source.push("shop", "old", oneApp(config))
	o.kept.records("shop", record.Record{App: "web", Revision: "old", Result: record.Deployed})
	if err := o.readAll(); err != nil {
		t.Fatal(err)
	}
	if repo := o.app("web").repository(); repo != "shop" || o.state("web") != "old" {
		t.Errorf("the app belongs to %s: %s", repo, o.state("web"))
	}
}

// TestPushThatIsFasterThanAReading: if an app is pushed while its repository is read, the
// push wins over the reading.
func TestPushThatIsFasterThanAReading(t *testing.T) {
	o := newOffice(t)
	o.source.push("shop", "new", oneApp(config))
	l := &loading{engine: o.Engine, repo: "shop", before: o.asked("shop")}
	pushed := wanted("web")
	o.has("web", "shop", pushed)
	if l.restore("web", "main", nil, wanted("web"), "") != nil || o.app("web").wanted() != pushed {
		t.Error("the reading replaced the target of the push")
	}
}

func TestWhatArrivesIsChecked(t *testing.T) {
	o := newOffice(t)
	o.source.push("shop", "new", oneApp(config))
	blog := o.has("blog", "blog", nil)
	if err := o.arrive(t.Context(), "shop", record.CauseValues); err != nil {
		t.Fatal(err)
	}
	wantLines(t, "checked", jobNames(o.app("web"), blog), "web: values")
}

func TestSuspensionOutlivesTheServer(t *testing.T) {
	o := newOffice(t)
	o.source.push("shop", "new", oneApp(config))
	o.kept.records("shop", record.Record{App: "web", Result: record.Suspended, Suspension: &record.Suspension{By: "ben"}})
	if err := o.load(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if s := o.app("web").suspended.current(); s == nil || s.By != "ben" {
		t.Errorf("suspended: %+v", s)
	}
}

func TestReadingOfAllRepositories(t *testing.T) {
	for what, test := range map[string]struct {
		set  func(o *office)
		want bool // whether the reading fails
	}{
		"all well":                      {func(*office) {}, false},
		"they cannot be listed":         {func(o *office) { o.source.err = errDisk }, true},
		"records cannot be read":        {func(o *office) { o.kept.err = errDisk }, true},
		"one is deleted at this moment": {func(o *office) { o.kept.err = errDisk; o.source.branches = nil }, false},
	} {
		o := newOffice(t)
		o.source.push("shop", "new", oneApp(config))
		test.set(o)
		if err := o.readAll(); (err != nil) != test.want {
			t.Errorf("%s: %v", what, err)
		}
	}
	o := newOffice(t)
	o.source.push("shop", "new", oneApp(config))
	if o.deleted("shop") || !o.deleted("gone") {
		t.Error("an existing repository counts as deleted, or a missing one does not")
	}
}

func TestBranchesThatCouldNotBeReadAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.source.push("shop", "new", oneApp("a: [\n"))
		if err := o.load(t.Context(), "shop"); err != nil {
			t.Fatal(err)
		}
		o.workers.Go(o.retryUnread)
		<-time.After(retryFirst)
		if synctest.Wait(); o.app("web") != nil {
			t.Error("an app that cannot be rendered exists")
		}
		o.source.push("shop", "newer", oneApp(config))
		<-time.After(2 * retryFirst)
		synctest.Wait()
		if got := o.state("web"); got != "newer" || len(o.unreadBranches()) > 0 {
			t.Errorf("the app is %s, and %v are tried again", got, o.unreadBranches())
		}
		wantLines(t, "checked", jobNames(o.app("web")), "web: start")
		o.cancel()
	})
}

// TestBranchesThatCanBeRead: a branch that a push is about to move is left to the push.
func TestBranchesThatCanBeRead(t *testing.T) {
	for what, test := range map[string]struct {
		set  func(o *office)
		want bool
	}{
		"it renders":        {func(*office) {}, true},
		"it does not":       {func(o *office) { o.source.push("shop", "new", oneApp("a: [\n")) }, false},
		"it is gone":        {func(o *office) { o.source.branches["shop"] = nil }, false},
		"it cannot be read": {func(o *office) { o.source.err = errDisk }, false},
		"it is pushed":      {func(o *office) { o.reservations.take(o.proposed("shop")) }, false},
	} {
		o := newOffice(t)
		o.source.push("shop", "new", oneApp(config))
		test.set(o)
		if got := o.readable(unreadBranch{"shop", "main"}); got != test.want {
			t.Errorf("%s: got %v", what, got)
		}
	}
}

// TestHowOftenBranchesAreTriedAgain: while a branch cannot be rendered, the waits between
// its tries grow. A branch that fails later begins with a short wait again.
func TestHowOftenBranchesAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.source.push("shop", "new", oneApp("a: [\n"))
		o.loads()
		began, waits := time.Now(), []time.Duration{}
		var mu sync.Mutex // onHead runs on the goroutine of retryUnread
		o.source.onHead = func() {
			mu.Lock()
			defer mu.Unlock()
			waits, began = append(waits, time.Since(began)), time.Now()
		}
		o.workers.Go(o.retryUnread)
		<-time.After(4 * retryMost)
		synctest.Wait()
		want := []time.Duration{retryFirst, 2 * retryFirst, 4 * retryFirst, 8 * retryFirst, 16 * retryFirst, retryMost, retryMost}
		mu.Lock()
		if !slices.Equal(waits, want) {
			t.Errorf("tried after %v, want %v", waits, want)
		}
		mu.Unlock()
		o.forgetUnread("shop")
		<-time.After(retryMost/2 + time.Second)
		synctest.Wait()
		o.noteUnread("shop", "main")
		mu.Lock()
		waits = nil
		mu.Unlock()
		<-time.After(retryFirst)
		synctest.Wait()
		mu.Lock()
		if len(waits) != 1 {
			t.Errorf("a branch that failed later is tried %d times within %s, want once", len(waits), retryFirst)
		}
		mu.Unlock()
		o.cancel()
	})
}
