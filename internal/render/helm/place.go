package helm

import (
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// place returns a template's file in the repository, by Helm's name for it, which has
// the chart's name in place of its folder.
func (r *renderer) place(name string, line int) (string, int) {
	rest, ok := strings.CutPrefix(name, r.chart.Name()+"/")
	if !ok || rest == "." || !fs.ValidPath(rest) { // a template controls this text
		return r.chartFile(), 0
	}
	return path.Join(r.folder, rest), line
}

// location matches the place in a message of the template engine.
var location = regexp.MustCompile(`([\w./-]+):(\d+)(?::\d+)?`)

// templateProblem makes a problem from an error of the template engine.
func (r *renderer) templateProblem(err error) {
	message := strings.TrimSpace(err.Error())
	file, line := r.chartFile(), 0
	for _, m := range location.FindAllStringSubmatch(message, -1) {
		if n, err := strconv.Atoi(m[2]); err == nil && strings.HasPrefix(m[1], r.chart.Name()+"/") {
			file, line = r.place(m[1], n) // the last is the innermost
		}
	}
	r.add(file, line, message, "")
}

// kindLines are the lines of a template on which objects of a kind begin, as far as the
// kind is written out.
type kindLines map[string][]int

var kindLine = regexp.MustCompile(`^kind:\s*["']?([A-Za-z0-9]+)`)

func (r *renderer) linesOf(file string) kindLines {
	lines := kindLines{}
	text, err := fs.ReadFile(r.fsys, file)
	if err != nil {
		return lines
	}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		if m := kindLine.FindStringSubmatch(line); m != nil {
			lines[m[1]] = append(lines[m[1]], number)
		}
	}
	return lines
}

// next returns the line of the next object of a kind; the last line serves for all
// objects of a loop.
func (l kindLines) next(kind string) int {
	lines := l[kind]
	switch len(lines) {
	case 0:
		return 0
	case 1:
	default:
		l[kind] = lines[1:]
	}
	return lines[0]
}

// lineOf returns the line of a file that names a dependency.
func (r *renderer) lineOf(file, name string) int {
	text, err := fs.ReadFile(r.fsys, file)
	if err != nil {
		return 0
	}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		if trimmed := strings.TrimLeft(line, " -"); strings.HasPrefix(trimmed, "name:") && strings.Contains(trimmed, name) {
			return number
		}
	}
	return 0
}
