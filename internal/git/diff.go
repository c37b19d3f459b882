package git

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// FileChange is a file that differs between two commits.
type FileChange struct {
	Path          string
	Before, After []byte // nil: missing
}

// AllChanges has Changes read every file that differs.
const AllChanges = math.MaxInt

// Changes lists the files below a folder that differ between two commits, in the order
// of their paths: the first ones, up to most, and how many there are in all. It reads
// neither equal folders nor the files that it does not list. A zero hash stands for a commit
// without any file.
func (r *Repository) Changes(ctx context.Context, before, after Hash, folder string, most int) (changes []FileChange, all int, err error) {
	objects, err := r.openObjects(Quarantine{})
	if err != nil {
		return nil, 0, err
	}
	c := comparison{most: most}
	var sides [2]*entry
	for i, hash := range []Hash{before, after} {
		if hash.IsZero() {
			continue
		}
		tree, err := r.openTree(objects, hash)
		if err != nil {
			return nil, 0, err
		}
		if found, err := tree.lookup("open", folder); err == nil {
			sides[i] = found
		}
	}
	if err := c.compare(ctx, folder, sides[0], sides[1]); err != nil {
		return nil, 0, fmt.Errorf("compare %s with %s in %q: %w", before.Short(), after.Short(), r.name, err)
	}
	return c.changes, c.all, nil
}

// comparison walks two trees at once.
type comparison struct {
	most    int // changes that are read
	changes []FileChange
	all     int
}

// compare compares the entries at a path; nil is a missing one.
func (c *comparison) compare(ctx context.Context, at string, before, after *entry) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if before != nil && after != nil && before.raw == after.raw && before.mode == after.mode {
		return nil
	}
	inside, err := c.children(before, after)
	if err != nil {
		return err
	}
	for _, name := range sorted(inside) {
		if err := c.compare(ctx, path.Join(at, name), inside[name][0], inside[name][1]); err != nil {
			return err
		}
	}
	isFile := func(e *entry) bool { return e != nil && !e.IsDir() }
	if !isFile(before) && !isFile(after) {
		return nil
	}
	if c.all++; c.all > c.most {
		return nil
	}
	change := FileChange{Path: at}
	for _, side := range []struct {
		entry *entry
		into  *[]byte
	}{{before, &change.Before}, {after, &change.After}} {
		if !isFile(side.entry) {
			continue
		}
		if *side.into, err = side.entry.tree.content(side.entry); err != nil {
			return err
		}
	}
	c.changes = append(c.changes, change)
	return nil
}

// children pairs the entries of two folders by name. A file has no entries.
func (c *comparison) children(before, after *entry) (map[string][2]*entry, error) {
	pairs := map[string][2]*entry{}
	for i, folder := range []*entry{before, after} {
		if folder == nil || !folder.IsDir() {
			continue
		}
		listed, err := folder.tree.list(folder)
		if err != nil {
			return nil, err
		}
		for at := range listed.members {
			e := &listed.members[at]
			pair := pairs[e.name]
			pair[i] = e
			pairs[e.name] = pair
		}
	}
	return pairs, nil
}

// Diff writes changes as git does, in unified form. The error is about more than
// maxOutput bytes, or about the disk.
func (s *Store) Diff(ctx context.Context, changes []FileChange) ([]byte, error) {
	dir, err := s.workDir(newDir)
	if err != nil {
		return nil, fmt.Errorf("diff: %w", err)
	}
	defer os.RemoveAll(dir)
	for _, change := range changes {
		if err := checkPath(change.Path); err != nil {
			return nil, fmt.Errorf("diff: %w", err)
		}
		for side, content := range map[string][]byte{"a": change.Before, "b": change.After} {
			if err := writeSide(filepath.Join(dir, side), change.Path, content); err != nil {
				return nil, fmt.Errorf("diff: %w", err)
			}
		}
	}
	out, err := s.opts.run(ctx, runRequest{
		args: []string{"diff", "--no-index", "--no-prefix", "--no-renames", "--no-ext-diff", "--no-textconv", "--", "a", "b"},
		dir:  dir,
	})
	var exit *exitError
	if errors.As(err, &exit) && exit.status == 1 { // there are differences
		return exit.stdout, nil
	}
	if err != nil {
		return nil, fmt.Errorf("diff: %w", err)
	}
	return out, nil
}

// writeSide writes one side of a change, or only its folder if there is none.
func writeSide(dir, file string, content []byte) error {
	file = filepath.Join(dir, filepath.FromSlash(file))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	if content == nil {
		return nil
	}
	return os.WriteFile(file, slices.Clone(content), 0o600)
}

// Note is the reflog's note of a move.
type Note struct{ Who, Why string }

// MoveBranch moves a branch from one commit to another and notes in the reflog who did
// so and why. The error is ErrRefMoved when the branch is elsewhere.
func (r *Repository) MoveBranch(ctx context.Context, ref string, old, new Hash, note Note) error {
	if err := CheckRef(ref); err != nil {
		return err
	}
	for _, hash := range []Hash{old, new} {
		if _, err := ParseHash(string(hash)); err != nil {
			return err
		}
	}
	if err := r.opts.Fence(); err != nil {
		return err
	}
	_, err := r.opts.run(ctx, runRequest{
		args: []string{"update-ref", "-m", note.Why, "--", ref, string(new), string(old)},
		dir:  r.dir,
		env:  append(identityEnv(note.Who), "GIT_DIR="+r.dir),
	})
	if err == nil {
		return nil
	}
	if moved := r.expect(ctx, ref, old); errors.Is(moved, ErrRefMoved) {
		return moved
	}
	return fmt.Errorf("move %q of %q: %w", ref, r.name, err)
}
