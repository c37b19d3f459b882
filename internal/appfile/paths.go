package appfile

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"slices"
	"sort"
	"strings"

	"github.com/pushboat/pushboat/internal/name"
)

func isGlob(p string) bool { return strings.ContainsAny(p, "*?[") }

// expand makes apps of entries: one of each, or where the path is a glob, one
// of each folder that matches.
func (r *reader) expand(fsys fs.FS, entries []entry, wanted func(App) bool) []App {
	if len(r.Problems) > 0 { // the paths may be the problem
		return nil
	}
	var apps []App
	for _, e := range entries {
		folders := []string{e.app.Path}
		if isGlob(e.app.Path) && e.cell.hasAxes() {
			r.Add(e.pathLine, fmt.Sprintf("path: %s is a glob, and the entry has a matrix", e.app.Path), "list the folders in the matrix: path: apps/${folder}")
			return nil
		}
		if isGlob(e.app.Path) {
			folders = r.glob(fsys, e, wanted)
		} else if wanted(e.app) && !r.checkFolder(fsys, e) {
			r.absent[e.nameAt(e.app.Path)] = true
			continue
		}
		apps = slices.Grow(apps, len(folders))
		for _, folder := range folders {
			app := e.app
			app.Path = folder
			r.nameAfter(&app, e, folder)
			apps = append(apps, app)
		}
		if len(apps) > MaxApps {
			r.Add(e.pathLine, fmt.Sprintf("there are more than %d apps", MaxApps), "split the repository")
			return nil
		}
	}
	return apps
}

// nameAfter names an app that has no name after its folder, or at the root
// after its repository.
func (r *reader) nameAfter(app *App, e entry, folder string) {
	app.Name = e.nameAt(folder)
	if e.named && e.suffix == "" {
		return
	}
	switch message := checkName(string(app.Name)); {
	case message == "":
	case e.suffix != "":
		r.Add(app.Source.Line, fmt.Sprintf("the app of cluster %s would be called %q, which %s", app.Cluster, app.Name, message),
			"write a name that says where the cluster stands, as in name: web-${cluster}")
	default:
		r.Add(e.pathLine, fmt.Sprintf("the app of %s would be called %q, which %s", folder, app.Name, message),
			fmt.Sprintf("write an entry with path: %s and a name", folder))
	}
}

// nameAt is the name of the entry's app in a folder.
func (e entry) nameAt(folder string) name.App {
	is := name.App(path.Base(folder))
	switch {
	case e.named:
		is = e.app.Name
	case folder == ".":
		is = nameFrom(e.repo)
	}
	return is + name.App(e.suffix)
}

// checkFolder reports a path that is no folder of the revision.
func (r *reader) checkFolder(fsys fs.FS, e entry) bool {
	info, err := lstat(fsys, e.app.Path)
	switch {
	case err != nil:
		r.Add(e.pathLine, fmt.Sprintf("path: there is no folder %s in this revision", e.app.Path), nearbyFolders(fsys, e.app.Path))
	case !info.IsDir():
		r.Add(e.pathLine, fmt.Sprintf("path: %s is %s", e.app.Path, describeMode(info.Mode())), "name the folder that it is in")
	default:
		return true
	}
	return false
}

// lstat describes the file at a path without following a symbolic link at its end, as
// far as the file system can tell.
func lstat(fsys fs.FS, name string) (fs.FileInfo, error) {
	if name == "." {
		return fs.Stat(fsys, name)
	}
	entries, err := fs.ReadDir(fsys, path.Dir(name))
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if entry.Name() == path.Base(name) {
			return entry.Info()
		}
	}
	return nil, fs.ErrNotExist
}

func describeMode(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode.IsRegular():
		return "a file"
	}
	return "not a folder"
}

// nearbyFolders lists the folders beside one that is missing.
func nearbyFolders(fsys fs.FS, missing string) string {
	entries, _ := fs.ReadDir(fsys, path.Dir(missing))
	var names []string
	for _, entry := range entries {
		if entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") && len(names) < 8 {
			names = append(names, path.Join(path.Dir(missing), entry.Name()))
		}
	}
	if len(names) == 0 {
		return `write the path from the repository's root, "." for the root itself`
	}
	return "folders there are " + strings.Join(names, ", ")
}

// glob returns the folders that match the path of an entry, hidden ones only
// if the glob names the dot.
func (r *reader) glob(fsys fs.FS, e entry, wanted func(App) bool) []string {
	folders := matching(fsys, e.app.Path)
	switch {
	case len(folders) == 0 && wanted(e.app):
		r.unmatched = true
		r.Add(e.pathLine, fmt.Sprintf("path: no folder matches %s", e.app.Path), "write the path from the repository's root")
	case len(folders) > 1 && e.named:
		r.Add(e.app.Source.Line, fmt.Sprintf("name: %d folders match %s, and cannot all be called %s", len(folders), e.app.Path, e.app.Name),
			"remove name; each app is then named after its folder")
		return nil
	}
	return folders
}

