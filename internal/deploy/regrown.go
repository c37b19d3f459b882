package deploy

import (
	"io/fs"
	"slices"
	"sync"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Which apps a repository of another tool makes depends on the clusters that it may use: those of
// a clusters generator, and those after which folders of roots are called. So its main branch
// counts among those that select clusters. What comes and goes is known when all is rendered.

// readWith is with what branches were read last whose apps are objects of other tools. The zero
// value has none.
type readWith struct {
	mu sync.Mutex
	of map[branchOf]surroundings
}

// surroundings are what such a branch was read with: the clusters, and the places of other
// repositories, or of its own.
type surroundings struct {
	clusters appfile.Clusters
	places   []followed
	said     map[string]bool // what the push of the revision has said of objects that mean no app
}

// saidOf is what a push says of the objects of a revision that mean no app.
func saidOf(tree *importer.Tree) map[string]bool {
	said := map[string]bool{}
	for _, note := range tree.Notes(func(name.App) bool { return false }) {
		said[keyOf(note)] = true
	}
	return said
}

// keyOf identifies a note, wherever in its file the object is.
func keyOf(note meaning.Note) string {
	return note.Source.File + "\x00" + note.Object + "\x00" + note.Text
}

// hasSaid reports whether the push of the last revision of a branch has said what a note says.
func (r *readWith) hasSaid(at branchOf, note meaning.Note) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.of[at].said[keyOf(note)]
}

// note notes with what a branch was read. Without what was said, it is what was said before.
func (r *readWith) note(at branchOf, with surroundings) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = map[branchOf]surroundings{}
	}
	if with.said == nil {
		with.said = r.of[at].said
	}
	r.of[at] = with
}

// following are the branches that were read with a place of a repository that a ref moves.
func (r *readWith) following(repo name.Repo, ref string) (branches []branchOf) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for at, with := range r.of {
		if slices.ContainsFunc(with.places, func(f followed) bool { return f.repo == repo && f.moves(ref) }) {
			branches = append(branches, at)
		}
	}
	return branches
}

// same reports whether a branch was read with these clusters.
func (r *readWith) same(at branchOf, clusters appfile.Clusters) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, read := r.of[at]
	return read && sameClusters(last.clusters, clusters)
}

// forget takes out the branches of a repository.
func (r *readWith) forget(repo name.Repo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for at := range r.of {
		if at.repo == repo {
			delete(r.of, at)
		}
	}
}

// madeWith is what a branch makes with a set of clusters.
type madeWith struct {
	file     appfile.File
	imports  *importer.Tree // nil: its apps are no objects of other tools
	places   []followed     // of other repositories
	problems manifest.Problems
}

// selects reports whether which apps there are depends on the clusters.
func (m madeWith) selects() bool { return len(m.file.Selections) > 0 || m.imports != nil }

// makes reads what a branch makes of a revision.
func (e *Engine) makes(tree fs.FS, at appfile.Place, head name.Revision) (made madeWith) {
	tree = e.joinedTree(tree, at.Repo, access.Caller{System: true})
	made.file, made.imports, made.problems = e.readFile(tree, at)
	if made.imports == nil || len(made.problems) > 0 {
		return made
	}
	targets, problems := e.readTargets(reading{specs: made.file.Apps, imports: made.imports, tree: tree, repo: at.Repo, revision: head})
	made.file.Apps, made.places = specsOf(targets), follows(tree)
	made.problems = slices.DeleteFunc(problems, func(p manifest.Problem) bool {
		return p.App != "" && slices.ContainsFunc(made.file.Apps, func(app appfile.App) bool {
			return app.Name == p.App && !e.Clusters.knows(app.Cluster) // which comes first, and tells charts what it serves
		})
	})
	return made
}
