package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxPacks is the number of packs above which Maintain rolls them up. Every push and
// every record is a pack, and each reader opens the index of all of them (about 0.1 ms
// each, measured).
const maxPacks = 20

// maxLooseRecords is the number of records' refs that may be files of their own. Git
// reads all refs at each push, hidden or not, and a thousand files take longer than
// one.
const maxLooseRecords = 64

// Maintain rolls up the small packs of a repository, and the refs of records, when
// there are many, and otherwise does next to nothing: call it after pushes and records,
// off their path. It never drops an object. Readers, clones and pushes go on meanwhile;
// repositories of a store take turns.
func (r *Repository) Maintain(ctx context.Context) error {
	select {
	case r.store.maintenance <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-r.store.maintenance }()
	if err := r.opts.Fence(); err != nil {
		return err
	}
	if err := errors.Join(r.rollUpPacks(ctx), r.rollUpRecords(ctx)); err != nil {
		return fmt.Errorf("maintain repository %q: %w", r.name, err)
	}
	return nil
}

// rollUpRecords makes Git write the refs of records into one file.
func (r *Repository) rollUpRecords(ctx context.Context) error {
	files := 0
	err := filepath.WalkDir(r.refFile(strings.TrimSuffix(RecordRefs, "/")), func(_ string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // there are none, or Git has just removed an empty folder
		}
		if err == nil && !entry.IsDir() {
			files++
		}
		return err
	})
	if err != nil || files <= maxLooseRecords {
		return err
	}
	_, err = r.run(ctx, Quarantine{}, "pack-refs", "--all")
	return err
}

func (r *Repository) rollUpPacks(ctx context.Context) error {
	entries, err := os.ReadDir(filepath.Join(r.dir, "objects", "pack"))
	if err != nil {
		return err
	}
	packs := 0
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".pack") {
			packs++
		}
	}
	if packs <= maxPacks {
		return nil
	}
	_, err = r.run(ctx, Quarantine{}, "repack", "-d", "-q", "--geometric=2", "--no-write-bitmap-index")
	return err
}
