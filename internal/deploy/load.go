package deploy

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/sealed"
)

// load registers the apps of a repository, each with its newest record, and sets their
// targets: the branch's state for an app that a branch names, nothing for an app that
// no branch names any more, the last deployed state if the branch's newest revision was
// pushed with -o skip, and the last applied state if the branch's wish is unknown, see
// hold.
func (e *Engine) load(ctx context.Context, repo name.Repo) error {
	records, err := e.Recorder.Newest(ctx, repo)
	if err != nil {
		return err
	}
	return e.loadWith(ctx, repo, records, func(name.App) name.Repo { return repo })
}

// loadWith is load with the repository's newest records. owner tells which repository
// has a record that an app is its own; "" for none.
func (e *Engine) loadWith(ctx context.Context, repo name.Repo, records map[name.App]record.Saved, owner func(app name.App) name.Repo) error {
	before := e.asked(repo)
	heads, err := e.Source.Branches(ctx, repo)
	if err != nil && len(records) == 0 {
		return err // there is nothing to hold
	}
	e.noteCharts(repo, records)
	e.forgetUnread(repo)
	l := &loading{engine: e, repo: repo, before: before, records: records, targets: map[name.App]*target{}}
	branches := map[name.Branch]branchRead{}
	for _, branch := range slices.Sorted(maps.Keys(heads)) {
		branches[branch] = l.branch(branch, heads[branch])
	}
	l.at = l.earlier()
	for name, d := range desired(repo, branches, err, records) {
		l.note(name)
		if other := owner(name); d.state.deploys() && other != "" && other != repo {
			e.Log.WithField("repository", repo).Warnf("not deployed: app %s is that of repository %s", name, other)
			continue
		}
		l.fulfil(name, d)
	}
	if err := e.sealTargets(sealed.Accepted, l.fresh...); err != nil {
		e.Log.WithField("repository", repo).Warn(err) // it is rendered again at the next start
	}
	return nil
}

// loading is a repository that is being read.
type loading struct {
	engine  *Engine
	repo    name.Repo
	before  map[name.App]asking       // the state of its apps when the reading began
	records map[name.App]record.Saved // the newest of each app
	targets map[name.App]*target      // the branches' targets for their apps
	at      earlier
	fresh   []*target // rendered now, and to be sealed
}

// branch reads a branch.
func (l *loading) branch(branch name.Branch, head name.Revision) branchRead {
	e := l.engine
	targets, file, problems := e.readBranch(reading{repo: l.repo, revision: head, records: l.records}, branch)
	asked, err := e.Source.Asked(l.repo, branch)
	if err != nil {
		problems = append(problems, manifest.Problem{Message: err.Error()})
	}
	read := branchRead{head: head, asked: asked, apps: map[name.App]bool{}, selects: len(file.Selections) > 0 || file.Imported, meant: file.Imported}
	skips := asked.Skip && asked.Revision == head
	l.release(branch, file.Released, len(problems) == 0 && !skips)
	if len(problems) > 0 {
		e.Log.WithField("repository", l.repo).WithField("branch", branch).Warnf("not deployed: %s", problems.Error())
		read.unread = whyUnread(problems)
		e.noteUnread(l.repo, branch)
	}
	for _, t := range targets {
		own, err := e.Source.AskedOf(l.repo, branch, t.Spec.Name)
		if err != nil {
			e.Log.WithField("repository", l.repo).WithField("app", t.Spec.Name).Warn(err)
		}
		t.follows(head, asked, own)
		if len(problems) == 0 || l.isApplied(t, problems) {
			read.apps[t.Spec.Name], l.targets[t.Spec.Name] = true, t
		}
	}
	return read
}

// follows notes what was asked for with a revision: with its push, and for the app alone.
func (t *target) follows(head name.Revision, all ...record.Asked) {
	for _, asked := range all {
		if asked.Revision == head {
			t.forced, t.override = t.forced || asked.Force, cmp.Or(asked.Override, t.override)
			t.TakeOver = t.TakeOver || asked.TakeOver
			if asked.Signed.Any() {
				t.signed = asked.Signed
			}
		}
	}
}

