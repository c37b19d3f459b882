package meaning

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

// kustomizations are the names that kustomize reads.
var kustomizations = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// Kustomizations are the names of the file that makes a folder a kustomization.
func Kustomizations() []string { return slices.Clone(kustomizations) }

// Layout is which files the kustomizations of a revision read. The zero Layout has none.
type Layout struct {
	patches map[string]bool     // files that are patches
	listed  map[string][]string // files and folders that a folder's kustomization lists
	by      map[string][]string // the folders that list a file or folder; nil: not known yet
	whole   map[string]bool     // see complete
	steps   int                 // of Tops
	spaces  map[string]string   // the namespace that a folder's kustomization sets
}

// kustomization is what a kustomization reads.
type kustomization struct {
	folder string
	space  string   // the namespace that it sets
	listed []string // files and folders, charts among them
	patch  []string // files that are patches
}

// weight is about what it takes in memory, in bytes.
func (k *kustomization) weight() int64 {
	if k == nil {
		return 0
	}
	weight := int64(100)
	for _, name := range slices.Concat(k.listed, k.patch) {
		weight += int64(len(name)) + 16
	}
	return weight
}

// readKustomization reads a file of the revision, if it is a kustomization; nil if it is none. One
// that cannot be read is left out: whoever renders it reports it.
func readKustomization(name string, text []byte) *kustomization {
	if !slices.Contains(kustomizations, path.Base(name)) || len(text) > manifest.MaxFileBytes {
		return nil
	}
	var fields struct {
		Namespace                    string
		Resources, Bases, Components []string
		Patches, PatchesJSON6902     []struct{ Path string }
		PatchesStrategicMerge        []string
		HelmGlobals                  struct{ ChartHome string }
		HelmCharts                   []struct{ Name, Repo string }
	}
	if root, problems := manifest.ReadYAML(name, text); root == nil || len(problems) > 0 || Unmarshal(text, &fields) != nil {
		return nil
	}
	k := &kustomization{folder: path.Dir(name), space: fields.Namespace}
	for _, entry := range slices.Concat(fields.Resources, fields.Bases, fields.Components) {
		k.listed = append(k.listed, path.Join(k.folder, entry))
	}
	for _, chart := range fields.HelmCharts {
		if chart.Repo == "" && chart.Name != "" { // it is in the revision
			k.listed = append(k.listed, path.Join(k.folder, cmp.Or(fields.HelmGlobals.ChartHome, "charts"), chart.Name))
		}
	}
	for _, patch := range slices.Concat(fields.Patches, fields.PatchesJSON6902) {
		if patch.Path != "" {
			k.patch = append(k.patch, path.Join(k.folder, patch.Path))
		}
	}
	for _, patch := range fields.PatchesStrategicMerge {
		k.patch = append(k.patch, path.Join(k.folder, patch))
	}
	return k
}

// Note takes in what a file of the revision has, if it is a kustomization.
func (l *Layout) Note(p *Page) {
	if p.builds == nil {
		return
	}
	if l.listed == nil {
		l.patches, l.listed = map[string]bool{}, map[string][]string{}
		l.spaces = map[string]string{}
	}
	l.listed[p.builds.folder], l.by = p.builds.listed, nil
	l.spaces[p.builds.folder] = p.builds.space
	for _, file := range p.builds.patch {
		l.patches[file] = true
	}
}

// IsPatch reports whether a file is a patch of a kustomization, and so no object.
func (l *Layout) IsPatch(file string) bool { return l.patches[file] }

// Namespace is the one that the kustomization of a folder sets; "" for none.
func (l *Layout) Namespace(folder string) string { return l.spaces[folder] }

// Builds reports whether a folder has a kustomization.
func (l *Layout) Builds(folder string) bool {
	_, builds := l.listed[folder]
	return builds
}

// listers maps each entry to the folders whose kustomizations list it.
func (l *Layout) listers() map[string][]string {
	if l.by == nil {
		l.by = map[string][]string{}
		for _, folder := range slices.Sorted(maps.Keys(l.listed)) {
			for _, entry := range l.listed[folder] {
				l.by[entry] = append(l.by[entry], folder)
			}
		}
	}
	return l.by
}

// maxSteps bounds what Tops looks at, for all files together. Each of two thousand files of a
// revision may be listed by a hundred kustomizations that list each other.
const maxSteps = 1_000_000

// ErrTangled says that so many kustomizations list each other that it cannot be said what is
// built from what.
var ErrTangled = fmt.Errorf("the kustomizations list each other in more than %d ways", maxSteps)

// Tops are the folders of the kustomizations that are built from a file, and that no other one
// lists. One that also lists what is not in the revision is left out. The error is ErrTangled.
func (l *Layout) Tops(tree fs.FS, file string) ([]string, error) {
	by := l.listers()
	var tops []string
	seen := map[string]bool{}
	var climb func(entry string)
	climb = func(entry string) {
		for _, folder := range by[entry] {
			if l.steps++; seen[folder] || l.steps > maxSteps {
				continue
			}
			seen[folder] = true
			if len(by[folder]) == 0 && l.complete(tree, folder) {
				tops = append(tops, folder)
			}
			climb(folder)
		}
	}
	climb(file)
	if l.steps > maxSteps {
		return nil, ErrTangled
	}
	slices.Sort(tops)
	return tops, nil
}

// complete reports whether all that a folder's kustomization lists, and what that lists, is in
// the revision.
func (l *Layout) complete(tree fs.FS, folder string) bool {
	if l.whole == nil {
		l.whole = map[string]bool{}
	}
	if whole, known := l.whole[folder]; known {
		return whole
	}
	l.whole[folder] = true // of folders that list each other, those on the way do not say it
	whole := !slices.ContainsFunc(l.listed[folder], func(entry string) bool {
		_, err := fs.Stat(tree, entry)
		return err != nil || !l.complete(tree, entry)
	})
	l.whole[folder] = whole
	return whole
}

// Inside reports whether a file is in a folder or below.
func Inside(file, folder string) bool {
	return folder == "." || strings.HasPrefix(file, folder+"/")
}

// maxNamed bounds the folders that a message names.
const maxNamed = 6

// Several writes names for a message: six at most, and how many there are more.
func Several(names []string) string {
	text := strings.Join(names[:min(len(names), maxNamed)], ", ")
	if more := len(names) - maxNamed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
