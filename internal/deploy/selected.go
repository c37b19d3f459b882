package deploy

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// An entry of pushboat.yaml, or an object of another tool, may select clusters by their labels. Which apps it makes then
// depends on more than the revision: on the labels of clusters, and on the clusters that the
// repository's grant gives it. Both may change while no push is there to confirm what would be
// deleted. So an app of a branch with such an entry goes only if somebody has confirmed that:
// in a push, in a push of the rules, or by sync. Until then it is held, see hold.

// selectable are the clusters from which a repository may select: those of its grant, for
// which others do not exist, and those where it has apps. A grant that is narrowed holds apps,
// see confine, and takes none away.
func selectable(all appfile.Clusters, g *grant.Grant, has map[string]bool) appfile.Clusters {
	if g == nil {
		return all
	}
	some := appfile.Clusters{}
	for cluster, labels := range all {
		if has[cluster] || g.JudgeCluster(cluster) == nil {
			some[cluster] = labels
		}
	}
	return some
}

// Selectable are the clusters from which a repository may select, with their labels.
func (e *Engine) Selectable(repo name.Repo) appfile.Clusters { return e.selectableWith(repo, nil) }

// selectableWith is Selectable for a repository whose apps need not be registered yet, but
// have records.
func (e *Engine) selectableWith(repo name.Repo, records map[name.App]record.Saved) appfile.Clusters {
	if e.Labels == nil {
		return nil
	}
	has := e.clustersWithApps(repo)
	for _, saved := range records {
		if saved.Record.Result != record.Removed {
			has[saved.Record.Cluster] = true
		}
	}
	return selectable(e.Labels(), e.grantOf(repo), has)
}

// clustersWithApps are the clusters where a repository has apps.
func (e *Engine) clustersWithApps(repo name.Repo) map[string]bool {
	has := map[string]bool{}
	for _, a := range e.sorted() {
		if a.repository() != repo || a.removed() {
			continue
		}
		if t, last := a.wanted(), a.lastRecord(); t != nil {
			has[t.Spec.Cluster] = true
		} else if last != nil {
			has[last.Cluster] = true
		}
	}
	return has
}

// whyUnselected says why an app is held that its branch no longer makes.
func whyUnselected(cluster string) string {
	return fmt.Sprintf("clusters: in pushboat.yaml no longer selects cluster %s, and nobody has confirmed that the app goes", cluster)
}

// whyUnmeant is whyUnselected for an app that no object of another tool means any more.
const whyUnmeant = "no object in its repository means it any more, or a generator makes it no more, and nobody has confirmed that the app goes"

// confirmed reports whether an app may go from a branch that selects clusters.
func (b branchRead) confirmed(app name.App) bool {
	return !b.selects || b.asked.Revision == b.head && slices.Contains(b.asked.Leaving, app)
}

// unselected lists warnings about selections that no cluster matches.
func unselected(selections []appfile.Selection) manifest.Problems {
	var none manifest.Problems
	for _, s := range selections {
		if len(s.Matches) == 0 {
			none = append(none, manifest.Problem{Source: s.Source, Message: fmt.Sprintf("clusters: no cluster has %s, so the entry makes no app", s.Selector)})
		}
	}
	return none
}

// goes lists the apps that would go with the change, and that a branch that selects clusters
// may lose without a push.
func (p *Proposal) goes() []name.App {
	if len(p.selections) == 0 && p.imports == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.removed), func(app name.App) bool { return p.Only != "" && p.Only != app })
}

// confirmLeaving keeps that apps may go, and those whose objects stay then, for a change that no
// push brings.
func (e *Engine) confirmLeaving(repo name.Repo, branch name.Branch, head name.Revision, apps, staying []name.App) error {
	if len(apps)+len(staying) == 0 {
		return nil
	}
	asked, err := e.Source.Asked(repo, branch)
	if err != nil || asked.Revision != head {
		asked = record.Asked{Revision: head}
	}
	asked.Leaving, asked.Keeping = addingApps(asked.Leaving, apps), addingApps(asked.Keeping, staying)
	return e.Source.SetAsked(repo, branch, asked)
}

// addingApps are names with some more, each once.
func addingApps(has, more []name.App) []name.App {
	for _, app := range more {
		if !slices.Contains(has, app) {
			has = append(has, app)
		}
	}
	return has
}

// sameClusters reports whether two sets of clusters have the same names and labels.
func sameClusters(a, b appfile.Clusters) bool {
	return maps.EqualFunc(a, b, func(x, y map[string]string) bool { return maps.Equal(x, y) })
}

// appsByName are the apps of a file, by name.
func appsByName(file appfile.File) map[name.App]appfile.App {
	apps := make(map[name.App]appfile.App, len(file.Apps))
	for _, app := range file.Apps {
		apps[app.Name] = app
	}
	return apps
}

// isAsNamed reports whether the registered apps of a branch are those that its file makes,
// and as it makes them. Held apps that the file does not make are left out.
func (e *Engine) isAsNamed(repo name.Repo, branch name.Branch, file appfile.File) bool {
	wanted := appsByName(file)
	for _, a := range e.appsOn(repo, branch) {
		t, is := a.wanted(), false
		spec, makes := wanted[a.name]
		switch {
		case !makes:
			is = a.isUnselected() || t != nil && t.Gone
		case a.isUnselected():
		case t != nil:
			is = !t.Gone && reflect.DeepEqual(t.Spec, spec)
		}
		if !is {
			return false
		}
		delete(wanted, a.name)
	}
	return len(wanted) == 0
}
