package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/amend"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/view"
)

// maxAttempts bounds how often a commit is made anew because somebody has pushed in
// between. Callers of one server wait for each other, so only pushes count.
const maxAttempts = 20

// amendFlags are the flags of verbs that commit a change of files.
func amendFlags(f *pflag.FlagSet) {
	f.Bool("plan", false, "only show what would change")
	syncFlags(f)
	output(f)
}

// amendment is a change of values of an app that a verb commits.
type amendment struct {
	status  deploy.Status
	subject string // of the commit
	// find finds the changes at a revision.
	find func(ctx context.Context, b *deploy.Bench) (amend.Files, []amend.Change, error)
	// so says what is so already, if there is nothing to change.
	so string
	// result is what becomes of it.
	result *amendResult
}

// benches has those who change one branch do so one after the other.
type benches struct {
	mu   sync.Mutex
	held map[string]chan struct{} // with one place each
}

// take waits for the turn on a branch, and returns the function that ends it.
func (b *benches) take(ctx context.Context, repo name.Repo, branch name.Branch) (over func(), err error) {
	b.mu.Lock()
	if b.held == nil {
		b.held = map[string]chan struct{}{}
	}
	key := string(repo) + " " + string(branch) // neither has blanks
	place := b.held[key]
	if place == nil {
		place = make(chan struct{}, 1)
		b.held[key] = place
	}
	b.mu.Unlock()
	select {
	case place <- struct{}{}:
		return sync.OnceFunc(func() { <-place }), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// amend commits an amendment for the caller, through the gate, and shows its deploys.
func (c *call) amend(ctx context.Context, a amendment) error {
	a.result = &amendResult{App: a.status.App, Changes: []amendedLine{}, Deploys: []string{}}
	asJSON, err := c.asJSON()
	if err != nil {
		return err
	}
	if !asJSON {
		return c.amendOn(ctx, a)
	}
	spoken := c.Session
	c.Session = aside{spoken}
	err = c.amendOn(ctx, a)
	c.Session = spoken
	a.result.end(err)
	if err := c.print(a.result, nil); err != nil {
		return err
	}
	return err
}

// amendOn is amend for people.
func (c *call) amendOn(ctx context.Context, a amendment) error {
	if m := c.Rules().Mirror(a.status.Repo); m != nil {
		return c.amendUpstream(ctx, a, m)
	}
	over, err := c.benches.take(ctx, a.status.Repo, a.status.Branch)
	if err != nil {
		return err
	}
	defer over()
	for range maxAttempts {
		runs, err := c.attempt(ctx, a)
		if errors.Is(err, git.ErrRefMoved) {
			fmt.Fprintf(c, "%s: somebody pushed to branch %s in between; once more\n", a.status.App, manifest.Clean(string(a.status.Branch)))
			continue
		}
		over() // the next one may begin while this one's deploys are shown
		if err != nil {
			return err
		}
		a.result.begun(runs)
		err = c.showAll(ctx, runs)
		a.result.ended(runs)
		return err
	}
	return report.WithHint(fmt.Errorf("branch %s moved %d times meanwhile; nothing was changed", a.status.Branch, maxAttempts), "try again")
}

// attempt makes the commit on top of the branch as it is now, has the gate judge it, and
// moves the branch. The error is git.ErrRefMoved if somebody else was faster.
func (c *call) attempt(ctx context.Context, a amendment) ([]*deploy.Run, error) {
	repo, err := c.Repos.Open(a.status.Repo)
	if err != nil {
		return nil, err
	}
	made, err := c.draft(ctx, repo, a)
	if err != nil {
		return nil, err
	}
	if len(made.changes) == 0 {
		fmt.Fprintf(c, "%s: %s; nothing was changed\n", a.status.App, a.so)
		return nil, c.settled(ctx, a.status)
	}
	c.printAmended(a, made)
	if err := c.mayAmend(a.status, made); err != nil {
		return nil, err
	}
	if err := made.commit(ctx, repo); err != nil {
		return nil, err
	}
	proposal, err := c.propose(ctx, repo, a.status, made)
	if err != nil || proposal == nil {
		return nil, err
	}
	defer proposal.Close()
	runs, err := c.publishAmended(ctx, repo, proposal, made)
	if err == nil {
		a.result.Branch, a.result.Commit = proposal.Branch, made.to
	}
	return runs, err
}

// printAmended shows the lines that change.
func (c *call) printAmended(a amendment, made *amended) {
	for _, change := range made.changes {
		fmt.Fprintf(c, "%s: %s: %s -> %s\n", a.status.App, manifest.Source{File: change.File, Line: change.Line}, said(change.From), said(change.To))
	}
	a.result.take(made)
}

// amended is a commit in the making.
type amended struct {
	from, to git.Hash
	files    amend.Files
	changes  []amend.Change
	options  deploy.Options
	message  string
	author   git.Signature
	rule     string // by which the branch may move
	modes    map[string]bool
	before   amend.Files // the files as they are
	upstream bool        // it goes there, and the branch here stays
}

// draft finds the changes at the head of the branch.
func (c *call) draft(ctx context.Context, repo *git.Repository, a amendment) (*amended, error) {
	made := &amended{author: c.Rollback.Author(c.Caller()), modes: map[string]bool{}, before: amend.Files{}}
	var err error
	if made.options, err = c.syncOptions(a.status); err != nil {
		return nil, err
	}
	made.options.Plan, _ = c.flags.GetBool("plan") // the flags are those of amendFlags
	if made.from, err = repo.Head(ctx, a.status.Branch.Ref()); err != nil {
		return nil, err
	}
	tree, err := repo.Tree(made.from)
	if err != nil {
		return nil, err
	}
	bench, err := c.Engine.Bench(ctx, deploy.Change{
		Repo: a.status.Repo, Branch: a.status.Branch, Revision: name.Revision(made.from), Tree: tree,
		Caller: c.Caller(), Only: a.status.App, Tell: c.lines().tell,
	})
	if err != nil {
		return nil, err
	}
	defer bench.Close()
	if made.files, made.changes, err = a.find(ctx, bench); err != nil {
		return nil, err
	}
	for file := range made.files {
		made.before[file] = bench.Files[file]
		if info, err := fs.Stat(tree, file); err == nil && info.Mode().Perm()&0o111 != 0 {
			made.modes[file] = true
		}
	}
	made.message = messageOf(a.subject, made.changes)
	return made, nil
}

// messageOf is the message of a commit: what it is for, and each line that changes.
func messageOf(subject string, changes []amend.Change) string {
	var lines []string
	for _, change := range changes {
		lines = append(lines, fmt.Sprintf("%s: %s -> %s", manifest.Source{File: change.File, Line: change.Line}, said(change.From), said(change.To)))
	}
	return subject + "\n\n" + strings.Join(lines, "\n") + "\n"
}

// said is a value as it is shown; "" has quotes.
func said(value string) string {
	if value == "" {
		return `""`
	}
	return manifest.Clean(value)
}

// mayAmend refuses what a push of the commit would be refused for: changes of files that
// are not the caller's to change, and commits to branches that take only signed ones.
func (c *call) mayAmend(status deploy.Status, made *amended) error {
	files := slices.Sorted(maps.Keys(made.files))
	about := asked{status.App, access.Subject{Repo: status.Repo, Ref: status.Branch.Ref(), Paths: files}}
	for _, right := range []access.Right{access.PushRepo, access.Deploy} {
		decision, err := c.Policy.Judge(c.Caller(), right, about.on)
		if err != nil {
			e := c.event(about)
			e.Rule, e.Decision, e.Reason = decision.Rule, audit.Refused, err.Error()
			c.Trail.NoteLimited(e.Operator, e)
			return err
		}
		made.rule = decision.Rule
	}
	if made.options.Plan {
		return nil
	}
	commits := c.Rules().Signings(status.Repo, status.Branch)
	pushes := c.Rules().PushSignings(status.Repo, status.Branch.Ref())
	if len(commits)+len(pushes) == 0 {
		return nil
	}
	what, how := "signed commits", "git commit -S"
	if len(commits) == 0 {
		what, how = "signed pushes", "git push --signed"
	}
	return report.WithHint(fmt.Errorf("branch %s takes only %s, and the server signs none; nothing was changed", status.Branch, what),
		"change the lines above in a clone, and sign it: %s", how)
}

// commit makes the commit, on no branch yet.
func (m *amended) commit(ctx context.Context, repo *git.Repository) error {
	var err error
	m.to, err = repo.Import(ctx, m.from, git.NewCommit{Message: m.message, Files: m.files, Programs: m.modes, Author: m.author})
	return err
}

// propose has the gate judge the commit, and shows the plan. Without a proposal there is
// nothing more to do.
func (c *call) propose(ctx context.Context, repo *git.Repository, status deploy.Status, made *amended) (*deploy.Proposal, error) {
	tree, err := repo.Tree(made.to)
	if err != nil {
		return nil, err
	}
	var proposal *deploy.Proposal
	c.meanwhile(asking, func(tell func(string)) {
		proposal = c.Engine.Propose(ctx, deploy.Change{
			Repo: status.Repo, Branch: status.Branch, Revision: name.Revision(made.to), Tree: tree,
			Options: made.options, Caller: c.Caller(), Cause: record.CausePush, Tell: tell,
		})
	})
	var others []name.App
	for _, plan := range proposal.Plans {
		if plan.App != status.App && !plan.Empty() {
			others = append(others, plan.App)
		}
	}
	if len(others) > 0 {
		fmt.Fprintf(c, "%s: shared: this changes %s as well\n", status.App, name.Join(others, ", "))
	}
	door := spellingOf(c.verb.words + " " + strings.Join(c.args, " "))
	if made.upstream && len(proposal.Problems) == 0 {
		proposal.Show(c.lines(), door)
	} else {
		proposal.Print(c.lines(), door)
	}
	switch {
	case len(proposal.Problems) > 0:
		proposal.Close()
		return nil, report.WithHint(fmt.Errorf("app %s is not changed", status.App), "the lines above say why")
	case made.options.Plan:
		proposal.Close()
		return nil, nil
	}
	return proposal, nil
}

// publishAmended puts the move of the branch on the audit trail, as that of a push, moves
// it, and begins the deploys.
func (c *call) publishAmended(ctx context.Context, repo *git.Repository, p *deploy.Proposal, made *amended) ([]*deploy.Run, error) {
	ref := p.Branch.Ref()
	e := audit.Of(audit.Push, c.Caller())
	e.Repository, e.Ref, e.Decision, e.Rule = string(p.Repo), ref, audit.Allowed, made.rule
	e.Old, e.New, e.Reason = made.from.String(), made.to.String(), "by "+c.verb.words
	if reason := p.Overridden(); reason != "" {
		e.Reason = fmt.Sprintf("windows overridden: %q", reason)
	}
	if err := c.Trail.Write(e); err != nil {
		return nil, fmt.Errorf("%w; nothing was changed", err)
	}
	if wanted := p.Asked(); wanted.Any() {
		if err := repo.SetAsked(ref, wanted.String()); err != nil {
			return nil, err
		}
	}
	if err := repo.MoveBranch(ctx, ref, made.from, made.to, git.Note{Who: c.Caller().Operator, Why: c.verb.words}); err != nil {
		return nil, err
	}
	fmt.Fprintf(c, "%s: branch %s is at %s now\n", p.Repo, manifest.Clean(string(p.Branch)), made.to.Short())
	return p.Accept()
}

// showAll shows all deploys to their end, or only names them, and returns the first error.
func (c *call) showAll(ctx context.Context, runs []*deploy.Run) error {
	var first error
	for _, run := range runs {
		if err := c.show(ctx, []*deploy.Run{run}); err != nil && first == nil {
			first = err
		} else if err != nil {
			c.explain(err)
		}
	}
	return first
}

// settled follows the running deploy of an app that is as wanted already, and fails for as
// long as the app is down, as a push of what is there already does.
func (c *call) settled(ctx context.Context, status deploy.Status) error {
	if planOnly, _ := c.flags.GetBool("plan"); planOnly { // the flags are those of amendFlags
		return nil
	}
	if run := c.Engine.Run(status.App, 0); run != nil {
		if _, ended := run.Outcome(); !ended {
			return c.show(ctx, []*deploy.Run{run})
		}
	}
	now, ok := c.seen(status.App)
	if ok && now.Suspension == nil && (now.Sync == deploy.NotSynced || now.Health == "failing") {
		return verdictOn(now)
	}
	return nil
}

// hintArchived says how to change what a file of an artifact decides, which no commit here changes.
const hintArchived = "push another artifact, or patch it here, where the artifact is named"

// notDecided is the error of a value that no single line decides. It names the lines that
// are known to have a part in it.
func (c *call) notDecided(ctx context.Context, status deploy.Status, b *deploy.Bench, f fieldOf) error {
	where, hint, archived := "", "", false
	change := b.Change()
	change.Only = status.App
	reason, err := c.Engine.Why(ctx, change, f.object, f.field)
	if err == nil {
		hint = nameHint(reason, f.text)
		var lines []string
		for _, cause := range causesOf(reason) {
			if cause.File != "" {
				lines = append(lines, cause.String())
				archived = archived || appfile.InArtifact(cause.File)
			}
		}
		where = strings.Join(slices.Compact(lines), ", ")
	}
	if where == "" {
		return report.WithHint(fmt.Errorf("%s of %s is not written in a line that could be changed; nothing was changed", f.field, f.object),
			"set it in the files of %s, in a commit of your own", view.SubjectOf(status).Paths[0])
	}
	if hint == "" && archived {
		hint = hintArchived
	}
	if hint == "" {
		hint = fmt.Sprintf("change it there, in a commit of your own; see: ssh HOST why %s %s %s", status.App, f.object, f.field)
	}
	return report.WithHint(fmt.Errorf("%s of %s cannot be changed by another value in one line; it is made in %s", f.field, f.object, where), "%s", hint)
}
