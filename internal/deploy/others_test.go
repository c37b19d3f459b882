package deploy

import (
	"testing"

	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

func TestWhoAsksForANamespace(t *testing.T) {
	o := newOffice(t)
	o.has("api", "shop", wanted("api"))
	o.has("web", "shop", wanted("web", asksForTeam))
	o.has("left", "shop", nil)
	for _, test := range []struct {
		cluster, namespace string
		but                map[name.App]bool
		want               name.App
	}{
		{"default", "team", nil, "web"},
		{"default", "team", map[name.App]bool{"web": true}, ""},
		{"default", "other", nil, ""},
		{"east", "team", nil, ""},
	} {
		if got := (others{o.Engine}).Asking(test.cluster, plan.NamespaceID(test.namespace), test.but); got != test.want {
			t.Errorf("%+v: got %q", test, got)
		}
	}
}

func TestHomeOfAnApp(t *testing.T) {
	o := newOffice(t)
	o.has("web", "shop", nil)
	o.has("held", "blog", nil).setUnrendered("a key is away")
	for app, want := range map[string]struct {
		repo           name.Repo
		unrendered, ok bool
	}{"web": {"shop", false, true}, "held": {"blog", true, true}, "other": {"", false, false}} {
		if repo, unrendered, ok := (others{o.Engine}).Home(name.App(app)); repo != want.repo || unrendered != want.unrendered || ok != want.ok {
			t.Errorf("%s: %q, %v, %v", app, repo, unrendered, ok)
		}
	}
}

func TestAppThatWaitsToGoIsLookedAt(t *testing.T) {
	gone := func(t *target) { t.Gone = true }
	for name, test := range map[string]struct {
		set  func(o *office)
		want []string
	}{
		"an app that leaves":             {func(o *office) { o.has("web", "shop", wanted("web", gone)) }, []string{"web: retry"}},
		"an app that stays":              {func(o *office) { o.has("web", "shop", wanted("web")) }, nil},
		"one of which nothing is wanted": {func(o *office) { o.has("web", "shop", nil) }, nil},
		"an app that is removed": {func(o *office) {
			o.has("web", "shop", wanted("web", gone)).remember(record.Record{Result: record.Removed})
		}, nil},
	} {
		o := newOffice(t)
		test.set(o)
		(others{o.Engine}).TakenFrom("web")
		wantLines(t, name, jobNames(o.app("web")), test.want...)
	}
	(others{newOffice(t).Engine}).TakenFrom("unknown")
}

func TestAppThatIsGoneWantsNothing(t *testing.T) {
	o := newOffice(t)
	reached := wanted("web", func(t *target) { t.Gone = true })
	a := o.has("web", "shop", reached)
	o.claims.Set("web", "default", wants("a"))
	a.setWant(wanted("web")) // the app has come back meanwhile
	if (others{o.Engine}).Disclaim(&reached.Target); o.claims.Owner("default", manifesttest.ConfigMap("a")) != "web" {
		t.Error("the object of an app that has come back is claimed by nobody")
	}
	a.setWant(reached)
	if (others{o.Engine}).Disclaim(&reached.Target); o.claims.Owner("default", manifesttest.ConfigMap("a")) != "" {
		t.Error("an app that is gone still claims an object")
	}
	(others{o.Engine}).Disclaim(&wanted("unknown").Target)
}

func TestHeirOfAnObject(t *testing.T) {
	o := newOffice(t)
	o.claims.Set("api", "default", wants("a"))
	for app, want := range map[name.App]name.App{"web": "api", "api": ""} {
		if heir := (others{o.Engine}).Heir(app, "default", manifesttest.ConfigMap("a")); heir != want {
			t.Errorf("the heir of %s is %q", app, heir)
		}
	}
}
