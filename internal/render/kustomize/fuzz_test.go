package kustomize

import (
	"io/fs"
	"net/url"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/pushboat/pushboat/internal/manifest"
)

// FuzzEntries checks the check before a build: every entry that kustomize itself reads
// in an accepted text is YAML, or exists in the revision, and is not an address,
// however the text is written.
func FuzzEntries(f *testing.F) {
	for _, seed := range []string{
		"resources: [a.yaml]", "Resources: [https://example.com/a]", "<<: {resources: [git::x]}", "x: &x [b]\nbases: *x", "resources: &a [*a]",
		"components: [../b]\npatches: [{path: a.yaml}, {PATH: a.yaml}]", "openapi: &o {path: http://x}\nopenAPI: *o", "re\u017fources: [ssh://x]",
		"configMapGenerator: [{name: a, files: [k=a.yaml, a.yaml], envs: [a.yaml], env: a.yaml}]", "generators: ['{kind: A, path: http://x}']",
		"transformers: [a.yaml, |-\n  kind: A\n  path: b]", "patchesStrategicMerge: ['{a: b}', 'http://x: y']", "crds: [/etc/passwd, ../../x]",
		"replacements: [{path: a.yaml}, {source: {}}]", "---\nresources: []\n---\n", "{\"resources\": [\"a.yaml\"]}", "helmCharts: []\nHelmGlobals: {}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fsys := fstest.MapFS{
			"app/kustomization.yaml": {Data: []byte(text)}, "app/a.yaml": {Data: []byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")},
			"b/kustomization.yaml": {Data: []byte("resources: [a.yaml]")}, "b/a.yaml": {Data: []byte("{}")},
		}
		c := newChecker(fsys)
		c.folder("app", manifest.Source{File: "app"})
		var k types.Kustomization
		if len(c.problems) > 0 || k.Unmarshal([]byte(text)) != nil {
			return
		}
		for _, entry := range readBy(k) {
			if entry != "" && !isThere(fsys, entry) {
				t.Errorf("%q is accepted in %q", entry, text)
			}
		}
	})
}

// readBy returns the entries of a kustomization that may be addresses.
func readBy(k types.Kustomization) []string {
	entries := append([]string{k.OpenAPI["path"]}, k.Resources...)
	entries = append(entries, k.Bases...) //nolint:staticcheck // people still use it
	entries = append(append(append(entries, k.Components...), k.Crds...), k.Configurations...)
	entries = append(append(append(entries, k.Generators...), k.Transformers...), k.Validators...)
	for _, p := range append(k.Patches, k.PatchesJson6902...) { //nolint:staticcheck // as above
		entries = append(entries, p.Path)
	}
	for _, p := range k.PatchesStrategicMerge { //nolint:staticcheck // as above
		entries = append(entries, string(p))
	}
	for _, r := range k.Replacements {
		entries = append(entries, r.Path)
	}
	for _, g := range k.ConfigMapGenerator {
		entries = append(append(entries, g.EnvSources...), g.EnvSource)
		entries = append(entries, filesOf(g.FileSources)...)
	}
	for _, g := range k.SecretGenerator {
		entries = append(append(entries, g.EnvSources...), g.EnvSource)
		entries = append(entries, filesOf(g.FileSources)...)
	}
	return entries
}

func filesOf(sources []string) []string {
	var files []string
	for _, source := range sources {
		if _, file, found := strings.Cut(source, "="); found {
			source = file
		}
		files = append(files, source)
	}
	return files
}

func isThere(fsys fs.FS, entry string) bool {
	if u, err := url.Parse(entry); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		return false
	}
	if _, err := fs.Stat(fsys, path.Join("app", entry)); err == nil {
		return true
	}
	// Inline text, which kustomize would read as a path if it were no YAML: text that does
	// not begin like an address.
	return strings.ContainsAny(entry, "\n\r{") || strings.Contains(entry, ": ")
}
