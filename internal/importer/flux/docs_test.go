package flux

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/importer/docstest"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// samples are values of fields that any text would not do for.
var samples = map[string]string{
	"dependsOn[].name": "b", "kubeConfig.secretRef.name": "far", "decryption.provider": "sops", "deletionPolicy": "Delete", "path": "./apps",
	"postBuild.substituteStrategy": "Always", "postBuild.substituteFrom[].kind": "ConfigMap", "postBuild.substituteFrom[].name": "words",
	"healthCheckExprs[].apiVersion": "a.example.org/v1", "sourceRef.kind": "GitRepository", "sourceRef.name": "flux-system", "sourceRef.namespace": "flux-system",
	"valuesFrom[].kind": "ConfigMap", "valuesFrom[].name": "words", "valuesFrom[].valuesKey": "values.yaml", "valuesFrom[].targetPath": "x.y",
	"driftDetection.mode": "enabled", "postRenderStrategy": "separate", "install.crds": "Create", "chartRef.kind": "OCIRepository", "chartRef.name": "template", "chartRef.namespace": "flux-system",
	"chart.spec.chart": "./charts/a", "chart.spec.version": "1.2.3", "chart.spec.valuesFiles[]": "./a.yaml", "chart.spec.sourceRef.kind": "HelmRepository", "chart.spec.sourceRef.name": "oci",
	"chart.spec.sourceRef.namespace": "flux-system", "targetNamespace": "shop", "ref.digest": "sha256:" + strings.Repeat("0", 64), "ref.semver": "~1.2", "ref.tag": "1.2.3", "ref.branch": "main",
	"layerSelector.mediaType": chartType, "version": "1.2.3", "url": "oci://registry.example.org/charts/template", "ref.commit": strings.Repeat("0", 40), "verify.provider": "cosign",
}

// siblings are fields without which others mean nothing.
var siblings = map[string]string{
	"dependsOn[]": "name: b", "postBuild.substituteFrom[]": "{kind: ConfigMap, name: words}", "healthCheckExprs[]": "{apiVersion: a.example.org/v1, kind: B, current: c}",
	"ignore[]": "{paths: [/a], target: {kind: Deployment}}", "driftDetection.ignore[]": "{paths: [/a], target: {kind: Deployment}}", "kubeConfig.secretRef": "name: far",
	"valuesFrom[]": "{kind: ConfigMap, name: words}", "decryption": "provider: sops", "chart.spec": "{chart: a, sourceRef: {kind: HelmRepository, name: oci, namespace: flux-system}}",
	"verify.matchOIDCIdentity[]": "{issuer: ^https://a$, subject: ^https://b$}",
	"sourceRef":                  "{kind: GitRepository, name: flux-system}", "chartRef": "{kind: OCIRepository, name: template}",
}

// set sets a field of a mapping to a value of a kind.
func set(t *testing.T, in map[string]any, prefix, path, kind string) {
	t.Helper()
	name, rest, deeper := strings.Cut(path, ".")
	full := strings.TrimPrefix(prefix+"."+name, ".")
	field, isList := strings.CutSuffix(name, "[]")
	var value any
	switch {
	case deeper:
		inner := map[string]any{}
		if text, ok := siblings[full]; ok {
			unmarshal(t, text, &inner)
		} else if was, ok := in[field].(map[string]any); ok {
			inner = was
		}
		set(t, inner, full, rest, kind)
		value = inner
	case samples[full] != "":
		value = samples[full]
	default:
		value = map[string]any{"text": "x", "bool": true, "number": 1, "duration": "5m", "mapping": map[string]any{"a": "b"}}[kind]
	}
	if isList {
		value = []any{value}
	}
	in[field] = value
}

