package appfile

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Helm is how the chart of an app is rendered. The zero value is the chart with
// its own values, as a release named after the app.
type Helm struct {
	ReleaseName string       `json:"releaseName,omitempty"` // a name as an app may have; "": the app's name
	Values      []HelmValues `json:"values,omitempty"`      // later ones win

	// Chart is the name of a chart of a registry, which is rendered instead of one
	// in the app's folder; "" for none. Version is exact, a range, or what CheckVersion
	// has; Repo the address of the registry; Digest that of the archive, or "" for whatever
	// the version was when it was first seen.
	Chart   string `json:"chart,omitempty"`
	Version string `json:"version,omitempty"`
	Repo    string `json:"repo,omitempty"`
	Digest  string `json:"digest,omitempty"`
	Line    int    `json:"line,omitempty"` // of Chart
	// Verify is whose signature the chart has to have; nil: none.
	Verify *Verify `json:"verify,omitempty"`

	// ReplaceValues has Values take the place of the chart's own, instead of going over them.
	ReplaceValues bool `json:"replaceValues,omitempty"`
	// SkipCRDs leaves out the folders crds of the chart.
	SkipCRDs bool `json:"skipCRDs,omitempty"`
	// SkipHooks leaves out the hooks before and after these operations: install, upgrade.
	SkipHooks []string `json:"skipHooks,omitempty"`
	// Parameters are single values, after Values: those of Value, then texts, then files.
	Parameters []Parameter `json:"parameters,omitempty"`

	// Generated are values that the server generates once, and keeps.
	Generated []Generated `json:"generated,omitempty"`

	// PostRender is done to the objects of the chart, one after the other.
	PostRender []Kustomize `json:"postRender,omitempty"`
	// PostRenderHooks is what PostRender does to Helm's hooks: HooksLeft, HooksCombined or
	// HooksSeparate.
	PostRenderHooks string `json:"postRenderHooks,omitempty"`
}

// What is done to the hooks of a chart that is post-rendered (Helm 4, PostRenderStrategy).
const (
	HooksLeft     = ""         // they stay as they are; "leave" in a pushboat.yaml
	HooksCombined = "combined" // they are built together with the other objects
	HooksSeparate = "separate" // they are built by themselves
)

// Parameter is one value of a chart, as helm template --set has it: the name has keys with dots
// between, and places in lists (a.b[0].c).
type Parameter struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
	Text  bool   `json:"text,omitempty"` // Value is text, whatever it looks like
	File  string `json:"file,omitempty"` // whose content is the value; relative to the app's folder
	Line  int    `json:"line,omitempty"` // of the entry
}

// HelmValues are values for a chart: those of a file, written in place, or on a cluster.
type HelmValues struct {
	File   string          `json:"file,omitempty"` // relative to the app's folder, or see ChartFile
	Inline json.RawMessage `json:"inline,omitempty"`
	From   *HelmFrom       `json:"from,omitempty"` // on the app's cluster
	Line   int             `json:"line"`           // of the entry
	// Secret says that Inline is of a Secret; never in a pushboat.yaml.
	Secret bool `json:"secret,omitempty"`

	// Beneath says that Inline is of a ConfigMap or Secret: it lies below the values that are
	// written after all of these. At is the place where it belongs, see CheckTarget: it is the
	// text of one value then, which stays a text if Text is set. "": it is a mapping.
	Beneath bool   `json:"beneath,omitempty"`
	At      string `json:"at,omitempty"`
	Text    bool   `json:"text,omitempty"`
}

// ChartFile begins the name of a file of values in the chart itself: chart:values-prod.yaml.
const ChartFile = "chart:"

// InChart is the path in the chart of a file of values, if it is there.
func InChart(file string) (inside string, ok bool) { return strings.CutPrefix(file, ChartFile) }

// IsZero reports whether nothing is set.
func (h Helm) IsZero() bool {
	return h.ReleaseName+h.Chart == "" && !h.SkipCRDs && !h.ReplaceValues && len(h.SkipHooks)+len(h.Values)+len(h.Generated)+len(h.Parameters)+len(h.PostRender) == 0
}

var helmFields = []string{"values", "valuesFrom", "releaseName", "chart", "version", "repo", "digest", "generated", "skipCRDs", "skipHooks", "parameters", "postRender", "postRenderHooks", "replaceValues", "verify"}

