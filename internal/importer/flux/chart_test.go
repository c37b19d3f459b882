package flux

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

const manifestDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// readFrom reads a release of the source that is given, beside those that tests have.
func readFrom(t *testing.T, source, release string) ([]meaning.App, manifest.Problems) {
	t.Helper()
	return read(t, source+"\n---\n"+release)
}

// image is an OCIRepository with a spec, and a release of it.
func image(spec string) (source, release string) {
	return "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: image, namespace: flux-system}\nspec:\n  url: oci://registry.example.org/charts/web\n  " + spec,
		strings.Replace(helmRelease(""), "name: template", "name: image", 1)
}

// TestVersionsOfCharts: what each way to name a version means.
func TestVersionsOfCharts(t *testing.T) {
	inChart := func(version string) string {
		return strings.Replace(helmRelease(""), "chartRef: {kind: OCIRepository, name: template}", "chart: {spec: {chart: web, "+version+"sourceRef: {kind: HelmRepository, name: charts}}}", 1)
	}
	for spec, want := range map[string]string{
		"ref: {tag: 1.2.3}":               "1.2.3",
		"ref: {tag: stable}":              "tag:stable",
		"ref: {tag: '1.2'}":               "tag:1.2",
		"ref: {}":                         "tag:latest",
		"interval: 5m":                    "tag:latest",
		"ref: {semver: '>=1.0.0 <2.0.0'}": ">=1.0.0 <2.0.0",
		"ref: {semver: ~1.2, tag: 1.0.0}": "~1.2",
		"ref: {digest: '" + manifestDigest + "', semver: ~1.2, tag: 1.0.0}": manifestDigest,
	} {
		source, release := image(spec)
		apps, problems := readFrom(t, source, release)
		if len(problems) > 0 || len(apps) != 1 || apps[0].App.Helm.Version != want || apps[0].App.Helm.Repo != "oci://registry.example.org/charts" {
			t.Errorf("%s: %+v, problems %v", spec, apps, problems)
		}
	}
	for version, want := range map[string]string{"": "*", "version: '*', ": "*", "version: 1.x, ": "1.x", "version: '~6.5', ": "~6.5", "version: v1.2.3, ": "v1.2.3"} {
		apps, problems := read(t, inChart(version))
		if len(problems) > 0 || len(apps) != 1 || apps[0].App.Helm.Version != want || apps[0].App.Helm.Repo != "https://charts.example.org" {
			t.Errorf("%s: %+v, problems %v", version, apps, problems)
		}
	}
}

// TestChartBelowARegistry: a chart's name may have a part of its address.
func TestChartBelowARegistry(t *testing.T) {
	source := "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: packed, namespace: flux-system}\nspec: {type: oci, url: 'oci://registry.example.org/team/'}\n"
	release := strings.Replace(helmRelease(""), "chartRef: {kind: OCIRepository, name: template}", "chart: {spec: {chart: charts/deep/web, version: 1.2.3, sourceRef: {kind: HelmRepository, name: packed}}}", 1)
	apps, problems := readFrom(t, source, release)
	if len(problems) > 0 || len(apps) != 1 || apps[0].App.Helm.Repo != "oci://registry.example.org/team/charts/deep" || apps[0].App.Helm.Chart != "web" {
		t.Errorf("%+v, problems %v", apps, problems)
	}
}

// TestFieldsOfSourcesOfCharts: each has an effect, or it is said that it has none, or it is
// refused with its line.
func TestFieldsOfSourcesOfCharts(t *testing.T) {
	for spec, want := range map[string]string{
		"verify: {provider: cosign}":          "a/b.yaml:6: OCIRepository flux-system/image: spec.verify: neither secretRef nor matchOIDCIdentity says whose signature counts",
		"layerSelector: {mediaType: a/b}":     `layerSelector.mediaType: "a/b" is no chart`,
		"ref: {semver: soon}":                 `spec.ref.semver: "soon" is neither a version nor a range`,
		"ref: {semver: '1', semverFilter: a}": "tags are not chosen by an expression",
		"ref: {semver: '1'}\n  suspend: true": "a/b.yaml:7: OCIRepository flux-system/image: suspend: newer versions are not kept away",
		"unknown: true":                       "unknown field spec.unknown",
	} {
		source, release := image(spec)
		if _, problems := readFrom(t, source, release); !strings.Contains(problems.Error(), want) || len(problems) != 1 {
			t.Errorf("%s: problems %v", spec, problems)
		}
	}
	for spec, want := range map[string]string{
		"interval: 5m":         "newer versions are looked for as often as the interval of the HelmRelease or Kustomization says",
		"secretRef: {name: a}": "the server's configuration has credentials",
		"provider: aws":        "the server's configuration has credentials",
		"insecure: true":       "only a registry on the server's own machine is asked without TLS",
		"timeout: 1m":          "a fetch has 30 seconds",
	} {
		source, release := image(spec)
		second := strings.Replace(release, "name: a,", "name: b,", 1)
		apps, problems := readFrom(t, source, release+"---\n"+second)
		if len(problems) > 0 || len(apps) != 2 || len(apps[0].Notes) != 1 || !strings.Contains(apps[0].Notes[0].Text, want) || len(apps[1].Notes) != 0 {
			t.Errorf("%s: %+v, problems %v", spec, apps, problems)
		}
	}
}

// TestHelmCharts: a HelmChart is read as the chart of a release is.
func TestHelmCharts(t *testing.T) {
	source := "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmChart\nmetadata: {name: web, namespace: flux-system}\n" +
		"spec: {interval: 5m, chart: web, version: 2.x, sourceRef: {kind: HelmRepository, name: charts}}\n"
	release := strings.Replace(helmRelease(""), "kind: OCIRepository, name: template", "kind: HelmChart, name: web", 1)
	apps, problems := readFrom(t, source, release)
	if len(problems) > 0 || len(apps) != 1 || apps[0].App.Helm.Version != "2.x" || apps[0].App.Helm.Chart != "web" || len(apps[0].Notes) != 1 {
		t.Errorf("%+v, problems %v", apps, problems)
	}
	if _, problems = readFrom(t, strings.Replace(source, "spec: {", "spec: {verify: {provider: cosign}, ", 1), release); !strings.Contains(problems.Error(), "HelmChart flux-system/web: spec.verify: signatures are of charts in registries whose address begins with oci://") {
		t.Errorf("problems %v", problems)
	}
}

// TestChartWithoutSource: of a chart whose source is not there, only that is said.
func TestChartWithoutSource(t *testing.T) {
	for _, source := range []string{"{kind: HelmRepository, name: none}", "{kind: Bucket, name: none}"} {
		_, problems := read(t, strings.Replace(helmRelease(""), "chartRef: {kind: OCIRepository, name: template}", "chart: {spec: {chart: x, version: 1.2.3, sourceRef: "+source+"}}", 1))
		if len(problems) != 1 {
			t.Errorf("%s: problems %v", source, problems)
		}
	}
}
