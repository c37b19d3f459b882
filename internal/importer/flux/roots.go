package flux

import (
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Start is where the tree of a revision begins, and which folders of Kustomizations no root has.
type Start struct {
	Parts []Part // one for each cluster
	Left  []string
	Taken string // the folder that is taken for the path of a root which is not written down
}

// Part is a beginning: at objects; or, if all in a folder are objects, with the folder, as if Flux
// had been bootstrapped with its path.
type Part struct {
	Objects []*manifest.Object
	Folder  string // "": there is none
}

// Roots finds the start, of all objects of Flux in the files of a revision: the Kustomizations
// that flux bootstrap wrote, beside their sources; or, where it wrote none, the folder of those
// whose files no other Kustomization has. Where there are several such folders, each is for a
// cluster, and the folder's name says for which: those of clusters that are not known are left
// out. The zero Start is for a revision without a Kustomization.
func Roots(world meaning.World, layout *meaning.Layout, objects []*manifest.Object) (Start, manifest.Problems) {
	roots := bootstrapped(objects)
	var start Start
	var files *reading
	if len(roots) == 0 {
		files = &reading{world: world, layout: layout, objects: objects}
		roots = files.uncovered()
	}
	folders := folded(roots)
	if files != nil {
		gather(world, folders)
		start.Left = files.leave(folders)
	}
	chosen := slices.Sorted(maps.Keys(folders))
	if len(chosen) > 1 {
		if chosen = named(world, chosen); len(chosen) == 0 {
			if folder := ofNamespaces(world, layout, folders); folder != "" {
				roots := slices.Concat(slices.Collect(maps.Values(folders))...)
				return Start{Parts: []Part{{Objects: withSources(roots, objects), Folder: folder}}, Left: start.Left, Taken: folder}, nil
			}
			return Start{}, severalClusters(folders)
		}
	}
	for _, folder := range chosen {
		part := Part{Objects: withSources(folders[folder], objects)}
		if bootstraps(layout, folder, folders[folder]) {
			part.Folder = folder
		}
		start.Parts = append(start.Parts, part)
	}
	return start, nil
}

// Chosen is the start in a folder that somebody names: what flux bootstrap wrote there, or else
// the folder, with the objects in it; it may have none.
func Chosen(folder string, objects []*manifest.Object) Part {
	var roots []*manifest.Object
	for _, o := range bootstrapped(objects) {
		if clusterFolder(o) == folder || path.Dir(o.Source.File) == folder {
			roots = append(roots, o)
		}
	}
	if len(roots) > 0 {
		return Part{Objects: withSources(roots, objects)}
	}
	for _, o := range objects {
		if Is(o) && meaning.Inside(o.Source.File, folder) {
			roots = append(roots, o)
		}
	}
	return Part{Folder: folder, Objects: roots}
}

// bootstraps reports whether a folder of roots is the path of a root that is not written down,
// as that of a FluxInstance: it is built by its kustomization, or none of its roots is built
// from it again.
func bootstraps(layout *meaning.Layout, folder string, roots []*manifest.Object) bool {
	if folder == "." || slices.ContainsFunc(roots, func(o *manifest.Object) bool { return path.Base(o.Source.File) == syncFile }) {
		return false
	}
	again := func(o *manifest.Object) bool { return meaning.Inside(pathOf(o)+"/", folder) }
	return layout.Builds(folder) && !slices.ContainsFunc(roots, func(o *manifest.Object) bool { return pathOf(o) == folder }) || !slices.ContainsFunc(roots, again)
}

func isKustomization(o *manifest.Object) bool {
	return o.GetKind() == "Kustomization" && o.GroupVersionKind().Group == kustomizeGroup
}

// syncFile is the file in which flux bootstrap writes the root.
const syncFile = "gotk-sync.yaml"

// bootstrapped are the Kustomizations in the files that flux bootstrap writes.
func bootstrapped(objects []*manifest.Object) []*manifest.Object {
	var found []*manifest.Object
	for _, o := range objects {
		if isKustomization(o) && path.Base(o.Source.File) == syncFile {
			found = append(found, o)
		}
	}
	return found
}

// pathOf is the path of a Kustomization.
func pathOf(o *manifest.Object) string {
	folder, _ := meaning.Folder(textAt(o, "spec.path"))
	return folder
}

// folded are roots by the folder that stands for their cluster.
func folded(roots []*manifest.Object) map[string][]*manifest.Object {
	folders := map[string][]*manifest.Object{}
	for _, o := range roots {
		folders[clusterFolder(o)] = append(folders[clusterFolder(o)], o)
	}
	return folders
}

// gather puts the roots of several folders below one that is called like a cluster together: that
// is the path of its root, which is not written down. Folders at the top of the repository have
// too common names for that.
func gather(world meaning.World, folders map[string][]*manifest.Object) {
	known := map[string]bool{}
	for folder := range folders {
		known[clusterOf(world, folder)] = true
	}
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		if clusterOf(world, folder) != "" {
			continue
		}
		for above := path.Dir(folder); path.Dir(above) != "."; above = path.Dir(above) {
			if cluster := clusterOf(world, above); cluster != "" && !known[cluster] {
				folders[above] = append(folders[above], folders[folder]...)
				delete(folders, folder)
				break
			}
		}
	}
}

