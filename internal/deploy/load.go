package deploy

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/pushboat/pushboat/internal/manifest"
)

// load registers the apps of a repository, each with its newest record, and
// says what is wanted of them: what the branch that names them has, nothing
// where no branch names them any more, and what was deployed before where the
// branch's newest revision was pushed with -o skip.
func (e *Engine) load(ctx context.Context, repo string) error {
	branches, err := e.Source.Branches(ctx, repo)
	if err != nil {
		return err
	}
	records, err := e.Recorder.Newest(ctx, repo)
	if err != nil {
		return err
	}
	e.noteCharts(repo, records)
	e.forgetUnread(repo)
	unread := map[string]bool{} // branches
	asked := map[string]Asked{} // by branch
	wants := map[string]*target{}
	for _, branch := range slices.Sorted(maps.Keys(branches)) {
		targets, problems := e.readBranch(repo, branch, branches[branch])
		if len(problems) > 0 {
			e.Log.WithField("repository", repo).WithField("branch", branch).Warnf("not deployed: %s", problems.Error())
			unread[branch] = true
			e.noteUnread(repo, branch)
			continue
		}
		if asked[branch], err = e.Source.Asked(repo, branch); err != nil {
			return err
		}
		ofHead := asked[branch].Revision == branches[branch]
		for _, t := range targets {
			t.forced = ofHead && asked[branch].Force
			if _, recorded := records[t.spec.Name]; recorded || !ofHead || !asked[branch].Skip {
				wants[t.spec.Name] = t
			}
		}
	}
	for name, saved := range records {
		record := &saved.Record
		head := branches[record.Branch]
		kept, keeps := record.keeps(head, asked[record.Branch])
		e.claims.know(name)
		switch {
		case record.Result == Removed && wants[name] == nil && e.app(name) == nil:
			e.restore(name, record.Branch, repo, &saved, nil) // for those who ask for its history
		case head == "" || record.Result == Removed:
		case keeps:
			delete(wants, name)
			if a := e.restore(name, record.Branch, repo, &saved, e.targetAt(repo, record.Branch, kept, name)); a != nil {
				a.setSkipped(head)
			}
		case wants[name] == nil && !unread[record.Branch]: // its deletion was confirmed, and may not have ended
			last := e.targetAt(repo, record.Branch, cmp.Or(record.Had, record.Revision), name)
			wants[name] = goneTarget(name, repo, record.Branch, record.Cluster, head).withHooksOf(last).keeping(!record.NoPrune)
		}
	}
	for name, t := range wants {
		var saved *Saved
		if record, ok := records[name]; ok {
			saved = &record
		}
		e.restore(name, t.spec.Branch, repo, saved, t)
	}
	return nil
}

// noteCharts has the renderer hold charts to the content that they had when they were
// deployed, also where what it keeps of them is lost.
func (e *Engine) noteCharts(repo string, records map[string]Saved) {
	for name, saved := range records {
		if err := e.Renderer.Note(saved.Record.Charts); err != nil {
			e.Log.WithField("repository", repo).WithField("app", name).Warnf("the charts of the newest record: %v", err)
		}
	}
}

// readBranch renders the apps of a branch.
func (e *Engine) readBranch(repo, branch, revision string) ([]*target, manifest.Problems) {
	tree, err := e.Source.Tree(repo, revision)
	if err != nil {
		return nil, manifest.Problems{{Message: err.Error()}}
	}
	return e.readTargets(tree, repo, branch, revision)
}

// targetAt renders an app at an earlier revision; nil if it was not there, or if
// the revision is "".
func (e *Engine) targetAt(repo, branch, revision, name string) *target {
	if revision == "" {
		return nil
	}
	targets, _ := e.readBranch(repo, branch, revision)
	for _, t := range targets {
		if t.spec.Name == name {
			return t
		}
	}
	return nil
}

// restore registers an app as its newest record has it, which is nil if it has
// none, and what is wanted of it, which is nil for nothing. It returns the app;
// nil if another branch has it.
func (e *Engine) restore(name, branch, repo string, saved *Saved, t *target) *app {
	a, err := e.register(name, repo, branch)
	if err != nil {
		e.Log.WithField("repository", repo).Warnf("not deployed: %v", err)
		return nil
	}
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
func (e *Engine) arrive(ctx context.Context, repo string, cause Cause) error {
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
