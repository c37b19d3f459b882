package deploy

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/sealed"
)

// load registers the apps of a repository, each with its newest record, and
// says what is wanted of them: what the branch that names them has, nothing
// where no branch names them any more, what was deployed before where the
// branch's newest revision was pushed with -o skip, and what was applied last
// where it cannot be told, see hold.
func (e *Engine) load(ctx context.Context, repo string) error {
	records, err := e.Recorder.Newest(ctx, repo)
	if err != nil {
		return err
	}
	return e.loadWith(ctx, repo, records, func(string) string { return repo })
}

// loadWith is load with the repository's newest records. owner tells which repository
// has a record that an app is its own; "" for none.
func (e *Engine) loadWith(ctx context.Context, repo string, records map[string]record.Saved, owner func(app string) string) error {
	branches, err := e.Source.Branches(ctx, repo)
	if err != nil && len(records) == 0 {
		return err // there is nothing to hold
	}
	e.noteCharts(repo, records)
	e.forgetUnread(repo)
	l := &loading{engine: e, repo: repo, branches: branches, broken: err, records: records, unread: map[string]string{}, asked: map[string]record.Asked{}, wants: map[string]*target{}}
	for _, branch := range slices.Sorted(maps.Keys(branches)) {
		l.branch(branch)
	}
	at := l.earlier()
	for name := range records {
		l.record(name, at)
	}
	var fresh []*target
	for name, t := range l.wants {
		if other := owner(name); other != "" && other != repo {
			e.Log.WithField("repository", repo).Warnf("not deployed: app %s is that of repository %s", name, other)
			continue
		}
		var saved *record.Saved
		if rec, ok := records[name]; ok {
			saved = &rec
		}
		if err := e.sealGenerated(t); err != nil { // it must not run with values that are not kept
			e.Log.WithField("repository", repo).WithField("app", name).Warnf("not deployed: %v", err)
			if saved != nil {
				e.hold(repo, name, saved, at, err.Error())
			}
			continue
		}
		if a := e.restore(name, t.Spec.Branch, repo, saved, t); a != nil && t.specText == nil {
			fresh = append(fresh, t)
		}
	}
	if err := e.sealTargets(sealed.Accepted, fresh...); err != nil {
		e.Log.WithField("repository", repo).Warn(err) // it is rendered again at the next start
	}
	return nil
}

// loading is a repository that is being read.
type loading struct {
	engine   *Engine
	repo     string
	branches map[string]string       // the newest revision of each
	broken   error                   // why they cannot be listed; nil if they can
	records  map[string]record.Saved // the newest of each app
	unread   map[string]string       // branches that cannot be rendered, and why
	asked    map[string]record.Asked // by branch
	wants    map[string]*target
}

// branch notes what a branch wants of its apps.
func (l *loading) branch(branch string) {
	e, head := l.engine, l.branches[branch]
	targets, problems := e.readBranch(reading{repo: l.repo, revision: head, records: l.records}, branch)
	asked, err := e.Source.Asked(l.repo, branch)
	l.asked[branch] = asked
	if err != nil {
		problems = append(problems, manifest.Problem{Message: err.Error()})
	}
	if len(problems) > 0 {
		e.Log.WithField("repository", l.repo).WithField("branch", branch).Warnf("not deployed: %s", problems.Error())
		l.unread[branch] = whyUnread(problems)
		e.noteUnread(l.repo, branch)
		for _, t := range targets {
			if l.isApplied(t, problems) {
				l.wants[t.Spec.Name] = t
			}
		}
		return
	}
	ofHead := asked.Revision == head
	for _, t := range targets {
		t.forced = ofHead && asked.Force
		saved, recorded := l.records[t.Spec.Name]
		if recorded = recorded && saved.Record.Result != record.Removed; recorded || !ofHead || !asked.Skip {
			l.wants[t.Spec.Name] = t
		}
	}
}

// isApplied reports whether an app of a branch that cannot be rendered in full is,
// by itself, as it was applied last: it has nothing to wait for.
func (l *loading) isApplied(t *target, problems manifest.Problems) bool {
	saved, ok := l.records[t.Spec.Name]
	return ok && t.sound(problems) && saved.Record.Digest == l.engine.Masker.Seal(t.Digest)
}

