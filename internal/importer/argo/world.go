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
type world struct {
	meaning.World
	patterns *patterns
}

func worldFrom(w meaning.World) world { return world{w, &patterns{}} }

// The cluster that Argo CD runs on.
const (
	inCluster       = "in-cluster"
	inClusterServer = "https://kubernetes.default.svc"
)

func keysOf[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

// clusterOf returns the cluster that a destination names, by its address or else by its name.
func (w world) clusterOf(server, called string) (cluster string, ok bool) {
	switch at := strings.TrimSuffix(server, "/"); {
	case w.isHome(server, called):
		called = w.Home()
	case server != "":
		called = w.clusterAt(at, server)
	}
	if called == appfile.DefaultCluster && len(w.Clusters) == 0 {
		return called, true
	}
	_, ok = w.Clusters[called]
	return called, ok
}

// isHome reports whether a destination names the cluster that Argo CD runs on.
func (w world) isHome(server, called string) bool {
	return strings.TrimSuffix(server, "/") == inClusterServer || server == "" && called == inCluster
}

// clusterAt is the first cluster at an address that the repository may use, or else what stands
// for one that there is not: whether another repository has one there is not told.
func (w world) clusterAt(address, none string) string {
	clusters := slices.Sorted(maps.Keys(w.Clusters))
	if len(clusters) == 0 {
		clusters = []string{appfile.DefaultCluster}
	}
	for _, cluster := range clusters {
		if strings.TrimSuffix(w.Servers[cluster], "/") == address {
			return cluster
		}
	}
	return none
}

// clustersHint is the next thing to try for who names a cluster that is not known.
func clustersHint(clusters appfile.Clusters, called string) string {
	names := slices.Sorted(maps.Keys(clusters))
	if len(names) == 0 {
		names = []string{appfile.DefaultCluster}
	}
	return fmt.Sprintf("clusters are %s; %s is %s\nto add it, in a clone of admin: pushboat cluster add %s; or have the grant of this repository name it (repositories.yaml)",
		strings.Join(names, ", "), inClusterServer, meaning.World{Clusters: clusters}.Home(), called)
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

// walk is world.walk, held to the budget: each of many apps may name a folder with many files.
func (t *Tree) walk(folder string, do func(name string, entry fs.DirEntry) bool) error {
	if err := t.budget.lasts(); err != nil {
		return err
	}
	seen := 0
	if err := t.world.walk(folder, func(name string, entry fs.DirEntry) bool { seen++; return do(name, entry) }); err != nil {
		return err
	}
	if t.budget.charge(seen/entriesInAStep) != nil {
		return errWalks
	}
	return nil
}

// isDeployed reports whether a revision of this repository is the branch that is deployed.
func (t *Tree) isDeployed(revision string) bool {
	return revision == "" || revision == "HEAD" || strings.TrimPrefix(revision, name.BranchPrefix) == string(t.world.Branch)
}

// rootOf is the folder of the revision that a source's repository is: its root, if it is this one
// at the branch that was pushed, or that of another one, or of a tag or a commit of this one.
// Where there is none, it notes a problem.
func (t *Tree) rootOf(m *meaning.Map, repo string, at revision) (root string, ok bool) {
	why, self := t.world.IsSelf(repo)
	switch {
	case repo == "":
		m.Problem("repoURL", "the source has no repoURL", "write the address of this repository")
		return "", false
	case strings.HasPrefix(repo, "oci://"):
		m.Problem("repoURL", "manifests are not read from registries", "commit them here; a chart is named by chart")
		return "", false
	case !self:
		place, ok := at.place(m)
		if !ok {
			return "", false
		}
		return t.world.Elsewhere(m, "repoURL", repo, place)
	case !t.isDeployed(at.text):
		return t.own(m, at)
	}
	if at := meaning.Normal(repo); !t.told[at] {
		t.told[at] = true
		m.Note("repoURL", manifest.Clean(repo)+" is this repository: "+why)
	}
	return ".", true
}

// own is the folder of another branch, a tag or a commit of this repository.
func (t *Tree) own(m *meaning.Map, of revision) (root string, ok bool) {
	at, ok := of.place(m)
	if !ok {
		return "", false
	}
	branch := string(t.world.Branch)
	return t.world.Own(m, of.field, at, &manifest.Problem{
		Message: fmt.Sprintf("%s is not the branch that is deployed, %s, and no other branch or tag here", manifest.Clean(of.text), branch),
		Hint:    "write " + of.field + ": " + branch + ", or HEAD for whatever branch is pushed; or push it as well: git push origin " + branch + " " + manifest.Clean(string(cmp.Or(at.Branch, name.Branch(at.Tag), name.Branch(at.Word), "TAG"))),
	})
}

// revision is what a field says of a revision.
type revision struct{ field, text string }

// revisionIn is the revision in a field of a mapping.
func revisionIn(m *meaning.Map, field string) revision { return revision{field, m.Text(field)} }

// place is what the revision means. What is none is a problem.
func (r revision) place(m *meaning.Map) (at meaning.At, ok bool) {
	at, err := placeOf(r.text)
	if err != nil {
		m.Problem(r.field, fmt.Sprintf("%s: %q %v", r.field, manifest.Clean(r.text), err), "write a branch, a tag, a range of versions such as 1.*, or the whole hash of a commit")
	}
	return at, err == nil
}

// placeOf is what a revision of Argo CD means: a branch, a tag, a range of versions, or the hash of
// a commit. A word that is none of the last two is a branch if there is one of that name, or else
// a tag. The error reads on from the quoted revision.
func placeOf(revision string) (at meaning.At, err error) {
	if commit, err := name.ParseRevision(revision); err == nil {
		return meaning.At{Commit: commit}, nil
	}
	if revision == "" || revision == "HEAD" {
		return meaning.At{}, nil
	}
	if tag, is := name.TagOf(revision); is {
		_, err := name.ParseTag(string(tag))
		return meaning.At{Tag: tag}, err
	}
	branch, full := name.BranchOf(revision)
	if !full {
		branch = name.Branch(revision)
	}
	_, err = name.ParseBranch(string(branch))
	switch {
	case full && err == nil:
		return meaning.At{Branch: branch}, nil
	case !full && name.IsRange(revision):
		at = meaning.At{Range: revision, Loose: true}
		if err == nil {
			at.Word = revision
		}
		return at, nil
	case err != nil:
		return meaning.At{}, err
	}
	return meaning.At{Word: revision}, nil
}
