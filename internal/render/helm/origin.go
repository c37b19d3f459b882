package helm

import (
	"context"
	"errors"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/pushboat/pushboat/internal/manifest"
)

// errStopped ends a rendering at a use of chance.
var errStopped = errors.New("stopped at a use of chance")

// maxUses bounds the uses of chance to look for, each by a rendering.
const maxUses = 32

// use is a use of chance, with the lines of templates that led to it.
type use struct {
	function string
	hops     []hop // the outermost template first, the function's own line last
}

// hop is a line of a template, by Helm's name for the template.
type hop struct {
	template string
	line     int
}

// usesIn finds the uses of chance behind a template's output: it makes each use in the
// chart fail, and the template engine says where that was.
func (r *renderer) usesIn(ctx context.Context, template string) []use {
	var found []use
	for stop := 1; stop <= min(r.chance.count, maxUses); stop++ {
		if r.spent() {
			break
		}
		c := r.trial(false)
		c.stop = stop
		_, err := r.renderOnce(ctx, r.top, c)
		if err == nil || c.stoppedAt == "" {
			continue
		}
		u := use{function: c.stoppedAt, hops: r.hopsOf(err.Error())}
		known := slices.ContainsFunc(found, func(f use) bool { return f.function == u.function && slices.Equal(f.hops, u.hops) })
		if len(u.hops) > 0 && u.hops[0].template == template && !known {
			found = append(found, u)
		}
	}
	return found
}

// hopsOf reads the lines of templates in an error of the template engine.
func (r *renderer) hopsOf(message string) []hop {
	var hops []hop
	for _, m := range location.FindAllStringSubmatch(message, -1) {
		line, err := strconv.Atoi(m[2])
		if err != nil || !strings.HasPrefix(m[1], r.chart.Name()+"/") {
			continue
		}
		if h := (hop{m[1], line}); len(hops) == 0 || hops[len(hops)-1] != h {
			hops = append(hops, h)
		}
	}
	return hops
}

// candidate is a value that may replace a made-up one.
type candidate struct {
	path      string   // such as auth.password, from the root of the app's values
	functions []string // of chance, that make it up otherwise
	distance  int      // from the functions to the name of the value, in lines and then in bytes
}

var (
	// setValue matches a template's write into its values: set .Values.login "pass".
	setValue = regexp.MustCompile(`set\s+\$?\.Values((?:\.\w+)*)\s+"([\w-]+)"`)
	anyValue = regexp.MustCompile(`\.Values((?:\.\w+)+)`)
	// quoted matches a word in quotes that may be a path, as in the calls of bitnami's
	// library: "providedValues" (list "auth.password").
	quoted = regexp.MustCompile(`"([A-Za-z][\w-]*(?:\.[\w-]+)*)"`)
)

// near is the number of lines above a use that may name its value.
const near = 3

// candidates returns the values that the lines of uses name, and the lines above them.
// The nearest come first; values for all charts together, which bitnami has below
// global, come last.
func (r *renderer) candidates(uses []use) []candidate {
	var found []candidate
	texts := templatesOf(r.chart)
	for _, u := range uses {
		for _, h := range u.hops {
			for above := 0; above <= near; above++ {
				line := lineOf(texts[h.template], h.line-above)
				for _, named := range valuesOn(line) {
					distance := above<<16 + named.distance(line, u.function)
					for _, full := range r.pathsOf(h.template, named.path) {
						found = append(found, candidate{full, []string{u.function}, distance})
					}
				}
			}
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return a.distance - b.distance })
	var once []candidate
	for _, c := range found {
		at := slices.IndexFunc(once, func(o candidate) bool { return o.path == c.path })
		switch {
		case at < 0:
			once = append(once, c)
		case once[at].distance == c.distance && !slices.Contains(once[at].functions, c.functions[0]):
			once[at].functions = append(once[at].functions, c.functions[0])
		}
	}
	slices.SortStableFunc(once, func(a, b candidate) int { return a.global() - b.global() })
	return once
}

// global is 1 for a value for all charts together, else 0.
func (c candidate) global() int {
	if strings.HasPrefix(c.path, "global.") {
		return 1
	}
	return 0
}

// pathsOf returns the possible paths of a template's value among the app's: a chart
// that is a dependency has its values below its name.
func (r *renderer) pathsOf(template, value string) []string {
	var prefix strings.Builder
	for _, part := range strings.Split(template, "/charts/")[1:] {
		name, _, _ := strings.Cut(part, "/")
		prefix.WriteString(name + ".")
	}
	return slices.DeleteFunc([]string{prefix.String() + value, value}, func(path string) bool { return !r.settable(path) })
}

