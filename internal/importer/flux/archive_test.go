package flux

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
)

// archived are the objects of a Kustomization from an OCIRepository with a spec.
func archived(spec, more string) string {
	return "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: pushed, namespace: flux-system}\nspec:\n  url: oci://registry.example.org/manifests/web\n  " + spec + "\n---\n" +
		strings.Replace(kustomization(more), "kind: GitRepository, name: flux-system", "kind: OCIRepository, name: pushed", 1)
}

func grow(t *testing.T, text string) ([]meaning.App, string) {
	t.Helper()
	return growIn(t, worldOf(), text)
}

// growIn reads objects in a world, and returns what their apps and problems say.
func growIn(t *testing.T, world meaning.World, text string) ([]meaning.App, string) {
	t.Helper()
	tree := New(world)
	for _, o := range parse(t, text) {
		tree.Add(nil, o)
	}
	apps, problems := tree.Next()
	told := problems.Error()
	for _, app := range apps {
		for _, note := range app.Notes {
			told += note.Text + "\n"
		}
	}
	return apps, told
}

func TestManifestsOfArchives(t *testing.T) {
	of := func(version string) appfile.Artifact {
		return appfile.Artifact{URL: "oci://registry.example.org/manifests/web", Version: version, Path: "apps", File: "a/b.yaml", Line: 5}
	}
	layered := of("tag:latest")
	layered.Layer, layered.Ignore = "a/b", "*.md\n"
	for spec, want := range map[string]appfile.Artifact{
		"interval: 5m":       of("tag:latest"),
		"ref: {tag: 6.9.1}":  of("6.9.1"),
		"ref: {tag: main}":   of("tag:main"),
		"ref: {semver: 6.x}": of("6.x"),
		"ref: {digest: '" + manifestDigest + "', tag: a}":                              of(manifestDigest),
		"layerSelector: {mediaType: a/b, operation: extract}\n  ignore: |\n    *.md\n": layered,
	} {
		apps, told := grow(t, archived(spec, ""))
		if len(apps) != 1 || apps[0].App.Artifact != want || apps[0].App.Path != "a" || apps[0].App.Render != appfile.RenderKustomize {
			t.Errorf("%s: %+v, %s", spec, apps, told)
		}
	}
	apps, told := grow(t, archived("verify: {provider: cosign, matchOIDCIdentity: [{issuer: ^https://a$, subject: ^b$}]}", ""))
	if len(apps) != 1 || apps[0].App.Artifact.Verify == nil || len(apps[0].App.Artifact.Verify.Identities) != 1 {
		t.Errorf("%+v, %s", apps, told)
	}
	for spec, want := range map[string]string{
		"verify: {provider: notation, secretRef: {name: keys}}": "a/b.yaml:6: OCIRepository flux-system/pushed: signatures of notation are not checked here",
		"ref: {semver: '1', semverFilter: a}":                   "tags are not chosen by an expression",
		"unknown: true":                                         "unknown field spec.unknown",
		"ref: {semver: '1'}\n  suspend: true":                   "suspend: newer versions are not kept away",
		"ref: {semver: soon}":                                   "is neither a version nor a range",
	} {
		if _, told := grow(t, archived(spec, "")); !strings.Contains(told, want) {
			t.Errorf("%s: %s", spec, told)
		}
	}
	if _, told := grow(t, archived("interval: 5m", "components: [a]\n  ignoreMissingComponents: true")); !strings.Contains(told, "which components an artifact has is known when it is fetched") {
		t.Error(told)
	}
	if _, told := grow(t, strings.Replace(archived("interval: 5m", ""), "registry.example.org/manifests/web", "registry.example.org", 1)); !strings.Contains(told, "is not oci://HOST/PATH/NAME") {
		t.Error(told)
	}
}

// TestReleasesInAnArchive: what is beside the object is not in the revision.
func TestReleasesInAnArchive(t *testing.T) {
	for file, want := range map[string]string{appfile.Artifacts + "/web@1.2.3/a/b.yaml": ".", "a/b.yaml": "a"} {
		tree := New(worldOf())
		for _, o := range parse(t, sources+"---\n"+helmRelease("")) {
			o.Source.File = file
			tree.Add(nil, o)
		}
		apps, problems := tree.Next()
		if len(problems) > 0 || len(apps) != 1 || apps[0].App.Path != want {
			t.Errorf("%s: %+v, %v", file, apps, problems)
		}
	}
}
