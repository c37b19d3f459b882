package git

// Reading objects with go-git, from quarantine as well.
//
// go-git finds quarantined objects only if they are loose and lie in the last
// tmp_objdir that it happens to list, so it fails for every push of a pack and whenever
// a stale directory lies there. Hence two layers: the quarantine as an object store of
// its own, then the repository's.

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
	"github.com/go-git/go-git/v5/storage/memory"

	gogitfs "github.com/go-git/go-git/v5/storage/filesystem"
)

// objectCacheBytes bounds the objects that one reader keeps as delta bases.
const objectCacheBytes = 32 << 20

// maxCommitBytes bounds a commit or tag that is read, whose message may be long.
const maxCommitBytes = 4 << 20

// objects reads the objects of one repository for one operation. It is safe
// for concurrent use, which go-git's storage is not.
type objects struct {
	mu     sync.Mutex
	layers []*gogitfs.Storage
	loose  []*looseFolders // of the layers
	packs  []string        // their folders of packs
}

// openObjects opens the repository's objects, under those of its quarantine.
func (r *Repository) openObjects(q Quarantine) (*objects, error) {
	quarantine, err := r.locate(q)
	if err != nil {
		return nil, err
	}
	shared := cache.NewObjectLRU(objectCacheBytes)
	o := &objects{}
	if quarantine != "" {
		fs := openFS(quarantine)
		o.layers, o.loose = append(o.layers, gogitfs.NewStorage(objectDirFS{fs}, shared)), append(o.loose, fs.loose)
		o.packs = append(o.packs, filepath.Join(quarantine, "pack"))
	}
	fs := openFS(r.dir)
	o.layers, o.loose = append(o.layers, gogitfs.NewStorage(fs, shared)), append(o.loose, fs.loose)
	o.packs = append(o.packs, filepath.Join(r.dir, "objects", "pack"))
	return o, nil
}

// A look for an object lists the packs anew when one is gone that it had listed, or is
// only half there. A repack deletes maxPacks and more, one after the other, and on a busy
// machine its steps take a while.
const (
	maxLooks = 4 * maxPacks
	lookRest = 10 * time.Millisecond // before each look but the first ones
	inARow   = 5                     // looks
)

// find tries each layer. If none has the object, it tries again with a new listing of the
// repository's packs, since a repack may have replaced them; and as often as the packs
// change meanwhile: a listing of a folder may lack files while others are deleted.
func (o *objects) find(try func(*gogitfs.Storage) error) (err error) {
	defer recovered(&err)
	for looks := range maxLooks {
		if looks >= inARow {
			<-time.After(lookRest)
		}
		before := o.packsChanged()
		vanished := false
		for _, layer := range o.layers {
			if err = try(layer); err == nil {
				return nil
			}
			if !isMissing(err) {
				return err
			}
			vanished = vanished || !errors.Is(err, plumbing.ErrObjectNotFound)
		}
		if looks > 0 && !vanished && slices.EqualFunc(before, o.packsChanged(), time.Time.Equal) {
			return err
		}
		for i, layer := range o.layers {
			o.loose[i].forget()
			layer.Reindex()
		}
	}
	return err
}

// packsChanged is when a pack was last added or removed, by layers; zero where there are
// none.
func (o *objects) packsChanged() []time.Time {
	changed := make([]time.Time, len(o.packs))
	for i, folder := range o.packs {
		if info, err := os.Stat(folder); err == nil {
			changed[i] = info.ModTime()
		}
	}
	return changed
}

// isMissing reports whether an object, or the pack that held it, is missing.
func isMissing(err error) bool {
	return errors.Is(err, plumbing.ErrObjectNotFound) || errors.Is(err, dotgit.ErrPackfileNotFound) || errors.Is(err, os.ErrNotExist)
}

func (o *objects) get(kind plumbing.ObjectType, hash plumbing.Hash) (found plumbing.EncodedObject, err error) {
	err = o.find(func(layer *gogitfs.Storage) error {
		found, err = layer.EncodedObject(kind, hash)
		return err
	})
	return found, err
}

// size returns an object's size in bytes without reading all of it.
func (o *objects) size(hash Hash) (size int64, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	err = o.find(func(layer *gogitfs.Storage) error {
		size, err = layer.EncodedObjectSize(plumbing.NewHash(string(hash)))
		return err
	})
	return size, err
}

// read calls use with a storer of all layers; it turns panics of go-git into errors.
func (o *objects) read(use func(storer.EncodedObjectStorer) error) (err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer recovered(&err)
	return use(layered{EncodedObjectStorer: memory.NewStorage(), objects: o})
}

// layered is the storer that go-git's decoders read from; parts that they never use
// come from an empty store in memory.
type layered struct {
	storer.EncodedObjectStorer
	objects *objects
}

func (l layered) EncodedObject(kind plumbing.ObjectType, hash plumbing.Hash) (plumbing.EncodedObject, error) {
	return l.objects.get(kind, hash)
}

func (l layered) HasEncodedObject(hash plumbing.Hash) error {
	_, err := l.EncodedObjectSize(hash)
	return err
}

func (l layered) EncodedObjectSize(hash plumbing.Hash) (size int64, err error) {
	err = l.objects.find(func(layer *gogitfs.Storage) error {
		size, err = layer.EncodedObjectSize(hash)
		return err
	})
	return size, err
}

// commit reads a commit, through an annotated tag if need be.
func (o *objects) commit(hash Hash) (c *object.Commit, err error) {
	err = o.read(func(s storer.EncodedObjectStorer) error {
		size, err := s.EncodedObjectSize(plumbing.NewHash(string(hash)))
		if err != nil {
			return err
		}
		if size > maxCommitBytes {
			return fmt.Errorf("%w: an object of %d bytes", ErrLimit, size)
		}
		found, err := s.EncodedObject(plumbing.AnyObject, plumbing.NewHash(string(hash)))
		if err != nil {
			return err
		}
		if found.Type() == plumbing.TagObject {
			tag, err := object.DecodeTag(s, found)
			if err != nil {
				return err
			}
			c, err = tag.Commit()
			return err
		}
		c, err = object.DecodeCommit(s, found)
		return err
	})
	return c, err
}

// objectDirFS presents an object directory as go-git expects it: as the "objects" of a
// repository that has nothing else. (A directory of symlinks does not work: "chroot
// boundary crossed".)
type objectDirFS struct{ billy.Filesystem }

const alternates = "objects/info/alternates"

func inObjectDir(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, "objects"), "/")
}

func (f objectDirFS) Open(path string) (billy.File, error) {
	if path == alternates { // the repository that it borrows from is the next layer
		return nil, &os.PathError{Op: "open", Path: path, Err: os.ErrNotExist}
	}
	return f.Filesystem.Open(inObjectDir(path))
}

func (f objectDirFS) OpenFile(path string, flag int, perm os.FileMode) (billy.File, error) {
	return f.Filesystem.OpenFile(inObjectDir(path), flag, perm)
}

func (f objectDirFS) Stat(path string) (os.FileInfo, error) {
	return f.Filesystem.Stat(inObjectDir(path))
}

func (f objectDirFS) Lstat(path string) (os.FileInfo, error) {
	return f.Filesystem.Lstat(inObjectDir(path))
}

func (f objectDirFS) ReadDir(path string) ([]os.FileInfo, error) {
	return f.Filesystem.ReadDir(inObjectDir(path))
}
