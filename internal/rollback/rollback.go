// Package rollback takes an app back to an earlier revision: with a commit on
// its branch that restores the app's folder as it was there, which goes through
// the gate and is deployed as any other. Git stays the truth, and history is
// never rewritten.
package rollback

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/history"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

// Maker makes rollbacks. Every field is required.
type Maker struct {
	Repos   *git.Store
	Engine  *deploy.Engine
	History *history.History
	Host    string // ends the addresses of authors: ana@HOST
	// Address returns the address that an operator has in the rules; nil, or "": none.
	Address func(operator string) string
	// Upstream returns where a repository is fetched from; nil, or "": from nowhere.
	Upstream func(repo name.Repo) string
}

// Request is a rollback: which app, to which revision, by whom and why.
type Request struct {
	App     name.App
	To      git.Hash // the revision; "" for that of the last good deploy that differs
	Caller  access.Caller
	Reason  string // a sentence for the commit's message; "" for none
	Options deploy.Options
	// Head is where the branch has to be, "" for anywhere.
	Head git.Hash
}

// Rollback is a commit that has been made and planned, but is on no branch yet.
type Rollback struct {
	*deploy.Proposal
	Path     string // the app's folder
	From, To git.Hash
	Commit   git.Hash

	draft   *deploy.Draft
	nowhere bool // the commit restores the state deployed last
	maker   *Maker
	repo    *git.Repository
}

// WholeTree reports whether pushboat.yaml is taken back as well, because it
// lies in the app's folder.
func (r *Rollback) WholeTree() bool { return r.Path == "." }

// Prepare makes the commit and plans its effect. Neither the branch nor the cluster has
// changed. Call Close on the result in the end. The error has a hint (see
// report.AsProblem) if the request cannot be granted.
func (m *Maker) Prepare(ctx context.Context, request Request) (*Rollback, error) {
	status, ok := m.Engine.Status(request.App)
	if !ok {
		return nil, report.WithHint(fmt.Errorf("app %q not found", request.App), "list the apps: ssh HOST apps")
	}
	if err := m.checkMirror(status.Repo); err != nil {
		return nil, err
	}
	repo, err := m.Repos.Open(status.Repo)
	if err != nil {
		return nil, err
	}
	head, err := repo.Head(ctx, status.Branch.Ref())
	if err != nil {
		return nil, err
	}
	if request.Head != "" && request.Head != head {
		return nil, report.WithHint(fmt.Errorf("branch %s has moved on to %s", status.Branch, head.Short()), "the newer revision is deployed")
	}
	spec, err := m.specOf(repo, status, head)
	if err != nil {
		return nil, err
	}
	r := &Rollback{Path: spec.Path, From: head, To: request.To, maker: m, repo: repo}
	if r.To != "" {
		err = r.read(ctx, status, spec, request)
	} else {
		err = r.readLastGood(ctx, status, spec, request)
	}
	if err != nil {
		return nil, err
	}
	r.nowhere = r.draft.AsDeployed(status.App)
	r.Proposal = r.draft.Propose(ctx)
	return r, nil
}

// checkMirror refuses repositories that are fetched from elsewhere: a commit that upstream has
// not would part the two.
func (m *Maker) checkMirror(repo name.Repo) error {
	if m.Upstream == nil {
		return nil
	}
	if at := m.Upstream(repo); at != "" {
		return report.WithHint(fmt.Errorf("repository %s is a mirror of %s: the server makes no commits on it", repo, at),
			"take the commit back there: git revert COMMIT && git push; then: ssh HOST repo fetch %s", repo)
	}
	return nil
}

// read makes the commit that restores the folder as of r.To, and renders it.
func (r *Rollback) read(ctx context.Context, status deploy.Status, spec appfile.App, request Request) error {
	commit, err := r.commit(spec, request, r.maker.Author(request.Caller))
	if err != nil {
		return err
	}
	if r.Commit, err = r.repo.Import(ctx, r.From, commit); err != nil {
		return err
	}
	tree, err := r.repo.Tree(r.Commit)
	if err != nil {
		return err
	}
	r.draft = r.maker.Engine.Open(deploy.Change{
		Repo: status.Repo, Branch: status.Branch, Revision: name.Revision(r.Commit), Tree: tree,
		Options: request.Options, Caller: request.Caller, Cause: record.CauseRollback,
	})
	return nil
}

