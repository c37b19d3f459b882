package charts

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// DefaultSize bounds the bytes of kept archives: some thousand charts.
const DefaultSize = 1 << 30

// disk keeps archives by their digest, and the digest of every version ever seen, which
// outlives its archive.
//
//	archives/HEX         the archive with that SHA-256
//	digests/HEX          a Chart in JSON, by the SHA-256 of what names it
type disk struct {
	dir   string
	size  int64
	fence func() error
	mu    sync.Mutex // held while files change
}

func newDisk(config Config) *disk {
	d := &disk{dir: config.Dir, size: cmp.Or(config.Size, DefaultSize), fence: config.Fence}
	if d.fence == nil {
		d.fence = func() error { return nil }
	}
	return d
}

func (d *disk) archive(digest string) string {
	return filepath.Join(d.dir, "archives", strings.TrimPrefix(digest, "sha256:"))
}

func (d *disk) digest(ref Ref) string { return filepath.Join(d.dir, "digests", ref.key()) }

// read returns an intact archive, and makes its file the youngest.
func (d *disk) read(digest string) ([]byte, bool) {
	if !isDigest(digest) {
		return nil, false
	}
	data, err := os.ReadFile(d.archive(digest))
	if err != nil || Digest(data) != digest {
		return nil, false // it is fetched again
	}
	now := time.Now()
	_ = os.Chtimes(d.archive(digest), now, now) // at worst, the file is evicted too early
	return data, true
}

// pinned returns the digest of a version; "" if it was never seen.
func (d *disk) pinned(ref Ref) (string, error) {
	text, err := os.ReadFile(d.digest(ref))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	var chart Chart
	if err == nil {
		err = json.Unmarshal(text, &chart)
	}
	if err == nil && !isDigest(chart.Digest) {
		err = fmt.Errorf("%q is no digest", chart.Digest)
	}
	if err != nil {
		return "", fmt.Errorf("read the digest of chart %s: %w", ref, err)
	}
	return chart.Digest, nil
}

// keep stores an archive, and returns the digest of its version, which differs if the
// version was seen with other content meanwhile.
func (d *disk) keep(ref Ref, digest string, data []byte) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known, err := d.pin(ref, digest)
	if err == nil {
		err = d.write(d.archive(digest), data)
	}
	if err == nil {
		err = d.evict()
	}
	if err != nil {
		return "", fmt.Errorf("keep chart %s: %w", ref, err)
	}
	return known, nil
}

// note is pin for callers that do not hold the lock.
func (d *disk) note(ref Ref, digest string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, err := d.pin(ref, digest)
	return err
}

// pin stores the digest of a version, unless it has one, and returns the stored one.
func (d *disk) pin(ref Ref, digest string) (string, error) {
	if known, err := d.pinned(ref); err != nil || known != "" {
		return known, err
	}
	text, err := json.Marshal(Chart{ref, digest})
	if err == nil {
		err = d.write(d.digest(ref), text)
	}
	if err != nil {
		return "", fmt.Errorf("note the digest of chart %s: %w", ref, err)
	}
	return digest, nil
}

// evict deletes the least recently used archives, until the rest fits the size.
func (d *disk) evict() error {
	entries, err := os.ReadDir(filepath.Join(d.dir, "archives"))
	if err != nil {
		return err
	}
	var kept []fs.FileInfo
	total := int64(0)
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			kept = append(kept, info)
			total += info.Size()
		}
	}
	slices.SortFunc(kept, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, info := range kept {
		if total <= d.size {
			return nil
		}
		err := os.Remove(filepath.Join(d.dir, "archives", info.Name()))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // without a server another process may evict, too
			return err
		}
		total -= info.Size()
	}
	return nil
}

// write puts a file in place atomically, and on disk.
func (d *disk) write(name string, data []byte) error {
	if err := d.fence(); err != nil {
		return err
	}
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(data)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := d.fence(); err != nil { // again, for the disk may have taken long
		return err
	}
	if err := os.Rename(file.Name(), name); err != nil {
		return err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