// reading is what the files of a revision have of Flux.
type reading struct {
	world   meaning.World
	layout  *meaning.Layout
	objects []*manifest.Object

	all  []*manifest.Object          // Kustomizations that are no patches
	from map[*manifest.Object]string // the folders of those that are built from this repository
}

// uncovered are the Kustomizations whose file no other one has that is built from this
// repository: it is neither in the other's path, which also keeps what is switched off there
// from being a root, nor listed by a kustomization from there on. Patches are no objects.
func (r *reading) uncovered() []*manifest.Object {
	elsewhere := foreign(r.world, r.objects)
	r.from = map[*manifest.Object]string{}
	scratch := New(r.world)
	for _, o := range r.objects {
		if isSource(o) {
			scratch.Add(nil, o)
		}
	}
	for _, o := range r.objects {
		if !isKustomization(o) || r.layout.IsPatch(o.Source.File) {
			continue
		}
		r.all = append(r.all, o)
		switch {
		case textAt(o, "spec.sourceRef.kind") == artifactKind:
			before := len(scratch.wrong)
			ref := meaning.Read(o, nil).Spec().Map("sourceRef")
			if at := scratch.inArtifact(&item{ref: refOf(o)}, ref, pathOf(o)); len(scratch.wrong) == before {
				r.from[o] = at
			}
		case !elsewhere(o):
			r.from[o] = pathOf(o)
		}
	}
	if left := r.leftOver(); len(left) > 0 {
		return left
	}
	// They are in a ring. A path that has its own file is no way down: others replace it there.
	maps.DeleteFunc(r.from, func(o *manifest.Object, folder string) bool { return meaning.Inside(o.Source.File, folder) })
	return r.leftOver()
}

// leftOver are those whose file no other one has.
func (r *reading) leftOver() []*manifest.Object {
	var starts []meaning.Start
	for o, folder := range r.from {
		starts = append(starts, meaning.Start{Folder: folder, By: o.Source.File})
	}
	within, listed := meaning.Within(starts), r.layout.Readers(starts).Reach
	return slices.DeleteFunc(slices.Clone(r.all), func(o *manifest.Object) bool {
		file := o.Source.File
		return within(file).Other(file) || listed(file).Other(file)
	})
}

// leave takes the folders out whose roots have no other Kustomization, as those of an archive,
// where others have some, and returns them.
func (r *reading) leave(folders map[string][]*manifest.Object) []string {
	var files []string
	for _, o := range r.all {
		files = append(files, o.Source.File)
	}
	inside, reads := meaning.Inner(files), r.layout.Reads(files)
	leads := func(o *manifest.Object) bool {
		folder, own := r.from[o]
		return own && (inside(folder).Other(o.Source.File) || reads(folder).Other(o.Source.File))
	}
	var leaves []string
	for folder, roots := range folders {
		if clusterOf(r.world, folder) == "" && !slices.ContainsFunc(roots, leads) {
			leaves = append(leaves, folder)
		}
	}
	if len(leaves) == len(folders) {
		return nil
	}
	for _, folder := range leaves {
		delete(folders, folder)
	}
	slices.Sort(leaves)
	return leaves
}

// foreign tells which Kustomizations are built from another repository, or another place of this one. Sources are told by
// their names alone: namespaces may be set by who includes their files.
func foreign(world meaning.World, objects []*manifest.Object) func(*manifest.Object) bool {
	self := map[string]bool{}   // by the name of a GitRepository
	pushed := map[string]bool{} // likewise of an OCIRepository
	for _, o := range objects {
		if o.GetKind() == ociKind && o.GroupVersionKind().Group == sourceGroup {
			_, pushed[o.GetName()] = world.IsListed(textAt(o, "spec.url"))
		}
		if o.GetKind() == "GitRepository" && o.GroupVersionKind().Group == sourceGroup {
			at, _, ok := placeOf(meaning.Read(o, nil).Spec().Map("ref"))
			deployed := ok && (at.IsMain() || at == meaning.At{Branch: world.Branch})
			_, is := world.IsSelf(textAt(o, "spec.url"))
			self[o.GetName()] = self[o.GetName()] || o.GetName() == System || is && deployed
		}
	}
	return func(o *manifest.Object) bool {
		kind := textAt(o, "spec.sourceRef.kind")
		if kind == ociKind {
			return !pushed[textAt(o, "spec.sourceRef.name")]
		}
		if kind != "" && kind != "GitRepository" && kind != artifactKind {
			return true
		}
		is, known := self[textAt(o, "spec.sourceRef.name")]
		return known && !is
	}
}

