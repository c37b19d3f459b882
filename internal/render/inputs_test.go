package render

import (
	"encoding/json"
	"io/fs"
	"maps"
	"reflect"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/render/plain"
)

type hash string

func (h hash) String() string { return string(h) }

// hashed is a revision whose files and folders have hashes, as in Git: a folder's hash
// changes with everything in the folder.
func hashed(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text), Sys: hash(text)}
	}
	for _, folder := range []string{".", "apps", "apps/shop", "base", "other"} {
		all := ""
		_ = fs.WalkDir(maps.Clone(fsys), folder, func(name string, _ fs.DirEntry, _ error) error {
			all += name + files[name] + "\n"
			return nil
		})
		fsys[folder] = &fstest.MapFile{Mode: fs.ModeDir | 0o755, Sys: hash(all)}
	}
	return fsys
}

// TestInputs: an app is rendered again if, and only if, something changes that it reads.
func TestInputs(t *testing.T) {
	kustomized := map[string]string{
		"apps/shop/kustomization.yaml": "resources: [../../base]\nnamePrefix: a-\n",
		"apps/shop/README":             "hello",
		"base/kustomization.yaml":      "resources: [a.yaml]\n",
		"base/a.yaml":                  object("a"),
		"other/b.yaml":                 object("b"),
	}
	written := map[string]string{"apps/shop/a.yaml": object("a"), "other/b.yaml": object("b")}
	for what, c := range map[string]struct {
		files map[string]string
		name  string // the file that changes
		same  bool
	}{
		"plain: another folder":            {written, "other/b.yaml", true},
		"plain: the folder":                {written, "apps/shop/a.yaml", false},
		"plain: another ignore file":       {written, "other/" + plain.IgnoreName, true},
		"plain: an ignore file above":      {written, "apps/" + plain.IgnoreName, false},
		"plain: an ignore file at the top": {written, plain.IgnoreName, false},
		"plain: a kustomization appears":   {written, "apps/shop/kustomization.yaml", false},
		"kustomize: another folder":        {kustomized, "other/b.yaml", true},
		"kustomize: what is not read":      {kustomized, "apps/shop/README", true},
		"kustomize: the kustomization":     {kustomized, "apps/shop/kustomization.yaml", false},
		"kustomize: its base":              {kustomized, "base/kustomization.yaml", false},
		"kustomize: a file of its base":    {kustomized, "base/a.yaml", false},
		"kustomize: a second one appears":  {kustomized, "base/kustomization.yml", false},
	} {
		result, problems := renderApp(hashed(c.files), appfile.App{Name: "shop", Path: "apps/shop", Render: appfile.RenderAuto})
		if len(problems) > 0 || len(result.Objects) != 1 {
			t.Errorf("%s: %d objects, problems %v", what, len(result.Objects), problems)
			continue
		}
		if !result.Inputs.Hold(hashed(c.files)) {
			t.Errorf("%s: the inputs do not hold in the same revision", what)
		}
		changed := maps.Clone(c.files)
		changed[c.name] += "# changed\n"
		if result.Inputs.Hold(hashed(changed)) != c.same {
			t.Errorf("%s changed: it would be rendered again: %v, want %v", what, c.same, !c.same)
		}
	}
}

func TestInputsDoNotHoldWithoutHashes(t *testing.T) {
	fsys := revision("shop/a.yaml", object("a"))
	result, _ := renderApp(fsys, appfile.App{Path: "shop"})
	if len(result.Objects) != 1 || result.Inputs.Hold(fsys) {
		t.Errorf("%d objects, or the inputs hold in a revision without hashes", len(result.Objects))
	}
	if (Inputs{}).Hold(fsys) {
		t.Error("inputs that were never taken hold")
	}
}

// TestInputsComeBackAsTheyWere: inputs are stored with the rendered objects, and must give
// the same answer after a restart.
func TestInputsComeBackAsTheyWere(t *testing.T) {
	was := Inputs{
		folder:  input{"deploy", content, "h1"},
		inside:  []input{{"deploy/a.yaml", content, "h2"}, {"deploy/b", typ, ""}},
		outside: []input{{"base", content, "h3"}},
	}
	text, err := json.Marshal(was)
	if err != nil {
		t.Fatal(err)
	}
	var is Inputs
	if err := json.Unmarshal(text, &is); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(is, was) {
		t.Errorf("got %+v of %s, want %+v", is, text, was)
	}
	var none Inputs
	if text, err = json.Marshal(none); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &is); err != nil || is.Hold(nil) {
		t.Errorf("inputs that are not known hold after a start: %v", err)
	}
}

// TestInputsOfOtherRepositories: no hash of the own root covers another repository.
func TestInputsOfOtherRepositories(t *testing.T) {
	const file = appfile.Others + "/lib@main/values/a.yaml"
	for _, folder := range []string{".", "apps/shop", appfile.Others + "/lib@main/values", appfile.Others + "/other@main/values"} {
		files := map[string]string{"apps/shop/a.yaml": "a", file: "a", appfile.Others + "/lib@main/values/b.yaml": "b", appfile.Others + "/other@main/values/c.yaml": "c"}
		fsys := hashed(files)
		fsys[appfile.Others+"/lib@main/values"] = &fstest.MapFile{Mode: fs.ModeDir | 0o755, Sys: hash("a")}
		fsys[appfile.Others+"/other@main/values"] = &fstest.MapFile{Mode: fs.ModeDir | 0o755, Sys: hash("c")}
		traced := trace(fsys)
		for _, name := range []string{".", file} {
			if _, err := fs.Stat(traced, name); err != nil {
				t.Fatal(err)
			}
			traced.note(name, content)
		}
		in := traced.inputs(folder)
		if !in.Hold(fsys) {
			t.Fatalf("%s: nothing has changed", folder)
		}
		fsys[file] = &fstest.MapFile{Data: []byte("b"), Sys: hash("b")}
		fsys[appfile.Others+"/lib@main/values"] = &fstest.MapFile{Mode: fs.ModeDir | 0o755, Sys: hash("b")}
		if in.Hold(fsys) {
			t.Errorf("%s: the other repository has changed", folder)
		}
	}
}
