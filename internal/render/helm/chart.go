package helm

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/ignore"
)

// Limits on a chart.
const (
	// MaxFiles bounds the files of a chart, including its dependencies.
	MaxFiles = 10_000
	// MaxDepth bounds the nesting of a chart's folders.
	MaxDepth = 30
	// MaxDependencies bounds the charts that are read from beside a chart.
	MaxDependencies = 100
)

// loadChart reads the chart, and the charts beside it that it depends on.
func (r *renderer) loadChart() {
	loaded := r.loadNamed()
	if loaded == nil {
		return
	}
	r.chart = loaded
	switch loaded.Metadata.Type {
	case "", "application":
	default:
		r.add(r.chartFile(), 0, fmt.Sprintf("a chart of the type %s cannot be deployed", loaded.Metadata.Type), "deploy a chart that depends on it")
	}
}

// load reads the chart in a folder. within are the folders of the charts that depend on
// it.
func (r *renderer) load(folder string, within []string) *chart.Chart {
	if slices.Contains(within, folder) || len(within) > MaxDependencies {
		r.add(path.Join(folder, "Chart.yaml"), 0, "the chart depends on itself", "take the dependency out")
		return nil
	}
	walk := &chartWalk{renderer: r, root: folder, rules: r.ignoreRules(folder)}
	walk.folder("", 0)
	if len(r.problems) > 0 {
		return nil
	}
	loaded, err := loader.LoadFiles(walk.files)
	if err != nil {
		r.add(path.Join(folder, "Chart.yaml"), 0, strings.TrimSpace(err.Error()), "")
		return nil
	}
	r.addDependencies(loaded, folder, append(slices.Clone(within), folder))
	return loaded
}

// addDependencies checks that every dependency in Chart.yaml exists: in charts/, or,
// for a file:// address, in the folder that it names.
func (r *renderer) addDependencies(loaded *chart.Chart, folder string, within []string) {
	file := path.Join(folder, "Chart.yaml")
	for i, wanted := range loaded.Metadata.Dependencies {
		if slices.ContainsFunc(loaded.Dependencies(), func(c *chart.Chart) bool { return c.Name() == wanted.Name }) {
			continue
		}
		beside, local := strings.CutPrefix(wanted.Repository, "file://")
		name := path.Join(folder, beside)
		switch {
		case !local:
			r.addFetched(loaded, i, folder)
		case path.IsAbs(beside) || name == ".." || strings.HasPrefix(name, "../"):
			r.addOutside(file, r.lineOf(file, wanted.Name), fmt.Sprintf("the dependency %s: %s leads out of the repository", wanted.Name, wanted.Repository), "move it into the repository")
		case Find(r.fsys, name) == "":
			r.add(file, r.lineOf(file, wanted.Name), fmt.Sprintf("the dependency %s: %s has no Chart.yaml", wanted.Name, name), "")
		default:
			if c := r.load(name, within); c != nil {
				loaded.AddDependency(c)
			}
		}
	}
}

// ignoreRules returns the rules of a chart's .helmignore.
func (r *renderer) ignoreRules(folder string) *ignore.Rules {
	rules := ignore.Empty()
	text, err := fs.ReadFile(r.fsys, path.Join(folder, ignore.HelmIgnore))
	if err == nil {
		rules, err = ignore.Parse(bytes.NewReader(text))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.add(path.Join(folder, ignore.HelmIgnore), 0, manifest.WhyUnread(err), "")
		rules = ignore.Empty()
	}
	rules.AddDefaults()
	return rules
}

// chartWalk reads the files of a chart.
type chartWalk struct {
	*renderer
	root  string
	rules *ignore.Rules
	files []*archive.BufferedFile
}

func (w *chartWalk) folder(folder string, depth int) {
	if depth > MaxDepth {
		w.add(path.Join(w.root, folder), 0, fmt.Sprintf("folders are nested deeper than %d", MaxDepth), "")
		return
	}
	entries, err := fs.ReadDir(w.fsys, path.Join(w.root, folder))
	if err != nil {
		w.add(path.Join(w.root, folder), 0, manifest.WhyUnread(err), "")
		return
	}
	for _, entry := range entries {
		name := path.Join(folder, entry.Name())
		info, err := entry.Info()
		switch {
		case err != nil:
			w.add(path.Join(w.root, name), 0, manifest.WhyUnread(err), "")
		case w.rules.Ignore(name, info):
		case entry.IsDir():
			w.folder(name, depth+1)
		case len(w.files) >= MaxFiles:
			w.add(path.Join(w.root, name), 0, fmt.Sprintf("the chart has more than %d files", MaxFiles), "name the files that do not belong to it in .helmignore")
			return
		default:
			w.file(name)
		}
		if len(w.problems) > 0 {
			return
		}
	}
}

func (w *chartWalk) file(name string) {
	data, err := fs.ReadFile(w.fsys, path.Join(w.root, name))
	if err != nil {
		w.add(path.Join(w.root, name), 0, manifest.WhyUnread(err), "put the file itself in its place, or name it in .helmignore")
		return
	}
	w.files = append(w.files, &archive.BufferedFile{Name: name, Data: bytes.TrimPrefix(data, []byte("\ufeff"))})
}
