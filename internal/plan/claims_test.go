package plan

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/access/grant"
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
	push.Set("web", "default", wants("a")) // gives up b
	push.Set("api", "default", wants("b")) // takes b

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

// TestOverlayStays: if an app wants the same objects in an overlay as in the base, with or
// without the first of them, the result is as if all of them had been entered anew.
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
		own    name.App // of the object b
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
		t.Errorf("after the overlay's keys were set in the base, the owners are %q", got)
	}
}

// TestClaimsOfOverlays checks which claims an overlay has of its own, and which ones come
// from its base.
func TestClaimsOfOverlays(t *testing.T) {
	base := NewClaims()
	base.Set("shop", "default", wants("a"))
	overlay := base.Overlay()
	if overlay.Has("shop") || len(overlay.KeysOf("shop")) != 1 {
		t.Error("the overlay counts the base's claims as its own, or has lost them")
	}
	if got := overlay.Own("default", manifesttest.ConfigMap("a")); got != "" {
		t.Errorf("the overlay itself says that %q wants a", got)
	}
	overlay.Set("shop", "default", wants("b"))
	if !overlay.Has("shop") || overlay.Own("default", manifesttest.ConfigMap("b")) != "shop" || base.Own("default", manifesttest.ConfigMap("a")) != "shop" {
		t.Error("the overlay does not have the claims that were set")
	}
	if overlay.Owner("default", manifesttest.ConfigMap("a")) != "" || base.Owner("default", manifesttest.ConfigMap("a")) != "shop" {
		t.Error("a is still claimed in the overlay, or not in the base")
	}
	if overlay.Heir("shop", "default", manifesttest.ConfigMap("b")) != "" || overlay.Heir("blog", "default", manifesttest.ConfigMap("b")) != "shop" {
		t.Error("an app is its own heir, or another is none")
	}
	if _, known := overlay.AppOf(SetID("gone")); known {
		t.Error("the ApplySet of an unknown app is known")
	}
	base.Know("gone")
	if app, known := overlay.AppOf(SetID("gone")); app != "gone" || !known {
		t.Error("the ApplySet of a known app without claims is not known")
	}
	overlay.Set("shop", "other", wants("a"))
	if overlay.Owner("default", manifesttest.ConfigMap("a")) != "" || overlay.Owner("other", manifesttest.ConfigMap("a")) != "shop" {
		t.Error("after an app moved to another cluster, its old claim is left")
	}
	if placed := overlay.Placed("shop", "default"); len(placed) != 0 {
		t.Errorf("on its former cluster, the app still wants %v", placed)
	}
}

// TestOverlayForgets: if an app of an overlay goes back to its claims in the base, it has
// no other claims. If it then wants something else, no earlier claim is left.
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
		t.Errorf("back at the base's claims, the owners are %q", got)
	}
	overlay.SetKeys("shop", overlay.KeysOf("shop"))
	overlay.Set("shop", "default", wants("z"))
	if got := owners(); got != "  shop " {
		t.Errorf("with other claims, the owners are %q", got)
	}
	if got := base.Own("default", manifesttest.ConfigMap("z")); got != "" {
		t.Errorf("in the base, z belongs to %q", got)
	}
}

// TestWhatIsClaimed: objects that are never applied, and objects without a name, are not
// claimed.
func TestWhatIsClaimed(t *testing.T) {
	w := newWorld(t)
	objects, problems := w.resolved(config("a", "1"), job("skipped", skip), "apiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: g-\n  annotations: {argocd.argoproj.io/hook: Sync}\n")
	wantProblems(t, problems)
	w.Claims.Set("shop", "default", objects)
	if keys := w.Claims.KeysOf("shop"); !slices.Equal(keys, []ClaimKey{{"default", manifesttest.ConfigMap("a")}}) {
		t.Errorf("the claims are %v", keys)
	}
	overlay := w.Claims.Overlay()
	overlay.Set("shop", "default", objects)
	if !areOf(overlay.KeysOf("shop"), "default", objects) || areOf(overlay.KeysOf("shop"), "other", objects) || areOf(nil, "default", nil) {
		t.Error("the keys of the same objects count as different, or different ones as the same")
	}
}

// TestClaimsOfTwoApps: if another app has taken an object, the first one's change of claims
// does not lose it.
func TestClaimsOfTwoApps(t *testing.T) {
	c := NewClaims()
	c.Set("shop", "default", wants("a"))
	c.Set("blog", "default", wants("a"))
	c.Set("shop", "default", wants("b"))
	if got := c.Owner("default", manifesttest.ConfigMap("a")); got != "blog" {
		t.Errorf("the object belongs to %q", got)
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
		t.Error("the definitions of the push are not those in its targets")
	}
	if told := with.Vet(t.Context(), newFakeAPI(t), Bounds{}); len(told) != 1 || told[0].Message != "vetted" {
		t.Errorf("the cluster was not asked about the definitions: %v", told)
	}
	without := NewCompanions([]*Target{shop, blog}, func(*Target, *manifest.Object) bool { return false })
	without.Vet(t.Context(), newFakeAPI(t), Bounds{Repo: "shop", Grant: &grant.Grant{}})
	if without.Defines() || !strings.Contains(without.Schemas.Left(widgetKind.GVK.GroupKind()), "does not give its CustomResourceDefinition") {
		t.Errorf("the cluster was asked about definitions that may not be deployed: %q", without.Schemas.Left(widgetKind.GVK.GroupKind()))
	}
	known := NewCompanions([]*Target{shop}, func(of *Target, o *manifest.Object) bool { return of == shop && o.GetName() == "widgets.example.org" })
	if known.Defines() || known.Pending(widgetKind) {
		t.Error("a definition that the cluster already has counts as new")
	}
}

// TestMayDefine: an unknown kind is accepted if an unread file may define it, unless a
// spelling mistake is more likely.
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

// TestUnrivalled: an app is known to be the only one that wants its objects if it wants the
// same as before, and no other app has come to want one of them.
func TestUnrivalled(t *testing.T) {
	base := NewClaims()
	base.Set("shop", "default", wants("a", "b"))
	base.Set("blog", "default", wants("c"))
	check := func(when string, c *Claims, want bool) {
		t.Helper()
		if got := c.Unrivalled("shop", "default", wants("a", "b")); got != want {
			t.Errorf("%s: the app is known to have no rival: %v, want %v", when, got, want)
		}
	}
	check("at first", base.Overlay(), true)
	check("without a base", base, false)
	if o := base.Overlay(); o.Unrivalled("shop", "other", wants("a", "b")) || o.Unrivalled("shop", "default", wants("a")) || o.Unrivalled("shop", "default", wants("b", "a")) {
		t.Error("the app has no rival for objects that it did not want before")
	}
	other := base.Overlay()
	other.Set("blog", "default", wants("c", "b"))
	check("beside another app of the push", other, false)
	base.Set("blog", "default", wants("c", "b"))
	check("when another app wants one of them", base.Overlay(), false)
	base.Set("shop", "default", wants("a", "b"))
	check("when it has it back", base.Overlay(), true)
	if owner := base.Owner("default", wants("b")[0].Key); owner != "shop" {
		t.Errorf("%s owns the object that shop wants again", owner)
	}
	base.Set("blog", "default", wants("c"))
	check("when the other one wants it no more", base.Overlay(), true)
	base.Set("blog", "default", wants("a"))
	base.SetKeys("shop", base.KeysOf("shop"))
	check("when it is told again what it wants", base.Overlay(), true)
}
