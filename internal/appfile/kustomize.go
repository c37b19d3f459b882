package appfile

import (
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Kustomize is an app's addition to the kustomization of its folder. Names and meaning
// are those of kustomization.yaml; the lists are kept in JSON, for kustomize to read.
// The zero value adds nothing.
type Kustomize struct {
	Images     json.RawMessage `json:"images,omitempty"`     // after those that are written there
	Patches    json.RawMessage `json:"patches,omitempty"`    // after those that are written there
	Components json.RawMessage `json:"components,omitempty"` // after those that are written there
	Replicas   json.RawMessage `json:"replicas,omitempty"`   // after those that are written there
	Labels     json.RawMessage `json:"labels,omitempty"`     // after those that are written there
	NamePrefix string          `json:"namePrefix,omitempty"` // before the one that is written there
	NameSuffix string          `json:"nameSuffix,omitempty"` // after the one that is written there
	// CommonAnnotations are put over those that are written there.
	CommonAnnotations map[string]string `json:"commonAnnotations,omitempty"`
	Namespace         string            `json:"namespace,omitempty"` // of all objects, instead of the one that is written there
	// Generate makes a kustomization for a folder that has none, of all manifests in it and below.
	Generate bool `json:"generate,omitempty"`
	// Replace has NamePrefix, NameSuffix, and Images of the same name, take the place of those
	// that are written there, as in a Kustomization of Flux or an Application of Argo CD.
	Replace bool `json:"replace,omitempty"`
}

// IsZero reports whether nothing is added.
func (k Kustomize) IsZero() bool {
	return k.NamePrefix+k.NameSuffix+k.Namespace == "" && !k.Generate && !k.Replace && len(k.Images)+len(k.Patches)+len(k.Components)+len(k.Replicas)+len(k.Labels)+len(k.CommonAnnotations) == 0
}

var kustomizeFields = []string{"images", "patches", "components", "replicas", "namePrefix", "nameSuffix", "labels", "commonAnnotations", "namespace", "generate", "replace"}

func (r *reader) readKustomize(app *App, fields map[string]field) {
	f, ok := fields["kustomize"]
	if !ok {
		return
	}
	lists := map[string]*json.RawMessage{
		"images": &app.Kustomize.Images, "patches": &app.Kustomize.Patches,
		"components": &app.Kustomize.Components, "replicas": &app.Kustomize.Replicas, "labels": &app.Kustomize.Labels,
	}
	texts := map[string]*string{
		"namePrefix": &app.Kustomize.NamePrefix, "nameSuffix": &app.Kustomize.NameSuffix, "namespace": &app.Kustomize.Namespace,
	}
	for name, setting := range r.Fields(f.Value, "kustomize", kustomizeFields) {
		setting.Name = "kustomize." + name
		if into, ok := map[string]*bool{"generate": &app.Kustomize.Generate, "replace": &app.Kustomize.Replace}[name]; ok {
			*into, _ = r.Boolean(setting)
			continue
		}
		if into, ok := texts[name]; ok {
			*into, _ = r.Text(setting)
			if message := checkLabel(*into); name == "namespace" && message != "" {
				r.Add(setting.Line, fmt.Sprintf("kustomize.namespace: %q %s", *into, message), "")
			}
			continue
		}
		if name == "commonAnnotations" {
			app.Kustomize.CommonAnnotations = r.pairs(setting)
			continue
		}
		r.List(setting, MaxList)
		*lists[name] = r.inJSON(setting)
	}
	if app.Render == RenderPlain || app.Render == RenderHelm {
		r.Add(f.Line, "kustomize: has no effect with render: "+app.Render, "take one of the two out")
	}
}

// pairs reads a mapping of texts.
func (r *reader) pairs(f field) map[string]string {
	pairs := map[string]string{}
	for _, entry := range r.Entries(f.Value, f.Name, "write names and texts") {
		if text, ok := r.Text(entry); ok {
			pairs[entry.Name] = text
		}
	}
	return pairs
}

// inJSON returns the value of a field in JSON.
func (r *reader) inJSON(f field) json.RawMessage {
	var value any
	err := decodeNode(f.Value, &value)
	var text []byte
	if err == nil {
		text, err = json.Marshal(value)
	}
	if err != nil {
		r.Add(f.Line, fmt.Sprintf("%s: %v", f.Name, err), "")
	}
	return text
}

// decodeNode decodes a node, on which the library may panic.
func decodeNode(n *yaml.Node, into *any) (err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("it cannot be read")
		}
	}()
	return n.Decode(into)
}