// specOf reads the app's entry of pushboat.yaml at the head of its branch.
func (m *Maker) specOf(repo *git.Repository, status deploy.Status, head git.Hash) (appfile.App, error) {
	tree, err := repo.Tree(head)
	if err != nil {
		return appfile.App{}, err
	}
	main, err := repo.MainBranch()
	if err != nil {
		return appfile.App{}, err
	}
	file, problems := appfile.Read(tree, appfile.Place{Repo: status.Repo, Branch: status.Branch, Main: main, Clusters: m.Engine.Selectable(status.Repo)})
	if err := problems.Err(); err != nil {
		return appfile.App{}, report.WithHint(fmt.Errorf("read pushboat.yaml at %s: %w", head.Short(), err),
			"push a commit that fixes it; then try again")
	}
	if spec, imported := m.Engine.Imported(status.App); imported {
		if spec.IsElsewhere() {
			return spec, report.WithHint(fmt.Errorf("app %s comes from another repository: %s", status.App, spec.Path),
				"take the change back there, or name the commit to stay at in the object that names the repository")
		}
		return spec, nil
	}
	for _, spec := range file.Apps {
		if spec.Name == status.App {
			return spec, nil
		}
	}
	return appfile.App{}, report.WithHint(fmt.Errorf("app %s is not in pushboat.yaml of branch %s", status.App, status.Branch),
		"put it there in a commit first: its folder can be taken back when it has one")
}

// readLastGood reads the revision of the newest deploy that ended well and whose
// objects, by its record, were others than those that the newest deploy applied or
// meant to apply. With the rest of the branch as it is now, its folder must also give
// other objects, for the rollback restores only the folder.
func (r *Rollback) readLastGood(ctx context.Context, status deploy.Status, spec appfile.App, request Request) error {
	tried := map[git.Hash]bool{r.From: true}
	for before := 0; ; {
		records, err := r.maker.History.List(ctx, status.Repo, status.App, before, searchPage)
		if err != nil {
			return err
		}
		for _, rec := range records {
			before = rec.Number
			hash := git.Hash(rec.Revision)
			if !goodBefore(rec, status.Last) || tried[hash] || len(tried) > maxTried {
				continue
			}
			if same, err := r.same(hash); err != nil || same {
				continue
			}
			tried[hash], r.To = true, hash
			if err := r.read(ctx, status, spec, request); err != nil || !r.draft.AsDeployed(status.App) {
				return err
			}
		}
		if len(records) < searchPage || before <= 1 {
			return report.WithHint(fmt.Errorf("app %s has no earlier deploy that ended well and differs from %s", status.App, r.From.Short()),
				"name a revision, of those that ssh HOST history %s lists: ssh HOST rollback %s REV", status.App, status.App)
		}
	}
}

// maxTried bounds the revisions that one search for a good deploy renders.
const maxTried = 10

// goodBefore reports whether a deploy ended well, and applied something else than the
// last one did, or was to. A correction of drift does not count: it says nothing of
// health.
func goodBefore(rec record.Record, last *record.Record) bool {
	switch {
	case rec.Result != record.Deployed:
		return false
	case last == nil || last.Digest == "":
		return true
	case rec.Content != "" && last.Content != "":
		return rec.Content != last.Content
	}
	return rec.Digest != last.Digest // records of older servers have no more
}

// searchPage is how many records the search for a good deploy reads at a time.
const searchPage = 50

