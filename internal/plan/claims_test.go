package plan

import "testing"

func wants(names ...string) []Placed {
	var objects []Placed
	for _, name := range names {
		objects = append(objects, Placed{Key: configMap(name)})
	}
	return objects
}

func TestClaimsOverlay(t *testing.T) {
	base := NewClaims()
	base.Set("web", "default", wants("a", "b"))
	base.Set("db", "default", wants("c"))
	push := base.Overlay()
	push.Set("web", "default", wants("a")) // gives b up
	push.Set("api", "default", wants("b")) // and takes it

	for name, owner := range map[string]string{"a": "web", "b": "api", "c": "db", "d": ""} {
		if got := push.Owner("default", configMap(name)); got != owner {
			t.Errorf("with the push, %s belongs to %q, want %q", name, got, owner)
		}
	}
	if got := base.Owner("default", configMap("b")); got != "web" {
		t.Errorf("a push that is not accepted yet moved b to %q", got)
	}
	if got := push.Owner("other", configMap("a")); got != "" {
		t.Errorf("the object on another cluster belongs to %q", got)
	}
	for _, app := range []string{"web", "db", "api"} {
		if got, ok := push.AppOf(SetID(app)); !ok || got != app {
			t.Errorf("the ApplySet of %s is of %q", app, got)
		}
	}
}

func TestClaimsSetReplaces(t *testing.T) {
	c := NewClaims()
	c.Set("web", "default", wants("a", "b"))
	c.Set("web", "default", wants("b"))
	if got := c.Owner("default", configMap("a")); got != "" {
		t.Errorf("a was given up, and belongs to %q", got)
	}
}

// TestOverlayStays: an app that wants in an overlay what it wants already is as if all of
// it had been entered anew, with or without the first of it.
func TestOverlayStays(t *testing.T) {
	base := NewClaims()
	base.Set("shop", "default", wants("namespace", "a", "b"))
	base.Set("blog", "default", wants("c"))
	owners := func(c *Claims) (owners [4]string) {
		for i, name := range []string{"namespace", "a", "b", "c"} {
			owners[i] = c.Owner("default", configMap(name))
		}
		return owners
	}
	overlay := base.Overlay()
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
		overlay.Set(step.app, "default", wants(step.wants...))
		if got := owners(overlay); got != step.owners {
			t.Errorf("after %s wants %v the owners are %q, want %q", step.app, step.wants, got, step.owners)
		}
		if got := overlay.Own("default", configMap("b")); got != step.own {
			t.Errorf("after %s wants %v, %q says itself that it wants b; want %q", step.app, step.wants, got, step.own)
		}
		if placed := overlay.Placed(step.app, "default"); len(placed) != len(step.wants) {
			t.Errorf("%s wants %d objects, want %d", step.app, len(placed), len(step.wants))
		}
	}
	base.SetKeys("shop", overlay.KeysOf("shop"))
	if got := owners(base); got != [4]string{"shop", "shop", "shop", "blog"} {
		t.Errorf("once it is what is wanted, the owners are %q", got)
	}
}
