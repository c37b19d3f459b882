package git

// Building a repository from a copy's files. They come from an archive that anybody may
// have written: nothing in them is trusted before Git has read it.

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Finish makes a repository from a copy's files: it writes the files that a copy does
// not have, and makes Git read every object and check that refs lead only to existing
// ones. The repository must not be served before.
func (r *Repository) Finish(ctx context.Context) error {
	if err := r.finish(ctx); err != nil {
		return fmt.Errorf("repository %q: %w", r.name, err)
	}
	return nil
}

func (r *Repository) finish(ctx context.Context) error {
	if _, err := r.MainBranch(); err != nil {
		return err
	}
	refs, err := r.Refs(ctx, "refs/")
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if err := CheckRef(ref.Name); err != nil {
			return err
		}
	}
	if err := r.layOut(); err != nil {
		return err
	}
	if _, err := r.run(ctx, Quarantine{}, "fsck", "--full", "--no-dangling", "--no-progress"); err != nil {
		return fmt.Errorf("its objects are damaged or not all there: %w", err)
	}
	return nil
}

// layOut makes what git init would make beside a copy's files, and shuts the repository. A
// thousand repositories would take a thousand processes for that, each of which waits for
// the disk (7 s of processor time, measured); here the caller waits once, for all.
func (r *Repository) layOut() error {
	for _, dir := range []string{packDir, "objects/info", "refs/heads", "refs/tags"} {
		if err := os.MkdirAll(filepath.Join(r.dir, dir), 0o700); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(r.dir, "config"), []byte(bareConfig+shutConfig), 0o600)
}

// bareConfig is the config that git init writes for a bare repository.
const bareConfig = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"

// Rewind moves every ref that has a log back to its value at a time, and deletes those
// that did not exist yet. Records of deploys and most tags have no log, and stay. It
// returns the names of the refs that it moved or deleted.
func (r *Repository) Rewind(ctx context.Context, at time.Time) ([]string, error) {
	refs, err := r.Refs(ctx, "refs/")
	if err != nil {
		return nil, err
	}
	var moved []string
	for _, ref := range refs {
		log, err := r.logUpTo(ref)
		if err != nil {
			return moved, fmt.Errorf("read the log of %q of %q: %w", ref.Name, r.name, err)
		}
		to, known := whereAt(parseLog(log), at)
		if !known || to == ref.Hash {
			continue
		}
		if err := r.rewind(ctx, ref, to, at); err != nil {
			return moved, err
		}
		moved = append(moved, ref.Name)
	}
	return moved, nil
}

// rewind moves a ref to an earlier value, or deletes it if there is none.
func (r *Repository) rewind(ctx context.Context, ref Ref, to Hash, at time.Time) error {
	if to.IsZero() {
		_, err := r.run(ctx, Quarantine{}, "update-ref", "-d", "--", ref.Name, string(ref.Hash))
		return err
	}
	why := "restore: as of " + at.UTC().Format(time.RFC3339)
	return r.MoveBranch(ctx, ref.Name, ref.Hash, to, Note{Who: "pushboat", Why: why})
}

// whereAt returns the value of a ref at a time, from its log, oldest line first; zero
// if the ref did not exist. known is false for a ref without a log.
func whereAt(log []Move, at time.Time) (hash Hash, known bool) {
	if len(log) == 0 {
		return "", false
	}
	hash = log[0].From
	for _, move := range log {
		if move.When.After(at) {
			break
		}
		hash = move.To
	}
	return hash, true
}

// parseLog reads the lines of a reflog; it leaves out damaged ones.
func parseLog(text []byte) []Move {
	var log []Move
	for line := range bytes.Lines(text) {
		if move := parseMove(strings.TrimSuffix(string(line), "\n")); move.To != "" && !move.When.IsZero() {
			log = append(log, move)
		}
	}
	slices.SortStableFunc(log, func(a, b Move) int { return a.When.Compare(b.When) })
	return log
}
