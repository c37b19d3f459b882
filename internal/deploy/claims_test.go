package deploy

import "testing"

func wants(names ...string) []resolved {
	var objects []resolved
	for _, name := range names {
		objects = append(objects, resolved{id: configMap(name)})
	}
	return objects
}

func TestClaimsOverlay(t *testing.T) {
	base := newClaims()
	base.set("web", "default", wants("a", "b"))
	base.set("db", "default", wants("c"))
	push := base.overlay()
	push.set("web", "default", wants("a")) // gives b up
	push.set("api", "default", wants("b")) // and takes it

	for name, owner := range map[string]string{"a": "web", "b": "api", "c": "db", "d": ""} {
		if got := push.owner("default", configMap(name)); got != owner {
			t.Errorf("with the push, %s belongs to %q, want %q", name, got, owner)
		}
	}
	if got := base.owner("default", configMap("b")); got != "web" {
		t.Errorf("a push that is not accepted yet moved b to %q", got)
	}
	if got := push.owner("other", configMap("a")); got != "" {
		t.Errorf("the object on another cluster belongs to %q", got)
	}
	for _, app := range []string{"web", "db", "api"} {
		if got, ok := push.appOf(setID(app)); !ok || got != app {
			t.Errorf("the ApplySet of %s is of %q", app, got)
		}
	}
}

func TestClaimsSetReplaces(t *testing.T) {
	c := newClaims()
	c.set("web", "default", wants("a", "b"))
	c.set("web", "default", wants("b"))
	if got := c.owner("default", configMap("a")); got != "" {
		t.Errorf("a was given up, and belongs to %q", got)
	}
}

// TestOverlayStays: an app that wants in an overlay what it wants already is as if all of
// it had been entered anew, with or without the first of it.
func TestOverlayStays(t *testing.T) {
	base := newClaims()
	base.set("shop", "default", wants("namespace", "a", "b"))
	base.set("blog", "default", wants("c"))
	owners := func(c *claims) (owners [4]string) {
		for i, name := range []string{"namespace", "a", "b", "c"} {
			owners[i] = c.owner("default", configMap(name))
		}
		return owners
	}
	overlay := base.overlay()
	for _, step := range []struct {
		app    string
		wants  []string
		owners [4]string
		own    string // of b
	}{
		{"shop", []string{"a", "b"}, [4]string{"", "shop", "shop", "blog"}, "shop"},
		{"shop", []string{"namespace", "a", "b"}, [4]string{"shop", "shop", "shop", "blog"}, "shop"},
		{"shop", []string{"a"}, [4]string{"", "shop", "", "blog"}, ""},
		{"blog", []string{"b", "c"}, [4]string{"", "shop", "blog", "blog"}, "blog"},
		{"shop", []string{"namespace", "a", "b"}, [4]string{"shop", "shop", "blog", "blog"}, "blog"},
	} {
		overlay.set(step.app, "default", wants(step.wants...))
		if got := owners(overlay); got != step.owners {
			t.Errorf("after %s wants %v the owners are %q, want %q", step.app, step.wants, got, step.owners)
		}
		if got := overlay.own("default", configMap("b")); got != step.own {
			t.Errorf("after %s wants %v, %q says itself that it wants b; want %q", step.app, step.wants, got, step.own)
		}
		if placed := overlay.placed(step.app, "default"); len(placed) != len(step.wants) {
			t.Errorf("%s wants %d objects, want %d", step.app, len(placed), len(step.wants))
		}
	}
	base.setKeys("shop", overlay.keysOf("shop"))
	if got := owners(base); got != [4]string{"shop", "shop", "shop", "blog"} {
		t.Errorf("once it is what is wanted, the owners are %q", got)
	}
}
