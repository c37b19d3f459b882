package git

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// maxPacks is how many packs a repository may have before Maintain rolls them
// up. Every push and every record is a pack, and each reader opens the index
// of all of them (about 0.1 ms each, measured).
const maxPacks = 20

// Maintain rolls the small packs of a repository up when there are many, and
// does next to nothing otherwise: call it after pushes and records, away from
// their path. No object is ever dropped. Readers, clones and pushes go on
// meanwhile; repositories of a store take turns.
func (r *Repository) Maintain(ctx context.Context) error {
	r.maintenance.Lock()
	defer r.maintenance.Unlock()
	entries, err := os.ReadDir(filepath.Join(r.dir, "objects", "pack"))
	if err != nil {
		return fmt.Errorf("maintain repository %q: %w", r.name, err)
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
	if _, err := r.run(ctx, Quarantine{}, "repack", "-d", "-q", "--geometric=2", "--no-write-bitmap-index"); err != nil {
		return fmt.Errorf("maintain repository %q: %w", r.name, err)
	}
	return nil
}
