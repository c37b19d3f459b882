package history

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// Comparison holds the changes from one deploy of an app to another.
type Comparison struct {
	From, To record.Record // From is zero for the first deploy
	Changes  []git.FileChange
	All      int // how many there are, with those that were not asked for
}

// Span says which deploys to compare, by their numbers.
type Span struct {
	From int // 0: the record before To
	To   int // 0: the newest record that has changed an object
	Most int // how many changes to read; 0: all
}

// Compare compares the objects of two deploys. ok is false if there is no such deploy.
func (h *History) Compare(ctx context.Context, repo name.Repo, app name.App, span Span) (c Comparison, ok bool, err error) {
	repository, err := h.open(repo)
	if err != nil {
		return c, false, err
	}
	before, after, err := h.ends(ctx, repository, app, span)
	if err != nil || after == "" {
		return c, false, err
	}
	for _, end := range []struct {
		hash git.Hash
		into *record.Record
	}{{before, &c.From}, {after, &c.To}} {
		if end.hash == "" {
			continue
		}
		tree, err := repository.Tree(end.hash)
		if err != nil {
			return c, false, err
		}
		if *end.into, err = readRecord(tree, end.hash); err != nil {
			return c, false, err
		}
	}
	c.Changes, c.All, err = repository.Changes(ctx, before, after, manifestsDir, cmp.Or(span.Most, git.AllChanges))
	return c, err == nil, err
}

// ends finds the commits of the two records. after is "" if one is missing; before is
// "" for the first deploy.
func (h *History) ends(ctx context.Context, repository *git.Repository, app name.App, span Span) (before, after git.Hash, err error) {
	if span.To == 0 {
		return h.newestChange(ctx, repository, app)
	}
	if after, err = h.find(ctx, repository, app, span.To); err != nil || after == "" {
		return "", "", err
	}
	if span.From != 0 {
		if before, err = h.find(ctx, repository, app, span.From); err != nil || before == "" {
			return "", "", err
		}
		return before, after, nil
	}
	commit, err := repository.Commit(after)
	if err != nil {
		return "", "", err
	}
	return parentOf(commit), after, nil
}

// newestChange finds the newest record whose objects differ from those of the one
// before.
func (h *History) newestChange(ctx context.Context, repository *git.Repository, app name.App) (before, after git.Hash, err error) {
	var failed error
	err = h.walk(ctx, repository, app, func(commit git.Commit, _ int) bool {
		parent := parentOf(commit)
		if after == "" {
			before, after = parent, commit.Hash // if nothing has ever changed
		}
		_, changes, err := repository.Changes(ctx, parent, commit.Hash, manifestsDir, 0)
		if err != nil {
			failed = err
			return false
		}
		if changes > 0 {
			before, after = parent, commit.Hash
		}
		return changes == 0
	})
	if failed != nil {
		err = fmt.Errorf("compare records of app %s: %w", app, failed)
	}
	return before, after, err
}

func parentOf(commit git.Commit) git.Hash {
	if len(commit.Parents) == 0 {
		return ""
	}
	return commit.Parents[0]
}

// Rendered compares two renderings of an app in the same form as Compare.
func Rendered(before, after map[manifest.ID][]byte) []git.FileChange {
	paths := map[string]*git.FileChange{}
	add := func(id manifest.ID) *git.FileChange {
		path := manifestPath(id)
		if paths[path] == nil {
			paths[path] = &git.FileChange{Path: path}
		}
		return paths[path]
	}
	for id, text := range before {
		add(id).Before = text
	}
	for id, text := range after {
		add(id).After = text
	}
	return differing(paths)
}

func differing(paths map[string]*git.FileChange) []git.FileChange {
	var changes []git.FileChange
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		if c := paths[path]; !bytes.Equal(c.Before, c.After) {
			changes = append(changes, *c)
		}
	}
	return changes
}
