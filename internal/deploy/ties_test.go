package deploy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/window"
)

func TestTies(t *testing.T) {
	const test = "apiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\n"
	needs := func(apps ...name.App) func(*target) { return func(t *target) { t.Spec.DependsOn = apps } }
	o := newOffice(t)
	o.Windows = windowed(freeze())
	o.deployed(wanted("db"))
	o.deployed(wanted("web", needs("db"), func(tt *target) {
		tt.Spec.Windows = window.Set{freeze(func(w *window.Window) { w.Name, w.Kind, w.Reason = "work", window.Allow, "people are there" })}
		tt.Objects = parsed(t, test)
	}))
	o.deployed(wanted("cache", needs("db", "web")))
	o.deployed(wanted("gone", needs("db"), func(t *target) { t.Gone = true }))
	for app, want := range map[name.App]string{
		"db":  "needs [], needed by [cache web], tests false, freeze false",
		"web": "needs [db], needed by [cache], tests true, work true (people are there), freeze false",
	} {
		ties, ok := o.Ties(app, noon)
		got := fmt.Sprintf("needs %v, needed by %v, tests %v", ties.Needs, ties.NeededBy, ties.Tests)
		for _, w := range ties.Windows {
			got += fmt.Sprintf(", %s %v", w.Name, w.Open)
			if w.Reason != "" {
				got += " (" + w.Reason + ")"
			}
		}
		if got != want || !ok {
			t.Errorf("%s: got %s, want %s", app, got, want)
		}
	}
	if ties, _ := o.Ties("db", evening.AddDate(0, 0, 1)); !ties.Windows[0].Open {
		t.Error("a window that denies is closed when it is over")
	}
	if _, ok := o.Ties("nosuch", noon); ok {
		t.Error("an app that there is not has ties")
	}
}

// TestOccurrencesHideSecrets: what others write about an object is shown without the values of
// the app's Secrets; where they cannot be read, it is said why.
func TestOccurrencesHideSecrets(t *testing.T) {
	o := newOffice(t)
	api := o.answering()
	o.podded(api)
	pod := manifest.ID{Kind: "Pod", Namespace: "shop", Name: "web-1"}
	found, missing := o.Occurrences(t.Context(), "web", pod)
	if missing != "" || len(found) != 1 || !strings.HasPrefix(found[0].Note, "web-1 says ") || strings.Contains(found[0].Note, "opensesame") || found[0].Times != 2 {
		t.Errorf("found %+v, %q", found, missing)
	}
	api.fails["events"] = away
	if found, missing = o.Occurrences(t.Context(), "web", pod); missing == "" || found != nil {
		t.Errorf("while the cluster is away: %+v, %q", found, missing)
	}
	if found, missing = o.Occurrences(t.Context(), "nosuch", pod); missing == "" || found != nil {
		t.Errorf("of an app that there is not: %+v, %q", found, missing)
	}
}
