package deploy

import (
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

// readFile is importer.ReadFile, with the addresses of the repository. One that others come from
// has no apps of its own.
func (e *Engine) readFile(tree fs.FS, at appfile.Place) (appfile.File, *importer.Tree, manifest.Problems) {
	if e.IsSource != nil && e.IsSource(at.Repo) {
		return appfile.File{}, nil, nil
	}
	if e.Folder != nil {
		at.Folder = e.Folder(at.Repo)
	}
	if e.Servers != nil {
		at.Servers = e.Servers()
	}
	if e.Addresses != nil {
		at.Addresses = e.Addresses(at.Repo)
	}
	return importer.ReadFile(tree, at, &e.finder)
}

// growTargets is readTargets for the roots of a tree of apps: each app is rendered, and what
// it makes may be apps again.
func (e *Engine) growTargets(r reading) ([]*target, manifest.Problems) {
	var targets []*target
	var problems manifest.Problems
	for len(r.specs) > 0 {
		level, wrong := e.readLevel(r)
		targets, problems = append(targets, level...), append(problems, wrong...)
		for _, t := range level {
			t.meansAs(r.imports)
			problems = append(problems, r.imports.Add(t.Spec, t.Objects, t.meant)...)
		}
		r.specs, wrong = r.imports.Next()
		problems = append(problems, wrong...)
	}
	after, wrong := r.imports.Finish(len(problems) == 0)
	places := follows(r.tree)
	targets = slices.DeleteFunc(targets, func(t *target) bool { return r.imports.GivenTo(t.Spec.Name) != "" })
	for _, t := range targets {
		t.Spec.DependsOn, t.others = after[t.Spec.Name], places // also those that were found after it
	}
	return targets, append(problems, wrong...)
}

// chooseGrown has the proposal's apps be all that have grown, or those that are chosen of
// them.
func (p *Proposal) chooseGrown() {
	grown := specsOf(p.targets)
	if err := p.engine.Choice.CheckAmong(grown); err != nil && len(p.Problems) == 0 {
		p.Problems = manifest.Problems{{Message: err.Error()}}
	}
	p.specs = p.engine.Choice.Among(grown)
	chosen := make(map[name.App]bool, len(p.specs))
	for i := range p.specs {
		chosen[p.specs[i].Name] = true
	}
	p.targets = slices.DeleteFunc(p.targets, func(t *target) bool { return !chosen[t.Spec.Name] })
}

// specsOf are the apps of targets.
func specsOf(targets []*target) []appfile.App {
	specs := make([]appfile.App, len(targets))
	for i, t := range targets {
		specs[i] = t.Spec
	}
	return specs
}

// importedNotes says which fields of other tools' objects have no effect here: of those whose
// apps the change is about, and of those that mean no app and of which that was not said
// before. Otherwise all would be said again with each push.
func (p *Proposal) importedNotes() manifest.Problems {
	if p.imports == nil {
		return p.accountNotes(p.plannedApps())
	}
	planned := p.plannedApps()
	notes := p.imports.Notes(func(app name.App) bool { return planned[app] })
	told := make(manifest.Problems, 0, len(notes))
	for _, note := range notes {
		if p.engine.readWith.hasSaid(branchOf{p.Repo, p.Branch}, note) {
			continue
		}
		told = append(told, manifest.Problem{Source: note.Source, Object: note.Object, Message: note.Text})
	}
	return append(told, p.accountNotes(planned)...)
}

// plannedApps are those that the change is about.
func (p *Proposal) plannedApps() map[name.App]bool {
	planned := make(map[name.App]bool, len(p.Plans))
	for _, plan := range p.Plans {
		planned[plan.App] = true
	}
	return planned
}

// gone are the apps that leave the branch, as far as that is known. Where objects of another tool
// mean the apps, a problem may have kept one of them from being read, and what it makes.
func (p *Proposal) gone() []name.App {
	if p.imports != nil && len(p.Problems) > 0 && !p.guarded {
		return nil
	}
	return p.removed
}

// lineages are the apps of the tree that the change is about, and those that make them, each
// before those that it makes.
func (p *Proposal) lineages() []report.Lineage {
	if p.imports == nil {
		return nil
	}
	all := p.imports.Lineages()
	parents, shown := map[name.App]name.App{}, map[name.App]bool{}
	for _, one := range all {
		parents[one.App] = one.Parent
	}
	for _, plan := range p.Plans {
		for app := plan.App; app != "" && !shown[app]; app = parents[app] {
			shown[app] = true
		}
	}
	var tree []report.Lineage
	for _, one := range all {
		if !shown[one.App] {
			continue
		}
		l := report.Lineage{App: one.App, Depth: one.Depth, Parent: one.Parent, Source: one.By.Source, Inherited: p.imports.Inherited(one.App)}
		if one.By.Kind != "" {
			l.Object = fmt.Sprintf("%s %s/%s", one.By.Kind, one.By.Namespace, one.By.Name)
		}
		tree = append(tree, l)
	}
	return tree
}

// inGit names who has suspended an app whose object says so.
const inGit = "Git"

// suspendAs suspends an app as its object in the revision, or its entry in pushboat.yaml, has
// it, and resumes it when that says so no more. What an operator has suspended is left to
// them.
func (a *app) suspendAs(t *target) {
	if t == nil {
		return
	}
	now := a.suspended.current()
	switch suspends := t.Spec.Suspended != ""; {
	case suspends && now == nil:
		a.suspended.set(&record.Suspension{By: inGit, Since: time.Now().UTC().Truncate(time.Second), Reason: t.Spec.Suspended})
	case !suspends && now != nil && now.By == inGit:
		a.suspended.set(nil)
	}
}

// Imported returns the settings of an app that is an object of another tool, as it is wanted
// now; false for any other app.
func (e *Engine) Imported(app name.App) (appfile.App, bool) {
	t := e.wantedOf(app)
	if t == nil || t.Gone || t.Spec.Imported == "" {
		return appfile.App{}, false
	}
	return t.Spec, true
}
