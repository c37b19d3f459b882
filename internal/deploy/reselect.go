package deploy

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// Selecting is another set of clusters, or other grants, from which branches would select.
type Selecting struct {
	Clusters  appfile.Clusters
	Grants    Grants
	By        access.Caller
	Confirmed int // deletions; -1: none
}

// Reselection is what that would do to the apps.
type Reselection struct {
	Added    []name.App
	Changed  []name.App // their settings change with labels
	Leaving  []Leaving
	Broken   []string          // why branches could not be read any more, a line each
	Problems manifest.Problems // what has to be confirmed first, or keeps apps from being removed

	plans []*plan.Plan // of those that leave
}

// Leaving are apps that leave a branch.
type Leaving struct {
	Repo   name.Repo
	Branch name.Branch
	Head   name.Revision
	Apps   []name.App
}

// Going are the apps that leave their branches.
func (r Reselection) Going() (apps []name.App) {
	for _, l := range r.Leaving {
		apps = append(apps, l.Apps...)
	}
	slices.Sort(apps)
	return apps
}

// Lines says what would happen, a line each.
func (r Reselection) Lines() (lines []string) {
	say := func(mark, one, many string, apps []name.App) {
		switch {
		case len(apps) == 1:
			lines = append(lines, fmt.Sprintf("  %s 1 app %s: %s", mark, one, apps[0]))
		case len(apps) > 1:
			lines = append(lines, fmt.Sprintf("  %s %d apps %s: %s", mark, len(apps), many, firstApps(apps)))
		}
	}
	say("+", "comes, whose cluster is selected now", "come, whose clusters are selected now", r.Added)
	say("-", "goes, whose cluster is no longer selected", "go, whose clusters are no longer selected", r.Going())
	say("~", "changes with the labels of its cluster", "change with the labels of their clusters", r.Changed)
	slices.Sort(r.Broken)
	for i, why := range r.Broken {
		if i == maxNamedApps {
			lines = append(lines, fmt.Sprintf("  ! branches that could not be read: %d more", len(r.Broken)-i))
			break
		}
		lines = append(lines, "  ! its apps would be held as they are: "+why)
	}
	return lines
}

// maxNamedApps bounds what one line names.
const maxNamedApps = 20

func firstApps(apps []name.App) string {
	if more := len(apps) - maxNamedApps; more > 0 {
		return fmt.Sprintf("%s and %d more", name.Join(apps[:maxNamedApps], ", "), more)
	}
	return name.Join(apps, ", ")
}

// Reselect says which apps come and go with other clusters or grants. What would be deleted
// needs to be confirmed, as in a push.
func (e *Engine) Reselect(ctx context.Context, next Selecting) (Reselection, error) {
	e.known()
	ctx, cancel := context.WithTimeout(ctx, gateTimeout)
	defer cancel()
	var result Reselection
	var mu sync.Mutex
	err := e.eachSelecting(ctx, func(repo name.Repo) (appfile.Clusters, appfile.Clusters) {
		return e.Selectable(repo), selectable(next.Clusters, next.Grants(repo), e.clustersWithApps(repo))
	}, func(b branchFile) {
		mu.Lock()
		defer mu.Unlock()
		e.compareSelected(ctx, b, next, &result)
	})
	if err != nil {
		return result, err
	}
	for _, list := range [][]name.App{result.Added, result.Changed} {
		slices.Sort(list)
	}
	e.guardLeaving(ctx, next.Confirmed, &result)
	return result, nil
}

// branchFile is a branch, and what it makes with the clusters of now and with others.
type branchFile struct {
	repo      name.Repo
	branch    name.Branch
	head      name.Revision
	now, next madeWith
}

// eachSelecting calls do, from several goroutines, for each branch that selects clusters, of the
// repositories for which two sets of clusters differ. Where there is one set alone, those branches
// are left out whose apps are objects of other tools, and that were read with it.
func (e *Engine) eachSelecting(ctx context.Context, sets func(name.Repo) (now, next appfile.Clusters), do func(branchFile)) error {
	repos, err := e.Source.Repositories()
	if err != nil {
		return fmt.Errorf("list repositories: %w", err)
	}
	return e.eachRepository(repos, func(_ context.Context, i int) error {
		now, next := sets(repos[i])
		if next != nil && sameClusters(now, next) {
			return nil
		}
		heads, err := e.Source.Branches(ctx, repos[i])
		if err != nil {
			return err
		}
		main, err := e.Source.Main(repos[i])
		if err != nil {
			return err
		}
		for _, branch := range slices.Sorted(maps.Keys(heads)) {
			tree, err := e.Source.Tree(repos[i], heads[branch])
			if err != nil {
				return err
			}
			if next == nil && e.readWith.same(branchOf{repos[i], branch}, now) {
				continue
			}
			b := branchFile{repo: repos[i], branch: branch, head: heads[branch]}
			at := appfile.Place{Repo: repos[i], Branch: branch, Main: main, Clusters: now}
			b.now = e.makes(tree, at, b.head)
			if at.Clusters = next; next != nil {
				b.next = e.makes(tree, at, b.head)
			}
			if b.now.selects() || b.next.selects() {
				do(b)
			}
		}
		return nil
	})
}

