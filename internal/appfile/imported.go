package appfile

import (
	"fmt"
	"slices"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/window"
)

// What repositories of other tools need to be written as a pushboat.yaml: apps that are
// suspended by Git, folders that hold objects of these tools, and post-renderers.

// readSuspended reads why the app is not deployed.
func (r *reader) readSuspended(app *App, fields map[string]field) {
	f, ok := fields["suspended"]
	if !ok {
		return
	}
	text, ok := r.Text(f)
	if !ok {
		return
	}
	if err := window.CheckReason(text); err != nil {
		r.Add(f.Line, "suspended "+err.Error(), "say in one line why the app is not deployed, or take the field out")
	}
	app.Suspended = text
}

// readLeaveOut reads whose objects are left out.
func (r *reader) readLeaveOut(app *App, fields map[string]field) {
	f, ok := fields["leaveOut"]
	if !ok {
		return
	}
	known := Tools[1:]
	for _, tool := range r.texts(f) {
		if !slices.Contains(known, tool) {
			hint := "write flux or argo"
			if near := manifest.Closest(tool, known); near != "" {
				hint = "did you mean " + near + "?"
			}
			r.Add(f.Line, fmt.Sprintf("leaveOut: %q is not known", manifest.Clean(tool)), hint)
		}
		app.LeaveOut = append(app.LeaveOut, tool)
	}
}

// maxRenderers bounds the post-renderers of a chart.
const maxRenderers = 20

// rendererFields are those fields of a kustomization that a post-renderer may have.
var rendererFields = []string{"patches", "images"}

// postRender reads what is done to the objects of a chart.
func (r *reader) postRender(f field) []Kustomize {
	f.Name = "helm.postRender"
	var all []Kustomize
	for _, element := range r.List(f, maxRenderers) {
		var one Kustomize
		for name, setting := range r.Fields(element.Value, "an entry of helm.postRender", rendererFields) {
			setting.Name = "helm.postRender." + name
			r.List(setting, MaxList)
			text := r.inJSON(setting)
			if name == "images" {
				one.Images = text
			} else {
				one.Patches = text
			}
		}
		all = append(all, one)
	}
	return all
}

// postRenderHooks reads what is done to hooks.
func (r *reader) postRenderHooks(f field) string {
	text, ok := r.Text(f)
	switch {
	case !ok, text == "leave":
		return HooksLeft
	case text != HooksCombined && text != HooksSeparate:
		r.Add(f.Line, fmt.Sprintf("helm.postRenderHooks: %q is not known", text), "write leave, combined or separate")
	}
	return text
}

// The operations whose hooks may be skipped.
const (
	OfInstall = "install"
	OfUpgrade = "upgrade"
)

// skipHooks reads the operations whose hooks are left out.
func (r *reader) skipHooks(f field) []string {
	f.Name = "helm.skipHooks"
	var operations []string
	for _, element := range r.Texts(f, MaxList) {
		element.Name = f.Name
		if operation, ok := r.OneOf(element, OfInstall, OfUpgrade); ok {
			operations = append(operations, operation)
		}
	}
	return operations
}
