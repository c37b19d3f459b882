package appfile

import (
	"encoding/json"

	"go.yaml.in/yaml/v3"
)

// Helm is how the chart of an app is rendered. The zero value is the chart with
// its own values, as a release named after the app.
type Helm struct {
	ReleaseName string       `json:"releaseName,omitempty"` // a DNS label of at most MaxNameLength; "": the app's name
	Values      []HelmValues `json:"values,omitempty"`      // later ones win
}

// HelmValues are values for a chart: those of a file, or written in place.
type HelmValues struct {
	File   string          `json:"file,omitempty"` // relative to the app's folder
	Inline json.RawMessage `json:"inline,omitempty"`
	Line   int             `json:"line"` // of the entry
}

// IsZero reports whether nothing is set.
func (h Helm) IsZero() bool { return h.ReleaseName == "" && len(h.Values) == 0 }

func (r *reader) readHelm(app *App, fields map[string]field) {
	f, ok := fields["helm"]
	if !ok {
		return
	}
	settings := r.fields(f.value, "helm", []string{"values", "releaseName"})
	if values, ok := settings["values"]; ok {
		values.name = "helm.values"
		for _, element := range r.list(values, MaxList) {
			app.Helm.Values = append(app.Helm.Values, r.helmValues(element))
		}
	}
	if name, ok := settings["releaseName"]; ok {
		text, ok := r.text(name)
		if message := checkName(text); ok && message != "" {
			r.add(name.line, "helm.releaseName: "+text+" "+message, "")
		}
		app.Helm.ReleaseName = text
	}
	if app.Render == RenderPlain || app.Render == RenderKustomize {
		r.add(f.line, "helm: has no effect with render: "+app.Render, "take one of the two out")
	}
}

// helmValues reads the name of a file, or values that are written in place.
func (r *reader) helmValues(element field) HelmValues {
	values := HelmValues{Line: element.line}
	if element.value.Kind == yaml.MappingNode {
		values.Inline = r.inJSON(element)
		return values
	}
	text, ok := r.text(element)
	if ok && text == "" {
		r.add(element.line, "helm.values: the entry is empty", "name a file, or write values")
	}
	values.File = text
	return values
}
