package flux

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Roots are the Kustomizations from which the tree of a revision grows, of all objects of Flux
// in its files: those that flux bootstrap wrote, beside their sources; or, where it wrote none,
// those whose files no other Kustomization's path has. Where there are several folders of
// roots, each is for a cluster, and the folder's name says for which: the roots of clusters
// that are not known are left out. nil, where there is no Kustomization.
func Roots(world meaning.World, objects []*manifest.Object) ([]*manifest.Object, manifest.Problems) {
	roots := bootstrapped(objects)
	if len(roots) == 0 {
		roots = uncovered(objects)
	}
	folders := map[string][]*manifest.Object{}
	for _, o := range roots {
		folder := clusterFolder(o)
		folders[folder] = append(folders[folder], o)
	}
	if len(folders) > 1 {
		return choose(world, folders)
	}
	return withSources(roots, objects), nil
}

// Chosen are the roots in a folder, or in the folder of the path of one.
func Chosen(folder string, objects []*manifest.Object) []*manifest.Object {
	var roots []*manifest.Object
	for _, o := range objects {
		if isKustomization(o) && (clusterFolder(o) == folder || path.Dir(o.Source.File) == folder) {
			roots = append(roots, o)
		}
	}
	return withSources(roots, objects)
}

func isKustomization(o *manifest.Object) bool {
	return o.GetKind() == "Kustomization" && o.GroupVersionKind().Group == kustomizeGroup
}

// bootstrapped are the Kustomizations in the files that flux bootstrap writes.
func bootstrapped(objects []*manifest.Object) []*manifest.Object {
	var found []*manifest.Object
	for _, o := range objects {
		if isKustomization(o) && path.Base(o.Source.File) == "gotk-sync.yaml" {
			found = append(found, o)
		}
	}
	return found
}

// pathOf is the path of a Kustomization.
func pathOf(o *manifest.Object) string {
	written, _ := o.ValueAt("spec.path")
	text, _ := written.(string)
	folder, _ := meaning.Folder(text)
	return folder
}

// uncovered are the Kustomizations whose file is in no other's path.
func uncovered(objects []*manifest.Object) []*manifest.Object {
	var found []*manifest.Object
	for _, o := range objects {
		covered := func(other *manifest.Object) bool {
			return other != o && isKustomization(other) && other.Source.File != o.Source.File && inside(o.Source.File, pathOf(other))
		}
		if isKustomization(o) && !slices.ContainsFunc(objects, covered) {
			found = append(found, o)
		}
	}
	return found
}

// inside reports whether a file is in a folder or below.
func inside(file, folder string) bool {
	return folder == "." || strings.HasPrefix(file, folder+"/")
}

// clusterFolder is the folder that stands for a root's cluster: clusters/prod for
// clusters/prod/flux-system/gotk-sync.yaml.
func clusterFolder(o *manifest.Object) string {
	folder := path.Dir(o.Source.File)
	if path.Base(folder) == System {
		folder = path.Dir(folder)
	}
	return folder
}

// choose chooses the folders of roots that are named after clusters.
func choose(world meaning.World, folders map[string][]*manifest.Object) ([]*manifest.Object, manifest.Problems) {
	var names []string
	var chosen []*manifest.Object
	for folder, roots := range folders {
		names = append(names, folder)
		if _, known := world.Clusters[path.Base(folder)]; known {
			chosen = append(chosen, roots...)
		}
	}
	slices.Sort(names)
	if len(chosen) > 0 {
		return chosen, nil
	}
	return nil, manifest.Problems{{
		Source:  folders[names[0]][0].Source,
		Message: fmt.Sprintf("the repository has roots of Flux for several clusters: %s; no cluster is called like one of them", strings.Join(names, ", ")),
		Hint:    fmt.Sprintf("choose one in pushboat.yaml: import: {tool: flux, root: %s}", names[0]),
	}}
}

// withSources adds the sources that stand in the files of roots.
func withSources(roots, objects []*manifest.Object) []*manifest.Object {
	files := map[string]bool{}
	for _, o := range roots {
		files[o.Source.File] = true
	}
	all := slices.Clone(roots)
	for _, o := range objects {
		if o.GroupVersionKind().Group == sourceGroup && files[o.Source.File] {
			all = append(all, o)
		}
	}
	return all
}

// ClusterFolder is the cluster that a file of roots is for: the one that its folder is called
// like; "" for none.
func ClusterFolder(world meaning.World, file string) string {
	folder := path.Dir(file)
	if path.Base(folder) == System {
		folder = path.Dir(folder)
	}
	if _, known := world.Clusters[path.Base(folder)]; known {
		return path.Base(folder)
	}
	return ""
}
