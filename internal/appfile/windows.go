package appfile

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/window"
)

// maxWindows bounds the windows of an app: a look at when they open costs as much more.
const maxWindows = 20

// readWindows reads the app's windows.
func (r *reader) readWindows(app *App, f field) {
	lines := map[string]int{}
	for _, element := range r.List(f, maxWindows) {
		if element.Value.Kind != yaml.MappingNode {
			r.Add(element.Line, "a window is not a mapping", "write name: freeze and deny: {from: 2026-12-24, to: 2026-12-27}")
			continue
		}
		w, ok := window.Read(&r.Reader, element.Line, r.Fields(element.Value, "a window", window.Fields))
		if first, twice := lines[w.Name]; twice {
			r.Add(element.Line, fmt.Sprintf("there is a window %s already on line %d", w.Name, first), "give it another name")
			continue
		}
		if ok {
			lines[w.Name] = element.Line
			app.Windows = append(app.Windows, w)
		}
	}
}
