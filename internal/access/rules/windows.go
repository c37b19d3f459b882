package rules

import (
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/access/glob"
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

	ClustersAt manifest.Source // of Clusters; zero if they are not written
}

// windowsFields and windowFields are the fields of the file and of a window.
var (
	windowsFields = []string{"windows"}
	windowFields  = append(slices.Clone(window.Fields), "repositories", "branches", "clusters")
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
	w := Window{Window: read}
	w.Repos = readPatterns(r, fields, "repositories", checkRepo)
	w.Branches = readPatterns(r, fields, "branches", checkBranch)
	w.Clusters = readPatterns(r, fields, "clusters", func(pattern) error { return nil })
	if f, ok := fields["clusters"]; ok {
		w.ClustersAt = manifest.Source{File: windowsFile, Line: f.Line}
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

// Windows returns the windows for what is deployed from a branch of a repository to a cluster.
func (r *Rules) Windows(repo name.Repo, branch name.Branch, cluster string) window.Set {
	var set window.Set
	for _, w := range r.windows {
		if glob.Fit(w.Repos, string(repo)) && glob.Fit(w.Branches, string(branch)) && glob.Fit(w.Clusters, cluster) {
			set = append(set, w.Window)
		}
	}
	return set
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

// where says in words for which deploys the window is.
func (w Window) where() string {
	text := area{repos: w.Repos, branches: w.Branches}.String()
	if w.Clusters != nil {
		text += ", clusters " + list(w.Clusters)
	}
	return text
}

// text says in words when a window allows or denies deploys, where, and what follows.
func (w Window) text() string {
	text := w.Text() + " on " + w.where()
	if w.WhenClosed == window.Wait {
		text += "; pushes wait"
	}
	if w.Corrections == window.InWindow {
		text += "; so do corrections"
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
		until := window.NoOpening
		if opens, ok := sets.NextOpen(now); ok {
			until = "until " + window.Moment(opens, w.Times.Location())
		}
		lines = append(lines, fmt.Sprintf("  ! closed now by window %s: %s, %s", w.Name, w.where(), until))
	}
	return lines
}

// NeverOpen returns the problems of rules whose windows, somewhere, never open: a change that
// leaves them as they were makes none.
func NeverOpen(before, after *Rules, now time.Time) manifest.Problems {
	var problems manifest.Problems
	was, said := windowsByName(before), map[string]bool{}
	for _, w := range after.windows {
		set := after.over(w)
		names := set.Names()
		if _, opens := (window.Sets{set}).NextOpen(now); opens || said[names] {
			continue
		}
		said[names] = true
		if old, there := was[w.Name]; there && old.text() == w.text() && len(before.over(old)) == len(set) {
			if _, opened := (window.Sets{before.over(old)}).NextOpen(now); !opened {
				continue // its time is over, which is no fault of this change
			}
		}
		problems = append(problems, manifest.Problem{
			Source:  w.At,
			Message: fmt.Sprintf("windows %s are never open together within a year, on %s", names, w.where()),
			Hint:    "give one of them other times, or remove it",
		})
	}
	return problems
}

// over returns the windows that hold wherever one of them does, with itself.
func (r *Rules) over(w Window) window.Set {
	var set window.Set
	for _, other := range r.windows {
		if glob.Contain(other.Repos, w.Repos) && glob.Contain(other.Branches, w.Branches) && glob.Contain(other.Clusters, w.Clusters) {
			set = append(set, other.Window)
		}
	}
	return set
}
