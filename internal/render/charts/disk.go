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
//	archives/HEX-SCOPE   the same, for those who ask with some credentials only
//	digests/HEX          a pin in JSON, by the SHA-256 of what names the chart
//	choices/HEX[-SCOPE]  the version that a range or tag meant last, in JSON
//	proofs/HEX-POLICY    whose signature a chart has that a policy demands, in JSON
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

func (d *disk) archive(digest, scope string) string {
	return filepath.Join(d.dir, "archives", strings.TrimPrefix(digest, "sha256:")+scope)
}

// pin is a chart as it was first seen, and the credential that it took then; nil if that was
// not noted.
type pin struct {
	Chart
	Credential *string `json:"credential,omitempty"`
}

func (d *disk) digest(ref Ref) string { return filepath.Join(d.dir, "digests", ref.key()) }

// read returns an intact archive, and makes its file the youngest.
func (d *disk) read(digest, scope string) ([]byte, bool) {
	if !isDigest(digest) {
		return nil, false
	}
	data, err := os.ReadFile(d.archive(digest, scope))
	if err != nil || Digest(data) != digest {
		return nil, false // it is fetched again
	}
	now := time.Now()
	_ = os.Chtimes(d.archive(digest, scope), now, now) // at worst, the file is evicted too early
	return data, true
}

// pinned returns a version as it was first seen; without a digest if it never was.
func (d *disk) pinned(ref Ref) (pin, error) {
	text, err := os.ReadFile(d.digest(ref))
	if errors.Is(err, fs.ErrNotExist) {
		return pin{}, nil
	}
	var chart pin
	if err == nil {
		err = json.Unmarshal(text, &chart)
	}
	if err == nil && !isDigest(chart.Digest) {
		err = fmt.Errorf("%q is no digest", chart.Digest)
	}
	if err != nil {
		return pin{}, fmt.Errorf("read the digest of %s: %w", ref, err)
	}
	return chart, nil
}

// keep stores an archive, and returns the digest of its version, which differs if the
// version was seen with other content meanwhile.
func (d *disk) keep(ref Ref, got Got, scope string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known, err := d.pin(pin{Chart{Ref: ref, Digest: got.Digest}, &got.Credential})
	if err == nil {
		err = d.write(d.archive(got.Digest, scope), got.Data)
	}
	if err == nil {
		err = d.evict()
	}
	if err != nil {
		return "", fmt.Errorf("keep %s: %w", ref, err)
	}
	return known, nil
}

// note is pin for callers that do not hold the lock.
func (d *disk) note(chart Chart) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, err := d.pin(pin{Chart: chart})
	return err
}

// pin stores a version as it was first seen, unless it was before, and returns the digest
// that is stored. Which credential it took is added where that was not noted.
func (d *disk) pin(seen pin) (string, error) {
	known, err := d.pinned(seen.Ref)
	if err != nil {
		return "", err
	}
	if known.Digest != "" && (known.Credential != nil || seen.Credential == nil || known.Digest != seen.Digest) {
		return known.Digest, nil
	}
	text, err := json.Marshal(seen)
	if err == nil {
		err = d.write(d.digest(seen.Ref), text)
	}
	if err != nil {
		return "", fmt.Errorf("note the digest of %s: %w", seen.Ref, err)
	}
	return seen.Digest, nil
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
