package deploy

import (
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// byRepo are grants of repositories.
func byRepo(grants map[name.Repo]*grant.Grant) Grants {
	return func(repo name.Repo) *grant.Grant { return grants[repo] }
}

// of has a target be a repository's.
func of(repo name.Repo) func(*target) { return func(t *target) { t.Repo = repo } }

// whichOf names apps.
func whichOf(apps []Confined) (names []name.App) {
	for _, a := range apps {
		names = append(names, a.App)
	}
	return names
}

func TestRegrant(t *testing.T) {
	now := map[name.Repo]*grant.Grant{"shop": giving("shop"), "blog": giving("blog"), "same": giving("x"), "away": giving("shop")}
	next := map[name.Repo]*grant.Grant{"shop": giving("other"), "blog": giving("blog", "shop"), "same": giving("x"), "away": {Namespaces: now["shop"].Namespaces, MaxObjects: 1}}
	o := newOffice(t)
	o.answering()
	o.Grants = byRepo(now)
	for _, a := range []*app{
		o.deployed(wanted("web", having("a"))),
		o.deployed(wanted("api", having("b"))),
		o.deployed(wanted("empty")),
		o.deployed(wanted("gone", having("c"), func(t *target) { t.Gone = true })),
		o.deployed(wanted("blog", having("d"), of("blog"))),
		o.deployed(wanted("same", having("e"), of("same"))),
		o.deployed(wanted("away", having("f"), of("away"), func(t *target) { t.Spec.Cluster = "west" })),
	} {
		a.confine(a.wanted())
	}
	o.has("idle", "shop", nil)
	held, freed := o.Regrant(t.Context(), byRepo(next))
	if got := whichOf(held); !slices.Equal(got, []name.App{"api", "web"}) {
		t.Errorf("held: %v", held)
	}
	if len(held) > 0 && held[0] != (Confined{"api", "shop", "ConfigMap shop/b: the grant of repository shop does not give the namespace shop"}) {
		t.Errorf("the first that is held is %+v", held[0])
	}
	if got := whichOf(freed); !slices.Equal(got, []name.App{"blog"}) || freed[0].Why == "" {
		t.Errorf("freed: %v", freed)
	}
	if why := o.app("web").confined.reason(); why != "" {
		t.Errorf("to foresee has held an app: %s", why)
	}
	if held, freed := o.Regrant(t.Context(), byRepo(now)); len(held)+len(freed) > 0 {
		t.Errorf("grants that are the same hold %v, and free %v", held, freed)
	}
}

// TestGrantsThatSayTheSame: where a grant stands, and for whom else it is, changes nothing.
func TestGrantsThatSayTheSame(t *testing.T) {
	g := giving("shop")
	alike := giving("shop")
	alike.At.Line, alike.Repos = 7, []glob.Pattern{"shop"}
	for _, test := range []struct {
		a, b *grant.Grant
		want bool
	}{{nil, nil, true}, {g, g, true}, {g, alike, true}, {g, nil, false}, {nil, g, false}, {g, giving("blog"), false}} {
		if got := sameGrant(test.a, test.b); got != test.want {
			t.Errorf("%+v and %+v are the same: %v", test.a, test.b, got)
		}
	}
}

func TestRegranted(t *testing.T) {
	o := newOffice(t)
	o.Grants = byRepo(map[name.Repo]*grant.Grant{"shop": giving("shop"), "blog": giving("blog")})
	want := map[name.App]record.Cause{"web": record.CauseGrant, "gone": "", "blog": "", "idle": ""}
	o.deployed(wanted("web"))
	o.deployed(wanted("gone", func(t *target) { t.Gone = true }))
	o.deployed(wanted("blog", of("blog")))
	o.has("idle", "shop", nil)
	o.Regranted(byRepo(map[name.Repo]*grant.Grant{"shop": giving("other"), "blog": giving("blog")}))
	for app, cause := range want {
		j := queued(o.app(app))
		switch {
		case j == nil && cause != "":
			t.Errorf("%s is not judged again", app)
		case j != nil && j.cause != cause:
			t.Errorf("%s is looked at, cause %q, want %q", app, j.cause, cause)
		}
	}
}

func TestObjectsOf(t *testing.T) {
	o := newOffice(t)
	o.deployed(wanted("web", having("a", "b")))
	o.deployed(wanted("api", having("c")))
	o.deployed(wanted("gone", having("d"), func(t *target) { t.Gone = true }))
	o.deployed(wanted("blog", having("e"), of("blog")))
	o.has("idle", "shop", nil)
	for repo, want := range map[name.Repo]int{"shop": 3, "blog": 1, "unknown": 0} {
		if got := o.ObjectsOf(repo); got != want {
			t.Errorf("%s has %d objects, want %d", repo, got, want)
		}
	}
}
