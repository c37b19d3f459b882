package deploy

import (
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// others answers the questions of a plan or an apply about the server's other apps. It
// is a plan.Others and an apply.Others.
type others struct{ engine *Engine }

// Home returns the repository of an app, and whether its branch's wish is unknown; ok
// is false if there is no such app.
func (o others) Home(app name.App) (repo name.Repo, unrendered, ok bool) {
	a := o.engine.app(app)
	if a == nil {
		return "", false, false
	}
	return a.repository(), a.unrenderedWhy() != "", true
}

// Hidden are the values that the objects of an app have out of Secrets, as they are wanted and
// as they run.
func (o others) Hidden(app name.App) []string {
	if t := o.engine.wantedOf(app); t != nil {
		return t.Hidden
	}
	return nil
}

// Asking returns an app, but none of those that are left out, that has createNamespace
// make a namespace on a cluster; "" if there is none.
func (o others) Asking(cluster string, namespace manifest.ID, but map[name.App]bool) name.App {
	for _, a := range o.engine.sorted() {
		if !but[a.name] && a.wanted().AsksFor(cluster, namespace) {
			return a.name
		}
	}
	return ""
}

// Heir returns the other app that wants an object of an app by now; "" if there is none.
func (o others) Heir(app name.App, cluster string, id manifest.ID) name.App {
	return o.engine.claims.Heir(app, cluster, id)
}

// TakenFrom has an app looked at that waits for its objects to be taken over, to be able
// to go.
func (o others) TakenFrom(app name.App) {
	a := o.engine.app(app)
	if a == nil {
		return
	}
	if t := a.wanted(); t != nil && t.Gone && !a.removed() {
		o.engine.Check(app, record.CauseRetry)
	}
}

// Disclaim ends the claims of a removed app that has reached its target.
func (o others) Disclaim(reached *plan.Target) {
	a := o.engine.app(reached.Spec.Name)
	if a == nil {
		return
	}
	if t := a.wanted(); t.planned() == reached { // else it came back meanwhile
		o.engine.claim(a, t, nil)
	}
}

// Foreign is an error if an inventory is not that of an app of the repository on this
// server.
func (o others) Foreign(inventory kube.Parent, cluster string, repo name.Repo) error {
	return o.engine.foreign(inventory, cluster, repo)
}