// compareSelected adds what becomes of a branch.
func (e *Engine) compareSelected(ctx context.Context, b branchFile, next Selecting, into *Reselection) {
	if len(b.next.problems) > 0 {
		into.Broken = append(into.Broken, fmt.Sprintf("repository %s, branch %s: %s", b.repo, b.branch, whyUnread(b.next.problems)))
		return
	}
	before, after := appsByName(b.now.file), appsByName(b.next.file)
	for _, app := range slices.Sorted(maps.Keys(after)) {
		spec, had := before[app]
		switch {
		case !had:
			into.Added = append(into.Added, app)
		case !reflect.DeepEqual(spec, after[app]):
			into.Changed = append(into.Changed, app)
		}
	}
	leaving := Leaving{Repo: b.repo, Branch: b.branch, Head: b.head}
	for _, a := range e.appsOn(b.repo, b.branch) {
		_, had := before[a.name]
		if _, has := after[a.name]; had && !has {
			leaving.Apps = append(leaving.Apps, a.name)
		}
	}
	if len(leaving.Apps) == 0 {
		return
	}
	into.Leaving = append(into.Leaving, leaving)
	plans, problems := e.planLeaving(ctx, leaving, next.By, b.next)
	into.plans, into.Problems = append(into.plans, plans...), append(into.Problems, problems...)
}

// planLeaving plans the removal of apps that leave a branch, with what it makes then.
func (e *Engine) planLeaving(ctx context.Context, l Leaving, by access.Caller, then madeWith) ([]*plan.Plan, manifest.Problems) {
	p := &Proposal{
		Change: Change{Repo: l.Repo, Branch: l.Branch, Revision: l.Head, Caller: by, Options: Options{Plan: true, ConfirmPrune: -1}},
		engine: e, changed: map[name.App]*plan.Plan{}, with: map[string]*plan.Companions{}, claims: e.claims.Overlay(),
		imports: then.imports, after: appsByName(then.file),
	}
	for _, t := range e.leaving(p) {
		if slices.Contains(l.Apps, t.Spec.Name) {
			p.targets = append(p.targets, t)
		}
	}
	objects := e.resolveAll(ctx, p)
	e.planAll(ctx, p, objects)
	for i := range p.Problems {
		if p.Problems[i].Remedy.Kind == manifest.RemedyAgainOrSkip {
			p.Problems[i].Remedy = manifest.Again(p.Problems[i].Remedy.When)
		}
	}
	return p.Plans, p.Problems
}

// guardLeaving refuses deletions that nobody has confirmed.
func (e *Engine) guardLeaving(ctx context.Context, confirmed int, r *Reselection) {
	if len(r.Problems) > 0 {
		return
	}
	if r.Problems = e.markExposed(ctx, r.plans); len(r.Problems) > 0 {
		return
	}
	cluster, count, meant := map[name.App]string{}, map[name.App]int{}, map[name.App]bool{}
	for _, p := range r.plans {
		cluster[p.App], count[p.App], meant[p.App] = p.Cluster, len(p.Pruned()), p.Target.Meant
	}
	problems, deletions := plan.Guard(r.plans, confirmed, false)
	for i := range problems {
		app := problems[i].App
		what := "which its clusters: no longer selects"
		if meant[app] {
			what = "which nothing in its repository selects any more"
		}
		problems[i].Message = fmt.Sprintf("app %s would leave cluster %s, %s: all its objects (%d) would be deleted", app, cluster[app], what, count[app])
		confirmable(&problems[i], confirmed, deletions)
	}
	r.Problems = problems
}

// Reselected takes up that other clusters or grants are in force: apps come, and those of
// leaving go. Every other app that no branch makes any more is held.
func (e *Engine) Reselected(ctx context.Context, leaving []name.App) error {
	e.known()
	for _, app := range leaving {
		if err := e.letGo(ctx, app); err != nil {
			e.Log.WithField("app", app).Errorf("%v; it is held", err)
		}
	}
	var mu sync.Mutex
	moved := map[name.Repo]bool{}
	err := e.eachSelecting(ctx, func(repo name.Repo) (appfile.Clusters, appfile.Clusters) {
		return e.Selectable(repo), nil
	}, func(b branchFile) {
		if len(b.now.problems) == 0 && e.isAsNamed(b.repo, b.branch, b.now.file) {
			if b.now.imports != nil {
				e.readWith.note(branchOf{b.repo, b.branch}, surroundings{clusters: e.Selectable(b.repo), places: b.now.places})
			}
			return
		}
		mu.Lock()
		defer mu.Unlock()
		moved[b.repo] = true
	})
	for _, repo := range slices.Sorted(maps.Keys(moved)) {
		if err := e.arrive(ctx, repo, record.CauseClusters); err != nil {
			e.Log.WithField("repository", repo).Errorf("read it again, as clusters have other labels: %v", err)
		}
	}
	return err
}

// letGo keeps that an app may go from its branch, whose newest revision does not make it.
func (e *Engine) letGo(ctx context.Context, app name.App) error {
	a := e.app(app)
	if a == nil {
		return nil
	}
	repo, branch := a.home()
	head, err := e.Source.Head(ctx, repo, branch)
	if err != nil {
		return err
	}
	return e.confirmLeaving(repo, branch, head, []name.App{app}, nil)
}
