package kustomize

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/manifest"
)

// plugin checks the configuration of a generator, transformer or validator: only
// built-in ones run, and only on files of the repository.
func (c *checker) plugin(at place, n *yaml.Node) {
	if isInline(n) {
		c.pluginText(at, n.Line, n.Value)
		return
	}
	name, info, ok := c.find(at, n, n.Value)
	switch {
	case !ok:
	case info.IsDir():
		before := c.plugins
		c.plugins = true
		c.folder(name, at.source(n))
		c.plugins = before
	default:
		c.pluginFile(name)
	}
}

func (c *checker) pluginFile(name string) {
	data, err := fs.ReadFile(c.fsys, name)
	if err != nil {
		c.add(manifest.Source{File: name}, manifest.WhyUnread(err), "")
		return
	}
	c.pluginText(place{file: name, folder: path.Dir(name)}, 1, string(data))
}

// functions are the annotations that name a program or container to run.
var functions = regexp.MustCompile(`config\.kubernetes\.io/function|config\.k8s\.io/function`)

// pluginText checks configurations that start on a line of at.file.
func (c *checker) pluginText(at place, line int, text string) {
	if found := functions.FindStringIndex(text); found != nil {
		source := manifest.Source{File: at.file, Line: max(line, 1) + strings.Count(text[:found[0]], "\n")}
		c.add(source, "functions that are programs or containers are not run", "commit the objects that it makes, or use a transformer that is built into kustomize")
		return
	}
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	for {
		root, err := decode(decoder)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil || len(root.Content) == 0 {
			return // kustomize reports the problem
		}
		if doc := c.resolved(at.file, root.Content[0]); doc != nil {
			move(doc, line-1)
			c.pluginConfig(at, doc)
		}
	}
}

// decode reads a document, on which the library may panic.
func decode(decoder *yaml.Decoder) (root yaml.Node, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("it cannot be read")
		}
	}()
	err = decoder.Decode(&root)
	return root, err
}

// move adds lines to the position of a node.
func move(n *yaml.Node, lines int) {
	n.Line += lines
	for _, inner := range n.Content {
		move(inner, lines)
	}
}

// pluginConfig checks the files that the configuration of a plugin names.
func (c *checker) pluginConfig(at place, doc *yaml.Node) {
	kind := child(doc, "kind")
	if kind == nil {
		return
	}
	at.field = kind.Value
	if kind.Value == "HelmChartInflationGenerator" {
		c.refuseCharts(at, kind)
		return
	}
	entries := []*yaml.Node{child(doc, "path")}
	for _, list := range []string{"paths", "files", "envs", "replacements"} {
		c.each(child(doc, list), func(n *yaml.Node) {
			if list == "replacements" {
				n = child(n, "path")
			}
			entries = append(entries, n)
		})
	}
	for _, n := range append(entries, child(doc, "env")) {
		c.refuseForeign(at, n)
	}
}

// refuseForeign refuses paths that cannot be in the repository. kustomize reports
// missing files, since it knows the base of the path. The path cannot lead out, because
// the root of the revision is that of the file system.
func (c *checker) refuseForeign(at place, n *yaml.Node) {
	if n == nil || n.Kind != yaml.ScalarNode || isInline(n) {
		return
	}
	name := n.Value
	if _, after, found := strings.Cut(name, "="); found && at.field != "PatchTransformer" {
		name = after
	}
	c.foreign(at.source(n), at.field, name, ".")
}

func (c *checker) refuseCharts(at place, n *yaml.Node) {
	c.add(at.source(n), "charts that are not named under helmCharts are not rendered",
		"name it there; or make the chart an app of its own")
}
