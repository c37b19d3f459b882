package kustomize

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	k8syaml "sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/helm"
)

// Charts says what the charts in kustomizations are rendered for.
type Charts struct {
	Release    helm.Release // what all have in common; the namespace is that of charts without one
	AskCluster func()       // is called when there are charts and Release has no cluster
}

// chart is an entry of helmCharts.
type chart struct {
	folder  string // of the chart
	release helm.Release
}

// defaultHome is where charts are, from the folder of a kustomization.
const defaultHome = "charts"

// inflated is the name of the file that stands for the charts of a kustomization.
const inflated = ".helmCharts.yaml"

// helmCharts looks at the charts of a kustomization. outer is a namespace that a
// kustomization around it gives.
func (c *checker) helmCharts(at place, root *yaml.Node, outer string) {
	home := c.chartHome(place{at.file, at.folder, "helmGlobals"}, child(root, "helmGlobals"))
	own := ""
	if n := child(root, "namespace"); n != nil {
		own = n.Value
	}
	c.each(child(root, "helmCharts"), func(n *yaml.Node) {
		found, ok := c.chart(at, n, home)
		if !ok {
			return
		}
		if found.release.Namespace == "" {
			found.release.Namespace = own
		}
		if found.release.Namespace == "" && outer != "" {
			c.add(at.source(n), "helmCharts: the namespace is that of a kustomization around this one", "write it here too: namespace: "+outer)
		}
		c.charts[at.file] = append(c.charts[at.file], found)
	})
}

// namespaceOf refuses charts of a folder that has been looked at, and is included once
// more, for a namespace that the charts do not name.
func (c *checker) namespaceOf(folder string, from manifest.Source) {
	for _, name := range Names {
		for _, found := range c.charts[path.Join(folder, name)] {
			if found.release.Namespace == "" && c.namespace != "" {
				c.add(from, "helmCharts: the namespace of "+folder+" is that of a kustomization around it", "write it there too: namespace: "+c.namespace)
				return
			}
		}
	}
}

// chartHome is the folder in which the charts of a kustomization are.
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
		if message, hint := foreign(home, path.Join(at.folder, home)); message != "" {
			c.add(at.source(value), "helmGlobals: "+message, hint)
		}
	}
	return path.Join(at.folder, home)
}

// chart reads an entry of helmCharts.
func (c *checker) chart(at place, n *yaml.Node, home string) (found chart, ok bool) {
	before := len(c.problems)
	texts := map[string]string{}
	found.release.SkipCRDs = true
	var values chartValues
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch name := strings.ToLower(key.Value); name {
		case "name", "version", "repo", "releasename", "namespace":
			texts[name] = value.Value
		case "valuesfile":
			values.file = value
		case "additionalvaluesfiles":
			c.each(value, func(n *yaml.Node) { values.more = append(values.more, n) })
		case "valuesinline":
			values.inline = value
		case "includecrds":
			found.release.SkipCRDs = value.Value != "true"
		default:
			c.add(at.source(key), fmt.Sprintf("helmCharts: %s is not read here", show(key.Value)), "take it out; or make the chart an app of its own")
		}
	}
	found.release.Name, found.release.Namespace = texts["releasename"], texts["namespace"]
	if texts["releasename"] == "" {
		c.add(at.source(n), "helmCharts: the chart has no releaseName, and one that is made up would be another at each check", "add releaseName: "+manifest.Clean(texts["name"]))
	}
	found.folder = c.findChart(at, n, home, texts)
	if found.folder != "" {
		found.release.Settings.Values = c.values(at, found.folder, values)
	}
	return found, len(c.problems) == before
}

