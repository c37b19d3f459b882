package git

// A revision as an fs.FS.
//
// There is no work tree: files are read straight from objects, so no pushed entry ever
// becomes a path on the server's disk (CVE-2024-55947, CVE-2025-8110, CVE-2026-52811:
// writing through a committed symlink). Entries other than files and directories, and
// names that are unsafe to show or open, stay visible in listings and refuse to be
// opened. Symbolic links are followed only inside the tree, see link.go.

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// The reasons why an entry of a revision is not readable; the Err of an EntryError.
var (
	ErrSymlink    = errors.New("the symbolic link cannot be followed")
	ErrSubmodule  = errors.New("submodules are not followed; commit the files themselves")
	ErrUnsafeName = errors.New("the name holds control characters or is not UTF-8; rename the file")
	ErrLimit      = errors.New("over the limit")
)

// EntryError names a file of a revision that cannot be read, and the reason. It unwraps
// to ErrSymlink, ErrSubmodule, ErrUnsafeName or ErrLimit.
type EntryError struct {
	Path string // as it was pushed: any bytes
	Err  error
}

// Error names the file, and quotes a name with unprintable characters.
func (e *EntryError) Error() string {
	name := e.Path
	if !safeName(name) {
		name = fmt.Sprintf("%q", name)
	}
	return name + ": " + e.Err.Error()
}

// Unwrap returns the reason.
func (e *EntryError) Unwrap() error { return e.Err }

// TreeLimits bound the reading of one revision (CVE-2022-31016 and its kin: a small
// push can hold a huge tree). Only entries that are read count, so that the size of the
// repository does not limit a small app. Zero fields have the default.
type TreeLimits struct {
	Entries    int   // files and directories listed; default 100,000
	FileBytes  int64 // one file; default 16 MiB, ten times what etcd takes as one object
	TotalBytes int64 // all files read; default 256 MiB
	Depth      int   // directories below each other; default 32
	NameBytes  int   // one name; default 255, as in file systems
}

func (l TreeLimits) withDefaults() TreeLimits {
	defaults := TreeLimits{Entries: 100_000, FileBytes: 16 << 20, TotalBytes: 256 << 20, Depth: 32, NameBytes: 255}
	if l.Entries <= 0 {
		l.Entries = defaults.Entries
	}
	if l.FileBytes <= 0 {
		l.FileBytes = defaults.FileBytes
	}
	if l.TotalBytes <= 0 {
		l.TotalBytes = defaults.TotalBytes
	}
	if l.Depth <= 0 {
		l.Depth = defaults.Depth
	}
	if l.NameBytes <= 0 {
		l.NameBytes = defaults.NameBytes
	}
	return l
}

// Tree returns the files of a commit. It reads listings and files on demand. The fs.FS
// is safe for concurrent use, holds nothing open, and also implements fs.ReadDirFS,
// fs.ReadFileFS and fs.StatFS. Symbolic links are followed inside the tree, and appear
// as their targets. Those that lead nowhere or out of the tree appear as
// fs.ModeSymlink, submodules and unsafe names as fs.ModeIrregular; opening one is an
// *EntryError.
func (r *Repository) Tree(hash Hash) (fs.FS, error) {
	return r.QuarantinedTree(hash, Quarantine{})
}

// QuarantinedTree is Tree for a commit that is still in quarantine. It is readable
// while the hook that named the quarantine waits.
func (r *Repository) QuarantinedTree(hash Hash, q Quarantine) (fs.FS, error) {
	objects, err := r.openObjects(q)
	if err != nil {
		return nil, err
	}
	return r.openTree(objects, hash)
}

// Reader reads many revisions of a repository, and opens its packs once: with a
// thousand apps in one repository, opening packs is nearly the whole cost.
type Reader struct {
	repository *Repository
	objects    *objects
}

// Reader returns a reader of the repository's current objects.
func (r *Repository) Reader() (*Reader, error) {
	objects, err := r.openObjects(Quarantine{})
	if err != nil {
		return nil, err
	}
	return &Reader{repository: r, objects: objects}, nil
}

// Tree is Repository.Tree.
func (r *Reader) Tree(hash Hash) (fs.FS, error) { return r.repository.openTree(r.objects, hash) }