// record notes what is wanted of an app that has a record, where its branch does not
// say it.
func (l *loading) record(name string, at earlier) {
	e, saved := l.engine, l.records[name]
	rec := &saved.Record
	head := l.branches[rec.Branch]
	asked := l.asked[rec.Branch]
	kept, keeps := rec.Keeps(head, asked)
	why := l.unread[rec.Branch]
	switch {
	case saved.Damaged != nil && rec.Revision == "":
		why = saved.Damaged.Error()
	case l.broken != nil:
		why = l.broken.Error()
		e.noteUnread(l.repo, rec.Branch)
	case head == "":
		why = fmt.Sprintf("repository %s has no branch %s any more", l.repo, rec.Branch)
		if rec.Result != record.Removed {
			e.noteUnread(l.repo, rec.Branch) // it may come back
		}
	}
	if saved.Damaged != nil {
		e.Log.WithField("repository", l.repo).Warn(saved.Damaged)
	}
	e.claims.Know(name)
	switch {
	case rec.Result == record.Removed && l.wants[name] == nil && e.app(name) == nil:
		e.restore(name, rec.Branch, l.repo, &saved, nil) // for those who ask for its history
	case rec.Result == record.Removed:
	case keeps && head != "":
		l.keepSkipped(name, kept, at)
	case l.wants[name] != nil:
	case why != "":
		e.hold(l.repo, name, &saved, at, why)
	default: // its deletion was confirmed, and may not have ended
		last := at(rec.Branch, cmp.Or(rec.Had, rec.Revision), name)
		l.wants[name] = goneTarget(name, l.repo, rec.Branch, rec.Cluster, head).withHooksOf(last).keeping(!rec.NoPrune)
	}
}

// keepSkipped has an app stay as it was deployed before the branch's newest revision,
// which was pushed with -o skip; kept is "" if it was not deployed yet.
func (l *loading) keepSkipped(name, kept string, at earlier) {
	e, saved := l.engine, l.records[name]
	delete(l.wants, name)
	branch := saved.Record.Branch
	t := at(branch, kept, name)
	if t == nil && kept != "" {
		e.hold(l.repo, name, &saved, at, fmt.Sprintf("revision %s, which -o skip keeps deployed, cannot be read or rendered", report.ShortRevision(kept)))
	} else if e.restore(name, branch, l.repo, &saved, t) == nil {
		return
	}
	if a := e.app(name); a != nil {
		a.setSkipped(l.branches[branch])
	}
}

// earlier returns what renders apps at earlier revisions, each revision once.
func (l *loading) earlier() earlier {
	read := map[[2]string]map[string]*target{}
	return func(branch, revision, name string) *target {
		if revision == "" {
			return nil
		}
		at := [2]string{branch, revision}
		if read[at] == nil {
			read[at] = map[string]*target{}
			targets, problems := l.engine.readBranch(reading{repo: l.repo, revision: revision, records: l.records, earlier: true}, branch)
			for _, t := range targets {
				if t.sound(problems) {
					read[at][t.Spec.Name] = t
				}
			}
		}
		return read[at][name]
	}
}

// noteCharts has the renderer hold charts to the content that they had when they were
// deployed, also where what it keeps of them is lost.
func (e *Engine) noteCharts(repo string, records map[string]record.Saved) {
	for name, saved := range records {
		if err := e.Renderer.Note(saved.Record.Charts); err != nil {
			e.Log.WithField("repository", repo).WithField("app", name).Warnf("the charts of the newest record: %v", err)
		}
	}
}

// readBranch renders the apps of a branch at a revision, of which apps and files are
// still to be read.
func (e *Engine) readBranch(r reading, branch string) ([]*target, manifest.Problems) {
	var err error
	if r.tree, err = e.Source.Tree(r.repo, r.revision); err != nil {
		return nil, manifest.Problems{{Message: err.Error()}}
	}
	main, err := e.Source.Main(r.repo)
	if err != nil {
		return nil, manifest.Problems{{Message: err.Error()}}
	}
	var problems manifest.Problems
	r.specs, problems = appfile.ParseBranch(r.tree, r.repo, branch, main)
	targets, found := e.readTargets(r)
	return targets, append(problems, found...)
}

// restore registers an app as its newest record has it, which is nil if it has
// none, and what is wanted of it, which is nil for nothing. It returns the app;
// nil if another branch has it.
func (e *Engine) restore(name, branch, repo string, saved *record.Saved, t *target) *app {
	a, err := e.register(name, repo, branch)
	if err != nil {
		e.Log.WithField("repository", repo).Warnf("not deployed: %v", err)
		return nil
	}
	a.setUnrendered("")
	a.setSkipped("") // by a push before the newest, if at all
	if saved != nil {
		a.recall(*saved)
		a.setSuspension(saved.Record.Suspension)
	}
	a.setWant(t)
	return a
}

// arrive takes up the branches of a repository that have moved without the
// gate's plan at hand: somebody has moved a ref on the server's disk, or what an
// app takes from its cluster has changed.
func (e *Engine) arrive(ctx context.Context, repo string, cause record.Cause) error {
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
