package meaning

import (
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

// Inside reports whether a file is in a folder or below.
func Inside(file, folder string) bool {
	return folder == "." || strings.HasPrefix(file, folder+"/")
}
