package rulebook

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Revision is a change of the rules that the server commits for an operator.
type Revision struct {
	Subject string // of the commit
	By      access.Caller
	// Edit returns the files that change, by their paths; nil for one that goes. It sees the newest revision, as
	// files and as rules.
	Edit func(tree fs.FS, now *rules.Rules) (map[string][]byte, error)
}

// Revised is a revision that has passed the gate.
type Revised struct {
	From, Commit git.Hash // the newest rules, and the revision
	Changes      []string // in words, a line each

	by access.Caller
}

// ErrMoved says that somebody has pushed rules while others were made.
var ErrMoved = errors.New("somebody has changed the rules in between; nothing was changed")

// errNotOpen is of rules that could not be opened.
var errNotOpen = errors.New("admin.git could not be opened at the start")

// Revise makes the commit of a revision on top of the newest rules, and judges it as a
// push of it would be. It is on no branch yet. The error is manifest.Problems where the
// newest rules or the revised ones are refused, or have to be signed.
func (b *Book) Revise(ctx context.Context, r Revision) (Revised, error) {
	if b.repo == nil {
		return Revised{}, errNotOpen
	}
	head, err := b.repo.Head(ctx, Main.Ref())
	if err != nil {
		return Revised{}, err
	}
	tree, err := b.repo.Tree(head)
	if err != nil {
		return Revised{}, err
	}
	now, problems := rules.Parse(tree)
	if len(problems) > 0 {
		return Revised{}, problems
	}
	if problems := unsigned(b.Current(), now); len(problems) > 0 {
		return Revised{From: head}, problems
	}
	files, err := r.Edit(tree, now)
	if err != nil {
		return Revised{}, err
	}
	var gone []string
	for path, text := range files {
		if text == nil {
			gone = append(gone, path)
			delete(files, path)
		}
	}
	commit, err := b.repo.Import(ctx, head, git.NewCommit{
		Message: r.Subject + "\n", Files: files, Remove: gone,
		Author: git.Signature{Name: r.By.Operator, Email: b.Address(r.By.Operator)},
	})
	if err != nil {
		return Revised{}, err
	}
	next, err := b.repo.Tree(commit)
	if err != nil {
		return Revised{}, err
	}
	changes, _, problems := b.Propose(next, r.By, -1)
	if len(problems) > 0 {
		return Revised{From: head, Commit: commit}, problems
	}
	return Revised{From: head, Commit: commit, Changes: changes, by: r.By}, nil
}

// unsigned refuses a commit of the server itself, which nobody has signed, where rules let
// signed commits or signed pushes only change themselves.
func unsigned(all ...*rules.Rules) manifest.Problems {
	var under []*rules.Signing
	for _, r := range all {
		under = append(append(under, r.Signings(access.AdminRepo, Main)...), r.PushSignings(access.AdminRepo, Main.Ref())...)
	}
	if len(under) == 0 {
		return nil
	}
	what, how := "signed commits come", "a signed commit: git commit -S"
	if under[0].Push {
		what, how = "signed pushes come", "your commit: git push --signed"
	}
	return manifest.Problems{{
		Source:  under[0].At,
		Message: fmt.Sprintf("only %s to %s of the repository %s, and the server signs none", what, Main, access.AdminRepo),
		Hint:    "change operators/NAME.yaml in a clone, and push " + how,
	}}
}

// Publish moves the branch to a revision, and puts it in force. The error is ErrMoved if
// the branch is elsewhere by now.
func (b *Book) Publish(ctx context.Context, r Revised) error {
	err := b.repo.MoveBranch(ctx, Main.Ref(), r.From, r.Commit, git.Note{Who: r.by.Operator, Why: "change of keys"})
	if errors.Is(err, git.ErrRefMoved) {
		return ErrMoved
	}
	if err != nil {
		return err
	}
	if err := b.Take(context.WithoutCancel(ctx), r.by); err != nil {
		return fmt.Errorf("the rules are committed, but not in force: the former ones stay: %w", err)
	}
	return nil
}
