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
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
)

// readFile is importer.ReadFile, with the addresses of the repository. One that others come from
// has no apps of its own.
func (e *Engine) readFile(tree fs.FS, at appfile.Place) (appfile.File, *importer.Tree, manifest.Problems) {
	if e.IsSource != nil && e.IsSource(at.Repo) {
		return appfile.File{}, nil, nil
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
			problems = append(problems, r.imports.Add(t.Spec, t.Objects, t.meant)...)
		}
		r.specs, wrong = r.imports.Next()
		problems = append(problems, wrong...)
	}
	after, wrong := r.imports.Finish()
	for _, t := range targets {
		t.Spec.DependsOn = after[t.Spec.Name]
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
	p.targets = slices.DeleteFunc(p.targets, func(t *target) bool {
		return !slices.ContainsFunc(p.specs, func(spec appfile.App) bool { return spec.Name == t.Spec.Name })
	})
}

// controller is another tool's controller of the kind that means an app.
type controller struct {
	schema.GroupVersionKind
	tool string
	// stopped reports whether it leaves the app of such an object on the cluster alone.
	stopped func(object map[string]any) bool
	stop    string // the command that has it do so, with %[1]s for the name and %[2]s for the namespace
}

// controllers are known by the kind that means an app.
var controllers = map[string]controller{
	"Kustomization": {schema.GroupVersionKind{Group: "kustomize.toolkit.fluxcd.io", Version: "v1", Kind: "Kustomization"}, "Flux", suspended, "flux suspend kustomization %[1]s -n %[2]s"},
	"HelmRelease":   {schema.GroupVersionKind{Group: "helm.toolkit.fluxcd.io", Version: "v2", Kind: "HelmRelease"}, "Flux", suspended, "flux suspend helmrelease %[1]s -n %[2]s"},
	"Application": {
		schema.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: "Application"},
		"Argo CD", manual,
		`kubectl -n %[2]s patch application %[1]s --type merge -p '{"spec":{"syncPolicy":{"automated":null}}}'`,
	},
}

// suspended reports whether an object of Flux is.
func suspended(object map[string]any) bool {
	is, _, _ := unstructured.NestedBool(object, "spec", "suspend")
	return is
}

// manual reports whether an Application is synced by hand alone.
func manual(object map[string]any) bool {
	automated, found, _ := unstructured.NestedMap(object, "spec", "syncPolicy", "automated")
	return !found || automated["enabled"] == false
}

// stillControlled refuses apps that were never deployed from here, and whose objects on the
// cluster another controller still follows: both would change the same objects in turns. A
// cluster without the kind, or an account that may not read it, has nothing to say.
func (p *Proposal) stillControlled(ctx context.Context, api clusterAPI, targets []*target) manifest.Problems {
	if p.imports == nil {
		return nil
	}
	var problems manifest.Problems
	for _, t := range targets {
		by, known := controllers[t.Spec.Imported]
		made := p.imports.Of(t.Spec.Name)
		if a := p.engine.app(t.Spec.Name); !known || made == nil || a != nil && a.lastRecord() != nil {
			continue
		}
		kind, err := api.Kind(ctx, by.GroupVersionKind)
		if err != nil {
			continue
		}
		running, err := api.Get(ctx, kind, made.By.Namespace, made.By.Name)
		if err != nil || by.stopped(running.Object) {
			continue
		}
		problems = append(problems, manifest.Problem{
			App: t.Spec.Name, Source: made.By.Source, Object: fmt.Sprintf("%s %s/%s", made.By.Kind, made.By.Namespace, made.By.Name),
			Message: fmt.Sprintf("%s still deploys it on cluster %s, and both would change the same objects", by.tool, t.Spec.Cluster),
			Hint:    "stop it there, and push again: " + fmt.Sprintf(by.stop, made.By.Name, made.By.Namespace),
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

// importedNotes says which fields of other tools' objects have no effect here: of those whose
// apps the change is about, for they would be said again with each push.
func (p *Proposal) importedNotes() manifest.Problems {
	if p.imports == nil {
		return nil
	}
	notes := p.imports.Notes(func(app name.App) bool {
		return slices.ContainsFunc(p.Plans, func(plan *plan.Plan) bool { return plan.App == app })
	})
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
