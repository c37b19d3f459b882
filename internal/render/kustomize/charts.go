package kustomize

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	k8syaml "sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render/helm"
)

// Charts holds the parameters for rendering the charts in kustomizations.
type Charts struct {
	Release    helm.Release // common to all; the namespace is that of charts without one
	AskCluster func()       // called when there are charts and Release has no cluster
}

// inflated is the name of the file that holds the objects of a kustomization's charts.
const inflated = ".helmCharts.yaml"

// helmCharts checks the charts of a kustomization. outer is a namespace that an
// enclosing kustomization gives.
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

// namespaceOf refuses a checked folder with charts that is included once more, for a
// namespace that the charts do not name.
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

// inflate renders the charts of all kustomizations, and puts their objects in a file
// beside each. ready is false if the cluster, or a chart that another one depends on,
// is missing; inflate asks for it.
func (b *build) inflate(ctx context.Context, charts Charts) (problems manifest.Problems, ready bool) {
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
			objects, wrong := helm.Render(ctx, b.fsys, entry.folder, entry.releaseFor(charts.Release))
			made, problems = append(made, entry.without(objects)...), append(problems, wrong...)
		}
		b.inflated[path.Join(path.Dir(file), inflated)] = made
	}
	return problems, ready
}

// withoutCharts returns a kustomization with the objects of its charts in their place.
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

// textOf writes objects in a form that kustomize reads.
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

// markRandom marks the objects of charts that are random: a build loses that mark.
// Their names may have got a prefix and a suffix.
func (b *build) markRandom(objects []*manifest.Object) {
	for _, made := range b.inflated {
		for _, random := range made {
			if !random.Random {
				continue
			}
			for _, o := range objects {
				policy, _ := manifest.PolicyOf(o.Unstructured)
				same := o.GroupVersionKind() == random.GroupVersionKind() && strings.Contains(o.GetName(), random.GetName())
				o.Random = o.Random || same && policy.Phase != 0 && !policy.Phase.Runs()
			}
		}
	}
}
