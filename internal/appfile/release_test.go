package appfile

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

func TestRelease(t *testing.T) {
	file, problems := Read(revision(`apps:
- path: apps/shop
  namespace: web
- {path: apps/blog, branch: prod}
release:
- {app: old, to: team/store}
- {app: shop, to: team/store, objects: [ConfigMap/settings, Deployment.apps/other/web]}
- {app: shop, to: third, objects: [ClusterRole/all]}
- {app: blog, to: third, objects: [Secret/key]}
`), Place{Repo: "site", Branch: "main", Main: "main"})
	if len(problems) > 0 || !maps.Equal(file.Released, map[name.App]name.Repo{"old": "team/store"}) || names(file.Apps) != "shop=apps/shop" {
		t.Fatalf("%v, released %v, apps %s", problems, file.Released, names(file.Apps))
	}
	for id, want := range map[manifest.ID]name.Repo{
		{Kind: "ConfigMap", Namespace: "web", Name: "settings"}:                 "team/store",
		{Kind: "ConfigMap", Namespace: "other", Name: "settings"}:               "",
		{Kind: "ConfigMap", Namespace: "web", Name: "others"}:                   "",
		{Kind: "Deployment", Group: "apps", Namespace: "other", Name: "web"}:    "team/store",
		{Kind: "Deployment", Group: "example", Namespace: "other", Name: "web"}: "",
		{Kind: "ClusterRole", Group: "rbac.authorization.k8s.io", Name: "all"}:  "third",
		{Kind: "Secret", Namespace: "web", Name: "key"}:                         "",
	} {
		if got := file.Apps[0].ReleasedTo(id); got != want {
			t.Errorf("%s: released to %q, want %q", id, got, want)
		}
	}
}

func TestReleaseIsStrict(t *testing.T) {
	for entry, want := range map[string]string{
		"{app: old}":           "3: an entry of release has no to | write - {app: shop, to: other/repository}",
		"{to: x}":              "3: an entry of release has no app",
		"{app: Old, to: x}":    `3: app: "Old"`,
		"{app: old, to: ../x}": "3: to: ",
		"{app: old, to: site}": "3: to: site is this repository itself | inside a repository",
		"{app: shop, to: x}":   "3: release: app shop is still under apps | remove it there",
		"{app: shp, to: x, objects: [ConfigMap/a]}":                          "3: release: there is no app shp in this file whose objects could be released | did you mean shop?",
		"{app: other, to: x, objects: [ConfigMap/a]}":                        "whose objects could be released | to release an app as a whole, leave objects out",
		"{app: shop, to: x, objects: []}":                                    "3: objects is empty",
		"{app: shop, to: x, objects: [settings]}":                            `3: objects: "settings" names no object | write KIND/NAME`,
		"{app: shop, to: x, objects: [ConfigMap//a]}":                        `3: objects: "ConfigMap//a" names no object`,
		"{app: shop, to: x, objects: [a/b/c/d]}":                             `3: objects: "a/b/c/d" names no object`,
		"{app: shop, to: x, objects: [ConfigMap/]}":                          `3: objects: "ConfigMap/" names no object`,
		"{app: shop, whom: x}":                                               "unknown field",
		"{app: old, to: x}\n- {app: old, to: y}":                             "4: release names app old twice | keep one",
		"{app: shop, to: x, objects: [" + strings.Repeat("A/b,", 201) + "]}": "200",
		strings.Join(slices.Repeat([]string{"{app: shop, to: x, objects: [" + strings.Repeat("A/b,", 200) + "]}"}, 7), "\n- "): "8: release names more than 1000 objects | release the app as a whole",
	} {
		_, problems := Read(revision("apps: [{path: apps/shop}]\nrelease:\n- "+entry+"\n"), Place{Repo: "site", Branch: "main", Main: "main"})
		if text := told(problems); len(problems) != 1 || !strings.Contains(text, want) {
			t.Errorf("%s:\n%swant %s", entry, text, want)
		}
	}
}
