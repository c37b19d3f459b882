package apply

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

// Inventory holds the known state of an app's inventory on its cluster, which is the
// parent of its ApplySet. The zero value knows nothing. No other lock is taken under
// its lock.
type Inventory struct {
	mu    sync.Mutex
	known *kube.Parent // nil until read from the cluster or written to it
	on    string       // the cluster
}

// Known returns the inventory as it was read or written last; ok is false if it was neither.
func (i *Inventory) Known() (parent kube.Parent, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known == nil {
		return kube.Parent{}, false
	}
	return *i.known, true
}

// KnownOn is Known for a cluster: an app that was removed may come back on another one.
func (i *Inventory) KnownOn(cluster string) (parent kube.Parent, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.known == nil || i.on != cluster {
		return kube.Parent{}, false
	}
	return *i.known, true
}

// Forget has the next use read it again.
func (i *Inventory) Forget() { i.set(nil, "") }

func (i *Inventory) set(parent *kube.Parent, cluster string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.known, i.on = parent, cluster
}

// known returns the app's inventory on its cluster, as it was read or written last.
func (a *App) known() (parent kube.Parent, ok bool) { return a.Inventory.KnownOn(a.Cluster.API.Name()) }

// ReadInventory returns the app's inventory, from memory once it is known. It does not
// exist if the app was never applied.
func (a *App) ReadInventory(ctx context.Context) (kube.Parent, error) {
	if known, ok := a.known(); ok {
		return known, nil
	}
	parent, err := a.Cluster.API.ReadParent(ctx, a.Name, a.Repo)
	if err != nil {
		return kube.Parent{}, err
	}
	if a.Others.Foreign(parent, a.Cluster.API.Name(), a.Repo) != nil {
		return parent, nil //nolint:nilerr // for the plan to refuse; it may be another's no more the next time
	}
	a.SetInventory(&parent)
	return parent, nil
}

// SetInventory notes the app's inventory, and so the kinds to watch for it; nil makes
// the next use read it again.
func (a *App) SetInventory(parent *kube.Parent) {
	var kinds kube.GroupKinds
	if parent != nil {
		kinds = parent.Kinds
	}
	a.Cluster.Index.Use(a.set(), kinds)
	a.Inventory.set(parent, a.Cluster.API.Name())
}

// MendInventory repairs the app's inventory if somebody has changed or deleted it, or
// an older version of the server has written it. It reports whether it wrote it. After
// an error the inventory is read again, whoever owns it then.
func (a *App) MendInventory(ctx context.Context, p *plan.Plan) (written bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	there, err := a.Cluster.API.ReadParent(ctx, a.Name, a.Repo)
	if err == nil {
		err = a.Others.Foreign(there, a.Cluster.API.Name(), a.Repo)
	}
	if err != nil {
		a.SetInventory(nil)
		return false, fmt.Errorf("check the inventory on the cluster: %w", err)
	}
	left, _ := a.known()
	wanted := adding(a.signed(there), p.Steps, p.Kinds())
	wanted.Kinds, wanted.Namespaces = wanted.Kinds.With(left.Kinds...), wanted.Namespaces.With(left.Namespaces...)
	if !there.Exists() || !wanted.Equal(there) {
		if there, err = a.Cluster.WriteParent(ctx, there, wanted); err != nil {
			return false, fmt.Errorf("write the inventory on the cluster: %w", err)
		}
		written = true
	}
	a.SetInventory(&there)
	return written, nil
}

// signed returns an inventory with the name and the epoch of this server, and the name of
// the app's repository.
func (a *App) signed(parent kube.Parent) kube.Parent {
	parent.Server, parent.Epoch, parent.Repository = a.Server, a.Epoch, a.Repo
	return parent
}

