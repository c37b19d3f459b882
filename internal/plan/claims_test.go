package plan

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/kube/kubetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/name"
)

func wants(names ...string) []Placed {
	var objects []Placed
	for _, name := range names {
		objects = append(objects, Placed{Key: manifesttest.ConfigMap(name)})
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

	for name, owner := range map[string]name.App{"a": "web", "b": "api", "c": "db", "d": ""} {
		if got := push.Owner("default", manifesttest.ConfigMap(name)); got != owner {
			t.Errorf("with the push, %s belongs to %q, want %q", name, got, owner)
		}
	}
	if got := base.Owner("default", manifesttest.ConfigMap("b")); got != "web" {
		t.Errorf("a push that is not accepted yet moved b to %q", got)
	}
	if got := push.Owner("other", manifesttest.ConfigMap("a")); got != "" {
		t.Errorf("the object on another cluster belongs to %q", got)
	}
	for _, app := range []name.App{"web", "db", "api"} {
		if got, ok := push.AppOf(SetID(app)); !ok || got != app {
			t.Errorf("the ApplySet of %s is of %q", app, got)
		}
	}
}

func TestClaimsSetReplaces(t *testing.T) {
	c := NewClaims()
	c.Set("web", "default", wants("a", "b"))
	c.Set("web", "default", wants("b"))
	if got := c.Owner("default", manifesttest.ConfigMap("a")); got != "" {
		t.Errorf("a was given up, and belongs to %q", got)
	}
}

// TestOverlayStays: an app that wants in an overlay what it wants already is as if all of
// it had been entered anew, with or without the first of it.
func TestOverlayStays(t *testing.T) {
	base := NewClaims()
	base.Set("shop", "default", wants("namespace", "a", "b"))
	base.Set("blog", "default", wants("c"))
	owners := func(c *Claims) (owners [4]name.App) {
		for i, name := range []string{"namespace", "a", "b", "c"} {
			owners[i] = c.Owner("default", manifesttest.ConfigMap(name))
		}
		return owners
	}
	overlay := base.Overlay()
	for _, step := range []struct {
		app    name.App
		wants  []string
		owners [4]name.App
		own    name.App // of b
	}{
		{"shop", []string{"a", "b"}, [4]name.App{"", "shop", "shop", "blog"}, "shop"},
		{"shop", []string{"namespace", "a", "b"}, [4]name.App{"shop", "shop", "shop", "blog"}, "shop"},
		{"shop", []string{"a"}, [4]name.App{"", "shop", "", "blog"}, ""},
		{"blog", []string{"b", "c"}, [4]name.App{"", "shop", "blog", "blog"}, "blog"},
		{"shop", []string{"namespace", "a", "b"}, [4]name.App{"shop", "shop", "blog", "blog"}, "blog"},
	} {
		overlay.Set(step.app, "default", wants(step.wants...))
		if got := owners(overlay); got != step.owners {
			t.Errorf("after %s wants %v the owners are %q, want %q", step.app, step.wants, got, step.owners)
		}
		if got := overlay.Own("default", manifesttest.ConfigMap("b")); got != step.own {
			t.Errorf("after %s wants %v, %q says itself that it wants b; want %q", step.app, step.wants, got, step.own)
		}
		if placed := overlay.Placed(step.app, "default"); len(placed) != len(step.wants) {
			t.Errorf("%s wants %d objects, want %d", step.app, len(placed), len(step.wants))
		}
	}
	base.SetKeys("shop", overlay.KeysOf("shop"))
	if got := owners(base); got != [4]name.App{"shop", "shop", "shop", "blog"} {
		t.Errorf("once it is what is wanted, the owners are %q", got)
	}
}

// TestClaimsOfOverlays holds what an overlay says by itself, and what by its base.
func TestClaimsOfOverlays(t *testing.T) {
	base := NewClaims()
	base.Set("shop", "default", wants("a"))
	overlay := base.Overlay()
	if overlay.Has("shop") || len(overlay.KeysOf("shop")) != 1 {
		t.Error("the overlay itself wants what only its base does, or has forgotten it")
	}
	if got := overlay.Own("default", manifesttest.ConfigMap("a")); got != "" {
		t.Errorf("the overlay itself says that %q wants a", got)
	}
	overlay.Set("shop", "default", wants("b"))
	if !overlay.Has("shop") || overlay.Own("default", manifesttest.ConfigMap("b")) != "shop" || base.Own("default", manifesttest.ConfigMap("a")) != "shop" {
		t.Error("the overlay does not want what it was told")
	}
	if overlay.Owner("default", manifesttest.ConfigMap("a")) != "" || base.Owner("default", manifesttest.ConfigMap("a")) != "shop" {
		t.Error("a was given up in the overlay alone")
	}
	if overlay.Heir("shop", "default", manifesttest.ConfigMap("b")) != "" || overlay.Heir("blog", "default", manifesttest.ConfigMap("b")) != "shop" {
		t.Error("an app is its own heir, or another is none")
	}
	if _, known := overlay.AppOf(SetID("gone")); known {
		t.Error("the ApplySet of an unknown app is known")
	}
	base.Know("gone")
	if app, known := overlay.AppOf(SetID("gone")); app != "gone" || !known {
		t.Error("the ApplySet of an app that wants nothing is not known")
	}
	overlay.Set("shop", "other", wants("a"))
	if overlay.Owner("default", manifesttest.ConfigMap("a")) != "" || overlay.Owner("other", manifesttest.ConfigMap("a")) != "shop" {
		t.Error("an app that went to another cluster has stayed")
	}
	if placed := overlay.Placed("shop", "default"); len(placed) != 0 {
		t.Errorf("it wants %v where it does not go any more", placed)
	}
}

// TestOverlayForgets: an app of an overlay that wants again what it wants in the base has
// nothing else, and one that then wants something else has nothing of before.
func TestOverlayForgets(t *testing.T) {
	base := NewClaims()
	base.Set("shop", "default", wants("a", "b"))
	overlay := base.Overlay()
	owners := func() string {
		var owners string
		for _, name := range []string{"a", "b", "z"} {
			owners += string(overlay.Owner("default", manifesttest.ConfigMap(name))) + " "
		}
		return owners
	}
	overlay.Set("shop", "default", wants("a", "z"))
	overlay.Set("shop", "default", wants("a", "b"))
	if got := owners(); got != "shop shop  " {
		t.Errorf("back at what it wants in the base, the owners are %q", got)
	}
	overlay.SetKeys("shop", overlay.KeysOf("shop"))
	overlay.Set("shop", "default", wants("z"))
	if got := owners(); got != "  shop " {
		t.Errorf("once it wants something else, the owners are %q", got)
	}
	if got := base.Own("default", manifesttest.ConfigMap("z")); got != "" {
		t.Errorf("in the base, z belongs to %q", got)
	}
}

// TestWhatIsClaimed: nobody has an object alone that is never applied, or has no name yet.
func TestWhatIsClaimed(t *testing.T) {
	w := newWorld(t)
	objects, problems := w.resolved(config("a", "1"), job("skipped", skip), "apiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: g-\n  annotations: {argocd.argoproj.io/hook: Sync}\n")
	wantProblems(t, problems)
	w.Claims.Set("shop", "default", objects)
	if keys := w.Claims.KeysOf("shop"); !slices.Equal(keys, []ClaimKey{{"default", manifesttest.ConfigMap("a")}}) {
		t.Errorf("claimed are %v", keys)
	}
	overlay := w.Claims.Overlay()
	overlay.Set("shop", "default", objects)
	if !areOf(overlay.KeysOf("shop"), "default", objects) || areOf(overlay.KeysOf("shop"), "other", objects) || areOf(nil, "default", nil) {
		t.Error("an app that wants the same wants something else")
	}
}

// TestClaimsOfTwoApps: an object that another app has taken is not lost when the first one
// gives it up.
func TestClaimsOfTwoApps(t *testing.T) {
	c := NewClaims()
	c.Set("shop", "default", wants("a"))
	c.Set("blog", "default", wants("a"))
	c.Set("shop", "default", wants("b"))
	if got := c.Owner("default", manifesttest.ConfigMap("a")); got != "blog" {
		t.Errorf("it belongs to %q", got)
	}
}

func TestCompanions(t *testing.T) {
	shop := &Target{Objects: parsed(t, namespaceText("plain"), namespaceText("frozen", frozen), namespaceText("later", `argocd.argoproj.io/hook: PostSync`),
		namespaceText("twice"), config("a", "1"), widgetDefinition, "apiVersion: example.org/v1\nkind: Namespace\nmetadata: {name: other}\n")}
	blog := &Target{Objects: parsed(t, namespaceText("twice", frozen))}
	with := NewCompanions([]*Target{shop, blog}, func(*Target, *manifest.Object) bool { return false })
	for name, want := range map[string]bool{"plain": true, "frozen": false, "later": false, "twice": true, "other": false} {
		if with.Namespaces[name] != want {
			t.Errorf("namespace %s comes with the push: %v", name, with.Namespaces[name])
		}
	}
	if !with.Pending(widgetKind) || with.Pending(kube.Kind{GVK: schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}}) || !with.Defines() {
		t.Error("the definitions that come with the push are not those that are written")
	}
	if told := with.Vet(t.Context(), newFakeAPI(t)); len(told) != 1 || told[0].Message != "vetted" {
		t.Errorf("the cluster was not asked about the definitions: %v", told)
	}
	known := NewCompanions([]*Target{shop}, func(of *Target, o *manifest.Object) bool { return of == shop && o.GetName() == "widgets.example.org" })
	if known.Defines() || known.Pending(widgetKind) {
		t.Error("a definition that the cluster has as it is comes with the push")
	}
}

