package kustomize

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/pushboat/pushboat/internal/manifest"
)

// fieldNames are the fields of a kustomization. kustomize reads them as JSON, and so
// accepts Resources and RESOURCES for resources.
var fieldNames = func() []string {
	var names []string
	kind := reflect.TypeFor[types.Kustomization]()
	for field := range kind.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}()

// canonical returns kustomize's name for a field.
func canonical(name string) string {
	for _, known := range fieldNames {
		if strings.EqualFold(name, known) {
			return known
		}
	}
	return name
}

// resolved returns a node with aliases and merged mappings (<<) written out, as
// kustomize reads it; nil, with a problem, if that exceeds a limit.
func (c *checker) resolved(file string, root *yaml.Node) *yaml.Node {
	r := &resolver{}
	out := r.node(root, 0)
	if r.tooMuch {
		c.add(manifest.Source{File: file, Line: root.Line}, fmt.Sprintf("aliases repeat more than %d values", manifest.MaxAliasNodes), "write out what is needed")
		return nil
	}
	return out
}

// resolver writes aliases out, within the limits for manifests.
type resolver struct {
	nodes   int
	tooMuch bool
}

func (r *resolver) node(n *yaml.Node, depth int) *yaml.Node {
	if r.nodes++; r.nodes > manifest.MaxAliasNodes || depth > manifest.MaxDepth {
		r.tooMuch = true
	}
	if r.tooMuch {
		return &yaml.Node{}
	}
	if n.Kind == yaml.AliasNode {
		return r.node(n.Alias, depth+1)
	}
	out := *n
	out.Content = nil
	for i := 0; i < len(n.Content); i++ {
		if n.Kind == yaml.MappingNode && n.Content[i].Tag == "!!merge" && i+1 < len(n.Content) {
			out.Content = append(out.Content, r.merged(n.Content[i+1], depth+1)...)
			i++
			continue
		}
		out.Content = append(out.Content, r.node(n.Content[i], depth+1))
	}
	return &out
}

// merged returns the keys and values of a mapping, or of several, to merge.
func (r *resolver) merged(n *yaml.Node, depth int) []*yaml.Node {
	from := r.node(n, depth)
	if from.Kind == yaml.MappingNode {
		return from.Content
	}
	var all []*yaml.Node
	for _, one := range from.Content {
		if one.Kind == yaml.MappingNode {
			all = append(all, one.Content...)
		}
	}
	return all
}

// each calls do for every element of a list.
func (c *checker) each(list *yaml.Node, do func(*yaml.Node)) {
	if list == nil || list.Kind != yaml.SequenceNode {
		return // kustomize reports the right type
	}
	for _, n := range list.Content {
		do(n)
	}
}

// child returns the value of a mapping's key, or nil. Of several, the last counts, as
// for kustomize.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	var value *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if strings.EqualFold(n.Content[i].Value, key) {
			value = n.Content[i+1]
		}
	}
	return value
}