// release notes which apps a branch gives up: of those that records know as its own. Where
// what it says does not count, it gives up none.
func (l *loading) release(branch name.Branch, given map[name.App]name.Repo, counts bool) {
	own := map[name.App]name.Repo{}
	for app, to := range given {
		if saved, ok := l.records[app]; ok && counts && saved.Record.Branch == branch {
			own[app] = to
		}
	}
	l.engine.releases.set(branchOf{l.repo, branch}, own)
}

// isApplied reports whether an app of a branch that cannot be rendered in full is,
// by itself, as it was applied last: it has nothing to wait for.
func (l *loading) isApplied(t *target, problems manifest.Problems) bool {
	saved, ok := l.records[t.Spec.Name]
	return ok && t.sound(problems) && saved.Record.Digest == l.engine.Masker.Seal(t.Digest)
}

// note takes up that an app has a record.
func (l *loading) note(app name.App) {
	saved, recorded := l.records[app]
	if !recorded {
		return
	}
	l.engine.claims.Know(app)
	if saved.Damaged != nil {
		l.engine.Log.WithField("repository", l.repo).Warn(saved.Damaged)
	}
}

// fulfil puts an app into its desired state.
func (l *loading) fulfil(app name.App, d desire) {
	e, saved := l.engine, l.records[app]
	if d.retry {
		e.noteUnread(l.repo, d.branch)
	}
	switch d.state {
	case asNamed:
		l.deploy(app, l.targets[app])
	case asBefore:
		l.keepSkipped(app, d)
	case asApplied:
		l.hold(app, &saved, d.why)
	case asSelected:
		l.hold(app, &saved, d.why)
		if a := e.app(app); a != nil && a.unrenderedWhy() == d.why {
			a.setUnselected()
		}
	case asRemoved:
		last := l.at(d.branch, cmp.Or(saved.Record.Had, saved.Record.Revision), app)
		l.deploy(app, goneTarget(app, l.repo, d.branch, saved.Record.Cluster, d.head).withHooksOf(last).keeping(l.whyStaying(d, saved.Record, last)).givenTo(e.releases.to(l.repo, app)))
	case asRemembered:
		if e.app(app) == nil {
			l.restore(app, d.branch, &saved, nil, "")
		}
	}
}

// deploy has an app be a target.
func (l *loading) deploy(app name.App, t *target) {
	e := l.engine
	var saved *record.Saved
	if rec, ok := l.records[app]; ok {
		saved = &rec
	}
	if err := e.sealGenerated(t); err != nil { // it must not run with values that are not kept
		e.Log.WithField("repository", l.repo).WithField("app", app).Warnf("not deployed: %v", err)
		if saved != nil {
			l.hold(app, saved, err.Error())
		}
		return
	}
	if a := l.restore(app, t.Spec.Branch, saved, t, ""); a != nil && t.specText == nil {
		l.fresh = append(l.fresh, t)
	}
}

// keepSkipped has an app stay as it was deployed before the branch's newest revision,
// which was pushed with -o skip, if it was deployed at all.
func (l *loading) keepSkipped(app name.App, d desire) {
	e, saved := l.engine, l.records[app]
	t := l.at(d.branch, d.kept, app)
	if t == nil && d.kept != "" {
		l.hold(app, &saved, fmt.Sprintf("revision %s, which -o skip keeps deployed, cannot be read or rendered", d.kept.Short()))
	} else if l.restore(app, d.branch, &saved, t, "") == nil {
		return
	}
	if a := e.app(app); a != nil {
		a.setSkipped(d.head)
	}
}

// earlier returns a function that renders apps at earlier revisions, each revision
// once.
func (l *loading) earlier() earlier {
	type point struct {
		branch   name.Branch
		revision name.Revision
	}
	read := map[point]map[name.App]*target{}
	return func(branch name.Branch, revision name.Revision, app name.App) *target {
		if revision == "" {
			return nil
		}
		at := point{branch, revision}
		if read[at] == nil {
			read[at] = map[name.App]*target{}
			targets, _, problems := l.engine.readBranch(reading{repo: l.repo, revision: revision, records: l.records, earlier: true}, branch)
			for _, t := range targets {
				if t.sound(problems) {
					read[at][t.Spec.Name] = t
				}
			}
		}
		return read[at][app]
	}
}

