package deploy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render"
)

// Bench renders one app of a revision again and again, each time with other contents of
// some files, to see what they would change. It asks no cluster for a dry-run, and its
// methods are not safe for concurrent use. The caller must close it.
type Bench struct {
	// Objects are those of the revision as it is, with what they must not show noted.
	Objects []*manifest.Object
	// Files are those that the app is rendered from, as they are in the revision, by their
	// paths; of a link, that of its target.
	Files map[string][]byte

	engine  *Engine
	change  Change
	session *render.Session
}

// maxBenchFile bounds a file on a bench, in bytes; larger ones are left out.
const maxBenchFile = 1 << 20

// Bench opens a bench for the app Only of a change.
func (e *Engine) Bench(ctx context.Context, change Change) (*Bench, error) {
	b := &Bench{engine: e, change: change, session: e.Renderer.For(change.Repo).SessionFor(change.Tree, change.Caller.Operator, change.Tell)}
	p, spec, err := e.entryOf(change)
	if err != nil {
		b.Close()
		return nil, err
	}
	tried, problems := b.session.Try(ctx, change.Tree, spec, true)
	if err := problems.Err(); err != nil {
		b.Close()
		return nil, err
	}
	b.Objects, b.Files = tried.Objects, map[string][]byte{}
	read := append(tried.Read, appfile.Name)
	if p.imports != nil {
		read = append(read, p.grownOf(ctx, b.session, spec.Name)...)
	}
	for _, name := range read {
		at := behindLinks(change.Tree, name)
		data, err := fs.ReadFile(change.Tree, at)
		if err == nil && len(data) <= maxBenchFile {
			b.Files[at] = data
		}
	}
	return b, nil
}

// Change is the revision on the bench.
func (b *Bench) Change() Change { return b.change }

// Close releases what the bench holds.
func (b *Bench) Close() { b.session.Close() }

// Try returns the objects of the revision with other contents of some files; false if they
// cannot be rendered.
func (b *Bench) Try(ctx context.Context, changed map[string][]byte) ([]*manifest.Object, bool) {
	tree := changedTree{b.change.Tree, maps.Clone(changed)}
	spec, err := b.engine.specOf(b.change, tree)
	if err != nil {
		return nil, false
	}
	tried, problems := b.session.Try(ctx, tree, spec, false)
	return tried.Objects, len(problems) == 0
}

// specOf is the entry of the app Only of a change at another tree.
func (e *Engine) specOf(change Change, tree fs.FS) (appfile.App, error) {
	change.Tree = tree
	_, spec, err := e.entryOf(change)
	return spec, err
}

// entryOf reads the entry of the app Only of a change. Where apps are objects of other tools,
// those above it are rendered for that.
func (e *Engine) entryOf(change Change) (*Proposal, appfile.App, error) {
	draft := e.Open(change)
	p := draft.p
	if p.imports != nil {
		draft.render()
	}
	if err := p.Problems.Err(); err != nil {
		return p, appfile.App{}, err
	}
	for _, spec := range p.specs {
		if spec.Name == change.Only {
			return p, spec, nil
		}
	}
	return p, appfile.App{}, fmt.Errorf("app %s is not named by %s at this revision: %w", change.Only, appfile.Name, fs.ErrNotExist)
}

// Named returns the function that tells the named object among those of the bench, see
// Engine.Why. The error is ErrNaming if it is no name of an object.
func (b *Bench) Named(ctx context.Context, object string) (func(*manifest.Object) bool, error) {
	_, spec, err := b.engine.entryOf(b.change)
	if err != nil {
		return nil, err
	}
	named, err := parseNaming(object, b.engine.kindsNamed(ctx, spec.Cluster))
	if err != nil {
		return nil, err
	}
	return named.rendered(spec.Namespace), nil
}

// behindLinks is where a path leads, behind links.
func behindLinks(tree fs.FS, name string) string {
	if links, ok := tree.(interface{ Through(name string) []string }); ok {
		if way := links.Through(name); len(way) > 0 {
			return way[len(way)-1]
		}
	}
	return name
}

// changedTree is a revision with other contents of some files.
type changedTree struct {
	fs.FS
	files map[string][]byte
}

// Open implements fs.FS.
func (t changedTree) Open(name string) (fs.File, error) {
	file, err := t.FS.Open(name)
	if err != nil {
		return file, err
	}
	if data, ok := t.files[behindLinks(t.FS, name)]; ok {
		return changedFile{file, bytes.NewReader(data), int64(len(data))}, nil
	}
	return file, nil
}

// ReadFile implements fs.ReadFileFS.
func (t changedTree) ReadFile(name string) ([]byte, error) {
	if data, ok := t.files[behindLinks(t.FS, name)]; ok {
		return bytes.Clone(data), nil
	}
	return fs.ReadFile(t.FS, name)
}

// Stat implements fs.StatFS. What has changed has no hash, and neither has a folder with it:
// whoever knows the folder by its hash reads it again.
func (t changedTree) Stat(name string) (fs.FileInfo, error) {
	info, err := fs.Stat(t.FS, name)
	if err != nil {
		return nil, err
	}
	at := behindLinks(t.FS, name)
	if data, changed := t.files[at]; changed {
		return changedInfo{info, int64(len(data))}, nil
	}
	if t.touches(at) {
		return changedInfo{info, info.Size()}, nil
	}
	return info, nil
}

// touches reports whether a file has another content, or a folder has such a file.
func (t changedTree) touches(at string) bool {
	for file := range t.files {
		if at == "." || file == at || strings.HasPrefix(file, at+"/") {
			return true
		}
	}
	return false
}

// ReadDir implements fs.ReadDirFS, likewise.
func (t changedTree) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(t.FS, name)
	if err != nil {
		return entries, err
	}
	entries = slices.Clone(entries)
	at := behindLinks(t.FS, name)
	for i, entry := range entries {
		if !t.touches(path.Join(at, entry.Name())) {
			continue
		}
		info, err := t.Stat(path.Join(name, entry.Name()))
		if err != nil {
			return nil, err
		}
		entries[i] = fs.FileInfoToDirEntry(info)
	}
	return entries, nil
}

// changedFile is an open file with another content.
type changedFile struct {
	fs.File
	io.Reader
	size int64
}

// Read implements fs.File.
func (f changedFile) Read(p []byte) (int, error) { return f.Reader.Read(p) }

// Stat implements fs.File.
func (f changedFile) Stat() (fs.FileInfo, error) {
	info, err := f.File.Stat()
	if err != nil {
		return nil, err
	}
	return changedInfo{info, f.size}, nil
}

// changedInfo describes a file with another content, whose hash is not known, or a folder with one.
type changedInfo struct {
	fs.FileInfo
	size int64
}

// Size implements fs.FileInfo.
func (i changedInfo) Size() int64 { return i.size }

// Sys implements fs.FileInfo.
func (i changedInfo) Sys() any { return nil }
