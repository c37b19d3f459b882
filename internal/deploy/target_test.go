package deploy

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/sealed"
)

// TestTargetIsTakenFromTheOneBefore: if a revision has the same inputs as the app's target,
// that target is used again. Otherwise the revision is rendered.
func TestTargetIsTakenFromTheOneBefore(t *testing.T) {
	for what, test := range map[string]struct {
		set  func(o *office, r *reading)
		want origin
	}{
		"nothing changed":        {func(*office, *reading) {}, fromBefore},
		"the folder changed":     {func(_ *office, r *reading) { r.tree = withApps(shopAt("2")) }, fromRevision},
		"nobody has accepted it": {func(_ *office, r *reading) { r.blind = true }, fromRevision},
		"of another repository":  {func(o *office, _ *reading) { o.app("shop").want.Repo = "blog" }, fromRevision},
		"with other values":      {func(o *office, _ *reading) { o.app("shop").want.given.print = "p" }, fromRevision},
	} {
		o := newOffice(t)
		tree := withApps(shopAt("1"))
		file, problems := appfile.Read(tree, appfile.Place{Repo: "shop", Branch: "main", Main: "main"})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		r := reading{specs: file.Apps, tree: tree, repo: "shop", revision: "r1"}
		first, problems := o.readTargets(r)
		if len(problems) > 0 || len(first) != 1 {
			t.Fatal(problems)
		}
		o.has("shop", "shop", first[0])
		r.revision = "r2"
		test.set(o, &r)
		second, problems := o.readTargets(r)
		if len(problems) > 0 || len(second) != 1 || second[0].origin != test.want || second[0].Revision != "r2" {
			t.Errorf("%s: %+v, %v", what, second, problems)
		}
	}
}

// TestTargetWithoutItsGeneratedValues: an app whose generated values are lost is among the
// targets, with its problem.
func TestTargetWithoutItsGeneratedValues(t *testing.T) {
	o := newOffice(t)
	o.keeps("pg", "[")
	targets, problems := o.readTargets(reading{specs: []appfile.App{chartApp("pg")}, repo: "shop", revision: "r1", tree: shopAt("1")})
	if len(targets) != 1 || targets[0].Spec.Name != "pg" || targets[0].Revision != "r1" || len(problems) != 1 || problems[0].App != "pg" {
		t.Errorf("%d targets, %v", len(targets), problems)
	}
}

// TestRendererOfAReading: a revision that nobody has accepted is rendered without keys.
func TestRendererOfAReading(t *testing.T) {
	o := newOffice(t)
	if (reading{}).renderer(o.Engine) != o.Renderer || (reading{blind: true}).renderer(o.Engine) == o.Renderer {
		t.Error("a blind reading has the renderer with keys, or another reading has not")
	}
}

// TestMasksOfATarget: for a revision that nobody has accepted, no mask is made with the
// server's key.
func TestMasksOfATarget(t *testing.T) {
	o := newOffice(t)
	for blind, want := range map[bool]bool{false: true, true: false} {
		masker := o.masker(wanted("web", func(t *target) { t.Blind = blind }))
		if keyed := masker.Seal("x") == o.Masker.Seal("x"); keyed != want {
			t.Errorf("blind %v: keyed: %v", blind, keyed)
		}
	}
}

// TestTargetFromBeforeHasTheValuesOfNow: a target that is used again gets the newly decided
// generated values. A value that an operator sets has to be kept, even if it equals the one
// in use.
func TestTargetFromBeforeHasTheValuesOfNow(t *testing.T) {
	for what, wantedBefore := range map[string]bool{"from the one before": true, "from what is sealed": false} {
		was, o := sealedShop(t)
		was.Spec.Helm.Generated = declare("a")
		was.given = provision{print: o.printOf(map[string]string{"a": "runs"}), fates: []plan.Fate{{Path: "a", Is: fateKept}}}
		o.keeps("shop", `{"a": {"text": "runs"}}`)
		if wantedBefore {
			o.has("shop", "shop", was)
		} else if err := o.sealTargets(sealed.Accepted, was); err != nil {
			t.Fatal(err)
		}
		targets, problems := o.readTargets(reading{
			specs: []appfile.App{was.Spec}, tree: withApps(shopAt("1")), repo: "shop", revision: "r2",
			renewedApp: "shop", renewed: Renewal{Given: map[string]string{"a": "runs"}},
		})
		if len(problems) > 0 || len(targets) != 1 {
			t.Fatalf("%s: %d targets, %v", what, len(targets), problems)
		}
		if is := targets[0]; is.rules == nil || !is.given.changed || fatesOf(is.given) != "a "+fateSet {
			t.Errorf("%s: the target has %+v", what, is.given)
		}
	}
}

// TestHiddenUntilApplied: what runs has the values of the target that was applied last, however many
// came after it that were not.
func TestHiddenUntilApplied(t *testing.T) {
	object := func(hidden ...string) *manifest.Object {
		o := &manifest.Object{Unstructured: &unstructured.Unstructured{Object: map[string]any{"kind": "ConfigMap"}}}
		o.Hide(hidden...)
		return o
	}
	for what, test := range map[string]struct {
		result record.Result
		digest string
		want   string
	}{
		"the one before was applied": {record.Deployed, "digest of shop", "now then"},
		"it has failed":              {record.Failed, "digest of shop", "earlier now then"},
		"it was skipped":             {record.Skipped, "digest of shop", "earlier now then"},
		"another one was applied":    {record.Deployed, "another", "earlier now then"},
	} {
		o := newOffice(t)
		before := wanted("shop", func(t *target) { t.Objects, t.Hidden = []*manifest.Object{object("then")}, []string{"earlier", "then"} })
		a := o.has("shop", "shop", before)
		a.last = &record.Record{Result: test.result, Digest: o.Masker.Seal(test.digest)}
		if got := strings.Join(o.hiddenIn([]*manifest.Object{object("now")}, before), " "); got != test.want {
			t.Errorf("%s: %s", what, got)
		}
	}
	if got := newOffice(t).hiddenIn([]*manifest.Object{object("now")}, nil); len(got) != 1 {
		t.Errorf("the first target: %v", got)
	}
}
