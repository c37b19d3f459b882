package git

// Symbolic links of a revision. They are followed step by step through tree objects,
// as Git stores them, and never touch the server's disk: a link leads to an entry of
// the same revision or to nothing.

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

const (
	// maxLinks bounds the links on the way of one path, as in Linux (ELOOP).
	maxLinks = 40
	// maxTarget is the longest target that is read, in bytes (PATH_MAX of Linux).
	maxTarget = 4096
)

// walkTo walks to an entry, through directories and links to directories.
func (t *tree) walkTo(op, name string) (*walk, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	w := &walk{tree: t, at: []*entry{t.root}}
	if name == "." {
		return w, nil
	}
	if err := w.follow(strings.Split(name, "/")); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
		}
		return nil, err
	}
	return w, nil
}

// lookup returns the entry to which a path leads, under the name in the path.
func (t *tree) lookup(op, name string) (*entry, error) {
	w, err := t.walkTo(op, name)
	if err != nil {
		return nil, err
	}
	found := w.here()
	if last := path.Base(name); found.name != last { // a link led to it
		named := *found
		named.alias = last
		return &named, nil
	}
	return found, nil
}

// Through returns the paths of the links on the way of a path, in turn, and last that
// of the entry it leads to. It is empty for a path without links, and for one that
// leads nowhere.
func (t *tree) Through(name string) []string {
	t.mu.Lock()
	linked := t.linked
	t.mu.Unlock()
	if !linked {
		return nil
	}
	w, err := t.walkTo("stat", name)
	if err != nil || len(w.through) == 0 {
		return nil
	}
	var paths []string
	for _, link := range w.through {
		paths = append(paths, link.path())
	}
	return append(paths, w.here().path())
}

// shown lists a directory as seen under a name: links appear as their targets from
// there.
func (t *tree) shown(name string, dir *directory) []fs.DirEntry {
	entries := make([]fs.DirEntry, len(dir.members))
	for i := range dir.members {
		e := &dir.members[i]
		if entries[i] = e; !e.isLink() {
			continue
		}
		if target, err := t.lookup("stat", path.Join(name, e.name)); err == nil {
			entries[i] = linked{target}
		}
	}
	return entries
}

// linked is the target of a link. It has no ContentHash: a folder's own hash does not
// cover entries elsewhere.
type linked struct{ fs.DirEntry }

func (e *entry) isLink() bool { return e.mode&fs.ModeSymlink != 0 }

// walk is a way through a revision.
type walk struct {
	tree    *tree
	at      []*entry // from the root to where it is
	through []*entry // the links that were followed
	inside  int      // links that are being followed
	own     []*entry // the links that are steps of the path itself, and not of a link
}

func (w *walk) here() *entry { return w.at[len(w.at)-1] }

// follow takes the steps in turn.
func (w *walk) follow(steps []string) error {
	for _, step := range steps {
		if err := w.step(step); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) step(step string) error {
	at := w.here()
	switch {
	case step == "" || step == ".":
		return nil
	case step == "..":
		if len(w.at) == 1 {
			return errLeaves
		}
		w.at = w.at[:len(w.at)-1]
		return nil
	case !at.IsDir() && at.refusal != nil:
		return &EntryError{Path: at.path(), Err: at.refusal}
	case !at.IsDir():
		return fs.ErrNotExist
	}
	dir, err := w.tree.list(at)
	if err != nil {
		return err
	}
	next := dir.find(step)
	if next == nil {
		return fs.ErrNotExist
	}
	if next.isLink() {
		return w.link(next)
	}
	w.at = append(w.at, next)
	return nil
}

// errLeaves is the error of a step out of the revision.
var errLeaves = errors.New("leads out of the repository")

// link follows a link from its directory.
func (w *walk) link(link *entry) error {
	refused := func(format string, args ...any) error {
		return &EntryError{Path: link.path(), Err: fmt.Errorf("%w: %s", ErrSymlink, fmt.Sprintf(format, args...))}
	}
	if w.through = append(w.through, link); len(w.through) > maxLinks {
		return refused("it is one of more than %d that lead to each other", maxLinks)
	}
	target, err := w.tree.target(link)
	if err != nil {
		return err
	}
	if path.IsAbs(target) {
		return refused("%q is a path of some machine; link to a file of the repository", target)
	}
	from := len(w.at)
	w.inside++
	err = w.follow(strings.Split(target, "/"))
	w.inside--
	switch {
	case errors.Is(err, errLeaves):
		return refused("%q leads out of the repository; commit the file itself", target)
	case errors.Is(err, fs.ErrNotExist):
		return refused("%q is not there; commit it, or remove the link", target)
	case err != nil:
		return err
	case len(w.at) <= from && w.here().IsDir() && contains(w.here(), link):
		return refused("%q is a folder that the link is in", target)
	case w.inside == 0:
		if w.leadsBack() {
			return refused("%q is a folder that the way to it has come through", target)
		}
		w.own = append(w.own, link)
	}
	return nil
}

// leadsBack reports whether the way has come to a folder that it has left by a link: a
// recursive listing would go round in circles, and each link in a few such folders
// would multiply them.
func (w *walk) leadsBack() bool {
	here := w.here()
	return here.IsDir() && slices.ContainsFunc(w.own, func(link *entry) bool { return contains(here, link) })
}

// contains reports whether a directory has an entry in it, at any depth.
func contains(dir, e *entry) bool {
	at := dir.place()
	for above := e.dir; above != nil; above = above.dir {
		if above.place() == at {
			return true
		}
	}
	return false
}

// target reads a link's target, once.
func (t *tree) target(link *entry) (string, error) {
	t.mu.Lock()
	known, ok := t.targets[link.place()]
	t.mu.Unlock()
	if ok {
		return known, nil
	}
	size, err := t.source.size(link)
	if err != nil {
		return "", fmt.Errorf("link %q: %w", link.path(), err)
	}
	if size > maxTarget {
		return "", limitError(link.path(), "a link of %d bytes", size)
	}
	file := *link
	file.refusal = nil
	data, err := t.content(&file)
	if err != nil {
		return "", err
	}
	target := string(data)
	if target == "" || !safeName(target) {
		return "", &EntryError{Path: link.path(), Err: fmt.Errorf("%w: its target is %q", ErrSymlink, target)}
	}
	t.mu.Lock()
	t.targets[link.place()] = target
	t.mu.Unlock()
	return target, nil
}