// widenInventory makes the inventory list every kind and namespace that the app has or is
// about to have.
func (w *Work) widenInventory() error {
	if _, known := w.App.known(); w.Plan.Parent != nil && !known {
		w.App.SetInventory(w.Plan.Parent) // as the plan has found it
	}
	defer w.cluster.slot()()
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	old, err := w.App.ReadInventory(ctx)
	if err != nil {
		return inventoryError(err)
	}
	if w.Target.Gone && len(w.Plan.Prune)+len(w.Plan.Hooks) == 0 {
		return nil
	}
	if err := w.App.Others.Foreign(old, w.cluster.API.Name(), w.Target.Repo); err != nil {
		return inventoryError(err) // since the plan was made
	}
	return w.writeInventory(ctx, old, adding(w.App.signed(old), w.Plan.Steps, w.Plan.Kinds(), w.Plan.Prune, w.Plan.Hooks))
}

// narrowInventory reduces the inventory to the app's objects, or deletes it with the
// app.
func (w *Work) narrowInventory() error {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	switch {
	case w.Target.Gone && w.Plan.Kept > 0:
		return nil // so that they are found if the app comes back, here or from another repository
	case w.Target.Gone:
		w.App.Others.Disclaim(w.Target)
		return w.deleteInventory(ctx)
	}
	old, err := w.App.ReadInventory(ctx)
	if err != nil {
		return inventoryError(err)
	}
	if !w.Target.Spec.Prune {
		return nil // objects that were left behind still count
	}
	narrowed := adding(w.App.signed(kube.NewParent(w.App.Name, "")),
		w.Plan.Steps, w.Plan.Kinds(), w.later, w.Plan.Hooks, w.waiting(), w.held(), w.Plan.Outside)
	return w.writeInventory(ctx, old, narrowed)
}

func (w *Work) deleteInventory(ctx context.Context) error {
	parent, err := w.App.ReadInventory(ctx)
	if err != nil {
		return inventoryError(err)
	}
	if !parent.Exists() {
		return nil
	}
	if w.App.Others.Foreign(parent, w.cluster.API.Name(), w.Target.Repo) != nil {
		return nil //nolint:nilerr // it is another's, and stays
	}
	w.App.SetInventory(nil)
	return inventoryError(again(ctx, func() error { return w.cluster.API.DeleteParent(ctx, parent) }))
}

func (w *Work) writeInventory(ctx context.Context, old, parent kube.Parent) error {
	stored, err := w.cluster.WriteParent(ctx, old, parent)
	switch {
	case err == nil:
		w.App.SetInventory(&stored)
	case errors.As(err, new(*kube.SupersededError)):
		w.App.SetInventory(nil) // the next plan reads who owns it
	}
	return inventoryError(err)
}

// inventoryError names the step that has failed; nil stays nil.
func inventoryError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("note the app's kinds on the cluster: %w", err)
}

// WriteParent stores an inventory. If the system namespace is gone or being deleted, it
// is recreated.
func (c *Cluster) WriteParent(ctx context.Context, old, parent kube.Parent) (stored kube.Parent, err error) {
	for {
		err = again(ctx, func() (err error) {
			if stored, err = c.API.WriteParent(ctx, old, parent); plan.IsNamespaceMissing(err) {
				if made := c.API.EnsureSystemNamespace(ctx); made != nil {
					return made
				}
			}
			return err
		})
		if !apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
			return stored, err
		}
		select { // no event tells this wait about its end
		case <-time.After(goneCheck):
		case <-ctx.Done():
			return stored, err
		}
	}
}

// adding returns the inventory with the kinds and namespaces of the steps added.
func adding(parent kube.Parent, lists ...[]plan.Step) kube.Parent {
	var last manifest.ID
	for _, steps := range lists {
		for i := range steps {
			id := &steps[i].ID
			if id.Group == last.Group && id.Kind == last.Kind && id.Namespace == last.Namespace {
				continue // as of most, which are sorted
			}
			last = *id
			if !parent.Kinds.Has(id.GroupKind()) {
				parent.Kinds = parent.Kinds.With(id.GroupKind())
			}
			if !parent.Namespaces.Has(id.Namespace) {
				parent.Namespaces = parent.Namespaces.With(id.Namespace)
			}
		}
	}
	return parent
}
