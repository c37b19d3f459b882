package web

import (
	"slices"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/event"
	"github.com/pushboat/pushboat/internal/history"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/view"
)

// Limits of what the page of an app shows of what is around it.
const (
	maxEvents  = 20
	maxChanged = 5 // objects of the last change
)

// around is what an app's deploys depend on, and what has happened to it.
type around struct {
	Needs    []deploy.Status // apps that are deployed before it
	NeededBy []deploy.Status // apps that are deployed after it
	Windows  []deploy.WindowNow
	Events   []event.Event // newest first
}

// around is what the visitor may see of it, but for other apps.
func (v *visit) around(ties deploy.Ties, events []event.Event) (a around) {
	if !v.everybody() { // people have written the rest
		a.Windows, a.Events = ties.Windows, v.eventsOf(events)
	}
	return a
}

// seenOf are those of some apps that the visitor may see.
func (v *visit) seenOf(apps []name.App) []deploy.Status {
	var list []deploy.Status
	for _, app := range apps {
		if status, ok := v.door.Apps.Seen(v.caller, app); ok && v.door.Apps.Policy.Allows(v.caller, access.ReadDeploys, view.SubjectOf(status)) {
			list = append(list, status)
		}
	}
	return list
}

// eventsOf are the newest events of the visitor's app, and of its cluster.
func (v *visit) eventsOf(all []event.Event) []event.Event {
	var list []event.Event
	for _, e := range slices.Backward(all) {
		if len(list) < maxEvents && (e.App == v.app.App || e.Kind == event.Cluster && e.Cluster == v.app.Cluster) {
			list = append(list, e)
		}
	}
	return list
}

// lastChange is what changed last on the cluster, in the terms of Kubernetes.
type lastChange struct {
	Deploy  string // that made it
	Objects []view.Object
	More    int
}

// changedLast finds the newest deploy that has changed an object, and the first of those.
func (v *visit) changedLast() (*lastChange, error) {
	if v.everybody() {
		return nil, nil
	}
	found, ok, err := v.door.Apps.History.Compare(v.r.Context(), v.app.Repo, v.app.App, history.Span{Most: maxChanged})
	if err != nil || !ok || len(found.Changes) == 0 {
		return nil, err
	}
	objects, err := view.ObjectsOf(found.Changes)
	return &lastChange{Deploy: found.To.ID(), Objects: objects, More: found.All - len(found.Changes)}, err
}
