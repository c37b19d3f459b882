package push

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/hook"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/refusal"
	"github.com/pushboat/pushboat/internal/report"
)

// This file keeps what is to be shown of a push that the gate has refused, while its objects
// can still be read: Git forgets them when the hook has ended.

// keepRefusal keeps the refused push, and ends the answer with the address of its page. If
// that cannot be done, the push is refused all the same.
func (p *push) keepRefusal(ctx context.Context, req hook.Request, out io.Writer) {
	if p.door.Refusals == nil || ctx.Err() != nil || !p.tellsMore() {
		return
	}
	id, err := p.door.Refusals.Keep(p.refusal(req))
	if err != nil {
		p.door.Log.WithField("repository", string(p.repo.Name())).Warnf("push: %v", err)
		return
	}
	p.kept = id
	if page := p.pageOfKept(); page != "" {
		fmt.Fprintf(out, "see it in full: %s\n", page)
	}
}

// pageOfKept is the address of the page of the refused push; "" if it has none.
func (p *push) pageOfKept() string {
	if p.kept == "" || p.door.PageOf == nil {
		return ""
	}
	return p.door.PageOf(p.kept)
}

// tellsMore reports whether there is more to show than the terminal has: a plan, or lines of
// files. What refuses a push for other reasons is told in full there, and to the pusher alone.
func (p *push) tellsMore() bool {
	if p.repo.Name() == access.AdminRepo {
		return slices.ContainsFunc(p.problems, func(problem manifest.Problem) bool { return problem.Source.Line > 0 })
	}
	return slices.ContainsFunc(p.gated, func(proposal *deploy.Proposal) bool { return len(proposal.Problems) > 0 })
}

// refusal is the refused push, with excerpts of its files.
func (p *push) refusal(req hook.Request) refusal.Refusal {
	caller := p.session.Caller()
	r := refusal.Refusal{Brief: refusal.Brief{
		Repo: p.repo.Name(), Operator: caller.Operator, Key: caller.Fingerprint, Push: p.session.ID(),
		Plan: p.options.Plan, Refs: p.refusedRefs(req),
	}}
	r.MoreRefs = len(req.Updates) - len(r.Refs)
	if len(p.gated) == 0 {
		p.problems.Sort()
		source := &refusal.Source{Repo: r.Repo, Tree: p.onlyTree(req)}
		r.Problems = excerpted(report.OutlineProblems(p.problems, p.spelling), source)
		return r
	}
	for _, proposal := range p.gated {
		o, veil := proposal.Kept(p.spelling), proposal.Veil()
		source := &refusal.Source{Repo: r.Repo, Tree: proposal.Excerpts(), Secret: veil.Secret, Redact: veil.Redact}
		r.Problems = append(r.Problems, excerpted(o.Problems, source)...)
		r.Warnings, r.Plans = append(r.Warnings, o.Warnings...), append(r.Plans, o.Plans...)
	}
	return r
}

// maxKeptRefs bounds the refs of which the commit is read.
const maxKeptRefs = 20

func (p *push) refusedRefs(req hook.Request) []refusal.Ref {
	var refs []refusal.Ref
	for _, update := range req.Updates[:min(len(req.Updates), maxKeptRefs)] {
		ref := refusal.Ref{Name: update.Ref, Old: hashOf(update.Old), New: hashOf(update.New)}
		if commit, err := p.repo.QuarantinedCommit(update.New, req.Quarantine); err == nil {
			ref.Author, ref.Subject = commit.Author.Name, commit.Subject()
		}
		refs = append(refs, ref)
	}
	return refs
}

// onlyTree returns the files of the only branch of the push; nil if there are several, or
// none.
func (p *push) onlyTree(req hook.Request) fs.FS {
	var only git.Hash
	for _, update := range req.Updates {
		if _, ok := name.BranchOf(update.Ref); ok && !update.Deletes() {
			if only != "" {
				return nil
			}
			only = update.New
		}
	}
	if only == "" {
		return nil
	}
	files, err := p.repo.QuarantinedTree(only, req.Quarantine)
	if err != nil {
		return nil
	}
	return files
}

// excerpted adds excerpts to problems.
func excerpted(problems []report.OutlinedProblem, source *refusal.Source) []refusal.Problem {
	list := make([]refusal.Problem, 0, len(problems))
	for _, problem := range problems {
		list = append(list, refusal.Problem{OutlinedProblem: problem, Excerpt: source.Excerpt(problem.File, problem.Line)})
	}
	return list
}