// same reports whether the app's folder is the same at a revision as at the head.
func (r *Rollback) same(at git.Hash) (bool, error) {
	was, err := r.repo.TreeHash(at, r.Path)
	if err != nil {
		return false, err
	}
	is, err := r.repo.TreeHash(r.From, r.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return was == is, err
}

// commit is the head with the app's folder as it was. Folders of other apps
// that lie in it stay as they are.
func (r *Rollback) commit(spec appfile.App, request Request, author git.Signature) (git.NewCommit, error) {
	tree, err := r.repo.TreeHash(r.To, r.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return git.NewCommit{}, report.WithHint(fmt.Errorf("revision %s has no folder %q, where app %s is now", r.To.Short(), r.Path, spec.Name),
			"name a revision that has it: git log -- %s", r.Path)
	}
	if err != nil {
		return git.NewCommit{}, err
	}
	if same, err := r.same(r.To); err != nil || same {
		if err == nil {
			err = report.WithHint(fmt.Errorf("nothing to take back: %q at %s is as it is now", r.Path, r.To.Short()),
				"see the deploys to choose from: ssh HOST history %s", spec.Name)
		}
		return git.NewCommit{}, err
	}
	commit := git.NewCommit{Message: r.message(spec.Name, request.Reason), Trees: map[string]git.Hash{r.Path: tree}, Author: author}
	for _, other := range spec.Exclude {
		hash, err := r.repo.TreeHash(r.From, other)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			commit.Remove = append(commit.Remove, other)
		case err != nil:
			return git.NewCommit{}, err
		default:
			commit.Trees[other] = hash
		}
	}
	return commit, nil
}

func (r *Rollback) message(app name.App, reason string) string {
	what := fmt.Sprintf("Only the folder %s is as it was there.", r.Path)
	if r.WholeTree() {
		what = "The whole tree is as it was there, pushboat.yaml included."
	}
	if reason != "" {
		what = reason + "\n" + what
	}
	return fmt.Sprintf("Roll back %s to %s\n\n%s\n\nRollback-of: %s\nRollback-to: %s\n", app, r.To.Short(), what, r.From, r.To)
}

// addressOf is what the rules say of where an operator is reached; "" for nothing.
func (m *Maker) addressOf(caller access.Caller) string {
	if m.Address == nil || caller.System {
		return ""
	}
	return m.Address(caller.Operator)
}

// Author is an operator as the author of a commit.
func (m *Maker) Author(caller access.Caller) git.Signature {
	address := caller.Operator
	if known := m.addressOf(caller); known != "" {
		address = known
	} else if !strings.Contains(address, "@") {
		address += "@" + m.Host
	}
	return git.Signature{Name: caller.Operator, Email: address}
}

// Closing says, when the app's deploy has ended, where the app's branch is now, and
// what the pusher has to do about it.
func (r *Rollback) Closing(outcome record.Record) string {
	where := fmt.Sprintf("by commit %s on branch %s; take it over with: git pull", r.Commit.Short(), r.Branch)
	switch {
	case !outcome.Result.OK():
		return fmt.Sprintf("%s: its files are those of %s, but it is %s, %s", outcome.App, r.To.Short(), outcome.Result, where)
	case r.nowhere:
		return fmt.Sprintf("%s: back to %s, which is as it was deployed already, %s", outcome.App, r.To.Short(), where)
	}
	return fmt.Sprintf("%s: back to %s, %s", outcome.App, r.To.Short(), where)
}

// Deploy moves the branch to the commit, if it still is where it was, and
// begins the deploys.
func (r *Rollback) Deploy(ctx context.Context) ([]*deploy.Run, error) {
	branch := r.Branch
	if asked := r.Asked(); asked.Any() {
		if err := r.repo.SetAsked(branch.Ref(), asked.String()); err != nil {
			return nil, err
		}
	}
	err := r.repo.MoveBranch(ctx, branch.Ref(), r.From, r.Commit, git.Note{Who: r.Caller.Operator, Why: "rollback to " + r.To.Short()})
	if errors.Is(err, git.ErrRefMoved) {
		return nil, report.WithHint(fmt.Errorf("somebody pushed to branch %s in between; nothing was changed", branch), "see the new commits with git fetch, then try again")
	}
	if err != nil {
		return nil, err
	}
	return r.Accept()
}
