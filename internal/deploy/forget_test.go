package deploy

import (
	"slices"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// TestForgottenAppsLeaveNothing: after a repository is deleted, no schedule checks its
// apps, they claim no objects, no timers of theirs wait, and their names are free.
func TestForgottenAppsLeaveNothing(t *testing.T) {
	o := newOffice(t)
	every := func(schedule string) func(*target) {
		return func(t *target) { t.Spec.Schedule, t.Spec.FullSchedule = schedule, "full "+schedule }
	}
	web := o.deployed(wanted("web", every("1")))
	other := o.deployed(wanted("other", every("2"), func(t *target) { t.Repo = "blog" }))
	o.claims.Set("web", "default", wants("a"))
	web.suspended.set(&record.Suspension{By: "dora", Until: time.Now().Add(time.Hour)})
	var told []string
	o.OnWanted(func(app name.App, schedule, full string) {
		told = append(told, string(app)+":"+schedule+","+full)
		o.app(app) // takes the locks: they must not be held during the call
	})
	o.Forget("shop")
	if want := []string{"web:,"}; !slices.Equal(told, want) {
		t.Errorf("schedules reported: %q, want %q", told, want)
	}
	if o.claims.Own("default", wants("a")[0].Key) != "" || web.wanted() != nil || len(o.timers.waiting) != 0 {
		t.Errorf("the app wants %v, claims an object, or has %d waiting timers", web.wanted(), len(o.timers.waiting))
	}
	if !web.isOver() || other.isOver() || other.wanted() == nil {
		t.Error("the forgotten app's worker goes on, or the other app's worker has ended")
	}
	if _, err := o.register("web", "blog", "main"); err != nil {
		t.Errorf("the name is not free: %v", err)
	}
}

// TestHeirsKeepTheirSchedules: another repository takes the name of an app while that app
// is being forgotten.
func TestHeirsKeepTheirSchedules(t *testing.T) {
	o := newOffice(t)
	o.deployed(wanted("web"))
	last := map[name.App]string{}
	o.OnWanted(func(app name.App, schedule, _ string) {
		last[app] = schedule
		if o.app(app) == nil {
			o.has(app, "blog", wanted(app, func(t *target) { t.Repo, t.Spec.Schedule = "blog", "@daily" }))
		}
	})
	o.Forget("shop")
	if last["web"] != "@daily" {
		t.Errorf("the new app's schedule is %q", last["web"])
	}
}
