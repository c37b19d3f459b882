package appfile

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/name"
)

func TestChoice(t *testing.T) {
	apps := []App{{Name: "shop", Path: "deploy/shop"}, {Name: "blog", Path: "deploy/blog/prod"}, {Name: "all", Path: "."}}
	for _, test := range []struct {
		name   string
		choice Choice
		want   string
	}{
		{"everything", Choice{}, "shop:deploy/shop blog:deploy/blog/prod all:."},
		{"at the root", Choice{Folder: "."}, "shop:deploy/shop blog:deploy/blog/prod all:."},
		{"the folder of an app", Choice{Folder: "deploy/shop"}, "shop:deploy/shop"},
		{"a folder with apps below", Choice{Folder: "deploy"}, "shop:deploy/shop blog:deploy/blog/prod"},
		{"a folder of no app", Choice{Folder: "overlays/prod"}, "prod:overlays/prod"},
		{"not one that only begins alike", Choice{Folder: "deploy/sh"}, "sh:deploy/sh"},
		{"a link to the folder of an app", Choice{Folder: "current", Real: "deploy/shop"}, "shop:deploy/shop"},
		{"a link that is the path of an app", Choice{Folder: "deploy/blog", Real: "deploy/shop"}, "blog:deploy/blog/prod"},
		{"by name", Choice{Folder: "deploy/shop", Names: []name.App{"all"}}, "all:."},
	} {
		var got []string
		for _, app := range test.choice.Of(apps) {
			got = append(got, string(app.Name)+":"+app.Path)
		}
		if is := strings.Join(got, " "); is != test.want {
			t.Errorf("%s: %s, want %s", test.name, is, test.want)
		}
	}
	if err := (Choice{Names: []name.App{"shop", "shp"}}).Check(apps); err == nil || !strings.Contains(err.Error(), `no app "shp"; apps are shop, blog, all`) {
		t.Errorf("an unknown name: %v", err)
	}
	for choice, want := range map[*Choice]string{
		{}:                          "",
		{Folder: "."}:               "",
		{Folder: "deploy"}:          "",
		{Names: []name.App{"blog"}}: "",
		{Names: []name.App{"shp"}}:  `there is no app "shp"; apps are shop, blog, all`,
		{Folder: "overlays"}:        `no app is in the folder "overlays"; apps are shop, blog, all: name one with --app`,
	} {
		if err := choice.CheckAmong(apps); err == nil && want != "" || err != nil && err.Error() != want {
			t.Errorf("%+v: %v, want %q", choice, err, want)
		}
	}
}
