package argo

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// world is the world that objects are read in, with Argo CD's names for what is in it.
type world struct{ meaning.World }

// The cluster that Argo CD runs on.
const (
	inCluster       = "in-cluster"
	inClusterServer = "https://kubernetes.default.svc"
)

func keysOf[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

// clusterOf returns the cluster that a destination names, by its address or else by its name.
func (w world) clusterOf(server, called string) (cluster string, ok bool) {
	switch at := strings.TrimSuffix(server, "/"); {
	case at == inClusterServer, server == "" && called == inCluster:
		called = appfile.DefaultCluster
	case server != "":
		called = server
		for known, address := range w.Servers {
			if strings.TrimSuffix(address, "/") == at {
				called = known
			}
		}
	}
	if called == appfile.DefaultCluster && len(w.Clusters) == 0 {
		return called, true
	}
	_, ok = w.Clusters[called]
	return called, ok
}

func clustersHint(clusters appfile.Clusters) string {
	names := slices.Sorted(maps.Keys(clusters))
	if len(names) == 0 {
		names = []string{appfile.DefaultCluster}
	}
	return fmt.Sprintf("clusters are %s; %s is %s", strings.Join(names, ", "), inClusterServer, appfile.DefaultCluster)
}

func (w world) isFolder(name string) bool {
	info, err := fs.Stat(w.Tree, name)
	return err == nil && info.IsDir()
}

func (w world) isFile(name string) bool {
	info, err := fs.Stat(w.Tree, name)
	return err == nil && !info.IsDir()
}

// Limits of a walk through the revision; they are those of an app's folder.
const (
	maxEntries = 100_000
	maxDepth   = 40
)

var errTooMany = errors.New("there are too many files and folders")

// walk calls do for the files and folders below a folder, hidden ones left out, in the order of
// their names. do is false for a folder that is not to be entered.
func (w world) walk(folder string, do func(name string, entry fs.DirEntry) bool) error {
	count := 0
	var visit func(folder string, depth int) error
	visit = func(folder string, depth int) error {
		if depth > maxDepth {
			return errTooMany
		}
		entries, err := fs.ReadDir(w.Tree, folder)
		if err != nil {
			return nil //nolint:nilerr // what cannot be listed has nothing in it; the app's rendering says so
		}
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
		for _, entry := range entries {
			if count++; count > maxEntries {
				return errTooMany
			}
			name := path.Join(folder, entry.Name())
			if strings.HasPrefix(entry.Name(), ".") || !do(name, entry) || !entry.IsDir() {
				continue
			}
			if err := visit(name, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return visit(folder, 0)
}

// checkRepository is rootOf for what has to be this repository.
func (t *Tree) checkRepository(m *meaning.Map, repo, revision string) bool {
	if _, self := t.world.IsSelf(repo); !self && repo != "" && !strings.HasPrefix(repo, "oci://") {
		m.Problem("repoURL", fmt.Sprintf("%s is another repository than this one", repo),
			"commit the folder here; if it is this repository, list the address in "+appfile.Name+": import: {self: ["+repo+"]}")
		return false
	}
	_, ok := t.rootOf(m, repo, revision)
	return ok
}

// rootOf is the folder of the revision that a source's repository is: its root, if it is this one
// at the branch that was pushed, or that of another one. Where there is none, it notes a problem.
func (t *Tree) rootOf(m *meaning.Map, repo, revision string) (root string, ok bool) {
	branch := string(t.world.Branch)
	why, self := t.world.IsSelf(repo)
	switch {
	case repo == "":
		m.Problem("repoURL", "the source has no repoURL", "write the address of this repository")
	case strings.HasPrefix(repo, "oci://"):
		m.Problem("repoURL", "manifests are not read from registries", "commit them here; a chart is named by chart")
	case !self:
		return t.elsewhere(m, repo, revision)
	case revision != "" && revision != "HEAD" && strings.TrimPrefix(revision, "refs/heads/") != branch:
		m.Problem("targetRevision", fmt.Sprintf("%s is not the branch that is deployed, %s", revision, branch),
			"write targetRevision: "+branch+", or HEAD for whatever branch is pushed")
	default:
		if at := meaning.Normal(repo); !t.told[at] {
			t.told[at] = true
			m.Note("repoURL", manifest.Clean(repo)+" is this repository: "+why)
		}
		return ".", true
	}
	return "", false
}

// elsewhere is the folder of another repository, at a branch or a commit.
func (t *Tree) elsewhere(m *meaning.Map, repo, revision string) (root string, ok bool) {
	if commit, err := name.ParseRevision(revision); err == nil {
		return t.world.Elsewhere(m, "repoURL", repo, "", commit)
	}
	branch := strings.TrimPrefix(revision, "refs/heads/")
	if branch == "HEAD" {
		branch = ""
	}
	if _, err := name.ParseBranch(branch); branch != "" && err != nil {
		m.Problem("targetRevision", fmt.Sprintf("targetRevision: %q %v", manifest.Clean(revision), err), "write a branch, or the whole hash of a commit")
		return "", false
	}
	return t.world.Elsewhere(m, "repoURL", repo, name.Branch(branch), "")
}

// relative is the path from one folder to a file, both from the root.
func relative(folder, file string) string {
	if folder == "." {
		return file
	}
	from, to := strings.Split(folder, "/"), strings.Split(file, "/")
	for len(from) > 0 && len(to) > 1 && from[0] == to[0] {
		from, to = from[1:], to[1:]
	}
	return strings.Repeat("../", len(from)) + strings.Join(to, "/")
}
