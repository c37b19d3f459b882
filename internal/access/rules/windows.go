package rules

import (
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/window"
)

// Window is an entry of windows.yaml. A list that is nil does not restrict it.
type Window struct {
	window.Window
	Repos    []pattern
	Branches []pattern
	Clusters []pattern
	At       manifest.Source
}

// windowsFields and windowFields are the fields of the file and of a window.
var (
	windowsFields = []string{"windows"}
	windowFields  = append(slices.Clone(window.Fields), "repositories", "branches", "clusters", "override")
)

// readWindows reads windows.yaml, which may be missing.
func (p *parser) readWindows() {
	data, ok := p.read(windowsFile, maxFile)
	if !ok {
		return
	}
	r, fields := p.document(windowsFile, data, windowsFields...)
	lines := map[string]int{}
	if windows, ok := fields["windows"]; ok {
		for _, element := range r.List(windows, window.MaxWindows) {
			p.readWindow(r, element, lines)
		}
	}
	p.problems = append(p.problems, r.Problems...)
}

// readWindow reads a window. lines has the windows before it, by name.
func (p *parser) readWindow(r *form.Reader, element form.Field, lines map[string]int) {
	before := len(r.Problems)
	fields := r.Fields(element.Value, "a window", windowFields)
	if element.Value.Kind != yaml.MappingNode {
		return
	}
	read, _ := window.Read(r, element.Line, fields)
	w := Window{Window: read, At: manifest.Source{File: windowsFile, Line: element.Line}}
	w.Repos = readPatterns(r, fields, "repositories", checkRepo)
	w.Branches = readPatterns(r, fields, "branches", checkBranch)
	w.Clusters = readPatterns(r, fields, "clusters", func(pattern) error { return nil })
	if f, given := fields["override"]; given {
		w.Override = p.readOverride(r, f)
	}
	if first, twice := lines[w.Name]; twice {
		r.Add(element.Line, fmt.Sprintf("there is a window %s already on line %d", w.Name, first), "give it another name")
	}
	if len(r.Problems) > before {
		return
	}
	lines[w.Name] = element.Line
	p.rules.windows = append(p.rules.windows, w)
}

func (p *parser) readOverride(r *form.Reader, f form.Field) []string {
	var who []string
	for _, word := range r.Texts(f, maxWho) {
		name := word.Value.Value
		if _, group := p.rules.groups[name]; name != Everyone && !group && p.rules.operators[name] == nil {
			r.Add(word.Line, fmt.Sprintf("override: there is no operator or group %q", name), p.hintWho(name))
			continue
		}
		who = append(who, name)
	}
	return who
}

// Windows returns the windows for what is deployed from a branch of a repository to a cluster.
func (r *Rules) Windows(repo name.Repo, branch name.Branch, cluster string) window.Set {
	var set window.Set
	for _, w := range r.windows {
		if fits(w.Repos, string(repo)) && fits(w.Branches, string(branch)) && fits(w.Clusters, cluster) {
			set = append(set, w.Window)
		}
	}
	return set
}

// fits reports whether a list of patterns fits a name; one that is nil fits all.
func fits(patterns []pattern, name string) bool {
	return patterns == nil || slices.ContainsFunc(patterns, func(p pattern) bool { return p.match(name) })
}

// IsOneOf reports whether an operator is one of some operators and groups, as a window names
// them under override.
func (r *Rules) IsOneOf(operator string, who []string) bool {
	if r.operators[operator] == nil {
		return false
	}
	return slices.Contains(who, Everyone) || slices.Contains(who, operator) ||
		slices.ContainsFunc(r.of[operator], func(group string) bool { return slices.Contains(who, group) })
}

// windows compares the windows.
func (c *comparison) windows() {
	was, is := windowsByName(c.before), windowsByName(c.after)
	for _, w := range c.after.windows {
		switch old, there := was[w.Name]; {
		case !there:
			c.say("window "+w.Name, gains, "%s", w.text())
		case old.text() != w.text():
			c.say("window "+w.Name, changes, "%s, before: %s", w.text(), old.text())
		}
	}
	for _, w := range c.before.windows {
		if _, there := is[w.Name]; !there {
			c.say("window "+w.Name, loses, "is no more: it %s", w.text())
		}
	}
}

func windowsByName(r *Rules) map[string]Window {
	all := map[string]Window{}
	for _, w := range r.windows {
		all[w.Name] = w
	}
	return all
}

// text says in words when a window allows or denies deploys, where, and what follows.
func (w Window) text() string {
	text := w.Text() + " on " + area{repos: w.Repos, branches: w.Branches}.String()
	if w.Clusters != nil {
		text += ", clusters " + list(w.Clusters)
	}
	if w.WhenClosed == window.Wait {
		text += "; pushes wait"
	}
	if w.Corrections == window.InWindow {
		text += "; so do corrections"
	}
	if len(w.Override) > 0 {
		text += "; " + some(w.Override) + " may override it"
	}
	return text
}

// ClosedBy says which windows that come with rules, or are other than before, close deploys
// at a time, and until when: a line each.
func ClosedBy(before, after *Rules, now time.Time) []string {
	var lines []string
	was := windowsByName(before)
	for _, w := range after.windows {
		sets := window.Sets{{w.Window}}
		if old, there := was[w.Name]; there && old.text() == w.text() || sets.At(now).Open() {
			continue
		}
		until := "for good: it does not open again"
		if opens, ok := sets.NextOpen(now); ok {
			until = "until " + window.Moment(opens, w.Times.Location())
		}
		where := area{repos: w.Repos, branches: w.Branches}
		lines = append(lines, fmt.Sprintf("  ! closed now by window %s: %s, %s", w.Name, where, until))
	}
	return lines
}
