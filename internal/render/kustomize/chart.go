package kustomize

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/render/helm"
)

// chart is an entry of helmCharts.
type chart struct {
	folder  string // of the chart, or of the kustomization for one from a registry
	release helm.Release

	kubeVersion string   // that the chart sees instead of the cluster's; "": none
	apiVersions []string // that the chart sees in addition to the cluster's
	skipHooks   bool
	skipTests   bool
}

// releaseFor returns the release of the chart, based on the common one.
func (c chart) releaseFor(common helm.Release) helm.Release {
	release := common
	release.Name, release.Settings, release.SkipCRDs = c.release.Name, c.release.Settings, c.release.SkipCRDs
	release.Chart, release.Inflated = c.release.Chart, true
	if c.release.Namespace != "" {
		release.Namespace = c.release.Namespace
	}
	if c.kubeVersion != "" {
		release.Cluster.Version = c.kubeVersion
	}
	release.Cluster.APIs = slices.Concat(release.Cluster.APIs, c.apiVersions)
	return release
}

// without returns the objects of the chart except unwanted hooks.
func (c chart) without(objects []*manifest.Object) []*manifest.Object {
	if !c.skipHooks && !c.skipTests {
		return objects
	}
	return slices.DeleteFunc(objects, func(o *manifest.Object) bool {
		hooks := o.GetAnnotations()["helm.sh/hook"]
		return hooks != "" && (c.skipHooks || slices.ContainsFunc(strings.Split(hooks, ","), isTest))
	})
}

// isTest reports whether a Helm hook is a test; test-success is from Helm 2.
func isTest(hook string) bool {
	hook = strings.TrimSpace(hook)
	return hook == "test" || hook == "test-success"
}

// defaultHome is the default folder of charts, relative to a kustomization.
const defaultHome = "charts"

// chartHome returns the folder of a kustomization's charts.
func (c *checker) chartHome(at place, globals *yaml.Node) string {
	home := defaultHome
	if globals == nil || globals.Kind != yaml.MappingNode {
		return path.Join(at.folder, home)
	}
	for i := 0; i+1 < len(globals.Content); i += 2 {
		key, value := globals.Content[i], globals.Content[i+1]
		if !strings.EqualFold(key.Value, "chartHome") {
			c.add(at.source(key), fmt.Sprintf("helmGlobals: %s has no meaning here", show(key.Value)), "take it out")
			continue
		}
		if home = value.Value; home == "" {
			home = defaultHome
		}
		c.foreign(at.source(value), "helmGlobals", home, path.Join(at.folder, home))
	}
	return path.Join(at.folder, home)
}

// chartEntry is an entry of helmCharts as written.
type chartEntry struct {
	chart
	texts  map[string]string // by the name of the field, in lower case
	values chartValues
}

// chart reads an entry of helmCharts.
func (c *checker) chart(at place, n *yaml.Node, home string) (found chart, ok bool) {
	before := len(c.problems)
	w := chartEntry{texts: map[string]string{}}
	w.release.SkipCRDs = true
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		c.chartField(at, &w, n.Content[i], n.Content[i+1])
	}
	w.release.Name, w.release.Namespace, w.kubeVersion = cmp.Or(w.texts["releasename"], unnamed), w.texts["namespace"], w.texts["kubeversion"]
	if _, err := helm.ParseVersion(w.kubeVersion); w.kubeVersion != "" && err != nil {
		c.add(at.source(n), "helmCharts: kubeVersion: "+manifest.Clean(err.Error()), "write it like 1.37.2")
	}
	c.findChart(at, n, home, &w)
	if w.folder != "" {
		w.release.Settings.Values = c.values(at, w.folder, w.values)
	}
	return w.chart, len(c.problems) == before
}

// unnamed is the name of a release that an entry does not name: kustomize asks helm template for one
// that is made up, which always calls it so (helm/helm#6019).
const unnamed = "release-name"

// chartField reads a field of an entry of helmCharts. debug and devel change nothing:
// a range says by itself whether pre-releases are in it.
func (c *checker) chartField(at place, w *chartEntry, key, value *yaml.Node) {
	switch name := strings.ToLower(key.Value); name {
	case "name", "version", "repo", "releasename", "namespace", "kubeversion":
		if value.Kind != yaml.ScalarNode {
			c.add(at.source(key), fmt.Sprintf("helmCharts: %s is not text", show(key.Value)), "")
		}
		w.texts[name] = value.Value
	case "valuesfile":
		w.values.file = value
	case "additionalvaluesfiles":
		c.each(value, func(n *yaml.Node) { w.values.more = append(w.values.more, n) })
	case "valuesinline":
		w.values.inline = value
	case "valuesmerge":
		w.values.merge = value.Value
		if !slices.Contains([]string{"", mergeOverride, mergeBeneath, mergeReplace}, value.Value) {
			c.add(at.source(key), fmt.Sprintf("helmCharts: valuesMerge: %s is not known", show(value.Value)), "write override, merge or replace")
		}
	case "includecrds":
		w.release.SkipCRDs = !c.truth(at, key, value)
	case "skiphooks":
		w.skipHooks = c.truth(at, key, value)
	case "skiptests":
		w.skipTests = c.truth(at, key, value)
	case "apiversions":
		c.each(value, func(n *yaml.Node) { w.apiVersions = append(w.apiVersions, n.Value) })
	case "debug", "devel":
	default:
		c.add(at.source(key), fmt.Sprintf("helmCharts: %s is not read here", show(key.Value)), "take it out; or make the chart an app of its own")
	}
}

