package kube

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/pushboat/pushboat/internal/name"
)

// An inventory has the epoch of the data directory of the server that wrote it. A server
// writes one over the version that it has seen, and never over that of a later epoch: so
// of two servers with one id, as by a copy of a data directory, the later one has the app.

// SupersededError says that the inventory of an app is of a later epoch than this server.
type SupersededError struct {
	App        name.App
	Epoch, Own int64
}

// Error names both epochs.
func (e *SupersededError) Error() string {
	return fmt.Sprintf("app %s is deployed by a server that has taken this one's place: the cluster has epoch %d, and this server's is %d", e.App, e.Epoch, e.Own)
}

// Supersedes reports whether a parent was written in a later epoch of the server that is
// to write the other.
func (p Parent) Supersedes(other Parent) bool {
	return p.Exists() && p.Server != "" && p.Server == other.Server && p.Epoch > other.Epoch
}

// overwrites is how often a parent is read again that somebody writes at the same time.
const overwrites = 5

// WriteParent stores what an app owns, unless was, as it was read or written
// last, already says so. It returns the parent as stored. The error is a
// *SupersededError if a later epoch of the same server has written the parent since was.
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

// writeOver writes a parent in place of was, and of no other version than that.
func (c *Cluster) writeOver(ctx context.Context, was, parent Parent) (Parent, error) {
	secret := parent.secret()
	if was.Exists() {
		secret.SetResourceVersion(was.version)
		secret.SetUID(was.uid) // of one that is gone, or made anew, this is a conflict
	}
	stored, err := c.Apply(ctx, secrets, secret, ApplyOptions{})
	if err != nil {
		return Parent{}, fmt.Errorf("write what app %s owns: %w", parent.App, err)
	}
	parent.uid, parent.version = stored.GetUID(), stored.GetResourceVersion()
	return parent, nil
}

// changedSince reports whether a write has failed since there is another version of the
// object, or none.
func changedSince(was Parent, err error) bool { return was.Exists() && apierrors.IsConflict(err) }
