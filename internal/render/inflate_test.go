package render

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
)

// inflatable is a chart in the folder of a kustomization.
var inflatable = []string{
	"app/charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n",
	"app/charts/web/values.yaml", "a: default\nb: default\nc: default\nd: default\n",
	"app/charts/web/crds/crd.yaml", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.org}\n",
	"app/charts/web/templates/web.yaml", `apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-web}
data: {a: {{ .Values.a }}, b: {{ .Values.b }}, c: {{ .Values.c }}, d: {{ .Values.d }}, namespace: {{ .Release.Namespace }}, version: {{ .Capabilities.KubeVersion.Version }}}
`,
	"app/a.yaml", "a: file\nb: file\nc: file\n", "app/b.yaml", "c: more\n",
}

// TestChartsOfAKustomization: charts are rendered at the point where kustomize would call
// helm, so that patches, prefixes and the hashes of references apply to their objects.
func TestChartsOfAKustomization(t *testing.T) {
	ours := newGoldenSession(t)
	render := func(kustomization string, more ...string) []string {
		files := revision(append(append([]string{"app/kustomization.yaml", kustomization}, inflatable...), more...)...)
		return inText(t, ours.render(t, files, appfile.App{Name: "shop", Path: "app", Namespace: "shop", Cluster: "default", Render: appfile.RenderAuto}))
	}
	got := strings.Join(render(`
namePrefix: x-
helmCharts:
- name: web
  releaseName: front
  valuesFile: a.yaml
  valuesInline: {b: inline, c: inline}
  additionalValuesFiles: [b.yaml]
patches:
- patch: |
    - {op: add, path: /data/patched, value: "yes"}
  target: {kind: ConfigMap, name: front-web}
`), "\n")
	for _, want := range []string{`"a":"file"`, `"b":"inline"`, `"c":"more"`, `"d":"default"`, `"namespace":"shop"`, `"patched":"yes"`, `"version":"v1.34.2"`, `"x-front-web"`} {
		if !strings.Contains(strings.ReplaceAll(got, ": ", ":"), want) {
			t.Errorf("there is no %s in %s", want, got)
		}
	}
	if strings.Contains(got, "CustomResourceDefinition") {
		t.Errorf("definitions came without includeCRDs: %s", got)
	}
	if unnamed := strings.Join(render("helmCharts: [{name: web}]\n"), "\n"); !strings.Contains(unnamed, `"release-name-web"`) {
		t.Errorf("a chart without a releaseName: %s", unnamed)
	}
	base := render("resources: [base]\n", "app/base/kustomization.yaml",
		"namespace: own\nhelmGlobals: {chartHome: ../charts}\nhelmCharts: [{name: web, releaseName: one, includeCRDs: true}, {name: web, releaseName: two, namespace: two}]\n")
	text := strings.Join(strings.Fields(strings.Join(base, "\n")), "")
	if len(base) != 3 || !strings.Contains(text, "CustomResourceDefinition") || !strings.Contains(text, `"namespace":"own","version"`) || !strings.Contains(text, `"namespace":"two","version"`) {
		t.Errorf("charts of a base: %s", text)
	}
}

// TestChartsNameTheirTemplates: an object of a chart in a kustomization has the
// template as its source, even where names alone do not identify it.
func TestChartsNameTheirTemplates(t *testing.T) {
	for name, more := range map[string]string{"by its name": "", "noted": "namePrefix: a-\nnameSuffix: -b\nresources: [other]\n"} {
		session := victims(t)
		files := append([]string{
			"app/kustomization.yaml", more + "helmCharts: [{name: web, releaseName: front}]\n",
			"app/other/kustomization.yaml", "namePrefix: a-\nresources: [a.yaml]\n", "app/other/a.yaml", object("front-web-b"),
		}, inflatable...)
		session.fsys = revision(files...)
		result, problems := session.App(t.Context(), appfile.App{Name: "shop", Path: "app", Cluster: "default", Render: appfile.RenderAuto})
		found := false
		for _, o := range result.Objects {
			found = found || o.Source.File == "app/charts/web/templates/web.yaml" && o.Source.Line == 2
		}
		if !found || len(problems) > 0 {
			t.Errorf("%s: %d objects, %v", name, len(result.Objects), problems)
		}
	}
}

