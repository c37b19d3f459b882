package helm

import (
	"fmt"
	"slices"

	"github.com/pushboat/pushboat/internal/appfile"
)

// setGenerated adds the generated values of the app to its values. A value that is
// given as well is refused, since the server cannot know which of the two is meant. An
// empty one does not count: charts have it where they make up a value.
func (r *renderer) setGenerated(values map[string]any) {
	for _, g := range r.release.Settings.Generated {
		steps := g.Steps()
		if at := r.clash(values, steps); at > 0 {
			file, line := r.givenAt(g, steps[:at])
			r.add(file, line, fmt.Sprintf("helm.generated: %s is generated, and is set here", g.Path), "keep one of the two")
			continue
		}
		if _, ok := valueAt(r.chart.Values, steps).(map[string]any); ok {
			r.add(appfile.Name, g.Line, fmt.Sprintf("helm.generated: %s is a mapping in the chart's values", g.Path), "name a value in it")
			continue
		}
		setAt(values, steps, r.release.Generated[g.Path])
	}
}

// clash returns the number of steps of a path to the obstacle that keeps a value from
// being set there: another value, or a non-mapping on the way; 0 if there is none.
func (r *renderer) clash(values map[string]any, steps []string) int {
	for i, step := range steps {
		value, ok := values[step]
		inner, isMapping := value.(map[string]any)
		switch {
		case !ok || value == nil || value == "" && i == len(steps)-1:
			return 0
		case !isMapping || i == len(steps)-1:
			return i + 1
		}
		values = inner
	}
	return 0
}

// givenAt returns the place where a file of values gives a value, or else its
// declaration.
func (r *renderer) givenAt(g appfile.Generated, steps []string) (file string, line int) {
	for _, written := range slices.Backward(r.written) {
		if line := lineAt(written.root, steps); line > 0 {
			return written.name, line
		}
	}
	return appfile.Name, g.Line
}

// valueAt follows steps through mappings; nil if they lead nowhere.
func valueAt(values map[string]any, steps []string) any {
	var value any = values
	for _, step := range steps {
		inner, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = inner[step]
	}
	return value
}
