package render

import (
	"context"
	"fmt"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/render/worker"
)

// TestWhyFollowsPostBuild: the causes of a value in which names are replaced as by Flux are the line
// with the names, and the lines that give them their values, wherever these are.
func TestWhyFollowsPostBuild(t *testing.T) {
	files := revision(
		"app/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  own: ${region}\n  around: web.${region}.example.org\n  sibling: ${zone}-1\n  far: ${tier}\n  secret: ${pin}\n"+
			"  default: ${none:=x}\n  two: ${region}${zone}\n  patched: ${size}\n  made: ${literal}\n  lost: ${unseen}\n  escaped: $${region}\n",
		"apps.yaml", "# the apps\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a, namespace: flux-system}\nspec:\n  postBuild:\n    substitute:\n      region: eu\n      size: small\n      unseen: x\n",
		"patch.yaml", "spec:\n  postBuild:\n    substitute: {\"size\": \"large\"}\n",
		"words.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: words, namespace: flux-system}\ndata:\n  region: us\n  zone: z\n",
		"pins.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: pins, namespace: flux-system}\nstringData:\n  pin: hunter22\n",
		"gen/kustomization.yaml", "configMapGenerator:\n- name: gen\n  literals:\n  - literal=l\n",
	)
	app := appfile.App{Name: "shop", Path: "app", Cluster: "default", Render: appfile.RenderPlain, Source: manifest.Source{File: "apps.yaml", Line: 2}}
	app.PostBuild = appfile.PostBuild{Values: map[string]string{"region": "eu", "size": "large", "unseen": "other"}, From: []appfile.ValuesFrom{
		{Kind: "ConfigMap", Namespace: "platform", Name: "far", File: "apps.yaml", Line: 5},
		{Kind: "ConfigMap", Namespace: "flux-system", Name: "words", Data: map[string]string{"region": "us", "zone": "z"}, By: "base", At: manifest.Source{File: "words.yaml", Line: 1}},
		{Kind: "Secret", Namespace: "flux-system", Name: "pins", Data: map[string]string{"pin": "hunter22"}, Secret: true, By: "base", At: manifest.Source{File: "pins.yaml", Line: 1}},
		{Kind: "ConfigMap", Namespace: "flux-system", Name: "gen", Data: map[string]string{"literal": "l"}, By: "base", At: manifest.Source{File: "gen/kustomization.yaml", Line: 2}},
	}}
	onCluster := func(_ context.Context, _ name.Repo, _ string, from appfile.Origin) (Data, error) {
		if from.Name != "far" {
			return nil, nil
		}
		return Data{"tier": []byte("gold"), "zone": []byte("other")}, nil
	}
	session := New(worker.NewPool(nil, worker.DefaultLimits, nil), nil).WithData(onCluster).Session(files)
	defer session.Close()
	grown := &Grown{Files: []string{"apps.yaml", "patch.yaml"}, App: func(string, []byte) (appfile.App, bool) { return appfile.App{}, false }}
	for field, want := range map[string]string{
		"own":     "eu, region at apps.yaml:8 (region: eu)",
		"around":  "web.eu.example.org, region at apps.yaml:8 (region: eu)",
		"sibling": "z-1, zone at words.yaml:6 (zone: z) from ConfigMap flux-system/words of base",
		"far":     "gold, tier at apps.yaml:5 (spec:) from ConfigMap platform/far of ",
		"secret":  "(secret), pin at pins.yaml:5 () from Secret flux-system/pins of base",
		"default": "x",
		"two":     "euz, region at apps.yaml:8 (region: eu), zone at words.yaml:6 (zone: z) from ConfigMap flux-system/words of base",
		"patched": `large, size at patch.yaml:3 (substitute: {"size": "large"})`,
		"made":    "l, literal at gen/kustomization.yaml:4 (- literal=l) from ConfigMap flux-system/gen of base",
		"lost":    "other, unseen at apps.yaml:10 (unseen: x)",
		"escaped": "${region}",
	} {
		value, _, causes, err := session.Why(t.Context(), app, grown, func(o *manifest.Object) bool { return o.GetName() == "a" }, "data."+field)
		got, used := fmt.Sprint(value), false
		for _, c := range causes {
			if c.Gives == nil {
				used = used || c.File == "app/a.yaml"
				continue
			}
			got += fmt.Sprintf(", %s at %s (%s)", c.Gives.Name, c.Source, c.Text)
			if c.Gives.From.Kind != "" {
				got += fmt.Sprintf(" from %s of %s", c.Gives.From.Origin(), c.Gives.From.By)
			}
		}
		if err != nil || got != want || !used && field != "escaped" {
			t.Errorf("%s: %s, want %s; its own line is named: %v; %v", field, got, want, used, err)
		}
	}
}

func TestWhatANameNeeds(t *testing.T) {
	for _, test := range []struct {
		n      Naming
		wanted string
		want   string
	}{
		{Naming{Alone: true}, "us", "us"},
		{Naming{Alone: true, Before: "web.", After: ".example.org"}, "web.us.example.org", "us"},
		{Naming{Alone: true, Before: "web.", After: ".example.org"}, "web.us.example.com", ""},
		{Naming{Alone: true, Before: "a", After: "a"}, "a", ""},
		{Naming{Alone: true}, "", ""},
		{Naming{}, "us", ""},
	} {
		if got, ok := test.n.Needs(test.wanted); ok != (test.want != "") || ok && got != test.want {
			t.Errorf("%+v to be %q: %q, %v", test.n, test.wanted, got, ok)
		}
	}
}