// TestChartsOfAKustomizationAreRefused: a wrong entry is refused with its line, before
// anything is rendered.
func TestChartsOfAKustomizationAreRefused(t *testing.T) {
	for _, test := range []struct{ kustomization, want string }{
		{"helmCharts:\n- name: nothing\n  releaseName: a\n", "app/kustomization.yaml:2: helmCharts: there is no chart in app/charts/nothing, and nothing is fetched\nthe entry has no repo"},
		{"helmCharts:\n- name: nothing\n  releaseName: a\n  repo: https://example.org\n", "app/kustomization.yaml:2: helmCharts: there is no chart in app/charts/nothing, and nothing is fetched\nchart nothing has no version"},
		{"helmCharts:\n- name: nothing\n  releaseName: a\n  repo: https://example.org\n  version: newest\n", `chart nothing: "newest" is neither a version nor a range`},
		{"helmCharts:\n- name: nothing\n  releaseName: a\n  repo: https://me:secret@example.org\n  version: 1.0.0\n", "the address of example.org has credentials in it"},
		{"helmCharts:\n- name: nothing\n  releaseName: a\n  repo: https://example.org\n  version: 1.0.0\n", "app/kustomization.yaml:2: charts may not be fetched from https://example.org"},
		{"helmCharts:\n- {releaseName: a}\n", "app/kustomization.yaml:2: helmCharts: an entry has no name"},
		{"helmCharts:\n- {name: ../../../etc, releaseName: a}\n", `app/kustomization.yaml:2: helmCharts: name: "../../../etc" leads out of the repository`},
		{"helmCharts:\n- {name: https://example.org/web, releaseName: a}\n", "is not part of the repository, and nothing is fetched"},
		{"helmCharts:\n- name: web\n  releaseName: a\n  nameTemplate: a\n", `app/kustomization.yaml:4: helmCharts: "nameTemplate" is not read here`},
		{"helmCharts:\n- name: web\n  releaseName: a\n  kubeVersion: new\n", `app/kustomization.yaml:2: helmCharts: kubeVersion: read the version of Kubernetes "new"`},
		{"helmCharts:\n- name: web\n  releaseName: a\n  valuesMerge: mix\n", `app/kustomization.yaml:4: helmCharts: valuesMerge: "mix" is not known`},
		{"helmCharts:\n- name: web\n  releaseName: a\n  skipTests: yes please\n", `app/kustomization.yaml:4: helmCharts: skipTests: "yes please" is not a truth value`},
		{"helmCharts:\n- name: web\n  releaseName: a\n  valuesFile: https://example.org/a.yaml\n", "app/kustomization.yaml:4: helmCharts: "},
		{"helmCharts:\n- name: web\n  releaseName: a\n  additionalValuesFiles:\n  - ../../a.yaml\n", "app/kustomization.yaml:5: helmCharts: "},
		{"helmGlobals:\n  configHome: /etc\nhelmCharts:\n- {name: web, releaseName: a}\n", `app/kustomization.yaml:2: helmGlobals: "configHome" has no meaning here`},
		{"namespace: outer\nresources: [base]\n", "app/base/kustomization.yaml:2: helmCharts: the namespace is that of a kustomization around this one"},
	} {
		files := append([]string{
			"app/kustomization.yaml", test.kustomization,
			"app/base/kustomization.yaml", "helmGlobals: {chartHome: ../charts}\nhelmCharts: [{name: web, releaseName: a}]\n",
		}, inflatable...)
		if got := attack(t, victims(t), hostile{files: files}); !strings.Contains(got, test.want) {
			t.Errorf("%s: got %s, want %s", test.kustomization, got, test.want)
		}
	}
}
