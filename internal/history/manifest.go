package history

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Manifest returns one object of an app as its newest record has it: as it was last applied,
// in YAML, secrets masked. ok is false if the record does not have the object.
func (h *History) Manifest(ctx context.Context, repo name.Repo, app name.App, id manifest.ID) (text []byte, ok bool, err error) {
	repository, err := h.open(repo)
	if err != nil {
		return nil, false, err
	}
	head, err := repository.Head(ctx, refPrefix+string(app))
	if errors.Is(err, git.ErrNoRef) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	tree, err := repository.Tree(head)
	if err != nil {
		return nil, false, err
	}
	text, err = fs.ReadFile(tree, manifestPath(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read %s of app %s: %w", id, app, err)
	}
	return text, true, nil
}