func (r *reader) readHelm(app *App, fields map[string]field) {
	f, ok := fields["helm"]
	if !ok {
		return
	}
	settings := r.Fields(f.Value, "helm", helmFields)
	if from, ok := settings["valuesFrom"]; ok {
		from.Name = "helm.valuesFrom"
		for _, element := range r.List(from, MaxList) {
			app.Helm.Values = append(app.Helm.Values, r.helmFrom(element, app.Namespace))
		}
	}
	if values, ok := settings["values"]; ok {
		values.Name = "helm.values"
		for _, element := range r.List(values, MaxList) {
			app.Helm.Values = append(app.Helm.Values, r.helmValues(element))
		}
	}
	if name, ok := settings["releaseName"]; ok {
		text, ok := r.Text(name)
		if message := checkName(text); ok && message != "" {
			r.Add(name.Line, "helm.releaseName: "+text+" "+message, "")
		}
		app.Helm.ReleaseName = text
	}
	if generated, ok := settings["generated"]; ok {
		app.Helm.Generated = r.readGenerated(generated)
	}
	if skip, ok := settings["skipCRDs"]; ok {
		app.Helm.SkipCRDs, _ = r.Boolean(skip)
	}
	if skip, ok := settings["skipHooks"]; ok {
		app.Helm.SkipHooks = r.skipHooks(skip)
	}
	if replace, ok := settings["replaceValues"]; ok {
		app.Helm.ReplaceValues, _ = r.Boolean(replace)
	}
	if parameters, ok := settings["parameters"]; ok {
		parameters.Name = "helm.parameters"
		for _, element := range r.List(parameters, MaxList) {
			app.Helm.Parameters = append(app.Helm.Parameters, r.parameter(element))
		}
	}
	if renderers, ok := settings["postRender"]; ok {
		app.Helm.PostRender = r.postRender(renderers)
	}
	if hooks, ok := settings["postRenderHooks"]; ok {
		app.Helm.PostRenderHooks = r.postRenderHooks(hooks)
	}
	r.readChart(&app.Helm, f.Line, settings)
	if verify, ok := settings["verify"]; ok {
		app.Helm.Verify = r.readChartVerify(verify, app)
	}
	if app.Render == RenderPlain || app.Render == RenderKustomize {
		r.Add(f.Line, "helm: has no effect with render: "+app.Render, "take one of the two out")
	}
}

// helmValues reads the name of a file, or values that are written in place.
func (r *reader) helmValues(element field) HelmValues {
	values := HelmValues{Line: element.Line}
	if element.Value.Kind == yaml.MappingNode {
		values.Inline = r.inJSON(element)
		return values
	}
	text, ok := r.Text(element)
	inside, inChart := InChart(text)
	switch {
	case ok && text == "":
		r.Add(element.Line, "helm.values: the entry is empty", "name a file, or write values")
	case inChart && !fs.ValidPath(path.Clean(inside)):
		r.Add(element.Line, fmt.Sprintf("helm.values: %q leads out of the chart", text), "the path is from the chart's root, as in chart:values-prod.yaml")
	}
	values.File = text
	return values
}

var parameterFields = []string{"name", "value", "text", "file"}

// parameter reads one value of a chart.
func (r *reader) parameter(element field) Parameter {
	p := Parameter{Line: element.Line}
	before := len(r.Problems)
	fields := r.Fields(element.Value, "an entry of helm.parameters", parameterFields)
	for name, into := range map[string]*string{"name": &p.Name, "value": &p.Value, "file": &p.File} {
		if f, ok := fields[name]; ok {
			*into, _ = r.Text(f)
		}
	}
	if f, ok := fields["text"]; ok {
		p.Text, _ = r.Boolean(f)
	}
	_, given := fields["value"]
	switch _, file := fields["file"]; {
	case len(r.Problems) > before:
	case p.Name == "":
		r.Add(element.Line, "an entry of helm.parameters has no name", "for example {name: image.tag, value: \"2\"}")
	case given == file:
		r.Add(element.Line, "helm.parameters: "+p.Name+" has to have a value or a file", "for example {name: "+p.Name+", value: \"2\"}")
	}
	return p
}

// readChart reads which chart of a registry is meant, if one is.
func (r *reader) readChart(helm *Helm, line int, settings map[string]field) {
	for name, into := range map[string]*string{"chart": &helm.Chart, "version": &helm.Version, "repo": &helm.Repo, "digest": &helm.Digest} {
		f, ok := settings[name]
		if !ok {
			continue
		}
		text, ok := r.Text(f)
		if ok && text == "" {
			r.Add(f.Line, "helm."+name+" is empty", "name the chart, its version and its registry")
		}
		*into = text
	}
	f, ok := settings["chart"]
	if !ok {
		for _, name := range []string{"version", "repo", "digest"} {
			if f, ok := settings[name]; ok {
				r.Add(f.Line, "helm."+name+" is of a chart of a registry, and helm.chart is not set", "add chart: NAME")
			}
		}
		return
	}
	helm.Line = f.Line
	switch version, ok := settings["version"]; {
	case !ok:
		r.Add(f.Line, "helm.version is missing", "add version: with the exact version, such as version: 1.2.3, or a range, such as version: ~1.2; helm search repo -l lists them")
	case helm.Version != "":
		r.checkVersion(versioned{"helm", helm.Repo, helm.Version, helm.Digest}, version.Line)
	}
	if _, ok := settings["repo"]; !ok {
		r.Add(f.Line, "helm.repo is missing", "add repo: with the address of the registry, such as https://charts.example.org or oci://registry.example.org/charts")
	}
	if digest, ok := settings["digest"]; ok && helm.Digest != "" && !exactDigest.MatchString(helm.Digest) {
		r.Add(digest.Line, fmt.Sprintf("helm.digest: %q is no digest", helm.Digest), "write sha256: and 64 hexadecimal digits; sha256sum CHART.tgz prints them")
	}
}

var exactDigest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
