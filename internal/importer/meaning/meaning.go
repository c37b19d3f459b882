// Package meaning holds what objects of other tools, such as a Kustomization of Flux or an
// Application of Argo CD, mean here: the world that they are read in, their fields, read
// strictly, and the apps that come of them.
package meaning

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Root is what appfile.App.Imported says of a folder at which the tree begins.
const Root = "Repository"

// Limits on the tree of apps of one revision.
const (
	// MaxDepth bounds how often the rendering of one app may give another.
	MaxDepth = 12
	// MaxApps bounds the apps; see appfile.MaxApps.
	MaxApps = appfile.MaxApps
)

// World is what the objects of a revision are read in.
type World struct {
	Repo   name.Repo
	Branch name.Branch
	Tree   fs.FS // the revision
	// Clusters are those that the repository may use, with their labels, and Servers their
	// addresses, by which Argo CD names them.
	Clusters appfile.Clusters
	Servers  map[string]string
	// Place finds the line of a field of an object; nil: as the object knows it.
	Place func(o *manifest.Object, path string) manifest.Source
	// Foreign reports whether a file in YAML is no manifest; see IsForeign. nil: none is.
	Foreign func(file string) bool
	// Shelf remembers what the files of revisions have; nil: nothing does.
	Shelf *Shelf
	// Self are addresses that mean this repository as its pushboat.yaml has it, Addresses as
	// the server has it, beside those that end in its name.
	Self, Addresses []string
}

// Home is the cluster that the other tool runs on: the default one, or the only one that the
// repository may use.
func (w World) Home() string {
	if _, known := w.Clusters[appfile.DefaultCluster]; !known && len(w.Clusters) == 1 {
		for cluster := range w.Clusters {
			return cluster
		}
	}
	return appfile.DefaultCluster
}

// Ref names an object.
type Ref struct {
	Kind, Namespace, Name string
	Source                manifest.Source // of the field that names it
}

// App is an app that an object means.
type App struct {
	App appfile.App
	// By is the object, and Parent the app whose rendering has it; "" for a root.
	By     Ref
	Parent name.App
	// After are the objects whose apps have to be healthy before this one; the tree makes
	// appfile.App.DependsOn of them.
	After []Ref
	// Suspended says why the app is not deployed; "" if it is.
	Suspended string
	// Project is the AppProject that bounds the app, if the repository has it.
	Project string
	Notes   []Note
}

// IsSelf reports whether an address of a repository means this one, and why: it is listed, or
// its last element is the repository's name. ssh, https and scp-like spellings are one address,
// with .git and without.
func (w World) IsSelf(address string) (why string, is bool) {
	if why, is = w.IsListed(address); is {
		return why, true
	}
	if path.Base(Normal(address)) == strings.TrimSuffix(path.Base(string(w.Repo)), ".git") {
		return "it ends in the repository's name", true
	}
	return "", false
}

// IsListed is IsSelf for an address whose last element says nothing, as that of an artifact.
func (w World) IsListed(address string) (why string, is bool) {
	at := Normal(address)
	same := func(other string) bool { return Normal(other) == at }
	switch {
	case slices.ContainsFunc(w.Self, same):
		return "import.self lists it", true
	case slices.ContainsFunc(w.Addresses, same):
		return "the server knows it by that address", true
	}
	return "", false
}

// Normal is an address of a repository without what differs between spellings of it: the
// scheme, the user, the port, .git at the end; the host in lower case.
func Normal(address string) string {
	at := strings.TrimSpace(address)
	_, rest, hasScheme := strings.Cut(at, "://")
	if hasScheme {
		at = rest
	}
	host, folder, isPath := strings.Cut(at, "/")
	if !hasScheme {
		if before, after, scp := strings.Cut(host, ":"); scp { // git@host:group/repository
			host, folder, isPath = before, strings.TrimSuffix(after+"/"+folder, "/"), true
		}
	}
	if _, after, ok := strings.Cut(host, "@"); ok {
		host = after
	}
	host, _, _ = strings.Cut(host, ":")
	if !isPath {
		return strings.ToLower(host)
	}
	return strings.ToLower(host) + "/" + strings.TrimSuffix(strings.Trim(folder, "/"), ".git")
}

// Folder is a path in the repository as tools write it (./apps/prod, /apps/prod/, "") as one
// of appfile.App; false if it leads out.
func Folder(written string) (string, bool) {
	clean := path.Clean("./" + strings.TrimLeft(strings.TrimSpace(written), "/"))
	return clean, clean != ".." && !strings.HasPrefix(clean, "../")
}

// Below is the path of a file in a folder, or below, as it is from there.
func Below(folder, file string) string {
	if folder == "." {
		return file
	}
	return strings.TrimPrefix(file, folder+"/")
}

// Relative is the path of a file as it is from a folder; both are from the repository's root.
func Relative(folder, file string) string {
	if folder == "." {
		return file
	}
	from, to := strings.Split(folder, "/"), strings.Split(file, "/")
	for len(from) > 0 && len(to) > 1 && from[0] == to[0] {
		from, to = from[1:], to[1:]
	}
	return strings.Repeat("../", len(from)) + strings.Join(to, "/")
}
