package argo

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
)

// Limits of generators.
const (
	maxNested     = 3       // generators in generators
	maxConfigFile = 1 << 20 // bytes of a file of the git generator
)

// refusedGenerators are those that know what no push has, and the way out.
var refusedGenerators = map[string]string{
	"pullRequest": "list what it would find with a list generator, or give each its folder and use the git generator",
	"scmProvider": "commit the list of repositories as a list generator, or as a file for the git generator",
	"plugin":      "commit what the plugin answers as a list generator, or as a file for the git generator",

	"clusterDecisionResource": "select clusters by their labels with the clusters generator",
}

// generate returns the parameters that a generator makes. given are those of the generator
// before in a matrix.
func (s *set) generate(g *meaning.Map, given map[string]any, depth int) []map[string]any {
	var kinds []string
	for _, kind := range g.Names() {
		if kind != "selector" {
			kinds = append(kinds, kind)
		}
	}
	if depth > maxNested || len(kinds) != 1 {
		g.Problem("", "a generator is one of list, clusters, git, matrix, merge, at most "+strconv.Itoa(maxNested)+" deep", "write one of them")
		return nil
	}
	kind := kinds[0]
	m := g.Map(kind)
	m.Raw("template")
	m.Without("requeueAfterSeconds", "a push is what changes it")
	var all []map[string]any
	switch kind {
	case "list":
		all = s.list(m, given)
	case "clusters":
		all = s.clusters(m, given)
	case "git":
		all = s.git(m, given)
	case "matrix":
		all = s.matrix(m, given, depth)
	case "merge":
		all = s.merge(m, given, depth)
	default:
		hint, refused := refusedGenerators[kind]
		if !refused {
			hint = "generators are list, clusters, git, matrix and merge"
		}
		g.Problem(kind, fmt.Sprintf("the generator %s cannot be had here", kind), hint)
		g.Raw(kind)
		for _, field := range m.Names() {
			m.Raw(field)
		}
	}
	if err := s.lang.generated(all); err != nil {
		g.Problem(kind, g.At(kind)+": "+err.Error(), "take what is not wanted out of the generators, instead of selecting among all of it")
		return nil
	}
	return s.selected(g, all)
}

// selected are those whose parameters the selector of a generator selects.
func (s *set) selected(g *meaning.Map, all []map[string]any) []map[string]any {
	raw, ok := g.Raw("selector").(map[string]any)
	if !ok {
		return all
	}
	selector := s.selector(g, raw)
	return slices.DeleteFunc(all, func(params map[string]any) bool {
		flat := map[string]any{}
		flatten(flat, "", params)
		is := labels.Set{}
		for key, value := range flat {
			is[key] = fmt.Sprint(value)
		}
		return !selector.Matches(is)
	})
}

// selector reads a selector of labels.
func (s *set) selector(m *meaning.Map, raw map[string]any) labels.Selector {
	text, err := json.Marshal(raw)
	var is metav1.LabelSelector
	if err == nil {
		err = yaml.UnmarshalStrict(text, &is)
	}
	selector := labels.Nothing()
	if err == nil {
		selector, err = metav1.LabelSelectorAsSelector(&is)
	}
	if err != nil {
		m.Problem("selector", "selector: "+oneLine(err), "write matchLabels or matchExpressions")
		return labels.Nothing()
	}
	return selector
}

// filled is a value of a generator with parameters of the one before in it.
func (s *set) filled(m *meaning.Map, field string, given map[string]any) any {
	value := m.Raw(field)
	if given == nil || value == nil {
		return value
	}
	filled, err := s.lang.fill(value, given)
	if err != nil {
		m.Problem(field, m.At(field)+": "+templateError(err), templateHint)
	}
	return filled
}

// filledText is filled for a text.
func (s *set) filledText(m *meaning.Map, field string, given map[string]any) string {
	m.Text(field) // which says if it is none
	text, _ := s.filled(m, field, given).(string)
	return text
}

// list are the elements of a list generator.
func (s *set) list(m *meaning.Map, given map[string]any) []map[string]any {
	elements := m.List("elements")
	if given != nil {
		elements, _ = s.filled(m, "elements", given).([]any)
	}
	if text := m.Text("elementsYaml"); text != "" {
		filled, err := s.lang.text(text, given)
		var more []any
		if err == nil {
			err = meaning.Unmarshal([]byte(filled), &more)
		}
		if err != nil {
			m.Problem("elementsYaml", m.At("elementsYaml")+": "+templateError(err), templateHint)
		}
		elements = append(slices.Clip(elements), more...)
	}
	var all []map[string]any
	for i, element := range elements {
		fields, ok := element.(map[string]any)
		if !ok {
			s.reader.Add(fmt.Sprintf("%s[%d]", m.At("elements"), i), "an element is no mapping", "write a mapping of names")
			continue
		}
		if params := maps.Clone(fields); s.lang.isGo {
			all = append(all, params)
		} else {
			flat := map[string]any{}
			flatten(flat, "", params)
			all = append(all, flat)
		}
	}
	return all
}

// flatten writes nested values with dots in their names, and as texts.
func flatten(into map[string]any, prefix string, value any) {
	name := func(key string) string { return strings.TrimPrefix(prefix+"."+key, ".") }
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			flatten(into, name(key), inner)
		}
	case []any:
		for i, inner := range value {
			flatten(into, name(strconv.Itoa(i)), inner)
		}
	case nil:
		into[prefix] = ""
	case float64:
		into[prefix] = strconv.FormatFloat(value, 'f', -1, 64)
	default:
		into[prefix] = fmt.Sprint(value)
	}
}

