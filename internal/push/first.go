package push

import (
	"context"
	"fmt"
	"io"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/hook"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
)

// The first push of a repository decides on its main branch, which is deployed as a
// whole while there is no pushboat.yaml, and which a clone checks out. HEAD names it
// once the gate has accepted the push; a repository that still has no branch decides
// again.

// firstMain returns the main branch of a repository by its first branches: the only
// one, if its pusher may deploy; otherwise the default.
func firstMain(updates []hook.RefUpdate, mayDeploy func(name.Branch) bool) name.Branch {
	var made []name.Branch
	for _, update := range updates {
		if branch, ok := name.BranchOf(update.Ref); ok && !update.Deletes() {
			made = append(made, branch)
		}
	}
	if len(made) == 1 && mayDeploy(made[0]) {
		return made[0]
	}
	return appfile.DefaultBranch
}

// decideMain notes the main branch that the push would give its repository, if the
// repository has no branch yet.
func (p *push) decideMain(ctx context.Context, updates []hook.RefUpdate) manifest.Problems {
	for _, update := range updates {
		if _, ok := name.BranchOf(update.Ref); ok && !update.Creates() {
			return nil // nearly every push, and it needs no listing
		}
	}
	first, err := p.isFirst(ctx)
	if err != nil {
		return manifest.Problems{{Message: err.Error(), Hint: "push again"}}
	}
	if first {
		p.main = firstMain(updates, p.mayDeployAllOf)
	}
	return nil
}

// isFirst reports whether the repository has no branch yet.
func (p *push) isFirst(ctx context.Context) (bool, error) {
	branches, err := p.repo.Refs(ctx, name.BranchPrefix)
	return len(branches) == 0, err
}

// mayDeployAllOf reports whether the pusher may deploy every file of a branch.
func (p *push) mayDeployAllOf(branch name.Branch) bool {
	on := access.Subject{Repo: p.repo.Name(), Ref: branch.Ref(), Paths: []string{"."}}
	return p.door.Policy.Allows(p.session.Caller(), access.Deploy, on)
}

// mayDeploy reports whether the pusher may deploy something of the repository.
func (p *push) mayDeploy() bool {
	return p.door.Policy.Allows(p.session.Caller(), access.Deploy, access.Subject{Repo: p.repo.Name()})
}

// keepMain makes HEAD name the main branch of a repository that gets its first branch
// now: the decided one if it deploys, otherwise the default. The push has its turn to
// move HEAD, so that the second of two first pushes learns of the first.
func (p *push) keepMain(ctx context.Context, proposals []*deploy.Proposal) manifest.Problems {
	if p.main == "" {
		return nil
	}
	first, err := p.isFirst(ctx)
	if err == nil && !first {
		return manifest.Problems{{
			Message: fmt.Sprintf("somebody pushed the first branch of %s meanwhile", p.repo.Name()),
			Hint:    "push again",
		}}
	}
	var main name.Branch = appfile.DefaultBranch
	for _, change := range proposals {
		if change.Branch == p.main {
			main = p.main
		}
	}
	var now name.Branch
	if err == nil {
		now, err = p.repo.MainBranch()
	}
	if err == nil && now != main {
		err = p.repo.SetMainBranch(main)
	}
	if err != nil {
		return manifest.Problems{{Message: err.Error(), Hint: hintDisk}}
	}
	return nil
}

// storedBranch is a branch of a push that deploys nothing.
type storedBranch struct {
	name    name.Branch
	deploys []name.Branch // the branches that deploy the apps of its revision
	written bool          // a pushboat.yaml says so
}

// tellStored names the branches that are only stored. fresh is set if the repository
// has no app and the pusher may deploy, and so may have meant to.
func tellStored(out io.Writer, stored []storedBranch, fresh bool) {
	for _, branch := range stored {
		fmt.Fprintf(out, "branch %s deploys nothing; it is stored\n", manifest.Clean(string(branch.name)))
	}
	if !fresh {
		return
	}
	for _, branch := range stored {
		if hint := branch.hint(); hint != "" {
			fmt.Fprint(out, report.Hints(hint))
			return
		}
	}
}

// asStored describes a branch that deploys nothing.
func asStored(change deploy.Change) storedBranch {
	branches, written := appfile.Branches(change.Tree, change.Repo, change.Main)
	return storedBranch{change.Branch, branches, written}
}

// hint says which branch would deploy, and how; "" if none would.
func (b storedBranch) hint() string {
	if len(b.deploys) == 0 {
		return ""
	}
	first := manifest.Clean(string(b.deploys[0]))
	push := "git push origin HEAD:" + first
	switch {
	case !b.written:
		return fmt.Sprintf("branch %s is deployed here: %s", first, push)
	case len(b.deploys) > 1:
		return fmt.Sprintf("pushboat.yaml names branches %s: %s", manifest.Clean(name.Join(b.deploys, ", ")), push)
	case first == appfile.DefaultBranch:
		return fmt.Sprintf("apps that name no branch are on %s: %s\nor give them branch: %s in pushboat.yaml", first, push, manifest.Clean(string(b.name)))
	}
	return fmt.Sprintf("pushboat.yaml names branch %s: %s", first, push)
}

// noApp reports whether the repository deploys nothing, and does not begin to.
func (p *push) noApp(proposals int) bool {
	return proposals == 0 && len(p.door.Engine.AppsOf(p.repo.Name())) == 0
}
