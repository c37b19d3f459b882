package deploy

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/window"
)

// webWith is the app web, with a Deployment, a ConfigMap and a Service of the same name.
func webWith(o *office, manifests string) *app {
	a := o.deployed(wanted("web", func(t *target) { t.Objects = parsed(o.t, manifests) }))
	for _, kind := range []string{"apps/v1 Deployment", "v1 ConfigMap"} {
		version, kind, _ := strings.Cut(kind, " ")
		u := o.member(a, "web", func(u *unstructured.Unstructured) {
			u.SetAPIVersion(version)
			u.SetKind(kind)
			u.SetUID("uid-of-web")
		})
		a.ledger.Note(manifest.IDOf(u), record.Noted{})
	}
	return a
}

var errClosed = errors.New("closed")

// closedNow are windows that are closed now, and for years.
func closedNow(name.Repo, name.Branch, string) window.Set {
	now := time.Now()
	return window.Set{{Name: "freeze", Kind: window.Deny, Times: window.Times{From: now.AddDate(-1, 0, 0), To: now.AddDate(10, 0, 0)}}}
}

// TestRestartOverridesWindows: with a reason, which is recorded only where a window is closed.
func TestRestartOverridesWindows(t *testing.T) {
	for name, windows := range map[string]Windows{"the shop burns": closedNow, "": nil} {
		o := newOffice(t)
		api := o.answering()
		webWith(o, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n")
		api.running[manifest.ID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}] = &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": "Deployment"}}
		o.Windows = windows
		run, err := o.Restart(t.Context(), "web", "deploy/web", RestartBy{Caller: access.Caller{Operator: "ana"}, Override: "the shop burns"})
		if err != nil {
			t.Fatal(err)
		}
		if rec, _ := run.Outcome(); rec.Override != name {
			t.Errorf("the record has the reason %q, want %q", rec.Override, name)
		}
	}
}

func TestRestart(t *testing.T) {
	const plainDeployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n"
	id := manifest.ID{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}
	for name, test := range map[string]struct {
		object, manifests string
		set               func(o *office, a *app, api *fakeAPI)
		want              error
	}{
		"a Deployment":            {object: "deploy/web"},
		"with its namespace":      {object: "Deployment/shop/web"},
		"of another namespace":    {object: "Deployment/blog/web", want: fs.ErrNotExist},
		"another object":          {object: "deploy/other", want: fs.ErrNotExist},
		"a ConfigMap":             {object: "ConfigMap/web", want: ErrNoRestart},
		"no object":               {object: "web", want: ErrNaming},
		"a suspended app":         {object: "deploy/web", set: func(_ *office, a *app, _ *fakeAPI) { a.suspended.set(&record.Suspension{By: "ana"}) }, want: ErrSuspended},
		"the annotation in Git":   {object: "deploy/web", manifests: plainDeployment + "spec: {template: {metadata: {annotations: {kubectl.kubernetes.io/restartedAt: x}}}}\n", want: ErrRestartInGit},
		"an object with no owner": {object: "deploy/web", set: func(_ *office, a *app, _ *fakeAPI) { a.ledger.Forget(id) }, want: fs.ErrNotExist},
		"a paused Deployment": {object: "deploy/web", set: func(_ *office, _ *app, api *fakeAPI) {
			api.running[id].Object["spec"] = map[string]any{"paused": true}
		}, want: ErrPaused},
		"its windows are closed": {object: "deploy/web", set: func(o *office, _ *app, _ *fakeAPI) { o.Windows = closedNow }, want: errClosed},
		"the cluster is away":    {object: "deploy/web", set: func(_ *office, _ *app, api *fakeAPI) { api.fails["restart"] = away }, want: away},
		"it is gone":             {object: "deploy/web", set: func(_ *office, _ *app, api *fakeAPI) { api.fails["get"] = away }, want: away},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			api := o.answering()
			manifests := test.manifests
			if manifests == "" {
				manifests = plainDeployment
			}
			a := webWith(o, manifests)
			api.running[id] = &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": "Deployment"}}
			if test.set != nil {
				test.set(o, a, api)
			}
			run, err := o.Restart(context.Background(), "web", test.object, RestartBy{Caller: access.Caller{Operator: "ana"}})
			if closed := (*ClosedError)(nil); errors.Is(test.want, errClosed) && errors.As(err, &closed) {
				err = errClosed
			}
			if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
			asked := strings.Contains(strings.Join(api.asked, "\n"), "restart Deployment shop/web with uid uid-of-web")
			if err != nil {
				if asked && !errors.Is(test.want, away) {
					t.Error("the object is restarted all the same")
				}
				return
			}
			rec, ended := run.Outcome()
			if !asked || !ended || rec.Result != record.Restarted || rec.Cause != record.CauseRestart || rec.Operator != "ana" || len(rec.Objects) != 1 {
				t.Errorf("the requests are %v, the record is %+v", asked, rec)
			}
			if last := a.lastRecord(); last.Stands() != record.Deployed {
				t.Errorf("%s stands", last.Stands())
			}
		})
	}
	if _, err := newOffice(t).Restart(t.Context(), "unknown", "deploy/web", RestartBy{}); !errors.Is(err, ErrNoApp) {
		t.Errorf("for an unknown app, the error is %v", err)
	}
}