// noteCharts makes the renderer hold charts to the content with which they were
// deployed, even if its own notes are lost.
func (e *Engine) noteCharts(repo name.Repo, records map[name.App]record.Saved) {
	for app, saved := range records {
		if err := e.Renderer.Note(saved.Record.Charts); err != nil {
			e.Log.WithField("repository", repo).WithField("app", app).Warnf("the charts of the newest record: %v", err)
		}
	}
}

// readBranch renders the apps of a branch at a revision, of which apps and files are
// still to be read. It also returns what else the branch's file says.
func (e *Engine) readBranch(r reading, branch name.Branch) ([]*target, appfile.File, manifest.Problems) {
	var err error
	if r.tree, err = e.Source.Tree(r.repo, r.revision); err != nil {
		return nil, appfile.File{}, manifest.Problems{{Message: err.Error()}}
	}
	r.tree = e.joinedTree(r.tree, r.repo, access.Caller{System: true})
	main, err := e.Source.Main(r.repo)
	if err != nil {
		return nil, appfile.File{}, manifest.Problems{{Message: err.Error()}}
	}
	at := appfile.Place{Repo: r.repo, Branch: branch, Main: main, Clusters: e.selectableWith(r.repo, r.records)}
	file, imports, problems := e.readFile(r.tree, at)
	r.specs, r.imports = file.Apps, imports
	targets, found := e.readTargets(r)
	if imports != nil && !r.earlier {
		e.readWith.note(branchOf{r.repo, branch}, surroundings{at.Clusters, follows(r.tree), saidOf(r.imports)})
	}
	return targets, file, append(problems, found...)
}

// restore registers an app with its newest record, which is nil if there is none, and
// its target, which is nil for nothing. unrendered is the reason why its branch's wish
// is unknown; "" if it is known. It returns the app; nil if another branch has it, or
// if a push was faster.
func (l *loading) restore(name name.App, branch name.Branch, saved *record.Saved, t *target, unrendered string) *app {
	a := l.enter(name, branch, saved, t, unrendered)
	if a != nil {
		a.tellSchedules()
	}
	return a
}

// enter is restore, without telling anybody.
func (l *loading) enter(name name.App, branch name.Branch, saved *record.Saved, t *target, unrendered string) *app {
	e := l.engine
	e.wants.Lock()
	defer e.wants.Unlock()
	if a := e.app(name); a != nil && a.repository() == l.repo && a.asked() != l.before[name] {
		return nil // it is newer than what was read before it
	}
	a, err := e.register(name, l.repo, branch)
	if err != nil {
		e.Log.WithField("repository", l.repo).Warnf("not deployed: %v", err)
		return nil
	}
	a.setUnrendered(unrendered) // at no moment it seems to be known
	a.setSkipped("")            // by a push before the newest, if at all
	if saved != nil {
		a.recall(*saved)
		a.suspended.set(saved.Record.Suspension)
	}
	a.setWant(t)
	return a
}

// asking is the state that pushes have set for an app: its target, and whether it is
// skipped.
type asking struct {
	want    *target
	skipped name.Revision
}

func (a *app) asked() asking { return asking{a.wanted(), a.skippedRevision()} }

// asked returns the current state of every app of a repository.
func (e *Engine) asked(repo name.Repo) map[name.App]asking {
	all := map[name.App]asking{}
	for _, a := range e.sorted() {
		if a.repository() == repo {
			all[a.name] = a.asked()
		}
	}
	return all
}

// arrive handles branches of a repository that have moved without the gate's plan:
// somebody has moved a ref on the server's disk, or a value that an app takes from its
// cluster has changed.
func (e *Engine) arrive(ctx context.Context, repo name.Repo, cause record.Cause) error {
	if err := e.load(ctx, repo); err != nil {
		return err
	}
	for _, a := range e.sorted() {
		if a.repository() == repo {
			e.Check(a.name, cause)
		}
	}
	return nil
}
