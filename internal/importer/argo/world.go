package argo

import (
	"cmp"
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

// checkRepository is rootOf for what has to be this repository, at the branch that is deployed.
func (t *Tree) checkRepository(m *meaning.Map, repo, revision string) bool {
	if _, self := t.world.IsSelf(repo); !self && repo != "" && !strings.HasPrefix(repo, "oci://") {
		m.Problem("repoURL", fmt.Sprintf("%s is another repository than this one", repo),
			"commit the folder here; if it is this repository, list the address in "+appfile.Name+": import: {self: ["+repo+"]}")
		return false
	}
	if branch := string(t.world.Branch); repo != "" && !t.isDeployed(revision) {
		m.Problem("revision", fmt.Sprintf("%s is not the branch that is deployed, %s", manifest.Clean(revision), branch),
			"write revision: "+branch+", or HEAD for whatever branch is pushed")
		return false
	}
	_, ok := t.rootOf(m, repo, "")
	return ok
}

// isDeployed reports whether a revision of this repository is the branch that is deployed.
func (t *Tree) isDeployed(revision string) bool {
	return revision == "" || revision == "HEAD" || strings.TrimPrefix(revision, name.BranchPrefix) == string(t.world.Branch)
}

// rootOf is the folder of the revision that a source's repository is: its root, if it is this one
// at the branch that was pushed, or that of another one, or of a tag or a commit of this one.
// Where there is none, it notes a problem.
func (t *Tree) rootOf(m *meaning.Map, repo, revision string) (root string, ok bool) {
	why, self := t.world.IsSelf(repo)
	switch {
	case repo == "":
		m.Problem("repoURL", "the source has no repoURL", "write the address of this repository")
		return "", false
	case strings.HasPrefix(repo, "oci://"):
		m.Problem("repoURL", "manifests are not read from registries", "commit them here; a chart is named by chart")
		return "", false
	case !self:
		at, ok := place(m, revision)
		if !ok {
			return "", false
		}
		return t.world.Elsewhere(m, "repoURL", repo, at)
	case !t.isDeployed(revision):
		return t.own(m, revision)
	}
	if at := meaning.Normal(repo); !t.told[at] {
		t.told[at] = true
		m.Note("repoURL", manifest.Clean(repo)+" is this repository: "+why)
	}
	return ".", true
}

// own is the folder of a tag or a commit of this repository. Of its branches, the one that was
// pushed is deployed.
func (t *Tree) own(m *meaning.Map, revision string) (root string, ok bool) {
	at, ok := place(m, revision)
	if !ok {
		return "", false
	}
	branch := string(t.world.Branch)
	other := manifest.Problem{
		Message: fmt.Sprintf("%s is not the branch that is deployed, %s", manifest.Clean(revision), branch),
		Hint:    "write targetRevision: " + branch + ", or HEAD for whatever branch is pushed; or a tag, or the whole hash of a commit, that is here",
	}
	if at.Branch != "" {
		m.Problem("targetRevision", other.Message, other.Hint)
		return "", false
	}
	at.Tag, at.Word = cmp.Or(at.Tag, name.Tag(at.Word)), ""
	return t.world.Own(m, "targetRevision", at, &other)
}

// place is what a revision of Argo CD means: a branch, a tag, a range of versions, or the hash of
// a commit. A word that is none of the last two is a branch if there is one of that name, or else
// a tag.
func place(m *meaning.Map, revision string) (at meaning.At, ok bool) {
	problem := func(err error) (meaning.At, bool) {
		m.Problem("targetRevision", fmt.Sprintf("targetRevision: %q %v", manifest.Clean(revision), err), "write a branch, a tag, a range of versions such as 1.*, or the whole hash of a commit")
		return meaning.At{}, false
	}
	if commit, err := name.ParseRevision(revision); err == nil {
		return meaning.At{Commit: commit}, true
	}
	if revision == "" || revision == "HEAD" {
		return meaning.At{}, true
	}
	if tag, is := name.TagOf(revision); is {
		if _, err := name.ParseTag(string(tag)); err != nil {
			return problem(err)
		}
		return meaning.At{Tag: tag}, true
	}
	branch, full := name.BranchOf(revision)
	if !full {
		branch = name.Branch(revision)
	}
	_, err := name.ParseBranch(string(branch))
	switch {
	case full && err == nil:
		return meaning.At{Branch: branch}, true
	case !full && name.IsRange(revision):
		at = meaning.At{Range: revision, Loose: true}
		if err == nil {
			at.Word = revision
		}
		return at, true
	case err != nil:
		return problem(err)
	}
	return meaning.At{Word: revision}, true
}
