package helm

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/pushboat/pushboat/internal/manifest"
)

// checkReferences refuses schemas with outside references: Helm would read the file or
// fetch the address (CVE-2025-55199, CVE-2025-32387).
func (r *renderer) checkReferences(c *chart.Chart) {
	var schema any
	if err := json.Unmarshal(c.Schema, &schema); err == nil {
		refs := &references{known: map[string]bool{}}
		refs.collect(schema, 0)
		for _, ref := range refs.foreign() {
			r.add(r.schemaFile(c), 0, fmt.Sprintf("the schema refers to %q, and nothing is fetched", ref), "copy that schema to definitions, and refer to #/definitions/NAME")
		}
		if refs.deep {
			r.add(r.schemaFile(c), 0, fmt.Sprintf("the schema is nested deeper than %d", manifest.MaxDepth), "")
		}
	}
	for _, inner := range c.Dependencies() {
		r.checkReferences(inner)
	}
}

// schemaFile is the file of a schema, or the archive of its chart.
func (r *renderer) schemaFile(c *chart.Chart) string {
	if c.IsRoot() {
		return path.Join(r.folder, "values.schema.json")
	}
	return path.Join(r.folder, "charts", c.Name(), "values.schema.json")
}

// references are the addresses in a schema.
type references struct {
	known map[string]bool // addresses that the schema gives itself
	used  []string
	deep  bool
}

func (s *references) collect(schema any, depth int) {
	if depth > manifest.MaxDepth {
		s.deep = true
		return
	}
	switch schema := schema.(type) {
	case []any:
		for _, inner := range schema {
			s.collect(inner, depth+1)
		}
	case map[string]any:
		for key, inner := range schema {
			text, isText := inner.(string)
			switch {
			case !isText:
				s.collect(inner, depth+1)
			case key == "$id" || key == "id":
				s.known[withoutFragment(text)] = true
			case key == "$ref" || key == "$dynamicRef" || key == "$recursiveRef" || key == "$schema":
				s.used = append(s.used, text)
			}
		}
	}
}

// drafts are the addresses whose text the library contains.
var drafts = regexp.MustCompile(`^https?://json-schema\.org/(schema|draft-0[4-7]/schema|draft/(2019-09|2020-12)/(schema|meta/[a-z-]+))$`)

// foreign returns the addresses that are neither in the schema nor built in.
func (s *references) foreign() []string {
	var foreign []string
	for _, ref := range s.used {
		to := withoutFragment(ref)
		if to != "" && !drafts.MatchString(to) && !s.known[to] && !strings.HasPrefix(to, "urn:") {
			foreign = append(foreign, ref)
		}
	}
	return foreign
}

func withoutFragment(address string) string {
	address, _, _ = strings.Cut(address, "#")
	return address
}