// findChart returns the folder of a chart, as helm pull --untar leaves it for
// kustomize, or by its name alone.
func (c *checker) findChart(at place, n *yaml.Node, home string, texts map[string]string) string {
	name := texts["name"]
	candidates := []string{path.Join(home, name)}
	if texts["version"] != "" && texts["repo"] != "" {
		candidates = []string{path.Join(home, name+"-"+texts["version"], name), path.Join(home, name)}
	}
	for _, folder := range candidates {
		if message, hint := foreign(name, folder); message != "" || name == "" {
			c.add(at.source(n), "helmCharts: name: "+message, hint)
			return ""
		}
		if helm.Find(c.fsys, folder) != "" {
			return folder
		}
	}
	c.add(at.source(n), fmt.Sprintf("helmCharts: there is no chart in %s, and nothing is fetched", path.Join(home, name)),
		"commit it: helm pull --untar --untardir "+home+"; or make the chart an app of its own")
	return ""
}

// chartValues are the values of an entry of helmCharts.
type chartValues struct {
	file, inline *yaml.Node // nil if there are none
	more         []*yaml.Node
}

// values puts together the values of an entry for the chart in a folder. Those in
// place come before the additional files, which win, as with kustomize.
func (c *checker) values(at place, folder string, given chartValues) []appfile.HelmValues {
	var values []appfile.HelmValues
	addFile := func(n *yaml.Node) {
		c.file(at, n, n.Value)
		entry, err := filepath.Rel(folder, path.Join(at.folder, n.Value))
		if err != nil {
			c.add(at.source(n), fmt.Sprintf("helmCharts: %s: %v", show(n.Value), err), "")
		}
		values = append(values, appfile.HelmValues{File: filepath.ToSlash(entry), Line: n.Line})
	}
	if given.file != nil {
		addFile(given.file)
	}
	if given.inline != nil {
		fields, err := fieldsOf(given.inline)
		var text []byte
		if err == nil {
			text, err = json.Marshal(fields)
		}
		if err != nil {
			c.add(at.source(given.inline), fmt.Sprintf("helmCharts: valuesInline: %v", err), "")
		}
		values = append(values, appfile.HelmValues{Inline: text, Line: given.inline.Line})
	}
	for _, n := range given.more {
		addFile(n)
	}
	return values
}

// inflate renders the charts of all kustomizations; what they make stands in a file
// beside each of them. ready is false if the cluster has to be known first, which is
// asked for, or a chart that another one depends on.
func (b *build) inflate(charts Charts) (problems manifest.Problems, ready bool) {
	if len(b.charts) == 0 {
		return nil, true
	}
	if charts.Release.Cluster.Version == "" {
		charts.AskCluster()
		return nil, false
	}
	ready = true
	if want := charts.Release.Want; want != nil {
		charts.Release.Want = func(w helm.Wanted) {
			ready = false
			want(w)
		}
	}
	b.inflated = map[string][]*manifest.Object{}
	for _, file := range slices.Sorted(maps.Keys(b.charts)) {
		var made []*manifest.Object
		for _, entry := range b.charts[file] {
			release := charts.Release
			release.Name, release.Settings, release.SkipCRDs = entry.release.Name, entry.release.Settings, entry.release.SkipCRDs
			if entry.release.Namespace != "" {
				release.Namespace = entry.release.Namespace
			}
			objects, wrong := helm.Render(b.fsys, entry.folder, release)
			made, problems = append(made, objects...), append(problems, wrong...)
		}
		b.inflated[path.Join(path.Dir(file), inflated)] = made
	}
	return problems, ready
}

// withoutCharts returns a kustomization that has what its charts make instead.
func withoutCharts(text []byte, some bool) ([]byte, error) {
	fields := map[string]any{}
	if err := k8syaml.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	canonize(fields)
	delete(fields, "helmCharts")
	delete(fields, "helmGlobals")
	if some {
		resources, _ := fields["resources"].([]any)
		fields["resources"] = append(resources, inflated)
	}
	return k8syaml.Marshal(fields)
}

// textOf writes objects as kustomize reads them.
func textOf(objects []*manifest.Object) ([]byte, error) {
	var text bytes.Buffer
	for _, o := range objects {
		written, err := json.Marshal(o.Object)
		if err != nil {
			return nil, err
		}
		text.WriteString("---\n")
		text.Write(written)
		text.WriteString("\n")
	}
	return text.Bytes(), nil
}