func (r *Repository) openTree(objects *objects, hash Hash) (*tree, error) {
	commit, err := r.findCommit(objects, hash)
	if err != nil {
		return nil, err
	}
	t := newTree(stored{objects, r}, r.opts.Limits)
	t.root.raw = string(commit.TreeHash[:])
	if _, err := t.list(t.root); err != nil {
		return nil, fmt.Errorf("read tree of commit %s of %q: %w", hash.Short(), r.name, err)
	}
	return t, nil
}

// source provides the entries of a tree.
type source interface {
	members(dir *entry) ([]entry, error)
	size(e *entry) (int64, error)
	// read returns the content of a file, or the target of a link, of the given size.
	read(e *entry, size int64) ([]byte, error)
}

// tree is a revision; it remembers the directories it has read.
type tree struct {
	source source
	limits TreeLimits
	root   *entry

	mu      sync.Mutex
	dirs    map[place]*directory
	entries int              // listed so far
	linked  bool             // the listed directories contain symbolic links
	targets map[place]string // targets of links that were followed
	through map[string]bool  // directories that were listed through links
	reached int              // their entries
	counted map[place]bool   // files whose size is in bytes
	bytes   int64
}

func newTree(from source, limits TreeLimits) *tree {
	t := &tree{
		source: from, limits: limits, dirs: map[place]*directory{}, counted: map[place]bool{},
		targets: map[place]string{}, through: map[string]bool{},
	}
	t.root = &entry{tree: t, name: ".", mode: fs.ModeDir | 0o755}
	return t
}

// directory is the content of a directory, in the order of names.
type directory struct{ members []entry }

// find returns the entry with a name; nil if there is none.
func (d *directory) find(name string) *entry {
	at, found := slices.BinarySearchFunc(d.members, name, func(e entry, name string) int { return strings.Compare(e.name, name) })
	if !found {
		return nil
	}
	return &d.members[at]
}

// Each push that changes one file of a directory of ten thousand reads the directory
// again. So properties that most entries never need, such as paths and sizes, are
// computed on demand. Names are found by binary search, since few are looked up and Git
// sorts them.

// Open opens a file or a directory.
func (t *tree) Open(name string) (fs.File, error) {
	e, err := t.lookup("open", name)
	if err != nil {
		return nil, err
	}
	if e.IsDir() {
		entries, err := t.ReadDir(name)
		return &openedDir{entry: e, rest: entries}, err
	}
	data, err := t.content(e)
	if err != nil {
		return nil, err
	}
	return &file{info: info{entry: e, size: int64(len(data))}, Reader: strings.NewReader(string(data))}, nil
}

// ReadFile returns a file's content.
func (t *tree) ReadFile(name string) ([]byte, error) {
	e, err := t.lookup("read", name)
	if err != nil {
		return nil, err
	}
	if e.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is a directory")}
	}
	return t.content(e)
}

// ReadDir lists a directory in the order of names.
func (t *tree) ReadDir(name string) ([]fs.DirEntry, error) {
	w, err := t.walkTo("readdir", name)
	if err != nil {
		return nil, err
	}
	e := w.here()
	if !e.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a directory")}
	}
	dir, err := t.list(e)
	if err == nil && len(w.through) > 0 {
		err = t.reach(name, len(dir.members))
	}
	if err != nil {
		return nil, err
	}
	return t.shown(name, dir), nil
}

// linkedShare is the divisor of TreeLimits.Entries for entries that are listed through
// links: those cost more, since each has a way of its own.
const linkedShare = 4

// reach counts the entries of a directory that was listed through links, once: a few
// links can make a large tree from a small one.
func (t *tree) reach(name string, entries int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.through[name] {
		return nil
	}
	most := t.limits.Entries / linkedShare
	if t.reached += entries; t.reached > most {
		return limitError(name, "more than %d files are reached through symbolic links", most)
	}
	t.through[name] = true
	return nil
}

// Stat describes an entry, or the target of a symbolic link.
func (t *tree) Stat(name string) (fs.FileInfo, error) {
	e, err := t.lookup("stat", name)
	if err != nil {
		return nil, err
	}
	return e.Info()
}

