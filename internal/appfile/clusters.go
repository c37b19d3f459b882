package appfile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Clusters are clusters that a server knows: by name, each with its labels, and beside them its
// annotations, see Annotated. An entry with clusters makes an app for each of them that matches.
type Clusters map[string]map[string]string

// annotationKey begins the keys of annotations among labels. No key of a label has a colon, so no
// selector and no name in braces finds one.
const annotationKey = "annotation:"

// Annotated are labels with annotations beside them.
func Annotated(labels, annotations map[string]string) map[string]string {
	if len(annotations) == 0 {
		return labels
	}
	both := maps.Clone(labels)
	if both == nil {
		both = map[string]string{}
	}
	for key, value := range annotations {
		both[annotationKey+key] = value
	}
	return both
}

// Apart are labels and annotations apart; neither is nil.
func Apart(both map[string]string) (labels, annotations map[string]string) {
	labels, annotations = map[string]string{}, map[string]string{}
	for key, value := range both {
		if called, is := strings.CutPrefix(key, annotationKey); is {
			annotations[called] = value
		} else {
			labels[key] = value
		}
	}
	return labels, annotations
}

// Selection is the choice of clusters by an entry of the file.
type Selection struct {
	Branch   name.Branch // of the entry
	Selector string      // in words: region=eu,tier in (gold,silver)
	Matches  []string    // the clusters, by name
	Source   manifest.Source
}

// The names in braces that an entry with clusters has, besides those of its matrix.
const (
	clusterName   = "cluster"         // ${cluster} is the name of the cluster
	clusterLabels = "cluster.labels." // ${cluster.labels.region} is the value of a label
)

// Values of a cell that no placeholder can name.
const (
	selectedBy = "/selector" // in words
	noCluster  = "/none"     // the cell is for no cluster: it shows whether the entry is right, and makes no app
)

// someCluster is the name of the cluster in such a cell.
const someCluster = "cluster"

const selectorHint = "for example clusters: {matchLabels: {region: eu}}"

var selectorFields = []string{"matchLabels", "matchExpressions"}

// selectClusters returns the cells of an entry, each with a cluster that the entry selects; the cells
// themselves if it selects none.
func (r *reader) selectClusters(element field, cells []cell) []cell {
	if _, ok := valueOf(element.Value, "clusters"); !ok {
		return cells
	}
	var all []cell
	for _, c := range cells {
		if c[clusterName] != nil {
			r.Add(element.Line, "matrix: the name cluster is that of clusters", "give the axis another name")
			return nil
		}
		before := len(r.Problems)
		filled := c.fill(element.Value)
		if chosen := r.selection(filled); chosen != nil {
			all = append(all, times([]cell{c}, r.match(filled, chosen))...)
		}
		r.tellOnce(before)
		if len(all) > MaxApps {
			r.Add(element.Line, fmt.Sprintf("clusters: it makes more than %d apps", MaxApps), "split the entry")
			return nil
		}
	}
	return all
}

// selection reads the clusters of an entry before its other fields can be read; nil if it
// has none.
func (r *reader) selection(entry *yaml.Node) *chosen {
	f, ok := valueOf(entry, "clusters")
	if !ok {
		return nil
	}
	if one, both := valueOf(entry, "cluster"); both {
		r.Add(one.Line, "cluster and clusters are both given", "keep one of the two")
	}
	if branch, ok := valueOf(entry, "branch"); ok && (mentions(branch.Value, clusterName) || len(usesOf(branch.Value)) > 0) {
		r.Add(branch.Line, "branch: it cannot depend on the cluster", "write an entry for each branch")
	}
	before := len(r.Problems)
	fields := r.Fields(f.Value, "clusters", selectorFields)
	if len(fields) == 0 && len(r.Problems) == before {
		r.Add(f.Line, "clusters selects none", selectorHint+"; matchLabels: {} selects all")
	}
	selector, err := metav1.LabelSelectorAsSelector(&metav1.LabelSelector{
		MatchLabels: r.matchLabels(fields), MatchExpressions: r.matchExpressions(fields),
	})
	if err != nil && len(r.Problems) == before {
		r.Add(f.Line, "clusters: "+oneLine(err), "keys and values are as in metadata.labels: letters, digits, - _ and .")
	}
	if len(r.Problems) > before {
		return &chosen{selector: labels.Nothing(), line: f.Line}
	}
	return &chosen{selector: selector, line: f.Line}
}

// chosen is a selection that is being read.
type chosen struct {
	selector labels.Selector
	line     int
}

func oneLine(err error) string {
	first, _, _ := strings.Cut(manifest.Clean(err.Error()), "\n")
	return first
}

func (r *reader) matchLabels(fields map[string]field) map[string]string {
	f, ok := fields["matchLabels"]
	if !ok {
		return nil
	}
	match := map[string]string{}
	for _, entry := range r.Entries(f.Value, "matchLabels", selectorHint) {
		if value, ok := r.Text(entry); ok {
			match[entry.Name] = value
		}
	}
	return match
}

var expressionFields = []string{"key", "operator", "values"}

