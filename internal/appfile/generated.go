package appfile

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Generated is a value of a chart that the server generates once, and keeps.
type Generated struct {
	Path   string `json:"path"`             // of the value, such as auth.password; its steps are checked
	Format string `json:"format"`           // FormatAlphanumeric or another of the formats
	Length int    `json:"length,omitempty"` // in characters, for FormatBase64 in bytes before the encoding; 0 for FormatUUID
	Line   int    `json:"line,omitempty"`
}

// The formats of generated values.
const (
	FormatAlphanumeric = "alphanumeric" // letters and digits; a letter first, so that YAML reads no number
	FormatDigits       = "digits"
	FormatHex          = "hex"    // lower case
	FormatBase64       = "base64" // of random bytes, with padding
	FormatUUID         = "uuid"   // version 4
)

// formats are the formats of generated values, each with the length that a value has
// unless another is given.
var formats = []struct {
	Name   string
	Length int
}{{FormatAlphanumeric, 24}, {FormatDigits, 24}, {FormatHex, 64}, {FormatBase64, 32}, {FormatUUID, 0}}

// Limits of a generated value. Most charts and databases ask for at least eight
// characters.
const (
	minGenerated = 8
	maxGenerated = 1024
	// maxGeneratedPaths bounds the generated values of an app.
	maxGeneratedPaths = 50
	// maxSteps bounds the steps of a path.
	maxSteps = 10
)

// Steps are the keys that the path leads through.
func (g Generated) Steps() []string { return strings.Split(g.Path, ".") }

var generatedFields = []string{"path", "length", "format"}

// pathStep is a key of a mapping of values, as charts have them.
var pathStep = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// readGenerated reads which values of a chart are generated.
func (r *reader) readGenerated(f field) []Generated {
	f.Name = "helm.generated"
	var all []Generated
	for _, element := range r.List(f, maxGeneratedPaths) {
		g, ok := r.generated(element)
		if !ok {
			continue
		}
		if other := overlapping(all, g); other != nil {
			r.Add(g.Line, fmt.Sprintf("helm.generated: %s and %s, of line %d, are one value, or one is in the other", g.Path, other.Path, other.Line), "keep one of the two")
			continue
		}
		all = append(all, g)
	}
	return all
}

// overlapping finds a value that is, has in it, or is in another one; nil if none is.
func overlapping(all []Generated, g Generated) *Generated {
	at := slices.IndexFunc(all, func(o Generated) bool {
		return strings.HasPrefix(o.Path+".", g.Path+".") || strings.HasPrefix(g.Path+".", o.Path+".")
	})
	if at < 0 {
		return nil
	}
	return &all[at]
}

// generated reads a path, or a mapping with one.
func (r *reader) generated(element field) (Generated, bool) {
	g := Generated{Format: FormatAlphanumeric, Line: element.Line}
	path, length := element, field{}
	if element.Value.Kind == yaml.MappingNode {
		fields := r.Fields(element.Value, "helm.generated", generatedFields)
		var ok bool
		if path, ok = fields["path"]; !ok {
			r.Add(element.Line, "helm.generated: path is missing", "name the value of the chart, such as path: auth.password")
			return g, false
		}
		if format, ok := fields["format"]; ok {
			if g.Format, ok = r.OneOf(field{Name: "helm.generated.format", Line: format.Line, Value: format.Value}, formatNames()...); !ok {
				return g, false
			}
		}
		length = fields["length"]
	}
	text, ok := r.Text(path)
	if !ok || !r.checkSteps(path.Line, text) {
		return g, false
	}
	g.Path = text
	g.Length, ok = r.generatedLength(g.Format, length)
	return g, ok
}

func formatNames() []string {
	var names []string
	for _, format := range formats {
		names = append(names, format.Name)
	}
	return names
}

func (r *reader) checkSteps(line int, path string) bool {
	steps := strings.Split(path, ".")
	for _, step := range steps {
		if !pathStep.MatchString(step) || len(path) > maxText {
			r.Add(line, fmt.Sprintf("helm.generated: %q is no path of a value", path), "write keys of mappings with dots between, such as auth.password; elements of lists cannot be generated")
			return false
		}
	}
	if len(steps) > maxSteps {
		r.Add(line, fmt.Sprintf("helm.generated: %s has %d steps; at most %d are read", path, len(steps), maxSteps), "")
		return false
	}
	return true
}

// maxText bounds a path, in bytes.
const maxText = 253

// generatedLength reads the length of a value in a format, which has a default.
func (r *reader) generatedLength(format string, f field) (int, bool) {
	if f.Value == nil {
		at := slices.Index(formatNames(), format)
		return formats[at].Length, true
	}
	text, ok := r.Text(f)
	if !ok {
		return 0, false
	}
	length, err := strconv.Atoi(text)
	switch {
	case format == FormatUUID:
		r.Add(f.Line, "helm.generated.length has no effect with format: uuid", "take it out")
	case err != nil || length < minGenerated || length > maxGenerated:
		r.Add(f.Line, fmt.Sprintf("helm.generated.length: %s is no number from %d to %d", text, minGenerated, maxGenerated), "")
	default:
		return length, true
	}
	return 0, false
}
