package amend

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"text/template"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

const digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func TestReferencesAreReadStrictly(t *testing.T) {
	for text, want := range map[string]Image{
		"web:1.4":                        {"", "web", "1.4", ""},
		"shop/web":                       {"", "shop/web", "", ""},
		"r.example:5000/shop/web:1.4":    {"r.example:5000", "shop/web", "1.4", ""},
		"localhost/web@" + digest:        {"localhost", "web", "", digest},
		"r.example/web:1.4@" + digest:    {"r.example", "web", "1.4", digest},
		"r.example:5000/web":             {"r.example:5000", "web", "", ""},
		"registry.example/a/b/c:v1_2-3.": {"registry.example", "a/b/c", "v1_2-3.", ""},
	} {
		got, err := ParseImage(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%s is %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "Web:1", "web:", "web:-1", "web@sha256:12", "web:1 ", "../web:1", "web:1;x", "web:1\n", "http://r/web:1", strings.Repeat("a", maxImage) + ":1", strings.Repeat("a", 64)} {
		if got, err := ParseImage(text); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
	short, long := Split("nginx:1"), Split("docker.io/library/nginx:2")
	if !short.SameRepository(long) || long.As(short).String() != "nginx:2" || short.SameRepository(Split("other/nginx:1")) {
		t.Error("repositories are told apart by their spelling")
	}
}

// kustomized looks at the image of the first object of overlays/prod.
func kustomized(files Files) Look {
	return func(_ context.Context, changed Files) (any, bool) {
		memory := filesys.MakeFsInMemory()
		for name := range files {
			data := files[name]
			if now, ok := changed[name]; ok {
				data = now
			}
			if memory.WriteFile("/"+name, data) != nil {
				return nil, false
			}
		}
		built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(memory, "/overlays/prod")
		if err != nil {
			return nil, false
		}
		text, err := built.AsYaml()
		if err != nil {
			return nil, false
		}
		return at(text, "spec", "containers", 0, "image")
	}
}

// templated looks at the image that a template makes of values.yaml, with appVersion of
// Chart.yaml as in charts.
func templated(files Files) Look {
	return func(_ context.Context, changed Files) (any, bool) {
		read := func(name string) map[string]any {
			data := files[name]
			if now, ok := changed[name]; ok {
				data = now
			}
			values := map[string]any{}
			_ = yaml.Unmarshal(data, &values)
			return values
		}
		text := files["templates/web.yaml"]
		if now, ok := changed["templates/web.yaml"]; ok {
			text = now
		}
		tmpl, err := template.New("").Parse(string(text))
		if err != nil {
			return nil, false
		}
		var out bytes.Buffer
		if tmpl.Execute(&out, map[string]any{"Values": read("values.yaml"), "Chart": read("Chart.yaml")}) != nil {
			return nil, false
		}
		return strings.TrimPrefix(strings.TrimSpace(out.String()), "image: "), true
	}
}

const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: web\n    image: r.example/web:1.4 # the shop\n"

func TestImagesOfKustomizations(t *testing.T) {
	const base = "resources: [pod.yaml]\n"
	for name, c := range map[string]struct {
		overlay string
		to      string
		want    map[string]string // a file, and what is in it then
	}{
		"the manifest":          {"resources: [../../base]\n", "r.example/web:1.10", map[string]string{"base/pod.yaml": "    image: r.example/web:1.10 # the shop\n"}},
		"a tag":                 {"resources: [../../base]\nimages:\n- name: r.example/web # ours\n  newTag: \"1.4\"\n", "r.example/web:1.10", map[string]string{"overlays/prod/kustomization.yaml": "- name: r.example/web # ours\n  newTag: \"1.10\"\n"}},
		"a tag without quotes":  {"resources: [../../base]\nimages:\n- name: r.example/web\n  newTag: v1\n", "r.example/web:1.10", map[string]string{"overlays/prod/kustomization.yaml": "  newTag: \"1.10\"\n"}},
		"a new repository":      {"resources: [../../base]\nimages:\n- name: r.example/web\n  newTag: v1\n", "other.example/shop:v2", map[string]string{"overlays/prod/kustomization.yaml": "  newTag: v2\n  newName: other.example/shop\n"}},
		"a digest for a tag":    {"resources: [../../base]\nimages:\n- name: r.example/web\n  newTag: v1 # t\n", "r.example/web@" + digest, map[string]string{"overlays/prod/kustomization.yaml": "- name: r.example/web\n  digest: " + digest + "\n"}},
		"a tag for a digest":    {"resources: [../../base]\nimages:\n- name: r.example/web\n  digest: " + strings.ReplaceAll(digest, "aa", "bb") + "\n", "r.example/web:v2", map[string]string{"overlays/prod/kustomization.yaml": "- name: r.example/web\n  newTag: v2\n"}},
		"a digest with its tag": {"resources: [../../base]\r\nimages:\r\n- name: r.example/web\r\n  newTag: v1\r\n", "r.example/web:v2@" + digest, map[string]string{"overlays/prod/kustomization.yaml": "  newTag: v2\r\n  digest: " + digest + "\r\n"}},
		"an entry in flow":      {"resources: [../../base]\nimages: [{name: r.example/web, newTag: v1}]\n", "r.example/web:v2@" + digest, map[string]string{"overlays/prod/kustomization.yaml": "images: [{name: r.example/web, newTag: v2, digest: " + digest + "}]\n"}},
		"an overlay's patch":    {"resources: [../../base]\npatches:\n- patch: |-\n    - op: replace\n      path: /spec/containers/0/image\n      value: r.example/web:1.5\n  target: {kind: Pod}\n", "r.example/web:1.6", map[string]string{"overlays/prod/kustomization.yaml": "      value: r.example/web:1.6\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			files := Files{"base/kustomization.yaml": []byte(base), "base/pod.yaml": []byte(pod), "overlays/prod/kustomization.yaml": []byte(c.overlay)}
			check(t, files, kustomized(files), c.to, c.want)
		})
	}
}

// check changes the image and compares the files, all of them.
func check(t *testing.T, files Files, look Look, to string, want map[string]string) {
	t.Helper()
	is, ok := look(t.Context(), nil)
	text, _ := is.(string)
	if !ok {
		t.Fatal("the test reads nothing")
	}
	wanted, err := ParseImage(to)
	if err != nil {
		t.Fatal(err)
	}
	s := Search{Files: files, Look: look}
	changed, changes, err := s.Image(t.Context(), nil, Split(text), wanted)
	if err != nil {
		t.Fatal(err)
	}
	now, _ := look(t.Context(), changed)
	if text, ok := now.(string); !ok || !Meets(text, wanted) {
		t.Errorf("the image is %v", now)
	}
	if len(changed) != len(want) || len(changes) == 0 {
		t.Errorf("changed %d files, %+v", len(changed), changes)
	}
	for file, part := range want {
		if !strings.Contains(string(changed[file]), part) {
			t.Errorf("%s is %q, without %q", file, changed[file], part)
		}
	}
}

func TestImagesOfValues(t *testing.T) {
	const split = "image: {{ with .Values.image }}{{ with .registry }}{{ . }}/{{ end }}{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ or .tag $.Chart.appVersion }}{{ end }}{{ end }}\n"
	const chart = "name: web\nappVersion: \"1.4\"\n"
	for name, c := range map[string]struct {
		template, values string
		to               string
		want             map[string]string
	}{
		"a tag":                {split, "image:\n  repository: r.example/web\n  tag: '1.4'  # now\n", "r.example/web:1.5", map[string]string{"values.yaml": "  tag: '1.5'  # now\n"}},
		"a tag like a number":  {split, "image: {repository: r.example/web, tag: 1.9}\n", "r.example/web:1.10", map[string]string{"values.yaml": "tag: \"1.10\"}"}},
		"two keys":             {split, "image:\n  repository: r.example/web\n  tag: v1\n", "other.example/web:v2", map[string]string{"values.yaml": "image:\n  repository: other.example/web\n  tag: v2\n"}},
		"three keys":           {split, "image:\n  registry: r.example\n  repository: shop/web\n  tag: v1\n", "other.example/shop/new:v2", map[string]string{"values.yaml": "  registry: other.example\n  repository: shop/new\n  tag: v2\n"}},
		"an empty tag":         {split, "image:\n  repository: r.example/web\n  tag: \"\" # the chart's\n", "r.example/web:1.5", map[string]string{"values.yaml": "  tag: \"1.5\" # the chart's\n"}},
		"no tag":               {split, "image:\n  repository: r.example/web\n  tag:  # the chart's\n", "r.example/web:v2", map[string]string{"values.yaml": "  tag: v2  # the chart's\n"}},
		"only the chart":       {split, "image:\n  repository: r.example/web\n", "r.example/web:1.5", map[string]string{"Chart.yaml": "appVersion: \"1.5\"\n"}},
		"a digest":             {split, "image:\n  repository: r.example/web\n  tag: v1\n  digest: \"\"\n", "r.example/web:v2@" + digest, map[string]string{"values.yaml": "  digest: \"" + digest + "\"\n"}},
		"a digest in the tag":  {split, "image:\n  repository: r.example/web\n  tag: v1\n", "r.example/web:v2@" + digest, map[string]string{"values.yaml": "  tag: v2@" + digest + "\n"}},
		"one value":            {"image: {{ .Values.image }}\n", "image: \"r.example/web:1.4\"\n", "r.example/web:1.5", map[string]string{"values.yaml": "image: \"r.example/web:1.5\"\n"}},
		"the template itself":  {"image: r.example/web:1.4\n", "{}\n", "r.example/web:1.5", map[string]string{"templates/web.yaml": "image: r.example/web:1.5\n"}},
		"the tag in templates": {"image: {{ .Values.image }}:1.4\n", "image: r.example/web\n", "r.example/web:1.5", map[string]string{"templates/web.yaml": ":1.5\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			files := Files{"Chart.yaml": []byte(chart), "values.yaml": []byte(c.values), "templates/web.yaml": []byte(c.template)}
			check(t, files, templated(files), c.to, c.want)
		})
	}
}

func TestImageThatNoLineDecides(t *testing.T) {
	files := Files{"values.yaml": []byte("image: x\n")}
	s := Search{Files: files, Look: func(context.Context, Files) (any, bool) { return "r.example/web:1.4", true }}
	if changed, _, err := s.Image(t.Context(), nil, Split("r.example/web:1.4"), Split("r.example/web:1.5")); !errors.Is(err, ErrNotFound) {
		t.Errorf("changed %v, %v", changed, err)
	}
}