// TestMayDefine: an unknown kind is passed over if a file may define it that could not be
// read, unless it is more likely misspelt.
func TestMayDefine(t *testing.T) {
	gvk := widgetKind.GVK
	unknown := &kube.UnknownKindError{GVK: gvk}
	for name, test := range map[string]struct {
		whole bool
		err   error
		want  bool
	}{
		"all files were read":      {true, unknown, false},
		"one was not":              {false, unknown, true},
		"another error":            {false, kubetest.Refused, false},
		"known in another version": {false, &kube.UnknownKindError{GVK: gvk, Versions: []string{"v2"}}, false},
		"nearly one of the group":  {false, &kube.UnknownKindError{GVK: gvk, Similar: []schema.GroupVersionKind{{Group: "example.org", Kind: "Wigdet"}}}, false},
		"nearly one of another":    {false, &kube.UnknownKindError{GVK: gvk, Similar: []schema.GroupVersionKind{{Group: "apps", Kind: "Wigdet"}}}, true},
	} {
		if got := (&Companions{Unread: !test.whole}).mayDefine(test.err); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestUnrivalled: that no other app wants what an app wants is known of an app that wants
// the same as before, unless another one came to want some of it.
func TestUnrivalled(t *testing.T) {
	base := NewClaims()
	base.Set("shop", "default", wants("a", "b"))
	base.Set("blog", "default", wants("c"))
	check := func(when string, c *Claims, want bool) {
		t.Helper()
		if got := c.Unrivalled("shop", "default", wants("a", "b")); got != want {
			t.Errorf("%s: it is known to be alone: %v, want %v", when, got, want)
		}
	}
	check("at first", base.Overlay(), true)
	check("without a base", base, false)
	if o := base.Overlay(); o.Unrivalled("shop", "other", wants("a", "b")) || o.Unrivalled("shop", "default", wants("a")) || o.Unrivalled("shop", "default", wants("b", "a")) {
		t.Error("what it did not want before is known to be its alone")
	}
	other := base.Overlay()
	other.Set("blog", "default", wants("c", "b"))
	check("beside another app of the push", other, false)
	base.Set("blog", "default", wants("c", "b"))
	check("when another app wants one of them", base.Overlay(), false)
	base.Set("shop", "default", wants("a", "b"))
	check("when it has it back", base.Overlay(), true)
	if owner := base.Owner("default", wants("b")[0].Key); owner != "shop" {
		t.Errorf("%s has what shop wants again", owner)
	}
	base.Set("blog", "default", wants("c"))
	check("when the other one wants it no more", base.Overlay(), true)
	base.Set("blog", "default", wants("a"))
	base.SetKeys("shop", base.KeysOf("shop"))
	check("when it is told again what it wants", base.Overlay(), true)
}
