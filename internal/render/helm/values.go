package helm

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
)

// valuesFile is a file of values that can find the lines of values.
type valuesFile struct {
	name string
	root *yaml.Node
}

// OwnValues represents the chart's own values in a list of values: those before it are
// overridden by them.
func OwnValues(line int) appfile.HelmValues { return appfile.HelmValues{Line: line} }

// isOwn reports whether values are those of OwnValues.
func isOwn(given appfile.HelmValues) bool { return given.File == "" && given.Inline == nil }

// readValues merges the values of the app: later ones win.
func (r *renderer) readValues() map[string]any {
	parts := r.readParts()
	if len(r.problems) > 0 {
		return nil
	}
	values, ok := r.merge(parts)
	if !ok {
		return nil
	}
	r.setParameters(values)
	return values
}

// readValuesFile returns the text of a file of values, which pushboat.yaml names on a
// line.
func (r *renderer) readValuesFile(entry string, line int) []byte {
	text := r.readFileOf("values", entry, line)
	if text == nil {
		return nil
	}
	name := r.placeOf(entry)
	root, problems := manifest.ReadYAML(name, text)
	r.problems = append(r.problems, problems...)
	if root != nil && root.Kind != yaml.MappingNode {
		r.add(name, root.Line, "values are not a mapping", "")
	}
	r.written = append(r.written, valuesFile{name, root})
	return text
}

// placeOf is the path of a file of values, as problems name it.
func (r *renderer) placeOf(entry string) string {
	if inside, ok := appfile.InChart(entry); ok {
		return path.Join(r.folder, inside)
	}
	return path.Join(r.base, entry)
}

// readFileOf returns the text of a file that a setting of the app names on a line; nil if it
// cannot be read.
func (r *renderer) readFileOf(setting, entry string, line int) []byte {
	name := r.placeOf(entry)
	wrong, add := "", r.add
	inside, inChart := appfile.InChart(entry)
	switch {
	case inChart && !fs.ValidPath(path.Clean(inside)):
		wrong = "leads out of the chart"
	case inChart:
	case strings.Contains(entry, "://"):
		wrong = "is not part of the repository, and nothing is fetched"
	case path.IsAbs(entry):
		wrong = "is an absolute path"
	case name == ".." || strings.HasPrefix(name, "../"):
		wrong, add = "leads out of the repository", r.addOutside
	}
	if wrong != "" {
		add("pushboat.yaml", line, fmt.Sprintf("helm: %s: %q %s", setting, entry, wrong), "name a file of the repository; the path is from the app's folder")
		return nil
	}
	text, err := fs.ReadFile(r.fsys, name)
	if err != nil {
		hint := "the path is from the app's folder"
		if inChart {
			hint = "the path is from the chart's root"
		}
		r.add("pushboat.yaml", line, fmt.Sprintf("helm: %s: %s: %s", setting, name, manifest.WhyUnread(err)), hint)
		return nil
	}
	return text
}

// checkSchema checks the values against the values.schema.json of the chart and its
// dependencies. Each mistake has the line on which the value was given.
func (r *renderer) checkSchema(values common.Values) {
	err := util.ValidateAgainstSchema(r.chart, values)
	if err == nil {
		return
	}
	found := false
	for line := range strings.Lines(err.Error()) {
		m := schemaMistake.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		found = true
		file, at := r.lineOfValue(m[1])
		r.add(file, at, fmt.Sprintf("values%s: %s", strings.ReplaceAll(m[1], "/", "."), m[2]), "see "+path.Join(r.folder, "values.schema.json"))
	}
	if !found {
		r.add(path.Join(r.folder, "values.schema.json"), 0, strings.TrimSpace(err.Error()), "")
	}
}

// schemaMistake is a line of the schema library's message, without its bullet.
var schemaMistake = regexp.MustCompile(`^- at '([^']*)': (.*)$`)

// lineOfValue finds the last file that gives a value, or else its enclosing mapping,
// and the line.
func (r *renderer) lineOfValue(pointer string) (string, int) {
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for n := len(steps); n > 0; n-- {
		for _, given := range slices.Backward(r.written) {
			if line := lineAt(given.root, steps[:n]); line > 0 {
				return given.name, line
			}
		}
	}
	return path.Join(r.folder, "values.yaml"), r.lineInDefaults(steps)
}

func (r *renderer) lineInDefaults(steps []string) int {
	text, err := fs.ReadFile(r.fsys, path.Join(r.folder, "values.yaml"))
	if err != nil {
		return 0
	}
	root, _ := manifest.ReadYAML("values.yaml", text)
	for n := len(steps); n > 0; n-- {
		if line := lineAt(root, steps[:n]); line > 0 {
			return line
		}
	}
	return 0
}

// lineAt returns the line of a value in a mapping; 0 if it is missing.
func lineAt(n *yaml.Node, steps []string) int {
	for _, step := range steps {
		if n == nil || n.Kind != yaml.MappingNode {
			return 0
		}
		var inner *yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				inner = n.Content[i+1]
			}
		}
		n = inner
	}
	if n == nil {
		return 0
	}
	return n.Line
}