// truth reads a boolean.
func (c *checker) truth(at place, key, value *yaml.Node) bool {
	if value.Value != "true" && value.Value != "false" {
		c.add(at.source(key), fmt.Sprintf("helmCharts: %s: %s is not a truth value", key.Value, show(value.Value)), "write true or false")
	}
	return value.Value == "true"
}

// findChart finds the chart of an entry: in the tree, where helm pull --untar leaves it
// for kustomize, or by its name alone; otherwise in the registry that the entry names.
func (c *checker) findChart(at place, n *yaml.Node, home string, w *chartEntry) {
	name, version, repo := w.texts["name"], w.texts["version"], w.texts["repo"]
	candidates := []string{path.Join(home, name)}
	if version != "" && repo != "" {
		candidates = []string{path.Join(home, name+"-"+version, name), path.Join(home, name)}
	}
	if name == "" {
		c.add(at.source(n), "helmCharts: an entry has no name", "add name: with the name of the chart")
		return
	}
	for _, folder := range candidates {
		if c.foreign(at.source(n), "helmCharts: name", name, folder) {
			return
		}
		if helm.Find(c.fsys, folder) != "" {
			w.folder = folder
			return
		}
	}
	absent := fmt.Sprintf("helmCharts: there is no chart in %s, and nothing is fetched", path.Join(home, name))
	if repo == "" {
		c.add(at.source(n), absent+"\nthe entry has no repo", "add repo: with the address of its registry, and version:; or commit it: helm pull --untar --untardir "+home)
		return
	}
	wanted := helm.Wanted{Ref: charts.Ref{Name: name, Version: version, Repo: repo}, Source: at.source(n)}
	if err := wanted.Check(); err != nil {
		c.add(at.source(n), absent+"\n"+manifest.Clean(err.Error()), "name the chart, its version and the address of its registry")
		return
	}
	w.folder, w.release.Chart = at.folder, &wanted
}

// Values of valuesMerge: inline values go over the file, or the chart's own values, or
// beneath them; or the file is ignored.
const (
	mergeOverride = "override"
	mergeBeneath  = "merge"
	mergeReplace  = "replace"
)

// chartValues are the values of an entry of helmCharts.
type chartValues struct {
	file, inline *yaml.Node // nil if there are none
	more         []*yaml.Node
	merge        string // one of the above; "": mergeOverride
}

// values merges the values of an entry, for the chart in a folder. The additional files
// win, as with kustomize.
func (c *checker) values(at place, folder string, given chartValues) []appfile.HelmValues {
	var base, inline, more []appfile.HelmValues
	if given.file != nil {
		base = append(base, c.valuesFile(at, folder, given.file))
	}
	if given.inline != nil && len(given.inline.Content) > 0 {
		inline = append(inline, c.inlineValues(at, given.inline))
	}
	for _, n := range given.more {
		more = append(more, c.valuesFile(at, folder, n))
	}
	switch {
	case len(inline) == 0:
		return append(base, more...)
	case given.merge == mergeReplace:
		return append(inline, more...)
	case given.merge != mergeBeneath:
		return slices.Concat(base, inline, more)
	case len(base) == 0:
		base = []appfile.HelmValues{helm.OwnValues(given.inline.Line)}
	}
	return slices.Concat(inline, base, more)
}

func (c *checker) valuesFile(at place, folder string, n *yaml.Node) appfile.HelmValues {
	c.file(at, n, n.Value)
	entry, err := filepath.Rel(folder, path.Join(at.folder, n.Value))
	if err != nil {
		c.add(at.source(n), fmt.Sprintf("helmCharts: %s: %v", show(n.Value), err), "")
	}
	return appfile.HelmValues{File: filepath.ToSlash(entry), Line: n.Line}
}

func (c *checker) inlineValues(at place, n *yaml.Node) appfile.HelmValues {
	fields, err := fieldsOf(n)
	var text []byte
	if err == nil {
		text, err = json.Marshal(fields)
	}
	if err != nil {
		c.add(at.source(n), fmt.Sprintf("helmCharts: valuesInline: %v", err), "")
	}
	return appfile.HelmValues{Inline: text, Line: n.Line}
}