func (r *reader) matchExpressions(fields map[string]field) []metav1.LabelSelectorRequirement {
	f, ok := fields["matchExpressions"]
	if !ok {
		return nil
	}
	var list []metav1.LabelSelectorRequirement
	for _, element := range r.List(f, MaxList) {
		parts := r.Fields(element.Value, "an entry of matchExpressions", expressionFields)
		var is metav1.LabelSelectorRequirement
		if key, ok := parts["key"]; ok {
			is.Key, _ = r.Text(key)
		}
		if operator, ok := parts["operator"]; ok {
			word, _ := r.OneOf(operator, string(metav1.LabelSelectorOpIn), string(metav1.LabelSelectorOpNotIn),
				string(metav1.LabelSelectorOpExists), string(metav1.LabelSelectorOpDoesNotExist))
			is.Operator = metav1.LabelSelectorOperator(word)
		} else if len(parts) > 0 {
			r.Add(element.Line, "an entry of matchExpressions has no operator", "for example {key: region, operator: In, values: [eu, us]}")
		}
		if values, ok := parts["values"]; ok {
			is.Values = r.texts(values)
		}
		list = append(list, is)
	}
	return list
}

// match returns a cell for each cluster that is selected, or where there is none one that
// makes no app.
func (r *reader) match(entry *yaml.Node, c *chosen) []cell {
	used := usesOf(entry)
	var cells []cell
	for _, cluster := range slices.Sorted(maps.Keys(r.clusters)) {
		has := labels.Set(r.clusters[cluster])
		if !c.selector.Matches(has) {
			continue
		}
		of, complete := cell{clusterName: text(cluster), selectedBy: text(words(c.selector))}, true
		for _, use := range used {
			value, ok := has[strings.TrimPrefix(use, clusterLabels)]
			if complete = complete && ok; !ok {
				r.Add(c.line, fmt.Sprintf("${%s} stands in the entry, and cluster %s has no such label", use, cluster),
					fmt.Sprintf("select those that have it: matchExpressions: [{key: %s, operator: Exists}]", strings.TrimPrefix(use, clusterLabels)))
			}
			of[use] = text(value)
		}
		if complete {
			cells = append(cells, of)
		}
	}
	if len(cells) > 0 {
		return cells
	}
	none := cell{clusterName: text(someCluster), selectedBy: text(words(c.selector)), noCluster: text("")}
	for _, use := range used {
		none[use] = text(someCluster)
	}
	return []cell{none}
}

// words describes a selector.
func words(selector labels.Selector) string { return cmp.Or(selector.String(), "any labels") }

func isClusterLabel(use string) bool { return strings.HasPrefix(use, clusterLabels) }

// usesOf lists the labels of clusters that stand in braces anywhere in an entry, each once.
func usesOf(n *yaml.Node) []string {
	var uses []string
	var visit func(n *yaml.Node)
	visit = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode {
			for _, use := range placeholder.FindAllStringSubmatch(n.Value, -1) {
				if isClusterLabel(use[1]) {
					uses = append(uses, use[1])
				}
			}
		}
		for _, inner := range n.Content {
			visit(inner)
		}
	}
	visit(n)
	slices.Sort(uses)
	return slices.Compact(uses)
}

// onCluster puts the cluster of its cell into an entry, and into its name: NAME-CLUSTER, unless
// the name as written says where the cluster stands.
func (e *entry) onCluster(written *yaml.Node) {
	of := e.cell[clusterName]
	if e.cell[selectedBy] == nil {
		return
	}
	e.app.Cluster = of.Value
	named, ok := valueOf(written, "name")
	if !ok || !mentions(named.Value, clusterName) && len(usesOf(named.Value)) == 0 {
		e.suffix = "-" + of.Value
	}
}

// valueOf finds a field of an entry before its fields can be read.
func valueOf(entry *yaml.Node, key string) (field, bool) {
	if entry.Kind != yaml.MappingNode {
		return field{}, false
	}
	for i := 0; i+1 < len(entry.Content); i += 2 {
		if at := entry.Content[i]; at.Value == key {
			return field{Name: key, Line: at.Line, Value: form.Follow(entry.Content[i+1])}, true
		}
	}
	return field{}, false
}

// note notes the selection that has led to an entry, and reports whether it makes an app.
func (r *reader) note(e entry) bool {
	by := e.cell[selectedBy]
	if by == nil {
		return true
	}
	of := Selection{Branch: e.app.Branch, Selector: by.Value, Source: e.app.Source}
	at := slices.IndexFunc(r.selections, func(s Selection) bool {
		return s.Source == of.Source && s.Selector == of.Selector && s.Branch == of.Branch
	})
	if at < 0 {
		at = len(r.selections)
		r.selections = append(r.selections, of)
	}
	if e.cell[noCluster] != nil {
		return false
	}
	if s := &r.selections[at]; !slices.Contains(s.Matches, e.app.Cluster) {
		s.Matches = append(s.Matches, e.app.Cluster)
	}
	return true
}

// hasAxes reports whether the cell has values of a matrix.
func (c cell) hasAxes() bool {
	for name := range c {
		switch {
		case strings.HasPrefix(name, "/"), isClusterLabel(name):
		case name == clusterName && c[selectedBy] != nil, name == folderName && c[wholePath] != nil:
		default:
			return true
		}
	}
	return false
}

// selectionsOf are those of a branch; "" for all.
func (r *reader) selectionsOf(branch name.Branch) []Selection {
	return slices.DeleteFunc(r.selections, func(s Selection) bool { return branch != "" && s.Branch != branch })
}
