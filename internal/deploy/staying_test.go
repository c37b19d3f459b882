package deploy

import (
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

func TestTargetThatStaysRunsNoHooks(t *testing.T) {
	last := wanted("web", func(t *target) { t.Spec.Imported = "Application" })
	hook := &manifest.Object{}
	for why, prunes := range map[string]bool{"": true, "onRemove: keep": false} {
		left := goneTarget("web", "shop", "main", "", "r2").withHooksOf(last)
		left.LastHooks = []*manifest.Object{hook}
		left = left.keeping(why)
		if left.Spec.Prune != prunes || left.Stays != why || (len(left.LastHooks) > 0) != prunes {
			t.Errorf("%q: %+v", why, left.Target)
		}
		if !left.Meant || !left.Defining {
			t.Errorf("it is not known what it was: %+v", left.Target)
		}
	}
	of := func(kind string) bool {
		return goneTarget("web", "shop", "main", "", "r2").withHooksOf(wanted("web", func(t *target) { t.Spec.Imported = kind })).Defining
	}
	if of("") || of("Kustomization") || !of("HelmRelease") {
		t.Error("other definitions stay than Helm and Argo CD leave")
	}
}

// TestWhyObjectsOfALeavingAppStay: as its settings said last, as the removal that is under way has
// it, or as what made it says.
func TestWhyObjectsOfALeavingAppStay(t *testing.T) {
	prune := func(t *target) { t.Spec.Prune = true }
	made := func(t *target) { t.Spec.Made = appfile.Making{Parent: "root"} }
	gone := func(why string) *target { return goneTarget("old", "shop", "main", "", "r1").keeping(why) }
	for about, test := range map[string]struct {
		set    func(o *office)
		root   *target // the parent in the change
		want   string
		record record.Record // of the removal
	}{
		"it is deleted":                   {func(o *office) { o.deployed(wanted("old", prune)) }, nil, "", record.Record{}},
		"it is kept":                      {func(o *office) { o.deployed(wanted("old", prune, func(t *target) { t.Spec.OnRemove = "keep" })) }, nil, "onRemove: keep", record.Record{NoPrune: true, KeptFor: "onRemove: keep"}},
		"it was without prune":            {func(o *office) { o.deployed(wanted("old")) }, nil, "prune: false", record.Record{NoPrune: true}},
		"it is being removed":             {func(o *office) { o.deployed(gone("")) }, nil, "", record.Record{}},
		"it is being removed, and stays":  {func(o *office) { o.deployed(gone("deletionPolicy: Orphan")) }, nil, "deletionPolicy: Orphan", record.Record{NoPrune: true, KeptFor: "deletionPolicy: Orphan"}},
		"it is known by its record":       {func(o *office) { o.has("old", "shop", nil).remember(record.Record{KeptFor: "onRemove: keep"}) }, nil, "onRemove: keep", record.Record{NoPrune: true, KeptFor: "onRemove: keep"}},
		"its parent stays, and prunes":    {func(o *office) { o.deployed(wanted("old", prune, made)) }, wanted("root", prune), "", record.Record{}},
		"its parent stays, without prune": {func(o *office) { o.deployed(wanted("old", prune, made)) }, wanted("root"), "app root, which made it, has prune: false", record.Record{NoPrune: true, KeptFor: "app root, which made it, has prune: false"}},
	} {
		t.Run(about, func(t *testing.T) {
			o := newOffice(t)
			test.set(o)
			p := o.proposed("shop")
			if test.root != nil {
				p.targets = append(p.targets, test.root)
			}
			left := o.leaving(p)
			if len(left) != 1 || left[0].Stays != test.want || left[0].Spec.Prune != (test.want == "") {
				t.Fatalf("%+v", left)
			}
			p.targets = append(p.targets, left...)
			wantLines(t, "kept with the push", p.Asked().Keeping, map[bool][]name.App{true: {"old"}}[test.want != ""]...)
			rec := record.Record{NoPrune: !left[0].Spec.Prune}
			if rec.StaysFor(left[0].whyKept()); rec.NoPrune != test.record.NoPrune || rec.KeptFor != test.record.KeptFor || rec.Stays() != test.want {
				t.Errorf("its record is %+v", rec)
			}
		})
	}
}

// TestParentThatLeavesWithItsChild: what a parent leaves on the cluster, it leaves with all that it
// makes.
func TestParentThatLeavesWithItsChild(t *testing.T) {
	o := newOffice(t)
	prune := func(t *target) { t.Spec.Prune = true }
	o.deployed(wanted("root", prune, func(t *target) { t.Spec.OnRemove, t.Spec.OnRemoveBy = "keep", "deletionPolicy: Orphan" }))
	o.deployed(wanted("child", prune, func(t *target) { t.Spec.Made = appfile.Making{Parent: "root"} }))
	got := map[name.App]string{}
	for _, t := range o.leaving(o.proposed("shop")) {
		got[t.Spec.Name] = t.Stays
	}
	if got["root"] != "deletionPolicy: Orphan" || got["child"] != "app root, which made it, stays: deletionPolicy: Orphan" {
		t.Errorf("%q", got)
	}
}

// TestReleasedAppIsNeverDeleted: the record of an app that is released to another repository does
// not say that its objects are deleted, should that be taken back before the removal has ended.
func TestReleasedAppIsNeverDeleted(t *testing.T) {
	given := goneTarget("web", "shop", "main", "", "r2").keeping("").givenTo("store")
	rec := record.Record{NoPrune: !given.Spec.Prune}
	if rec.StaysFor(given.whyKept()); rec.Stays() == "" || rec.Deletes {
		t.Errorf("%+v", rec)
	}
}

func TestWhyAnotherRepositoryHasLeftIt(t *testing.T) {
	o := newOffice(t)
	o.has("web", "shop", nil).remember(record.Record{Result: record.Removed, NoPrune: true, KeptFor: "onRemove: keep"})
	o.has("api", "shop", nil)
	for app, want := range map[name.App]string{"web": "onRemove: keep", "api": "", "none": ""} {
		if got := (others{o.Engine}).WhyLeft(app); got != want {
			t.Errorf("%s: %q", app, got)
		}
	}
	var _ plan.Others = others{o.Engine}
}
