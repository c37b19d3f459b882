package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/owner"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// handBackTimeout bounds the requests of one release, of a thousand objects and more.
const handBackTimeout = 5 * time.Minute

// maxHandBacks bounds how often one object is written anew that somebody changes in between.
const maxHandBacks = 10

// appliers are the field managers of the tools whose objects mean apps, by their kinds.
var appliers = map[string]string{
	"Kustomization": "kustomize-controller", "HelmRelease": "helm-controller", "Application": "argocd-controller",
}

// HandBack gives up what an app has on its cluster, which stays as it is: the app is suspended,
// and nothing there says any more that it is Pushboat's. The fields of an app that an object of
// another tool means are that tool's, as if it had applied them. It returns the number of objects.
// Resume takes them over again.
func (e *Engine) HandBack(ctx context.Context, app name.App, s record.Suspension, caller access.Caller) (run *Run, objects int, err error) {
	a := e.app(app)
	if a == nil || a.removed() {
		return nil, 0, ErrNoApp
	}
	t := a.wanted()
	if t == nil || t.Gone {
		return nil, 0, ErrNoApp
	}
	cluster := e.Clusters.Get(t.Spec.Cluster)
	if cluster == nil {
		return nil, 0, ErrNoCluster
	}
	ctx, cancel := context.WithTimeout(ctx, handBackTimeout)
	defer cancel()
	s.Since = time.Now().UTC().Truncate(time.Second)
	a.suspended.set(&s)
	e.bell.ring(app)
	if err := a.queue.awaitRest(ctx); err != nil {
		return nil, 0, err
	}
	if err := cluster.ready(ctx); err != nil {
		return nil, 0, err
	}
	members, err := a.handBackAll(ctx, cluster, t)
	if err != nil {
		return nil, 0, err
	}
	return a.recordHandBack(caller, s.Reason), len(members), nil
}

// handBackAll gives up all objects of the app, and then its inventory.
func (a *app) handBackAll(ctx context.Context, cluster *Cluster, t *target) ([]live.Entry, error) {
	as := a.engine.lookerOf(t)
	parent, err := as.api.ReadParent(ctx, a.name, t.Repo)
	if err != nil {
		return nil, err
	}
	if err := a.engine.foreign(parent, t.Spec.Cluster, t.Repo); err != nil {
		return nil, err
	}
	var kinds []kube.Kind
	for _, gk := range parent.Kinds {
		kind, served, err := as.api.Served(ctx, gk)
		if err != nil {
			return nil, err
		}
		if served {
			kinds = append(kinds, kind)
		}
	}
	if err := cluster.Index.Fresh(ctx, time.Now(), kinds...); err != nil {
		return nil, err
	}
	members := a.members()
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(plan.Parallel)
	for _, entry := range members {
		group.Go(func() error {
			if err := a.handBack(groupCtx, as.api, entry, appliers[t.Spec.Imported]); err != nil {
				return fmt.Errorf("%s: %w", entry.ID, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if parent.Exists() {
		a.on(cluster).SetInventory(nil)
		if err := as.site.API.DeleteParent(ctx, parent); err != nil && !apierrors.IsNotFound(err) {
			return nil, err
		}
	}
	for _, entry := range members {
		a.ledger.Forget(entry.ID)
	}
	return members, nil
}

// handBack gives up one object, if it is there and the app's.
func (a *app) handBack(ctx context.Context, api clusterAPI, entry live.Entry, to string) error {
	kind, served, err := api.Served(ctx, entry.ID.GroupKind())
	if err != nil || !served {
		return err
	}
	for range maxHandBacks {
		u, err := api.Get(ctx, kind, entry.ID.Namespace, entry.ID.Name)
		switch {
		case apierrors.IsNotFound(err):
			return nil
		case err != nil:
			return err
		case u.GetLabels()[kube.PartOfLabel] != a.set:
			return nil // another app has it by now, or it was given up before
		}
		fields, err := owner.HandBack(u.GetManagedFields(), to)
		if err != nil {
			return err
		}
		if err = api.HandBack(ctx, kind, u, fields); !apierrors.IsConflict(err) {
			return err
		}
	}
	return errors.New("it changes all the time")
}

// recordHandBack records that nothing on the cluster is the app's.
func (a *app) recordHandBack(caller access.Caller, reason string) *Run {
	j := newJob(record.CauseSuspend, caller)
	rec := a.quietRecord(j, record.Suspended, reason)
	rec.Objects, rec.Same, rec.Digest, rec.Content = nil, 0, "", ""
	a.finish(j, nil, rec)
	return j.run
}
