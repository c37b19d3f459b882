package deploy

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
)

type hash string

func (h hash) String() string { return string(h) }

// shopAt is a revision whose folder shop has the given hash, as a folder in Git has.
func shopAt(h hash) fstest.MapFS {
	return fstest.MapFS{
		"shop":        {Mode: fs.ModeDir | 0o755, Sys: h},
		"shop/a.yaml": {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"), Sys: h},
	}
}

func TestTargetIsKeptWhileNothingThatShapesItChanges(t *testing.T) {
	tree := shopAt("1")
	tree[appfile.Name] = &fstest.MapFile{Data: []byte("apps: [{path: shop}]")}
	targets, problems := readShop(tree, "a")
	if len(problems) > 0 || len(targets) != 1 {
		t.Fatalf("%d targets, problems %v", len(targets), problems)
	}
	old, spec := targets[0], targets[0].Spec
	moved := spec
	moved.Namespace = "other"
	gone := *old
	gone.Gone = true
	for what, c := range map[string]struct {
		old  *target
		spec appfile.App
		tree fs.FS
		want bool
	}{
		"nothing":              {old, spec, shopAt("1"), true},
		"the folder":           {old, spec, shopAt("2"), false},
		"the namespace":        {old, moved, shopAt("1"), false},
		"no inputs":            {&target{Target: plan.Target{Spec: spec}}, spec, shopAt("1"), false},
		"nothing was wanted":   {nil, spec, shopAt("1"), false},
		"it was to be deleted": {&gone, spec, shopAt("1"), false},
	} {
		if got := c.old.readAs(c.spec, c.tree); got != c.want {
			t.Errorf("%s changed: kept is %v, want %v", what, got, c.want)
		}
	}
	if at := old.at("b"); at.Revision != "b" || at.origin != fromBefore || old.origin != fromRevision || old.Revision != "a" {
		t.Error("the target at another revision is not a copy, or the original has changed")
	}
}

func TestOverlayKnowsWhatIsKept(t *testing.T) {
	base := plan.NewClaims()
	base.Set("shop", "default", []plan.Placed{{Key: serviceID("web")}})
	overlay := base.Overlay()
	if placed := overlay.Placed("shop", "default"); len(placed) != 1 {
		t.Errorf("the overlay has %d objects of an app that is kept, want 1", len(placed))
	}
	overlay.Set("shop", "default", nil)
	if placed := overlay.Placed("shop", "default"); len(placed) != 0 {
		t.Errorf("the overlay has %d objects of an app that leaves, want none", len(placed))
	}
}

func serviceID(name string) manifest.ID {
	return manifest.ID{Kind: "Service", Namespace: "shop", Name: name}
}

// readShop reads the apps of branch main of repository shop.
func readShop(tree fs.FS, revision name.Revision) ([]*target, manifest.Problems) {
	file, problems := appfile.Read(tree, appfile.Place{Repo: "shop", Branch: "main", Main: "main"})
	targets, found := newReader().readTargets(reading{specs: file.Apps, tree: tree, repo: "shop", revision: revision})
	return targets, append(problems, found...)
}
