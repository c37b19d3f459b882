package render

import (
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/render/charts/chartstest"
)

// told is a chart that prints its inputs.
func told(version string) map[string]string {
	return map[string]string{
		"web/Chart.yaml":    "apiVersion: v2\nname: web\nversion: " + version + "\n",
		"web/values.yaml":   "a: own\nb: own\nc: own\n",
		"web/crds/crd.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.org}\n",
		"web/templates/web.yaml": `apiVersion: v1
kind: ConfigMap
metadata: {name: '{{ .Release.Name }}-web', namespace: '{{ .Release.Namespace }}'}
data: {values: '{{ .Values.a }} {{ .Values.b }} {{ .Values.c }}', has: '{{ .Capabilities.APIVersions.Has "example.org/v1" }}', version: '{{ .Capabilities.KubeVersion }}'}
`,
		"web/templates/hooks.yaml": `{{- range list "test" "pre-install" }}
apiVersion: v1
kind: ConfigMap
metadata: {name: 'hook-{{ . }}', annotations: {helm.sh/hook: '{{ . }}'}}
---
{{- end }}
`,
	}
}

// TestChartsOfAKustomizationAreFetched: charts of a kustomization are fetched like those of
// apps, with every field that an entry of helmCharts may have.
func TestChartsOfAKustomizationAreFetched(t *testing.T) {
	s := newShelf(t)
	s.publish("web", "1.2.3", told("1.2.3"))
	archive, err := chartstest.Pack(told("2.0.0"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Push("web", "2.0.0", archive); err != nil {
		t.Fatal(err)
	}
	entry := func(more string) string {
		return "helmCharts: [{name: web, version: 1.2.3, releaseName: front, repo: '" + s.Repo() + "'" + more + "}]\n"
	}
	for _, test := range []struct {
		name, kustomization string
		want                []string // parts of the objects' text
		objects             int
	}{
		{"a repository", entry(""), []string{"name: front-web", "namespace: shop", "values: own own own"}, 3},
		{"a registry of OCI", strings.NewReplacer("1.2.3", "2.0.0", s.Repo(), s.OCI()).Replace(entry("")), []string{"name: front-web"}, 3},
		{"twice", "helmCharts:\n- {name: web, version: 1.2.3, releaseName: a, repo: '" + s.Repo() + "', skipHooks: true}\n- {name: web, version: 1.2.3, releaseName: b, repo: '" + s.Repo() + "', skipHooks: true}\n", []string{"name: a-web", "name: b-web"}, 2},
		{"a namespace", entry(", namespace: own"), []string{"namespace: own"}, 3},
		{"values", entry(", valuesFile: a.yaml, valuesInline: {b: inline}, additionalValuesFiles: [more.yaml]"), []string{"values: file inline more"}, 3},
		{"override", entry(", valuesFile: a.yaml, valuesInline: {a: inline}, valuesMerge: override"), []string{"values: inline file own"}, 3},
		{"merge with a file", entry(", valuesFile: a.yaml, valuesInline: {a: inline, c: inline}, valuesMerge: merge"), []string{"values: file file inline"}, 3},
		{"merge with its own", entry(", valuesInline: {a: inline}, valuesMerge: merge"), []string{"values: own own own"}, 3},
		{"replace", entry(", valuesFile: a.yaml, valuesInline: {c: inline}, valuesMerge: replace"), []string{"values: own own inline"}, 3},
		{"definitions", entry(", includeCRDs: true"), []string{"CustomResourceDefinition"}, 4},
		{"without hooks", entry(", skipHooks: true"), []string{"name: front-web"}, 1},
		{"without tests", entry(", skipTests: true"), []string{"name: hook-pre-install"}, 2},
		{"of another cluster", entry(", kubeVersion: 1.20.1, apiVersions: [example.org/v1]"), []string{"version: v1.20.1", `has: "true"`}, 3},
		{"a transformer", "namePrefix: x-\n" + entry(""), []string{"name: x-front-web"}, 3},
		{"in a base", "resources: [base]\n", []string{"name: front-web", "namespace: own"}, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			result, problems := s.render(appfile.App{Path: "app", Namespace: "shop"},
				"app/kustomization.yaml", test.kustomization, "app/a.yaml", "a: file\nb: file\n", "app/more.yaml", "c: more\n",
				"app/base/kustomization.yaml", "namespace: own\n"+entry(""))
			var text []string
			for _, o := range result.Objects {
				written, err := yaml.Marshal(o.Object)
				if err != nil {
					t.Fatal(err)
				}
				text = append(text, string(written))
			}
			all := strings.Join(text, "---\n")
			if len(problems) > 0 || len(result.Objects) != test.objects || len(result.Charts) != 1 || !strings.HasPrefix(result.Charts[0].Digest, "sha256:") {
				t.Fatalf("%d objects of charts %v, problems %v:\n%s", len(result.Objects), result.Charts, problems, all)
			}
			for _, want := range test.want {
				if !strings.Contains(all, want) {
					t.Errorf("there is no %q in\n%s", want, all)
				}
			}
		})
	}
	if asked := s.Asked(); len(slices.DeleteFunc(asked, func(r string) bool { return !strings.Contains(r, "web-1.2.3.tgz") })) != 1 {
		t.Errorf("the chart was fetched more than once: %q", asked)
	}
}

// TestChartsOfAKustomizationKeepTheirContent: a version whose content has changed is
// refused at the line of its entry.
func TestChartsOfAKustomizationKeepTheirContent(t *testing.T) {
	s := newShelf(t)
	s.publish("web", "1.2.3", told("1.2.3"))
	pairs := []string{"app/kustomization.yaml", "resources: []\nhelmCharts:\n- name: web\n  version: 1.2.3\n  releaseName: front\n  repo: " + s.Repo() + "\n"}
	result, problems := s.render(appfile.App{Path: "app"}, pairs...)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	known := result.Charts[0]
	s.publish("web", "1.2.3", with(told("1.2.3"), "web/more.txt", "other"))
	var err error
	if s.store, err = charts.New(charts.Config{Registries: []string{s.Repo()}, Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	if err := s.store.Note(known); err != nil {
		t.Fatal(err)
	}
	_, problems = s.render(appfile.App{Path: "app"}, pairs...)
	if len(problems) != 1 || problems[0].Source.String() != "app/kustomization.yaml:3" || !strings.Contains(problems[0].Message, "the registry has another content for this version") {
		t.Errorf("problems %v, want one at the entry, about the content", problems)
	}
}
