package deploy

import (
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
)

func TestTargetIsKeptWhileNothingThatShapesItChanges(t *testing.T) {
	spec := appfile.App{Name: "shop", Path: "shop", Namespace: "shop"}
	old := &target{spec: spec, read: "1 2", revision: "a"}
	moved := spec
	moved.Namespace = "other"
	gone := *old
	gone.gone = true
	for what, c := range map[string]struct {
		old  *target
		spec appfile.App
		key  string
		want bool
	}{
		"nothing":              {old, spec, "1 2", true},
		"the folder":           {old, spec, "1 3", false},
		"the namespace":        {old, moved, "1 2", false},
		"no hashes":            {&target{spec: spec}, spec, "", false},
		"nothing was wanted":   {nil, spec, "1 2", false},
		"it was to be deleted": {&gone, spec, "1 2", false},
	} {
		if got := c.old.readAs(c.spec, c.key); got != c.want {
			t.Errorf("%s changed: kept is %v, want %v", what, got, c.want)
		}
	}
	if at := old.at("b"); at.revision != "b" || !at.kept || old.kept || old.revision != "a" {
		t.Error("the target of another revision is not a copy of its own")
	}
}

func TestOverlayKnowsWhatIsKept(t *testing.T) {
	base := newClaims()
	base.set("shop", "default", []resolved{{id: serviceID("web")}})
	overlay := base.overlay()
	if placed := overlay.placed("shop", "default"); len(placed) != 1 {
		t.Errorf("of an app that is kept the overlay has %d objects, want 1", len(placed))
	}
	overlay.set("shop", "default", nil)
	if placed := overlay.placed("shop", "default"); len(placed) != 0 {
		t.Errorf("of an app that leaves the overlay has %d objects, want none", len(placed))
	}
}

func serviceID(name string) manifest.ID {
	return manifest.ID{Kind: "Service", Namespace: "shop", Name: name}
}
