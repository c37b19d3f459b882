package appfile

import (
	"fmt"
	"path"
	"strings"
)

// MaxSources bounds the further sources of one app.
const MaxSources = 50

// Addition is a folder or chart that an app has beside its own: all of them are rendered, and
// deployed as one.
type Addition struct {
	Path      string      `json:"path"` // as App.Path
	Artifact  Artifact    `json:"artifact,omitzero"`
	Render    string      `json:"render"`
	Kustomize Kustomize   `json:"kustomize,omitzero"`
	Helm      Helm        `json:"helm,omitzero"`
	Manifests []Manifests `json:"manifests,omitempty"`
	Files     Files       `json:"files,omitzero"`
	Exclude   []string    `json:"exclude,omitempty"` // as App.Exclude
}

// With is the app with one of its additions in place of its own folder.
func (a App) With(s Addition) App {
	a.Path, a.Artifact, a.Render, a.Kustomize, a.Helm, a.Manifests, a.Files, a.Exclude = s.Path, s.Artifact, s.Render, s.Kustomize, s.Helm, s.Manifests, s.Files, s.Exclude
	a.Sources = nil
	return a
}

var sourceFields = []string{"path", "artifact", "render", "kustomize", "helm", "manifests", "files"}

// readSources reads what an app has beside its own folder.
func (r *reader) readSources(app *App, fields map[string]field) {
	f, ok := fields["sources"]
	if !ok {
		return
	}
	for _, element := range r.List(f, MaxSources) {
		inner := r.Fields(element.Value, "an entry of sources", sourceFields)
		one := App{Path: ".", Namespace: app.Namespace, Render: RenderAuto}
		if folder, ok := inner["path"]; ok {
			text, ok := r.Text(folder)
			switch message := checkPath(text); {
			case ok && message != "":
				r.Add(folder.Line, fmt.Sprintf("sources: path: %q %s", text, message), "")
			case isGlob(text):
				r.Add(folder.Line, fmt.Sprintf("sources: path: %q is a glob", text), "write an entry for each folder")
			}
			one.Path = path.Clean(strings.TrimSuffix(text, "/"))
		}
		if kind, ok := inner["render"]; ok {
			one.Render, _ = r.OneOf(kind, RenderAuto, RenderPlain, RenderKustomize, RenderHelm)
		}
		r.readKustomize(&one, inner)
		r.readHelm(&one, inner)
		r.readManifests(&one, inner)
		r.readFiles(&one, inner)
		r.readArtifact(&one, inner)
		if len(one.Helm.Generated) > 0 {
			r.Add(element.Line, "sources: helm.generated is only for the app's own chart", "make the chart that needs generated values the app's own")
		}
		app.Sources = append(app.Sources, Addition{
			Path: one.Path, Artifact: one.Artifact, Render: one.Render, Kustomize: one.Kustomize, Helm: one.Helm, Manifests: one.Manifests, Files: one.Files,
		})
	}
}
