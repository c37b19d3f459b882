package deploy

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/record"
)

// readFile reads which apps a revision names. Where they are objects of other tools, it
// returns their roots, and the tree that grows the others while they are rendered.
func (e *Engine) readFile(tree fs.FS, at appfile.Place) (appfile.File, *importer.Tree, manifest.Problems) {
	file, problems := appfile.Read(tree, at)
	if len(problems) > 0 || !e.finder.Uses(tree, file.Import) {
		return file, nil, problems
	}
	file.Apps = nil
	if at.Branch != "" && at.Branch != at.Main {
		return file, nil, nil
	}
	imports, problems := importer.New(meaning.World{Repo: at.Repo, Branch: at.Main, Tree: tree, Clusters: at.Clusters}, file.Import)
	if len(problems) > 0 {
		return file, nil, problems
	}
	file.Apps, problems = imports.Roots()
	return file, imports, problems
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
			problems = append(problems, r.imports.Add(t.Spec, t.Objects, t.meant)...)
		}
		r.specs, wrong = r.imports.Next()
		problems = append(problems, wrong...)
	}
	after, _, wrong := r.imports.Finish()
	for _, t := range targets {
		t.Spec.DependsOn = after[t.Spec.Name]
	}
	return targets, append(problems, wrong...)
}

// chooseGrown has the proposal's apps be all that have grown, or those that are chosen of
// them.
func (p *Proposal) chooseGrown() {
	p.specs = specsOf(p.targets)
	if p.engine.Choose == nil {
		return
	}
	p.specs = p.engine.Choose(p.specs)
	p.targets = slices.DeleteFunc(p.targets, func(t *target) bool {
		return !slices.ContainsFunc(p.specs, func(spec appfile.App) bool { return spec.Name == t.Spec.Name })
	})
}

// controlled are the kinds whose controllers deploy what an app does, by the kind that means
// the app, and how to stop one.
var controlled = map[string]struct {
	schema.GroupVersionKind
	suspend string
}{
	"Kustomization": {schema.GroupVersionKind{Group: "kustomize.toolkit.fluxcd.io", Version: "v1", Kind: "Kustomization"}, "flux suspend kustomization %s -n %s"},
	"HelmRelease":   {schema.GroupVersionKind{Group: "helm.toolkit.fluxcd.io", Version: "v2", Kind: "HelmRelease"}, "flux suspend helmrelease %s -n %s"},
}

// stillControlled refuses apps that were never deployed from here, and whose objects on the
// cluster are not suspended: two controllers would change the same objects in turns. A cluster
// without the kind, or an account that may not read it, has nothing to say.
func (p *Proposal) stillControlled(ctx context.Context, api clusterAPI, targets []*target) manifest.Problems {
	if p.imports == nil {
		return nil
	}
	var problems manifest.Problems
	for _, t := range targets {
		by, known := controlled[t.Spec.Imported]
		made := p.imports.Of(t.Spec.Name)
		if a := p.engine.app(t.Spec.Name); !known || made == nil || a != nil && a.lastRecord() != nil {
			continue
		}
		kind, err := api.Kind(ctx, by.GroupVersionKind)
		if err != nil {
			continue
		}
		running, err := api.Get(ctx, kind, made.By.Namespace, made.By.Name)
		if err != nil || running == nil {
			continue
		}
		if suspended, _, _ := unstructured.NestedBool(running.Object, "spec", "suspend"); suspended {
			continue
		}
		problems = append(problems, manifest.Problem{
			App: t.Spec.Name, Source: made.By.Source, Object: fmt.Sprintf("%s %s/%s", made.By.Kind, made.By.Namespace, made.By.Name),
			Message: fmt.Sprintf("Flux still deploys it on cluster %s: it is not suspended there", t.Spec.Cluster),
			Hint:    "suspend it, and push again: " + fmt.Sprintf(by.suspend, made.By.Name, made.By.Namespace),
		})
	}
	return problems
}

// specsOf are the apps of targets.
func specsOf(targets []*target) []appfile.App {
	specs := make([]appfile.App, len(targets))
	for i, t := range targets {
		specs[i] = t.Spec
	}
	return specs
}

// importedNotes says which fields of other tools' objects have no effect here.
func (p *Proposal) importedNotes() manifest.Problems {
	if p.imports == nil {
		return nil
	}
	_, notes, _ := p.imports.Finish()
	told := make(manifest.Problems, 0, len(notes))
	for _, note := range notes {
		told = append(told, manifest.Problem{Source: note.Source, Object: note.Object, Message: note.Text})
	}
	return told
}

// inGit names who has suspended an app whose object says so.
const inGit = "Git"

// suspendAs suspends an app as its object in the revision has it, and resumes it when that
// says so no more. What an operator has suspended is left to them.
func (a *app) suspendAs(t *target) {
	if t == nil || t.Spec.Imported == "" {
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
