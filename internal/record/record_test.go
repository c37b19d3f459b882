package record

import (
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/owner"
)

func TestRecordThatChangedNothingCarriesOn(t *testing.T) {
	last := &Record{Digest: "d", Content: "c", Result: Unhealthy}
	suspended := Record{Result: Suspended}
	suspended.CarryOn(last)
	if suspended.Digest != "d" || suspended.Content != "c" || suspended.Stands() != Unhealthy || suspended.Result != Suspended {
		t.Errorf("after an unhealthy deploy: %+v", suspended)
	}
	resumed := Record{Result: Resumed}
	resumed.CarryOn(&suspended)
	if resumed.Stands() != Unhealthy {
		t.Errorf("after two records that changed nothing, the standing is %s", resumed.Stands())
	}
}

func TestFirstRecordHasNothingToCarryOn(t *testing.T) {
	r := Record{Result: Suspended}
	r.CarryOn(nil)
	if r.Digest != "" || r.Content != "" || r.Stands() != Suspended {
		t.Errorf("got %+v", r)
	}
}

// TestAppsKeepTheirRevision checks which revision stays deployed while -o skip keeps the
// newest one, head, from being deployed.
func TestAppsKeepTheirRevision(t *testing.T) {
	skip := Asked{Revision: "head", Skip: true}
	for name, test := range map[string]struct {
		last     Record
		asked    Asked
		revision name.Revision
		kept     bool
	}{
		"nothing was skipped":                       {Record{Revision: "old"}, Asked{}, "", false},
		"the newest is recorded as skipped":         {Record{Revision: "head", Skipped: "head", Held: "old"}, skip, "old", true},
		"an older one is recorded as skipped":       {Record{Revision: "old", Skipped: "middle", Held: "old"}, Asked{}, "", false},
		"the server was killed before it recorded":  {Record{Revision: "old"}, skip, "old", true},
		"killed so after another one was skipped":   {Record{Revision: "middle", Skipped: "middle", Held: "old"}, skip, "old", true},
		"it was deployed on request since":          {Record{Revision: "head"}, skip, "", false},
		"another revision was pushed with -o skip":  {Record{Revision: "old"}, Asked{Revision: "middle", Skip: true}, "", false},
		"the newest was pushed with another option": {Record{Revision: "old"}, Asked{Revision: "head", Force: true}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			revision, kept := test.last.Keeps("head", test.asked)
			if revision != test.revision || kept != test.kept {
				t.Errorf("the app keeps %q, %v; want %q, %v", revision, kept, test.revision, test.kept)
			}
		})
	}
}

func TestHooksThatStopADeploy(t *testing.T) {
	hook := func(phase manifest.Phase, end manifest.HookEnd) HookResult {
		return HookResult{Key: "batch/Job/shop/h", Phase: phase.String(), Result: end}
	}
	for name, test := range map[string]struct {
		hooks []HookResult
		want  bool
	}{
		"no hook":                         {nil, false},
		"one that succeeded":              {[]HookResult{hook(manifest.PreSync, manifest.EndSucceeded)}, false},
		"one that failed":                 {[]HookResult{hook(manifest.PreSync, manifest.EndFailed)}, true},
		"one of two":                      {[]HookResult{hook(manifest.PreSync, manifest.EndSucceeded), hook(manifest.PostSync, manifest.EndFailed)}, true},
		"one that runs after a failure":   {[]HookResult{hook(manifest.SyncFail, manifest.EndFailed)}, false},
		"one that may not have been made": {[]HookResult{hook(manifest.PreSync, manifest.EndUnbegun)}, false},
	} {
		if got := (Record{Hooks: test.hooks}).HookFailed(); got != test.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestHookThatWasLeftUnbegun(t *testing.T) {
	left := HookResult{Key: "batch/Job/shop/h", Phase: manifest.PreSync.String(), Result: manifest.EndUnbegun}
	failed := left
	failed.Result = manifest.EndFailed
	for name, test := range map[string]struct {
		hook  HookResult
		key   string
		phase manifest.Phase
		want  bool
	}{
		"the hook":              {left, left.Key, manifest.PreSync, true},
		"another hook":          {left, "batch/Job/shop/other", manifest.PreSync, false},
		"it, in another phase":  {left, left.Key, manifest.PostSync, false},
		"a hook that had begun": {failed, left.Key, manifest.PreSync, false},
	} {
		if got := (Record{Hooks: []HookResult{test.hook}}).LeftUnbegun(test.key, test.phase); got != test.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestChangedLeavesOutWhatWasLeft(t *testing.T) {
	r := Record{
		Deleted: []string{"/ConfigMap/shop/a", "/ConfigMap/shop/b"},
		Objects: []Object{{Action: Create}, {Action: Configure}, {Action: Unchanged}, {Action: Left}},
	}
	if got := r.Changed(); got != 4 {
		t.Errorf("%d objects are changed, want 4", got)
	}
}

func TestCulpritsAreNamedOnce(t *testing.T) {
	edit, scale := &owner.Culprit{Manager: "kubectl-edit", Operation: "Update"}, &owner.Culprit{Manager: "kubectl", Operation: "Update", Subresource: "scale"}
	again := *edit
	r := Record{Objects: []Object{{Key: "a", Culprit: edit}, {Key: "b"}, {Key: "c", Culprit: scale}, {Key: "d", Culprit: &again}}}
	if got := r.Culprits(); !slices.Equal(got, []owner.Culprit{*edit, *scale}) {
		t.Errorf("got %+v", got)
	}
}

func TestDeployIDIsReadAsWritten(t *testing.T) {
	for _, r := range []Record{{App: "shop", Number: 1}, {App: "shop-2", Number: 42}} {
		if app, number, err := ParseDeployID(r.ID()); app != r.App || number != r.Number || err != nil {
			t.Errorf("%s is read as %q, %d, %v", r.ID(), app, number, err)
		}
	}
}

func TestTextThatIsNoDeployID(t *testing.T) {
	for _, id := range []string{"", "shop", "-1", "shop-", "shop-x", "shop-0", "shop--x", "shop-1.5", "shop-99999999999999999999", "Shop-1", "team/shop-1", "--force-1"} {
		app, number, err := ParseDeployID(id)
		if err == nil {
			t.Errorf("%q is read as %q, %d", id, app, number)
		} else if app != "" || number != 0 || !strings.Contains(err.Error(), "like shop-42") {
			t.Errorf("%q: %q, %d, %v", id, app, number, err)
		}
	}
}

func TestErrorOfADeployIDIsFitForATerminal(t *testing.T) {
	if _, _, err := ParseDeployID("\x1b[31m"); err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("got %v", err)
	}
}
