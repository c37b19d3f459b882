package kube

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/pushboat/pushboat/internal/name"
)

// An inventory has the epoch of the data directory of the server that wrote it. A
// server writes an inventory only over the version that it has read, and never over one
// of a later epoch. So of two servers with one id, as after copying a data directory,
// the later one owns the app.

// SupersededError reports an inventory with a later epoch than this server's.
type SupersededError struct {
	App        name.App
	Epoch, Own int64
}

// Error names both epochs.
func (e *SupersededError) Error() string {
	return fmt.Sprintf("app %s is deployed by a server that has taken this one's place: the cluster has epoch %d, and this server's is %d", e.App, e.Epoch, e.Own)
}

// Supersedes reports whether a parent was written in a later epoch of the server that
// is about to write other.
func (p Parent) Supersedes(other Parent) bool {
	return p.Exists() && p.Server != "" && p.Server == other.Server && p.Epoch > other.Epoch
}

// overwrites is how often a parent is read again that somebody writes at the same time.
const overwrites = 5

// WriteParent stores an app's parent, unless was, the version last read or written,
// already equals it. It returns the parent as stored. The error is a *SupersededError
// if a later epoch of the same server has written the parent since was.
func (c *Cluster) WriteParent(ctx context.Context, was, parent Parent) (Parent, error) {
	if was.Exists() && parent.Equal(was) && parent.Epoch == was.Epoch {
		return was, nil
	}
	for try := 1; ; try++ {
		stored, err := c.writeOver(ctx, was, parent)
		if err == nil || !changedSince(was, err) || try == overwrites {
			return stored, err
		}
		if was, err = c.ReadParent(ctx, parent.App, parent.Repository); err != nil {
			return Parent{}, err
		}
		if was.Supersedes(parent) {
			return Parent{}, &SupersededError{App: parent.App, Epoch: was.Epoch, Own: parent.Epoch}
		}
	}
}

// writeOver writes a parent in place of was, and of no other version.
func (c *Cluster) writeOver(ctx context.Context, was, parent Parent) (Parent, error) {
	secret := parent.secret()
	if was.Exists() {
		secret.SetResourceVersion(was.version)
		secret.SetUID(was.uid) // a conflict if that one is gone, or was recreated
	}
	stored, err := c.own().Apply(ctx, secrets, secret, ApplyOptions{})
	if err != nil {
		return Parent{}, fmt.Errorf("write the inventory of app %s: %w", parent.App, err)
	}
	parent.uid, parent.version = stored.GetUID(), stored.GetResourceVersion()
	return parent, nil
}

// changedSince reports whether a write has failed because the object has another
// version, or is gone.
func changedSince(was Parent, err error) bool { return was.Exists() && apierrors.IsConflict(err) }
