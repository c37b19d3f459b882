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
