package render

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/render/charts/chartstest"
)

// push packs files and pushes them as an artifact.
func (s *shelf) push(name, tag string, files map[string]string) {
	s.t.Helper()
	layer, err := chartstest.Archive(files)
	if err == nil {
		err = s.PushArtifact(name, tag, layer)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// from is an app that is a folder of an artifact.
func (s *shelf) from(name, version, folder string) appfile.App {
	return appfile.App{Artifact: appfile.Artifact{URL: s.OCI() + "/" + name, Version: version, Path: folder, Line: 3}}
}

func TestManifestsOfAnArtifact(t *testing.T) {
	s := newShelf(t)
	s.push("web", "1.2.3", map[string]string{
		"plain/a.yaml": object("plain"), "plain/x/b.yaml": object("below"), ".pushboatignore": "b.yaml",
		"built/kustomization.yaml": "resources: [../plain/a.yaml]\nnamePrefix: x-\n",
		"chart/Chart.yaml":         "apiVersion: v2\nname: chart\nversion: 1.0.0\n", "chart/templates/a.yaml": object("{{ .Values.name }}"),
		"outside/kustomization.yaml": "resources: [../../../own.yaml]\n",
		"reads/Chart.yaml":           "apiVersion: v2\nname: reads\nversion: 1.0.0\ndependencies: [{name: own, version: 1.0.0, repository: \"file://../../../chart\"}]\n",
	})
	helm := s.from("web", "tag:1.2.3", "chart")
	helm.Path = "values"
	helm.Helm.Values = []appfile.HelmValues{{File: "../prod.yaml"}}
	both := s.from("web", "1.2.3", "built")
	both.Sources = []appfile.Addition{{Path: "own", Render: "plain"}, {Path: ".", Render: "auto", Artifact: s.from("web", "~1", "plain").Artifact}}
	flat := s.from("web", "1.2.3", ".")
	flat.Files, flat.Artifact.Path = appfile.Files{Flat: true}, "plain"
	built := s.from("web", "1.2.3", "built")
	built.Files = appfile.Files{Flat: true}
	for name, test := range map[string]struct {
		app  appfile.App
		want string // the objects with their files, or a problem
	}{
		"manifests":                  {s.from("web", "1.2.3", "plain"), "plain .artifacts/web@1.2.3/plain/a.yaml"},
		"a kustomization":            {s.from("web", "~1.2", "built"), "x-plain .artifacts/web@1.2.3/plain/a.yaml"},
		"of a tag":                   {s.from("web", "tag:1.2.3", "plain"), "plain .artifacts/web@1.2.3/plain/a.yaml"},
		"a chart":                    {helm, "of-the-repository .artifacts/web@1.2.3/chart/templates/a.yaml"},
		"several":                    {both, "x-plain .artifacts/web@1.2.3/plain/a.yaml, own own/a.yaml, plain .artifacts/web@1.2.3+/plain/a.yaml"},
		"a flat folder":              {flat, "plain .artifacts/web@1.2.3/plain/a.yaml"},
		"a kustomization, and files": {built, "x-plain .artifacts/web@1.2.3/plain/a.yaml"},
		"what is outside":            {s.from("web", "1.2.3", "outside"), `.artifacts/web@1.2.3/outside/kustomization.yaml:1: resources: "../../../own.yaml": there is no such file or folder`},
		"a chart that is outside":    {s.from("web", "1.2.3", "reads"), ".artifacts/web@1.2.3/reads/Chart.yaml: the dependency own: chart has no Chart.yaml"},
		"no such folder":             {s.from("web", "1.2.3", "none"), "pushboat.yaml:3: artifact web 1.2.3 has no folder none"},
		"no such version":            {s.from("web", "2.0.0", "."), "pushboat.yaml:3: fetch artifact web 2.0.0:"},
		"no version in the range":    {s.from("web", "^2", "."), "has no version in that range"},
		"no such artifact":           {s.from("none", "tag:latest", "."), "choose a version of artifact none tag:latest"},
		"elsewhere":                  {appfile.App{Artifact: appfile.Artifact{URL: "oci://example.org/a/b", Version: "1.2.3", Path: "."}}, "artifacts may not be fetched from oci://example.org/a"},
		"a name that is none":        {s.from("Web", "1.2.3", "."), `pushboat.yaml:3: "Web" is not the name of an artifact`},
		"no tag":                     {s.from("web", "tag:a b", "."), `artifact web: "tag:a b" is no tag`},
	} {
		t.Run(name, func(t *testing.T) {
			result, problems := s.render(test.app, "own.yaml", object("secret"), "own/a.yaml", object("own"), "prod.yaml", "name: of-the-repository\n", "values/x", "",
				"chart/Chart.yaml", "apiVersion: v2\nname: own\nversion: 1.0.0\n", "chart/templates/a.yaml", object("of-the-chart"))
			var found []string
			for _, o := range result.Objects {
				found = append(found, o.GetName()+" "+o.Source.File)
			}
			if got := strings.Join(found, ", "); len(problems) == 0 && got != test.want || len(problems) > 0 && !strings.Contains(problems.Error(), test.want) {
				t.Errorf("%s; problems %v", got, problems)
			}
			if len(problems) == 0 && (len(result.Charts) == 0 || result.Charts[0].Kind != charts.OfArtifact || result.Inputs.Reach(".artifacts")) {
				t.Errorf("used %+v; its files are inputs of the revision: %v", result.Charts, result.Inputs.Reach(".artifacts"))
			}
		})
	}
}

// The revision says which artifact it is: as long as it does, and the range means the same, the
// result is the same.
func TestInputsOfAnArtifact(t *testing.T) {
	s := newShelf(t)
	s.push("web", "1.2.3", map[string]string{"a.yaml": object("a")})
	app := s.from("web", "1.x", ".")
	again := app.Artifact
	again.Ignore = "a.yaml"
	app.Sources = []appfile.Addition{{Path: ".", Render: "auto", Artifact: again}}
	result, problems := s.renderIn(app, hashed(map[string]string{"other/a.yaml": "1"}))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if !result.Inputs.Hold(hashed(map[string]string{"other/a.yaml": "2"})) {
		t.Error("a change of another file is a change of the app")
	}
	if len(result.Took) != 1 || result.Took[0] != "artifact web 1.2.3, the newest of 1.x" || !strings.Contains(result.Taken.Charts, `"version":"1.2.3"`) {
		t.Errorf("took %q, %+v", result.Took, result.Taken)
	}
	stands := func() bool {
		session := New(nil, nil).WithCharts(s.store).Session(revision()).Looking()
		stands, err := session.Stands(t.Context(), app, result.Taken)
		if err != nil {
			t.Fatal(err)
		}
		return stands
	}
	if !stands() {
		t.Error("nothing is newer")
	}
	s.push("web", "1.3.0", map[string]string{"a.yaml": object("b")})
	if stands() {
		t.Error("the range has a newer version")
	}
}

// A repository may have a folder .artifacts of its own: what is in it is its own.
func TestOwnFolderOfArtifacts(t *testing.T) {
	s := newShelf(t)
	tree := func(of string) fs.FS {
		tree := hashed(map[string]string{
			".artifacts/base/kustomization.yaml": "resources: [a.yaml]\n", ".artifacts/base/a.yaml": object(of),
			".artifacts/prod/kustomization.yaml": "resources: [../base]\n", "apps/shop/kustomization.yaml": "resources: [../../.artifacts/base]\n",
		})
		tree[".artifacts/base"] = &fstest.MapFile{Mode: fs.ModeDir | 0o755, Sys: hash(of)}
		return tree
	}
	for _, folder := range []string{".artifacts/prod", "apps/shop"} {
		result, problems := s.renderIn(appfile.App{Path: folder}, tree("a"))
		if len(problems) > 0 || len(result.Objects) != 1 {
			t.Fatalf("%s: %v", folder, problems)
		}
		if folder == "apps/shop" && (!result.Inputs.Hold(tree("a")) || result.Inputs.Hold(tree("b"))) {
			t.Error("the base is no input")
		}
	}
}

// However many apps a push has, it does not wait for ever for a registry that is away.
func TestRegistryThatDoesNotAnswer(t *testing.T) {
	s := newShelf(t)
	s.push("web", "1.2.3", map[string]string{"a.yaml": object("a")})
	s.Away(true)
	session := New(nil, nil).WithCharts(s.store).Session(revision())
	app := s.from("web", "1.2.3", ".")
	_, problems := session.App(t.Context(), app)
	if !strings.Contains(problems.Error(), "answers 503") || len(session.stalled) != 1 || session.stalled[s.Address] <= 0 {
		t.Errorf("%v, after %v", problems, session.stalled)
	}
	session.stalled[s.Address] = fetchWithin
	asked := len(s.Asked())
	_, problems = session.App(t.Context(), app)
	if want := s.Address + " did not answer for 1m0s altogether"; !strings.Contains(problems.Error(), want) || problems[0].Remedy.Kind == "" || len(s.Asked()) != asked {
		t.Errorf("%v, want %s, and nobody asked", problems, want)
	}
}
