package argo

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// left are parameters that a template has left as they are, or has no value for. In the values
// of a chart, they may be what its own templates read.
var left = regexp.MustCompile(`\{\{[^{}]*\}\}|<no value>`)

// unfilled is the first parameter that is left in a text; "" if there is none.
func unfilled(text string) string { return left.FindString(text) }

func notFilled(parameter string) string {
	if !strings.HasPrefix(parameter, "{{") {
		return "a parameter has no value: no generator gives one of that name"
	}
	return manifest.Clean(parameter) + " is not filled: no generator gives a parameter of that name"
}

// decisive are the fields of an Application, and those of its sources, in which no parameter is
// ever meant to be left.
var (
	decisive  = []string{"metadata.name", "metadata.namespace", "spec.project", "spec.destination.name", "spec.destination.server", "spec.destination.namespace"}
	ofSources = []string{"repoURL", "path", "targetRevision", "chart", "ref"}
)

// checkFilled reports the first parameter that is left where it decides what is deployed, and
// where to.
func (s *set) checkFilled(o *manifest.Object, params map[string]any) bool {
	fields := slices.Clone(decisive)
	spec := meaning.Read(o, nil).Spec()
	for i := range spec.Maps("sources") {
		for _, field := range ofSources {
			fields = append(fields, fmt.Sprintf("spec.sources[%d].%s", i, field))
		}
	}
	for _, field := range ofSources {
		fields = append(fields, "spec.source."+field)
	}
	for _, field := range fields {
		value, _ := o.ValueAt(field)
		text, _ := value.(string)
		if parameter := unfilled(text); parameter != "" {
			s.reader.Add("spec.template."+field, field+": "+notFilled(parameter), s.parametersHint(params))
			return false
		}
	}
	return true
}

// maxParameters bounds the parameters that a hint names.
const maxParameters = 12

// parametersHint names the parameters that there are.
func (s *set) parametersHint(params map[string]any) string {
	flat := map[string]any{}
	flatten(flat, "", params)
	names := slices.Sorted(keysOf(flat))
	if len(names) == 0 {
		return "write the value"
	}
	more := ""
	if len(names) > maxParameters {
		names, more = names[:maxParameters], ", …"
	}
	if s.lang.isGo {
		for i, name := range names {
			names[i] = "." + name
		}
	}
	hint := "write the value; parameters are " + manifest.Clean(strings.Join(names, ", ")) + more
	if _, ofCluster := flat["nameNormalized"]; ofCluster {
		hint += "\nof a cluster, the labels and annotations in clusters/ of admin.git, or in the server's configuration, are known; pushboat render takes --cluster-labels and --cluster-annotation"
	}
	return hint
}
