package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// Errors of Restart, beside ErrNoApp, ErrNaming, fs.ErrNotExist and those of the cluster.
var (
	ErrSuspended    = errors.New("the app is suspended")
	ErrNoRestart    = errors.New("only a Deployment, a StatefulSet or a DaemonSet is restarted")
	ErrSeveral      = errors.New("several objects have that name")
	ErrPaused       = errors.New("its rollout is paused")
	ErrRestartInGit = errors.New("its manifest has the annotation " + kube.RestartedAt)
)

// restarts are the kinds whose controllers replace all pods when their template changes.
var restarts = []schema.GroupKind{
	{Group: "apps", Kind: "Deployment"},
	{Group: "apps", Kind: "StatefulSet"},
	{Group: "apps", Kind: "DaemonSet"},
}

// restartTimeout bounds the requests of one restart.
const restartTimeout = 30 * time.Second

// RestartBy is who restarts an object.
type RestartBy struct {
	Caller   access.Caller
	Override string // why to do it although a window is closed, by a caller who may; "" not to
}

// ClosedError says that windows keep an app from being restarted now.
type ClosedError struct {
	app     name.App
	closing closing
}

// Error names the windows, and says in a second line when they open.
func (e *ClosedError) Error() string {
	return fmt.Sprintf("app %s cannot be restarted now:\n%s", e.app, e.closing.why())
}

// Restart replaces the pods of one of an app's objects, as kubectl rollout restart does, and
// records that. What it changes is no drift. The run has ended. The error is a *ClosedError
// while windows keep the app from being deployed, unless they are overridden.
func (e *Engine) Restart(ctx context.Context, app name.App, object string, by RestartBy) (*Run, error) {
	e.known()
	a := e.app(app)
	if a == nil || a.removed() {
		return nil, ErrNoApp
	}
	t := a.wanted()
	if t == nil || e.Clusters.Get(t.Spec.Cluster) == nil {
		return nil, ErrNoApp
	}
	named, err := parseNaming(object, e.kindsNamed(ctx, t.Spec.Cluster))
	if err != nil {
		return nil, err
	}
	entry, err := restartable(a.members(), named)
	if err != nil {
		return nil, err
	}
	if a.suspended.current() != nil {
		return nil, ErrSuspended
	}
	if !a.ledger.Has(entry.ID) { // it only has the label
		return nil, fs.ErrNotExist
	}
	switch closing := e.closingOf(t, func(name.App) *target { return nil }, time.Now()); {
	case closing.verdict.Open():
		by.Override = ""
	case by.Override == "":
		return nil, &ClosedError{app, closing}
	}
	ctx, cancel := context.WithTimeout(ctx, restartTimeout)
	defer cancel()
	if err := a.restart(ctx, t, entry); err != nil {
		return nil, err
	}
	return a.recordRestart(entry.ID, by), nil
}

// restartable finds the object that a text names among the members of an app.
func restartable(members []live.Entry, named naming) (live.Entry, error) {
	var found []live.Entry
	for _, entry := range members {
		if named.is(entry.ID) {
			found = append(found, entry)
		}
	}
	switch {
	case len(found) == 0:
		return live.Entry{}, fs.ErrNotExist
	case len(found) > 1:
		return live.Entry{}, ErrSeveral
	case !slices.Contains(restarts, found[0].ID.GroupKind()):
		return live.Entry{}, ErrNoRestart
	}
	return found[0], nil
}

// restart restarts an object, as the app's account.
func (a *app) restart(ctx context.Context, t *target, entry live.Entry) error {
	id := entry.ID
	if t.setsRestart(id) {
		return ErrRestartInGit
	}
	as := a.engine.callerOf(t)
	kind, err := as.api.KindOf(ctx, id.GroupKind())
	if err != nil {
		return err
	}
	running, err := as.api.Get(ctx, kind, id.Namespace, id.Name)
	if err != nil {
		return err
	}
	if paused, _, _ := unstructured.NestedBool(running.Object, "spec", "paused"); paused {
		return ErrPaused
	}
	_, err = as.api.Restart(ctx, kind, id, entry.UID, time.Now())
	return err
}

// setsRestart reports whether the target's manifest of an object has the annotation of a
// restart: another one would be drift, and be taken back by a second restart.
func (t *target) setsRestart(id manifest.ID) bool {
	for _, o := range t.Objects {
		if o.GetKind() != id.Kind || o.GetName() != id.Name {
			continue
		}
		if _, set, _ := unstructured.NestedString(o.Object, "spec", "template", "metadata", "annotations", kube.RestartedAt); set {
			return true
		}
	}
	return false
}

func (a *app) recordRestart(id manifest.ID, by RestartBy) *Run {
	j := newJob(record.CauseRestart, by.Caller)
	j.override = by.Override
	a.queue.begin(j)
	j.run.Printf("%s: restart of %s, asked for by %s", a.name, id, by.Caller.Operator)
	j.run.Event("restarted", id, "")
	rec := a.quietRecord(j, record.Restarted, id.String())
	rec.Objects = []record.Object{{
		Key: id.Key(), Action: record.Configure, Fields: []string{"spec.template.metadata.annotations[" + kube.RestartedAt + "]"},
	}}
	rec.Same = max(a.ledger.Count()-1, 0)
	a.finish(j, nil, rec)
	return j.run
}
