package meaning

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

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
}

// Note takes in a file of the revision, if it is a kustomization. One that cannot be read is
// left out: whoever renders it reports it.
func (l *Layout) Note(tree fs.FS, name string) {
	if !slices.Contains(kustomizations, path.Base(name)) {
		return
	}
	text, err := fs.ReadFile(tree, name)
	if err != nil || len(text) > manifest.MaxFileBytes {
		return
	}
	if root, problems := manifest.ReadYAML(name, text); root == nil || len(problems) > 0 {
		return
	}
	var fields struct {
		Resources, Bases, Components []string
		Patches, PatchesJSON6902     []struct{ Path string }
		PatchesStrategicMerge        []string
	}
	if yaml.Unmarshal(text, &fields) != nil {
		return
	}
	if l.listed == nil {
		l.patches, l.listed = map[string]bool{}, map[string][]string{}
	}
	folder := path.Dir(name)
	l.listed[folder] = []string{}
	for _, entry := range slices.Concat(fields.Resources, fields.Bases, fields.Components) {
		l.listed[folder] = append(l.listed[folder], path.Join(folder, entry))
	}
	for _, patch := range slices.Concat(fields.Patches, fields.PatchesJSON6902) {
		if patch.Path != "" {
			l.patches[path.Join(folder, patch.Path)] = true
		}
	}
	for _, patch := range fields.PatchesStrategicMerge {
		l.patches[path.Join(folder, patch)] = true
	}
}

// IsPatch reports whether a file is a patch of a kustomization, and so no object.
func (l *Layout) IsPatch(file string) bool { return l.patches[file] }

// Builds reports whether a folder has a kustomization.
func (l *Layout) Builds(folder string) bool {
	_, builds := l.listed[folder]
	return builds
}

// Reads reports whether the kustomization of a folder is built from a file: the folder lists
// it, or a folder that does. What a folder without a kustomization is built from, plain says.
func (l *Layout) Reads(folder, file string, plain func(folder, file string) bool) bool {
	seen := map[string]bool{}
	var reads func(folder string) bool
	reads = func(folder string) bool {
		if seen[folder] {
			return false
		}
		seen[folder] = true
		if !l.Builds(folder) {
			return plain(folder, file)
		}
		return slices.ContainsFunc(l.listed[folder], func(entry string) bool { return entry == file || reads(entry) })
	}
	return reads(folder)
}

// Tops are the folders of the kustomizations that are built from a file, and that no other one
// lists. One that also lists what is not in the revision is left out.
func (l *Layout) Tops(tree fs.FS, file string) []string {
	by := map[string][]string{} // who lists an entry
	for folder, entries := range l.listed {
		for _, entry := range entries {
			by[entry] = append(by[entry], folder)
		}
	}
	var tops []string
	seen := map[string]bool{}
	var climb func(entry string)
	climb = func(entry string) {
		for _, folder := range by[entry] {
			if seen[folder] {
				continue
			}
			seen[folder] = true
			if len(by[folder]) == 0 && l.complete(tree, folder, map[string]bool{}) {
				tops = append(tops, folder)
			}
			climb(folder)
		}
	}
	climb(file)
	slices.Sort(tops)
	return tops
}

// complete reports whether all that a folder's kustomization lists, and what that lists, is in
// the revision.
func (l *Layout) complete(tree fs.FS, folder string, seen map[string]bool) bool {
	if seen[folder] {
		return true
	}
	seen[folder] = true
	return !slices.ContainsFunc(l.listed[folder], func(entry string) bool {
		_, err := fs.Stat(tree, entry)
		return err != nil || !l.complete(tree, entry, seen)
	})
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