func unmarshal(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

// withField are the objects of a repository that has one field of a kind beside what has to be there.
func withField(t *testing.T, kind, path, of string) string {
	t.Helper()
	base, use := map[string]string{
		"Kustomization":  "{path: ./apps, prune: true, sourceRef: {kind: GitRepository, name: flux-system}}",
		"HelmRelease":    "{chartRef: {kind: OCIRepository, name: template}}",
		"GitRepository":  "{url: 'https://github.com/example/fleet'}",
		"OCIRepository":  "{url: 'oci://registry.example.org/charts/template', ref: {tag: 1.2.3}}",
		"HelmRepository": "{url: 'https://charts.example.org/'}",
		"HelmChart":      "{chart: x, version: 1.2.3, sourceRef: {kind: HelmRepository, name: oci}}",
	}[kind], map[string]string{
		"GitRepository":  strings.Replace(kustomization(""), "name: flux-system}", "name: sample}", 1),
		"OCIRepository":  strings.Replace(helmRelease(""), "name: template", "name: sample", 1),
		"HelmRepository": strings.Replace(helmRelease(""), "chartRef: {kind: OCIRepository, name: template}", "chart: {spec: {chart: x, version: 1.2.3, sourceRef: {kind: HelmRepository, name: sample}}}", 1),
		"HelmChart":      strings.Replace(helmRelease(""), "kind: OCIRepository, name: template", "kind: HelmChart, name: sample", 1),
	}[kind]
	spec := map[string]any{}
	unmarshal(t, base, &spec)
	if strings.HasPrefix(path, "chart.") {
		delete(spec, "chartRef")
	}
	if kind == "HelmRelease" && strings.HasPrefix(path, "chart.metadata") {
		set(t, spec, "", "chart.spec.chart", "text")
	}
	if kind == "OCIRepository" && strings.HasPrefix(path, "ref.") {
		delete(spec, "ref")
	}
	keep := maps.Clone(spec)
	set(t, spec, "", path, of)
	if strings.Contains(kind, "Repository") || kind == "HelmChart" {
		for _, name := range []string{"url", "chart", "sourceRef"} { // as the base has them
			if value, has := keep[name]; has && path != name && !strings.HasPrefix(path, name+".") {
				spec[name] = value
			}
		}
		if path == "url" || strings.HasPrefix(path, "sourceRef.") {
			spec = keep
		}
	}
	group := map[string]string{"Kustomization": "kustomize.toolkit.fluxcd.io/v1", "HelmRelease": "helm.toolkit.fluxcd.io/v2"}[kind]
	if group == "" {
		group = "source.toolkit.fluxcd.io/v1"
	}
	text, err := json.Marshal(map[string]any{"apiVersion": group, "kind": kind, "metadata": map[string]any{"name": "sample", "namespace": "flux-system"}, "spec": spec})
	if err != nil {
		t.Fatal(err)
	}
	return string(text) + "\n---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: oci, namespace: flux-system}\nspec: {type: oci, url: 'oci://registry.example.org/charts'}\n---\n" + use
}

// outcome is what becomes of a field: same, none, refused, or unknown.
func outcome(apps []meaning.App, problems manifest.Problems, path string) string {
	if strings.Contains(problems.Error(), "unknown field") {
		return "unknown"
	}
	if strings.Contains(problems.Error(), "only the server follows") { // a test has no server
		return docstest.Same
	}
	if len(problems) > 0 {
		return docstest.Refused
	}
	top, _, _ := strings.Cut(strings.ReplaceAll(path, "[]", ""), ".")
	for _, app := range apps {
		if slices.ContainsFunc(app.Notes, func(note meaning.Note) bool {
			return strings.HasSuffix(note.Object, "/sample") && strings.Contains(note.Text, "spec."+top) && strings.Contains(note.Text, "has no effect")
		}) {
			return docstest.None
		}
	}
	return docstest.Same
}

// TestDocsSayWhatBecomesOfEachField: docs/migrating.md has a row for each field that Flux's objects
// have (test/golden lists them), and what it says is so. A field that the row does not name by
// one word is known at least.
func TestDocsSayWhatBecomesOfEachField(t *testing.T) {
	text, err := os.ReadFile("testdata/fields.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]docstest.Row{}
	for line := range strings.Lines(string(text)) {
		var kind, path, of string
		if _, err := fmt.Sscan(line, &kind, &path, &of); err != nil {
			t.Fatal(err)
		}
		if rows[kind] == nil {
			rows[kind] = docstest.Rows(t, kind)
		}
		says, documented := docstest.About(rows[kind], path)
		apps, problems := read(t, withField(t, kind, path, of))
		got, want := outcome(apps, problems, path), says.Verdict(path)
		switch {
		case !documented:
			t.Errorf("%s: spec.%s is not in docs/migrating.md; it is %s", kind, path, got)
		case got == "unknown", want != "" && got != want:
			t.Errorf("%s: spec.%s is %s, and docs/migrating.md says %q (%v)", kind, path, got, says.Says, problems)
		}
	}
}

// TestDocsNameNoOtherFields: each field in a table of docs/migrating.md is one of Flux.
func TestDocsNameNoOtherFields(t *testing.T) {
	text, err := os.ReadFile("testdata/fields.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := strings.ReplaceAll(string(text), "[]", "")
	old := []string{"patchesStrategicMerge", "patchesJson6902", "validation"} // of versions before v1
	for _, kind := range []string{"Kustomization", "HelmRelease", "GitRepository", "OCIRepository"} {
		for _, one := range docstest.Rows(t, kind) {
			for _, field := range one.Fields {
				if field != "" && !slices.Contains(old, field) && !regexp.MustCompile(`(?m)^\w+ `+regexp.QuoteMeta(field)+`[. ]`).MatchString(known) {
					t.Errorf("docs/migrating.md: %s: Flux has no field %s", kind, field)
				}
			}
		}
	}
}