// matching returns the folders that match a glob, and no more of them than make it
// clear that there are too many.
func matching(fsys fs.FS, glob string) []string {
	folders := []string{"."}
	for element := range strings.SplitSeq(strings.TrimSuffix(glob, "/"), "/") {
		folders = matches(fsys, folders, element)
		if len(folders) > MaxApps {
			break
		}
	}
	return folders
}

// matches returns the folders inside parents whose name matches a pattern.
func matches(fsys fs.FS, parents []string, pattern string) []string {
	var found []string
	for _, parent := range parents {
		entries, err := fs.ReadDir(fsys, parent)
		if err != nil {
			continue // not a folder that can be read: nothing matches in it
		}
		found = slices.Grow(found, len(entries))
		for _, entry := range entries {
			hidden := strings.HasPrefix(entry.Name(), ".") && !strings.HasPrefix(pattern, ".")
			if ok, _ := path.Match(pattern, entry.Name()); ok && entry.IsDir() && !hidden {
				found = append(found, path.Join(parent, entry.Name()))
			}
		}
	}
	return found
}

// checkNames refuses two apps of one name.
func (r *reader) checkNames(apps []App) {
	first := make(map[name.App]*App, len(apps))
	for i := range apps {
		app := &apps[i]
		other, twice := first[app.Name]
		switch {
		case twice && other.Source == app.Source && app.Path != other.Path:
			r.Add(app.Source.Line, fmt.Sprintf("the folders %s and %s both make an app that is called %s", other.Path, app.Path, app.Name),
				"write an entry with a path and a name for each of them")
			continue
		case twice && other.Source == app.Source:
			r.Add(app.Source.Line, fmt.Sprintf("the matrix makes several apps that are called %s", app.Name),
				"put the difference into the name: name: "+string(app.Name)+"-${region}")
			continue
		case twice:
			r.Add(app.Source.Line, fmt.Sprintf("the name %s is taken by the app on line %d (path %s)", app.Name, other.Source.Line, other.Path),
				"give one of the two another name")
			continue
		}
		first[app.Name] = app
	}
}

// checkPaths refuses two apps that would put the same objects into the same
// place. One folder may well go to two clusters, or to two namespaces, get names of two
// kinds, and have the values of several charts, or releases of one.
func (r *reader) checkPaths(apps []App) {
	type target struct {
		path                                     string
		branch                                   name.Branch
		cluster, namespace, chart, release, into string
		artifact                                 [2]string
	}
	first := make(map[target]*App, len(apps))
	for i := range apps {
		app := &apps[i]
		t := target{path: app.Path, branch: app.Branch, cluster: app.Cluster, namespace: app.Namespace}
		if app.Helm.Chart != "" {
			t.chart, t.release = app.Helm.Repo+" "+app.Helm.Chart, cmp.Or(app.Helm.ReleaseName, string(app.Name))
		}
		t.artifact = [2]string{app.Artifact.URL, app.Artifact.Path}
		t.into = strings.Join([]string{app.Kustomize.Namespace, app.Kustomize.NamePrefix, app.Kustomize.NameSuffix}, " ")
		if app.Render == RenderHelm {
			t.release = cmp.Or(app.Helm.ReleaseName, string(app.Name))
		}
		other, twice := first[t]
		if twice && other.Source == app.Source && !reflect.DeepEqual(settings(other), settings(app)) {
			continue // cells of a matrix; whether they make the same objects, the gate sees
		}
		if twice {
			r.Add(app.Source.Line, fmt.Sprintf("the apps %s and %s both deploy %s to the same cluster and namespace", other.Name, app.Name, cmp.Or(app.Artifact.URL, app.Path)),
				"remove one of the two, or give it another cluster or namespace")
			continue
		}
		first[t] = app
	}
}

// settings are the settings that shape an app's objects, beside its folder.
func settings(app *App) []any {
	return []any{app.Helm, app.Artifact, app.Manifests, app.Kustomize, app.Substitute, app.Files, app.Sources, app.PostBuild.Values}
}

// exclude notes in each app the folders that belong to other apps of its branch: only
// the app of a folder's own entry deploys that folder.
func exclude(apps []App) {
	folders := map[name.Branch][]string{} // branch -> paths, each once, sorted
	for _, app := range apps {
		folders[app.Branch] = append(folders[app.Branch], app.Path)
	}
	for branch, paths := range folders {
		sort.Strings(paths)
		folders[branch] = slices.Compact(paths)
	}
	for i := range apps {
		app := &apps[i]
		app.Exclude = inside(folders[app.Branch], app.Path)
		for j := range app.Sources {
			app.Sources[j].Exclude = inside(folders[app.Branch], app.Sources[j].Path)
		}
	}
}

// inside returns those of sorted paths that are below a folder.
func inside(sorted []string, folder string) []string {
	var found []string
	prefix := folder + "/"
	start := sort.SearchStrings(sorted, prefix)
	if folder == "." {
		prefix, start = "", 0
	}
	for _, p := range sorted[start:] {
		if !strings.HasPrefix(p, prefix) {
			break
		}
		if p != "." {
			found = append(found, p)
		}
	}
	return found
}
