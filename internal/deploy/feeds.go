package deploy

import (
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
)

// readSpecs reads which apps the branch feeds, and which it gives up. Where the change does not say which the
// repository's main branch is, it does so afterwards.
func (p *Proposal) readSpecs() ([]appfile.App, manifest.Problems) {
	if p.Main == "" {
		main, err := p.engine.Source.Main(p.Repo)
		if err != nil {
			p.Main = appfile.DefaultBranch
			return nil, manifest.Problems{{Message: err.Error(), Hint: "tell the server's operator"}}
		}
		p.Main = main
	}
	p.Tree = p.engine.joinedTree(p.Tree, p.Repo, p.Caller)
	if tree, is := p.Tree.(*joined); is {
		tree.moving = p.Moving
	}
	p.clusters = p.engine.Selectable(p.Repo)
	file, imports, problems := p.engine.readFile(p.Tree, appfile.Place{Repo: p.Repo, Branch: p.Branch, Main: p.Main, Clusters: p.clusters})
	p.imports = imports
	p.selections = file.Selections
	p.released = p.engine.ownReleases(branchOf{p.Repo, p.Branch}, file.Released)
	return file.Apps, problems
}

// deploys reports whether the branch feeds any app, or gives any up, now, with the change, or
// once clusters come that it selects. A
// pushboat.yaml that cannot be read counts on the main branch, and on the one of
// apps that name none: people mean it to deploy there.
func (p *Proposal) deploys() bool {
	return len(p.specs) > 0 || len(p.selections) > 0 || len(p.engine.appsOn(p.Repo, p.Branch)) > 0 ||
		len(p.released) > 0 || p.engine.releases.any(branchOf{p.Repo, p.Branch}) ||
		(len(p.Problems) > 0 && (p.Branch == p.Main || p.Branch == appfile.DefaultBranch))
}