// settable reports whether a path leads to a value of the chart, or to a new one in an
// existing mapping.
func (r *renderer) settable(full string) bool {
	values, _ := r.top["Values"].(common.Values)
	at := map[string]any(values)
	steps := strings.Split(full, ".")
	for _, step := range steps[:len(steps)-1] {
		inner, ok := at[step].(map[string]any)
		if !ok {
			return false
		}
		at = inner
	}
	switch at[steps[len(steps)-1]].(type) {
	case nil:
		return len(steps) > 1 || len(at) > 0
	case string, bool, int, int64, float64:
		return true
	}
	return false
}

// named is a value that a line of a template names.
type named struct {
	path       string
	start, end int // its place in the line
}

// distance returns the number of bytes between the value and a function on its line; 0
// if the function is not there.
func (n named) distance(line, function string) int {
	start := strings.Index(line, function)
	if start < 0 {
		return 0
	}
	return max(n.start-start-len(function), start-n.end, 0)
}

// valuesOn returns the values that a line of a template names.
func valuesOn(line string) []named {
	var values []named
	for _, m := range setValue.FindAllStringSubmatchIndex(line, -1) {
		path := strings.TrimPrefix(line[m[2]:m[3]]+"."+line[m[4]:m[5]], ".")
		values = append(values, named{path, m[0], m[1]})
	}
	for _, m := range anyValue.FindAllStringSubmatchIndex(line, -1) {
		values = append(values, named{strings.TrimPrefix(line[m[2]:m[3]], "."), m[0], m[1]})
	}
	for _, m := range quoted.FindAllStringSubmatchIndex(line, -1) {
		values = append(values, named{line[m[2]:m[3]], m[0], m[1]})
	}
	return values
}

// templatesOf returns the templates of a chart and its dependencies, by Helm's names
// for them.
func templatesOf(c *chart.Chart) map[string]string {
	texts := map[string]string{}
	for _, t := range c.Templates {
		texts[path.Join(c.ChartFullPath(), t.Name)] = string(t.Data)
	}
	for _, inner := range c.Dependencies() {
		maps.Copy(texts, templatesOf(inner))
	}
	return texts
}

func lineOf(text string, number int) string {
	if lines := strings.Split(text, "\n"); number > 0 && number <= len(lines) {
		return lines[number-1]
	}
	return ""
}

// maxTrials bounds the values that are tried, each with two renderings.
const maxTrials = 24

// standIn is the value that is tried.
const standIn = "Pushboat0Tries1This2Value3"

// settings finds by trial the values that replace the made-up ones: with them set,
// fewer fields of the template's objects differ. rest are the fields that still do. One
// field may need two values. So it sets all values that do no harm, and then removes
// each one that makes no difference.
func (r *renderer) settings(ctx context.Context, o output, candidates []candidate) (found []candidate, rest []string) {
	rest = o.differing
	for _, c := range candidates[:min(len(candidates), maxTrials)] {
		if len(rest) == 0 || r.spent() {
			break
		}
		if differing, ok := r.differingWith(ctx, o.name, append(slices.Clip(found), c)); ok && len(differing) <= len(rest) {
			found, rest = append(found, c), differing
		}
	}
	for i := range slices.Backward(found) {
		if r.spent() {
			break
		}
		without := slices.Delete(slices.Clone(found), i, i+1)
		if differing, ok := r.differingWith(ctx, o.name, without); ok && len(differing) <= len(rest) {
			found = without
		}
	}
	return found, rest
}

// differingWith returns the fields of a template's objects that differ with values set;
// ok is false if the template does not render then.
func (r *renderer) differingWith(ctx context.Context, template string, set []candidate) (differing []string, ok bool) {
	top, _ := ownValues(r.top).(common.Values)
	values, _ := top["Values"].(common.Values)
	for _, c := range set {
		setAt(values, strings.Split(c.path, "."), standIn)
	}
	file, _ := r.place(template, 0)
	var objects [2][]*manifest.Object
	for i, c := range []*chance{r.trial(false), r.trial(true)} {
		files, err := r.renderOnce(ctx, top, c)
		if err != nil {
			return nil, false
		}
		var problems manifest.Problems
		if objects[i], problems = r.read(file, files[template]); len(problems) > 0 {
			return nil, false
		}
	}
	return compare(objects[0], objects[1]), true
}

// setAt sets a value in mappings, and creates missing ones.
func setAt(values map[string]any, steps []string, value any) {
	for _, step := range steps[:len(steps)-1] {
		inner, ok := values[step].(map[string]any)
		if !ok {
			inner = map[string]any{}
			values[step] = inner
		}
		values = inner
	}
	values[steps[len(steps)-1]] = value
}