// list reads a directory, once.
func (t *tree) list(dir *entry) (*directory, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if known, ok := t.dirs[dir.place()]; ok {
		return known, nil
	}
	if dir.depth > t.limits.Depth {
		return nil, limitError(dir.path(), "more than %d directories below each other", t.limits.Depth)
	}
	members, err := t.source.members(dir)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(members, byName)
	for i := 1; i < len(members); i++ {
		if members[i].name == members[i-1].name {
			return nil, fmt.Errorf("directory %q: malformed: a name is in it twice", dir.path())
		}
	}
	listed := &directory{members}
	t.dirs[dir.place()] = listed
	return listed, nil
}

func byName(a, b entry) int { return strings.Compare(a.name, b.name) }

// grow counts entries of a directory that is about to be listed.
func (t *tree) grow(dir *entry, entries int) error {
	if t.entries += entries; t.entries > t.limits.Entries {
		return limitError(dir.path(), "more than %d files in this revision", t.limits.Entries)
	}
	return nil
}

// entry makes an entry from a line of a tree object. Names that git's fsck refuses, and
// that would lead a walk astray, are errors; pushes cannot bring them.
func (t *tree) entry(dir *entry, mode, name, hash string) (entry, error) {
	switch {
	case name == "" || name == "." || name == ".." || strings.Contains(name, "/"):
		return entry{}, fmt.Errorf("directory %q: malformed: an entry is named %q", dir.path(), name)
	case len(name) > t.limits.NameBytes:
		return entry{}, limitError(path.Join(dir.path(), name), "a name of %d bytes", len(name))
	}
	e := entry{tree: t, dir: dir, name: name, depth: dir.depth + 1, raw: hash}
	digits, err := filemode.New(mode)
	if err != nil {
		return entry{}, fmt.Errorf("directory %q: malformed: the mode of %q is %q", dir.path(), name, mode)
	}
	if e.mode, e.refusal = modeOf(digits); e.isLink() {
		t.linked = true
	}
	if !safeName(name) {
		e.mode, e.refusal = fs.ModeIrregular, ErrUnsafeName
	}
	return e, nil
}

func modeOf(mode filemode.FileMode) (fs.FileMode, error) {
	switch mode {
	case filemode.Dir:
		return fs.ModeDir | 0o755, nil
	case filemode.Executable:
		return 0o755, nil
	case filemode.Regular, filemode.Deprecated:
		return 0o644, nil
	case filemode.Symlink:
		return fs.ModeSymlink | 0o777, ErrSymlink
	case filemode.Submodule:
		return fs.ModeIrregular, ErrSubmodule
	default:
		return fs.ModeIrregular, fmt.Errorf("mode %s is not one of Git's", mode)
	}
}

// safeName reports whether a name can be shown and opened: UTF-8 without
// control characters, and without those that reorder text on a terminal.
func safeName(name string) bool {
	if isPrintableASCII(name) {
		return true // nearly all are, and looking characters up takes time
	}
	if !utf8.ValidString(name) {
		return false
	}
	return strings.IndexFunc(name, func(c rune) bool {
		return unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) || c == '\u2028' || c == '\u2029'
	}) < 0
}

func isPrintableASCII(name string) bool {
	for i := range len(name) {
		if name[i] < ' ' || name[i] > '~' {
			return false
		}
	}
	return true
}

func limitError(name, format string, args ...any) error {
	return &EntryError{Path: name, Err: fmt.Errorf("%w: %s", ErrLimit, fmt.Sprintf(format, args...))}
}

// content reads a file after checking its size against the limits.
func (t *tree) content(e *entry) ([]byte, error) {
	if e.refusal != nil {
		return nil, &EntryError{Path: e.path(), Err: e.refusal}
	}
	size, err := t.source.size(e)
	if err != nil {
		return nil, fmt.Errorf("file %q: %w", e.path(), err)
	}
	if err := t.count(e, size); err != nil {
		return nil, err
	}
	data, err := t.source.read(e, size)
	if err != nil {
		return nil, fmt.Errorf("file %q: %w", e.path(), err)
	}
	return data, nil
}

// count adds a file to the bytes that were read of the revision, once.
func (t *tree) count(e *entry, size int64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if size > t.limits.FileBytes {
		return limitError(e.path(), "%d bytes, and %d are the most for one file", size, t.limits.FileBytes)
	}
	if t.counted[e.place()] {
		return nil
	}
	if t.bytes+size > t.limits.TotalBytes {
		return limitError(e.path(), "with it more than %d bytes of this revision would be read", t.limits.TotalBytes)
	}
	t.counted[e.place()] = true
	t.bytes += size
	return nil
}
