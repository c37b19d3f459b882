package appfile

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Manifests are a file or folder of manifests that an app has beside its chart, or a
// glob for such.
type Manifests struct {
	Path string `json:"path"` // relative to the app's folder, clean; it may lead up
	Line int    `json:"line"` // of the entry
}

// readManifests reads the manifests that an app has beside its chart.
func (r *reader) readManifests(app *App, fields map[string]field) {
	f, ok := fields["manifests"]
	if !ok {
		return
	}
	known := map[string]bool{}
	for _, element := range r.List(f, MaxList) {
		text, ok := r.Text(element)
		if !ok {
			continue
		}
		if message, hint := checkManifests(text); message != "" {
			r.Add(element.Line, fmt.Sprintf("manifests: %q %s", text, message), hint)
			continue
		}
		clean := path.Clean(text)
		if known[clean] {
			r.Add(element.Line, fmt.Sprintf("manifests names %q twice", text), "keep one of the two")
			continue
		}
		known[clean] = true
		app.Manifests = append(app.Manifests, Manifests{Path: clean, Line: element.Line})
	}
	if hint := ManifestsHint(app.Render); hint != "" {
		r.Add(f.Line, "manifests: has no effect with render: "+app.Render, hint)
	}
}

// ManifestsHint says where manifests of an app belong that has no chart; "" for one
// that has.
func ManifestsHint(render string) string {
	switch render {
	case RenderPlain:
		return "take it out: all manifests in the app's folder are deployed"
	case RenderKustomize:
		return "name them under resources in the kustomization"
	}
	return ""
}

// checkManifests returns the mistake of an entry of manifests; "" for none.
func checkManifests(text string) (message, hint string) {
	switch {
	case text == "":
		return "is empty", "name a file or a folder, or write a glob such as extra/*.yaml"
	case path.IsAbs(text), strings.Contains(text, "://"):
		return "is no path in the repository", "write the path from the app's folder"
	case strings.Contains(text, `\`):
		return "has a backslash", "separate folders by /"
	case !utf8.ValidString(text) || manifest.Clean(text) != text:
		return "has characters that do not print", ""
	case strings.Contains(text, "**"):
		return "has **", "name the folder: all manifests in it and below are read"
	}
	if _, err := path.Match(text, ""); err != nil {
		return "has a bracket that is not closed", ""
	}
	return "", ""
}
