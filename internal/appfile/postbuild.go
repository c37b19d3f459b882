package appfile

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// PostBuild is what is done to the objects of an app when they are rendered: names in them
// are replaced as Flux does it (see package fluxsubst), and labels and annotations are added. The
// zero value does nothing.
type PostBuild struct {
	// Values are those of names, and win over those of From.
	Values map[string]string `json:"values,omitempty"`
	// From are ConfigMaps and Secrets, all of whose keys are names; later ones win.
	From []ValuesFrom `json:"from,omitempty"`
	// Always replaces names also where no name has a value: by their defaults.
	Always bool `json:"always,omitempty"`
	// Labels and Annotations are added to the metadata of every object, and win over its own.
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// ValuesFrom is a ConfigMap or Secret of the app's cluster.
type ValuesFrom struct {
	Kind      string `json:"kind"` // ConfigMap or Secret
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Optional  bool   `json:"optional,omitempty"` // it need not be there
	// File and Line are where it is named.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Data is what another app of the same revision gives it, which is not asked for on the
	// cluster then; never in a pushboat.yaml.
	Data map[string]string `json:"data,omitempty"`
	// Secret says that Data must not be shown.
	Secret bool `json:"secret,omitempty"`
	// By is that app, and At where the object with Data is written.
	By name.App        `json:"-"`
	At manifest.Source `json:"-"`
}

// Origin names the object.
func (v ValuesFrom) Origin() Origin {
	return Origin{Kind: v.Kind, Namespace: v.Namespace, Name: v.Name}
}

// Source is where it is named.
func (v ValuesFrom) Source() manifest.Source {
	file := v.File
	if file == "" {
		file = Name
	}
	return manifest.Source{File: file, Line: v.Line}
}

// IsZero reports whether nothing is done.
func (p PostBuild) IsZero() bool {
	return !p.Substitutes() && len(p.Labels)+len(p.Annotations) == 0
}

// Substitutes reports whether names are replaced.
func (p PostBuild) Substitutes() bool { return p.Values != nil || len(p.From) > 0 || p.Always }

// Asks reports whether a cluster has to be asked for values.
func (p PostBuild) Asks() bool {
	return slices.ContainsFunc(p.From, func(from ValuesFrom) bool { return from.Data == nil })
}

var (
	postBuildFields  = []string{"values", "from", "labels", "annotations", "always"}
	valuesFromFields = []string{"configMap", "secret", "optional"}
	// postBuildName is the grammar of names (fluxcd/pkg/kustomize, varSubRegex).
	postBuildName = regexp.MustCompile(`^[_a-zA-Z][_a-zA-Z0-9]*$`)
)

func (r *reader) readPostBuild(app *App, fields map[string]field) {
	f, ok := fields["postBuild"]
	if !ok {
		return
	}
	settings := r.Fields(f.Value, "postBuild", postBuildFields)
	app.PostBuild = PostBuild{
		Values: r.textsOf(settings, "values"), Labels: r.textsOf(settings, "labels"), Annotations: r.textsOf(settings, "annotations"),
	}
	if always, ok := settings["always"]; ok {
		app.PostBuild.Always, _ = r.Boolean(always)
	}
	for name := range app.PostBuild.Values {
		if !postBuildName.MatchString(name) {
			r.Add(settings["values"].Line, fmt.Sprintf("postBuild.values: %q is not made of letters, digits and _", name), "for example cluster_domain")
		}
	}
	if from, ok := settings["from"]; ok {
		for _, element := range r.List(from, MaxList) {
			app.PostBuild.From = append(app.PostBuild.From, r.valuesFrom(element, app.Namespace))
		}
	}
}

// textsOf reads a mapping of texts.
func (r *reader) textsOf(settings map[string]field, name string) map[string]string {
	f, ok := settings[name]
	if !ok {
		return nil
	}
	pairs := map[string]string{}
	entries := r.Entries(f.Value, "postBuild."+name, "write NAME: VALUE")
	if len(entries) > MaxList {
		r.Add(f.Line, fmt.Sprintf("postBuild.%s has %d names; at most %d are read", name, len(entries), MaxList), "")
		return nil
	}
	for _, entry := range entries {
		pairs[entry.Name], _ = r.Text(form.Field{Name: "postBuild." + name + "." + entry.Name, Line: entry.Line, Value: entry.Value})
	}
	return pairs
}

// valuesFrom reads which ConfigMap or Secret is meant.
func (r *reader) valuesFrom(element field, namespace string) ValuesFrom {
	settings := r.Fields(element.Value, "an entry of postBuild.from", valuesFromFields)
	return r.fromObject(element, settings, "postBuild.from", namespace)
}

// fromObject reads the object that an entry of a list names.
func (r *reader) fromObject(element field, settings map[string]field, list, namespace string) ValuesFrom {
	from := ValuesFrom{Line: element.Line}
	object, isConfigMap := settings["configMap"]
	secret, isSecret := settings["secret"]
	if isConfigMap == isSecret {
		r.Add(element.Line, "an entry of "+list+" names a configMap or a secret", "for example {configMap: platform/cluster}")
		return from
	}
	from.Kind = "ConfigMap"
	if isSecret {
		from.Kind, object = "Secret", secret
	}
	from.Namespace, from.Name = r.object(object, namespace)
	if optional, ok := settings["optional"]; ok {
		from.Optional, _ = r.Boolean(optional)
	}
	return from
}