// isSource reports whether an object is a source, or makes some.
func isSource(o *manifest.Object) bool {
	group := o.GroupVersionKind().Group
	return group == sourceGroup || group == composeGroup
}

func textAt(o *manifest.Object, path string) string {
	value, _ := o.ValueAt(path)
	text, _ := value.(string)
	return text
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

// named are the folders that are called like clusters.
func named(world meaning.World, folders []string) []string {
	return slices.DeleteFunc(slices.Clone(folders), func(folder string) bool {
		return clusterOf(world, folder) == ""
	})
}

// ofNamespaces is the folder that has all roots, where each folder in it has a kustomization with a
// namespace of its own: so the apps of one cluster are laid out, and not several clusters. It is ""
// where they are not.
func ofNamespaces(world meaning.World, layout *meaning.Layout, folders map[string][]*manifest.Object) string {
	above := ""
	by := map[string]string{} // the folders, by their namespaces
	for _, roots := range folders {
		for _, o := range roots {
			tops, err := layout.Tops(world.Tree, o.Source.File)
			if err != nil {
				return ""
			}
			if len(tops) == 1 && isOff(layout, tops[0]) {
				continue
			}
			if len(tops) != 1 || layout.Namespace(tops[0]) == "" || above != "" && path.Dir(tops[0]) != above {
				return ""
			}
			above = path.Dir(tops[0])
			if first, known := by[layout.Namespace(tops[0])]; known && first != tops[0] {
				return ""
			}
			by[layout.Namespace(tops[0])] = tops[0]
		}
	}
	if len(by) < 2 || above == "." || layout.Builds(above) {
		return ""
	}
	return above
}

// isOff reports whether a folder is below one with a kustomization, which does not list it.
func isOff(layout *meaning.Layout, folder string) bool {
	for above := path.Dir(folder); above != "."; above = path.Dir(above) {
		if layout.Builds(above) {
			return true
		}
	}
	return false
}

// severalClusters is the problem that none of the folders of roots is for a known cluster.
func severalClusters(folders map[string][]*manifest.Object) manifest.Problems {
	names := slices.Sorted(maps.Keys(folders))
	called := clusterName(names[0])
	return manifest.Problems{{
		Source:  folders[names[0]][0].Source,
		Message: fmt.Sprintf("the repository has roots of Flux for several clusters: %s; no cluster is called like one of them", meaning.Several(names)),
		Hint: fmt.Sprintf("choose one in pushboat.yaml: import: {tool: flux, root: %s}\nor have a cluster for each, called %s and so on: in a clone of admin, pushboat cluster add %s; render takes --cluster-labels %s:",
			names[0], called, called, called),
	}}
}

// inner are folders in that of a cluster which people keep its roots in.
var inner = []string{System, "config", "flux", "cluster", "bootstrap"}

// clusterName is what the cluster is called whose roots are in a folder: main for
// kubernetes/main/flux/config.
func clusterName(folder string) string {
	for slices.Contains(inner, path.Base(folder)) && path.Dir(folder) != "." {
		folder = path.Dir(folder)
	}
	return path.Base(folder)
}

// clusterOf is the cluster that is called like a folder of roots; "" for none.
func clusterOf(world meaning.World, folder string) string {
	for _, called := range []string{path.Base(folder), clusterName(folder)} {
		if _, known := world.Clusters[called]; known {
			return called
		}
	}
	return ""
}

// withSources adds the sources that stand in the folders of roots.
func withSources(roots, objects []*manifest.Object) []*manifest.Object {
	folders := map[string]bool{}
	for _, o := range roots {
		folders[path.Dir(o.Source.File)] = true
	}
	all := slices.Clone(roots)
	for _, o := range objects {
		if isSource(o) && folders[path.Dir(o.Source.File)] {
			all = append(all, o)
		}
	}
	return all
}

// ClusterFolder is the cluster that a file of roots is for: the one that its folder is called
// like; "" for none.
func ClusterFolder(world meaning.World, file string) string {
	return clusterOf(world, path.Dir(file))
}
