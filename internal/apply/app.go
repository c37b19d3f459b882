package apply

import (
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/live"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
)

// App is an app on its cluster.
type App struct {
	Name       name.App
	Repo       name.Repo // the repository that it is of
	Server     string    // the id of this server
	Epoch      int64     // of its data directory
	Cluster    *Cluster
	Set        string       // its ApplySet; "": it is found by the name, which takes a digest
	Ledger     *plan.Ledger // of its objects
	Inventory  *Inventory
	Hooks      *Hooks // as they were seen last
	HookMemory *HookMemory
	Others     Others
	Within     plan.Bounds // what of the app may be deleted
}

// Others answers the questions of an apply about the server's other apps, and is
// informed about them.
type Others interface {
	plan.Others
	// Heir returns the other app that wants an object of an app by now; "" if there is none.
	Heir(app name.App, cluster string, id manifest.ID) name.App
	// TakenFrom tells an app that others have taken over objects which it had.
	TakenFrom(app name.App)
	// Disclaim reports that a removed app has reached its target: it wants nothing any
	// more.
	Disclaim(reached *plan.Target)
	// Foreign is an error if an inventory is not that of an app of the repository on this
	// server.
	Foreign(inventory kube.Parent, cluster string, repo name.Repo) error
}

// set is the app's ApplySet.
func (a *App) set() string {
	if a.Set != "" {
		return a.Set
	}
	return plan.SetID(a.Name)
}

// Sick lists the app's objects on the cluster that are not healthy, sorted.
func (a *App) Sick(t *plan.Target) []live.Entry {
	sick := slices.DeleteFunc(a.Cluster.Index.Sick(a.set()), func(entry live.Entry) bool { return !a.Ledger.Made(entry) })
	for i, entry := range sick {
		sick[i] = Shown(t, a.Cluster.Settled(t, entry))
	}
	sick = slices.DeleteFunc(sick, isWell)
	sortEntries(sick)
	return sick
}

// member returns one of the app's objects on the cluster, as Sick judges it.
func (a *App) member(t *plan.Target, id manifest.ID) (live.Entry, bool) {
	entry, ok := a.Cluster.Index.Get(id)
	if !ok || entry.PartOf != a.set() || entry.Hook != nil {
		return live.Entry{}, false
	}
	return Shown(t, a.Cluster.Settled(t, entry)), true
}

// Dying lists the objects of the app whose deletion has begun and not ended, sorted.
func (a *App) Dying() []live.Entry {
	var entries []live.Entry
	for _, id := range a.Ledger.Unsettled(a.Cluster.Index, a.set()) {
		entry, ok := a.Cluster.Index.Get(id)
		if ok && entry.PartOf == a.set() && entry.Hook == nil && entry.Terminating && entry.Fingerprint != "" {
			entries = append(entries, entry)
		}
	}
	slices.SortFunc(entries, func(x, y live.Entry) int { return strings.Compare(x.ID.Key(), y.ID.Key()) })
	return entries
}

// isWell reports whether nobody has to wait for the object.
func isWell(entry live.Entry) bool { return entry.Health.OK() || entry.Terminating }

func sortEntries(entries []live.Entry) {
	slices.SortFunc(entries, func(x, y live.Entry) int { return x.ID.Compare(y.ID) })
}

// Shown is an object of the index with its health as it may be shown.
func Shown(t *plan.Target, entry live.Entry) live.Entry {
	entry.Health.Message = t.Shown(entry.Health.Message)
	return entry
}