// clusters are the clusters that a clusters generator selects.
func (s *set) clusters(m *meaning.Map, given map[string]any) []map[string]any {
	selector := labels.Everything()
	if raw, ok := s.filled(m, "selector", given).(map[string]any); ok {
		selector = s.selector(m, raw)
	}
	m.Without("flatList", "it is a list of Argo CD's own")
	m.Raw("values") // known, also where no cluster is selected
	world := s.tree.world
	known := world.Clusters
	if len(known) == 0 {
		known = appfile.Clusters{appfile.DefaultCluster: nil}
	}
	var all []map[string]any
	for _, cluster := range slices.Sorted(maps.Keys(known)) {
		has := map[string]any{secretType: "cluster"}
		is := labels.Set{secretType: "cluster"}
		marks, notes := appfile.Apart(known[cluster])
		for key, value := range marks {
			has[key], is[key] = value, value
		}
		annotations := map[string]any{}
		for key, value := range notes {
			annotations[key] = value
		}
		if !selector.Matches(is) {
			continue
		}
		called, server := cluster, world.Servers[cluster]
		if cluster == appfile.DefaultCluster {
			called, server = inCluster, inClusterServer
		} else if server == "" {
			server = cluster
		}
		params := map[string]any{"name": called, "nameNormalized": sanitize(called), "server": server, "project": ""}
		s.nest(params, "metadata", map[string]any{"labels": has, "annotations": annotations})
		all = s.with(m, params, given, all)
	}
	if len(all) == 0 {
		m.Note("selector", "no cluster that this repository may use has "+selector.String()+", so the generator makes nothing; it does when one comes")
	}
	return all
}

// nest puts a mapping among parameters: as such for Go's templates, else with dots.
func (s *set) nest(params map[string]any, key string, value map[string]any) {
	if s.lang.isGo {
		params[key] = value
		return
	}
	flatten(params, key, value)
}

// with appends parameters with the values of a generator, which may use them.
func (s *set) with(m *meaning.Map, params, given map[string]any, all []map[string]any) []map[string]any {
	if values, ok := m.Raw("values").(map[string]any); ok {
		use := maps.Clone(params)
		maps.Copy(use, given)
		filled, err := s.lang.fill(values, use)
		if err != nil {
			m.Problem("values", m.At("values")+": "+templateError(err), templateHint)
			return all
		}
		if values, ok := filled.(map[string]any); ok {
			s.nest(params, "values", values)
		}
	}
	return append(all, params)
}

// matrix combines the parameters of two generators.
func (s *set) matrix(m *meaning.Map, given map[string]any, depth int) []map[string]any {
	inner := m.Maps("generators")
	if len(inner) != 2 {
		m.Problem("generators", fmt.Sprintf("a matrix has two generators, not %d", len(inner)), "nest another matrix for a third")
		return nil
	}
	var all []map[string]any
	before := s.generate(inner[0], given, depth+1)
	if len(before) == 0 {
		for _, field := range inner[1].Names() {
			inner[1].Raw(field) // it is known, and makes nothing
		}
	}
	for _, first := range before {
		use := maps.Clone(given)
		if use == nil {
			use = map[string]any{}
		}
		maps.Copy(use, first)
		wrong := len(s.reader.Problems)
		for _, second := range s.generate(inner[1], use, depth+1) {
			combined, _ := merged(first, second, false).(map[string]any)
			all = append(all, combined)
			if len(all) > meaning.MaxApps {
				s.tooMany()
				return nil
			}
		}
		if len(s.reader.Problems) > wrong {
			return nil // the same for every one
		}
	}
	return all
}

// merge puts the parameters of generators over those of the first that have the same keys.
func (s *set) merge(m *meaning.Map, given map[string]any, depth int) []map[string]any {
	inner, keys := m.Maps("generators"), m.Texts("mergeKeys")
	if len(inner) < 2 || len(keys) == 0 {
		m.Problem("generators", "a merge has two or more generators, and mergeKeys", "write mergeKeys: [NAME]")
		return nil
	}
	all := s.generate(inner[0], given, depth+1)
	for _, g := range inner[1:] {
		over := map[string]map[string]any{}
		for _, params := range s.generate(g, given, depth+1) {
			key := keyOf(params, keys)
			if over[key] != nil {
				m.Problem("mergeKeys", fmt.Sprintf("two elements of a generator have the same %s", strings.Join(keys, ", ")), "name keys in which they differ")
				return nil
			}
			over[key] = params
		}
		for i, params := range all {
			if more := over[keyOf(params, keys)]; more != nil {
				all[i], _ = merged(params, more, false).(map[string]any)
			}
		}
	}
	return all
}

// keyOf is what parameters have under the keys of a merge.
func keyOf(params map[string]any, keys []string) string {
	flat := map[string]any{}
	flatten(flat, "", params)
	values := make([]string, len(keys))
	for i, key := range keys {
		values[i] = fmt.Sprintf("%q", fmt.Sprint(flat[key]))
		if flat[key] == nil && !reflect.ValueOf(params[key]).IsValid() {
			values[i] = "-"
		}
	}
	return strings.Join(values, " ")
}
