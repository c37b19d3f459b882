package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/importer"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/plan"
)

// controller is another tool's controller of a kind of objects that mean apps.
type controller struct {
	schema.GroupVersionKind
	tool string
	// stopped reports whether it leaves alone what such an object is for.
	stopped func(object map[string]any) bool
	stop    string // the command that has it do so, with %[1]s for the name and %[2]s for the namespace
	halt    func(object map[string]any) error
	start   string // the command that has it go on, with %[3]s for the object's file; "" if none is needed
}

// controllers are known by the kind.
var controllers = map[string]controller{
	"Kustomization": {
		schema.GroupVersionKind{Group: "kustomize.toolkit.fluxcd.io", Version: "v1", Kind: "Kustomization"},
		"Flux", suspended, "flux suspend kustomization %[1]s -n %[2]s", suspendIt, "flux resume kustomization %[1]s -n %[2]s",
	},
	"HelmRelease": {
		schema.GroupVersionKind{Group: "helm.toolkit.fluxcd.io", Version: "v2", Kind: "HelmRelease"},
		"Flux", suspended, "flux suspend helmrelease %[1]s -n %[2]s", suspendIt, "flux resume helmrelease %[1]s -n %[2]s",
	},
	"Application": {
		schema.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: "Application"},
		"Argo CD", manual, `kubectl -n %[2]s patch application %[1]s --type merge -p '{"spec":{"syncPolicy":{"automated":null}}}'`,
		func(object map[string]any) error {
			unstructured.RemoveNestedField(object, "spec", "syncPolicy", "automated")
			return nil
		},
		"kubectl -n %[2]s apply -f %[3]s",
	},
	applicationSet: {
		schema.GroupVersionKind{Group: "argoproj.io", Version: "v1alpha1", Kind: applicationSet},
		"Argo CD", createsOnly, `kubectl -n %[2]s patch applicationset %[1]s --type merge -p '{"spec":{"syncPolicy":{"applicationsSync":"create-only"}}}'`,
		func(object map[string]any) error {
			return unstructured.SetNestedField(object, "create-only", "spec", "syncPolicy", "applicationsSync")
		},
		"",
	},
}

// applicationSet is the kind of objects whose controller writes Applications, and takes back
// what anybody changes in them.
const applicationSet = "ApplicationSet"

// suspended reports whether an object of Flux is.
func suspended(object map[string]any) bool {
	is, _, _ := unstructured.NestedBool(object, "spec", "suspend")
	return is
}

func suspendIt(object map[string]any) error {
	return unstructured.SetNestedField(object, true, "spec", "suspend")
}

// manual reports whether an Application is synced by hand alone.
func manual(object map[string]any) bool {
	automated, found, _ := unstructured.NestedMap(object, "spec", "syncPolicy", "automated")
	return !found || automated["enabled"] == false
}

// createsOnly reports whether an ApplicationSet leaves its Applications as they are.
func createsOnly(object map[string]any) bool {
	policy, _, _ := unstructured.NestedString(object, "spec", "syncPolicy", "applicationsSync")
	return policy == "create-only" || policy == "create-delete"
}

// rival is an object on a cluster by which another tool deploys an app.
type rival struct {
	controller
	kind   kube.Kind
	id     manifest.ID
	object *unstructured.Unstructured
}

// command is the command that stops it.
func (r rival) command() string { return fmt.Sprintf(r.stop, r.id.Name, r.id.Namespace) }

// halted is its object as it would be when it is stopped.
func (r rival) halted() (*unstructured.Unstructured, error) {
	object := r.object.DeepCopy()
	return object, r.halt(object.Object)
}

// lookFor returns the object of another tool on a cluster; ok is false if there is none that
// concerns a repository with such bounds. A cluster without the kind has none.
func lookFor(ctx context.Context, api clusterAPI, within plan.Bounds, ref meaning.Ref) (r rival, ok bool, err error) {
	by, known := controllers[ref.Kind]
	if !known {
		return r, false, nil
	}
	kind, err := api.Kind(ctx, by.GroupVersionKind)
	if errors.As(err, new(*kube.UnknownKindError)) {
		return r, false, nil
	}
	if err != nil {
		return r, false, err
	}
	object, err := api.Get(ctx, kind, ref.Namespace, ref.Name)
	if apierrors.IsNotFound(err) {
		return r, false, nil
	}
	if err != nil {
		return r, false, err
	}
	r = rival{by, kind, manifest.ID{Group: by.Group, Kind: by.Kind, Namespace: ref.Namespace, Name: ref.Name}, object}
	if !r.concerns(ctx, within) {
		return rival{}, false, nil
	}
	return r, true, nil
}

// rivalsOf returns what has to be stopped, in that order, so that another tool leaves alone
// what an object is for: the object, if it is not stopped, and before it the set that would
// take that back. r is the object itself.
func rivalsOf(ctx context.Context, api clusterAPI, within plan.Bounds, ref meaning.Ref) (r rival, all []rival, err error) {
	r, ok, err := lookFor(ctx, api, within, ref)
	if err != nil || !ok || r.stopped(r.object.Object) {
		return r, nil, err
	}
	for _, owner := range r.object.GetOwnerReferences() {
		if owner.Kind != applicationSet {
			continue
		}
		set, ok, err := lookFor(ctx, api, plan.Bounds{}, meaning.Ref{Kind: owner.Kind, Namespace: ref.Namespace, Name: owner.Name})
		if err != nil {
			return r, nil, err
		}
		if ok && !set.stopped(set.object.Object) {
			all = append(all, set)
		}
	}
	return r, append(all, r), nil
}

// meansAs notes which objects of another tool mean the target's app, and where that has them:
// on the cluster of the app that makes them.
func (t *target) meansAs(tree *importer.Tree) {
	t.means, t.meansOn = nil, t.Spec.Cluster
	made := tree.Of(t.Spec.Name)
	if made != nil && made.By.Kind == "Application" {
		t.meansOn = appfile.DefaultCluster
		if parent := tree.Of(made.Parent); parent != nil {
			t.meansOn = parent.App.Cluster
		}
	}
	for ; made != nil; made = tree.Of(made.Parent) {
		t.means = append(t.means, made.By)
	}
	slices.Reverse(t.means)
}

// own is the object that means the target's app; its Kind is "" if there is none.
func (t *target) own() meaning.Ref {
	if len(t.means) == 0 {
		return meaning.Ref{}
	}
	return t.means[len(t.means)-1]
}

// ownObject names the object of another tool that means the app, as problems do.
func (t *target) ownObject() string {
	own := t.own()
	if own.Kind == "" {
		return t.Spec.Imported
	}
	return manifest.ID{Kind: own.Kind, Namespace: own.Namespace, Name: own.Name}.String()
}

// RivalError says that another tool goes on with an app that is to be resumed: both would
// change the same objects in turns.
type RivalError struct {
	Tool     string
	Commands string // that stop it, a line each
}

// Error names the tool.
func (e *RivalError) Error() string {
	return e.Tool + " still deploys it, and both would change the same objects"
}

// rivalOf is an error if another tool goes on with an app that has nothing on its cluster, since
// it was given back. An account that may not read the object of the tool has nothing to say.
func (a *app) rivalOf() *RivalError {
	t := a.wanted()
	if t == nil || t.own().Kind == "" || a.ledger.Count() > 0 {
		return nil
	}
	home := a.engine.Clusters.Get(t.meansOn)
	if home == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(a.engine.ctx, explainTimeout)
	defer cancel()
	live, rivals, err := rivalsOf(ctx, a.engine.as(t.Repo, home).api, a.engine.within(t.Repo, home), t.own())
	if err != nil || len(rivals) == 0 {
		return nil
	}
	return &RivalError{live.tool, commandsOf(rivals)}
}

// takeOver has the targets take over from other tools, if the change asks for it, or they have
// not yet come to it.
func (p *Proposal) takeOver() {
	for _, t := range p.targets {
		a := p.engine.app(t.Spec.Name)
		t.TakeOver = p.Options.TakeOver || a != nil && a.takesOver(a.wanted())
	}
}

// takesOver reports whether a target still takes over from another tool. What was deployed once
// has been taken over; what was given back since is not taken again unasked.
func (a *app) takesOver(t *target) bool {
	last := a.lastRecord()
	return t != nil && t.TakeOver && !a.settled(t) && (last == nil || !last.Stands().Applied())
}

// isTakingOver reports whether an app of the change still does.
func (p *Proposal) isTakingOver() bool {
	return slices.ContainsFunc(p.targets, func(t *target) bool {
		a := p.engine.app(t.Spec.Name)
		return a != nil && a.takesOver(a.wanted())
	})
}

// stillControlled refuses apps that were never deployed from here, and whose objects on the
// cluster another controller still follows: both would change the same objects in turns. With
// -o take-over, it refuses those alone whose objects may not be stopped, and notes what is
// stopped. A cluster without the kind, or an account that may not read it, has nothing to say.
func (p *Proposal) stillControlled(ctx context.Context, api clusterAPI, cluster *Cluster) manifest.Problems {
	if p.imports == nil {
		return nil
	}
	var problems manifest.Problems
	known := map[manifest.ID]bool{}
	for _, t := range p.targets {
		ref := t.own()
		if a := p.engine.app(t.Spec.Name); ref.Kind == "" || t.meansOn != cluster.api.Name() || a != nil && a.lastRecord() != nil {
			continue
		}
		live, rivals, err := rivalsOf(ctx, api, p.within(cluster), ref)
		if err != nil {
			continue
		}
		about := func(message, hint string) manifest.Problem {
			return manifest.Problem{App: t.Spec.Name, Source: ref.Source, Object: fmt.Sprintf("%s %s/%s", ref.Kind, ref.Namespace, ref.Name), Message: message, Hint: hint}
		}
		if live.object != nil {
			if message, hint := beforeDeletion(live, t.Spec); message != "" {
				p.handed = append(p.handed, about(message, hint))
			}
		}
		switch {
		case len(rivals) == 0:
		case !p.Options.TakeOver:
			problems = append(problems, about(fmt.Sprintf("%s still deploys it on cluster %s, and both would change the same objects", live.tool, t.Spec.Cluster),
				"stop it there, and push again: "+commandsOf(rivals)+"\nor have the push do that: git push -o take-over"))
		default:
			for _, r := range rivals {
				if known[r.id] {
					continue
				}
				known[r.id] = true
				if message, hint := p.mayStop(ctx, api, cluster, r); message != "" {
					problems = append(problems, about(message, hint))
					continue
				}
				told := about(r.tool+" deploys it no more: it is stopped before anything is applied (take-over)", "")
				told.Object = r.id.String()
				p.handed = append(p.handed, told)
			}
		}
	}
	return problems
}

func commandsOf(rivals []rival) string {
	commands := make([]string, len(rivals))
	for i, r := range rivals {
		commands[i] = r.command()
	}
	return strings.Join(commands, "\n")
}

// mayStop says why an object of another tool cannot be stopped from here; "" if it can: the
// grant of the repository gives it, and the account may change it.
func (p *Proposal) mayStop(ctx context.Context, api clusterAPI, cluster *Cluster, r rival) (message, hint string) {
	within := p.within(cluster)
	hint = "have somebody stop it who may, and push again: " + r.command()
	switch refusal, err := within.Outside(ctx, r.id); {
	case err != nil:
		return fmt.Sprintf("take over from %s: %v", r.tool, err), hint
	case refusal != nil:
		why, _ := refusal.Tell(within.Grant, p.Repo, within.InPlace)
		return fmt.Sprintf("%s still deploys it, and this repository may not stop %s: %s", r.tool, r.id, why), hint
	}
	object, err := r.halted()
	if err == nil {
		_, err = api.Replace(ctx, r.kind, object, r.object.GetResourceVersion(), true)
	}
	if err != nil && !apierrors.IsConflict(err) {
		return fmt.Sprintf("%s still deploys it, and %s cannot be stopped: %v", r.tool, r.id, err), hint
	}
	return "", ""
}

// beforeDeletion says what the deletion of an object of another tool, or of what belongs to
// it, would do to what runs, and the command that prevents it; "" if it would do nothing.
func beforeDeletion(r rival, spec appfile.App) (message, hint string) {
	namespace, called := r.id.Namespace, r.id.Name
	switch r.id.Kind {
	case "Kustomization":
		if prunes, _, _ := unstructured.NestedBool(r.object.Object, "spec", "prune"); prunes {
			return "Flux deletes what it has applied if the object is deleted while it is not suspended",
				fmt.Sprintf(`before you delete it: kubectl -n %s patch kustomization.kustomize.toolkit.fluxcd.io %s --type merge -p '{"spec":{"prune":false}}'`, namespace, called)
		}
	case "Application":
		if len(r.object.GetFinalizers()) > 0 {
			return "Argo CD deletes what runs if the object is deleted with its finalizers: " + strings.Join(r.object.GetFinalizers(), ", "),
				fmt.Sprintf(`before you delete it: kubectl -n %s patch application.argoproj.io %s --type merge -p '{"metadata":{"finalizers":null}}'`, namespace, called)
		}
	case "HelmRelease":
		storage, _, _ := unstructured.NestedString(r.object.Object, "spec", "storageNamespace")
		release := cmp.Or(spec.Helm.ReleaseName, called)
		return "helm uninstall deletes what runs as long as the Secrets of the release are there: sh.helm.release.v1." + release + ".*",
			fmt.Sprintf("to make Helm forget the release: kubectl -n %s delete secret -l owner=helm,name=%s", cmp.Or(storage, namespace), release)
	}
	return "", ""
}

// maxHalts bounds how often an object is stopped anew that somebody changes in between.
const maxHalts = 10

// stopRivals stops what still deploys the app, and the apps above it in the tree: a parent
// would take back what is changed in the object of its child.
func (at *attempt) stopRivals() error {
	if !at.takesOver(at.target) {
		return nil
	}
	home := at.engine.Clusters.Get(at.target.meansOn)
	if home == nil {
		return nil
	}
	for _, ref := range at.target.means {
		if err := at.stopRival(home, ref); err != nil {
			return fmt.Errorf("take over from the tool of %s %s/%s: %w", ref.Kind, ref.Namespace, ref.Name, err)
		}
	}
	return nil
}

func (at *attempt) stopRival(home *Cluster, ref meaning.Ref) error {
	api := at.engine.as(at.target.Repo, home).api
	var err error
	for range maxHalts {
		var rivals []rival
		if _, rivals, err = rivalsOf(at.wait, api, at.engine.within(at.target.Repo, home), ref); err != nil || len(rivals) == 0 {
			return err
		}
		for _, r := range rivals {
			if err = at.halt(home, api, r); err != nil {
				break
			}
		}
		if err != nil && !apierrors.IsConflict(err) {
			return err
		}
	}
	if err == nil {
		err = fmt.Errorf("somebody starts it again; stop it there: %s", fmt.Sprintf(controllers[ref.Kind].stop, ref.Name, ref.Namespace))
	}
	return err
}

// halt stops one object, which is on the audit trail before.
func (at *attempt) halt(home *Cluster, api clusterAPI, r rival) error {
	if refusal, err := at.engine.within(at.target.Repo, home).Outside(at.wait, r.id); err != nil || refusal != nil {
		return cmp.Or(err, fmt.Errorf("the grant of the repository does not give %s; stop it there: %s", r.id, r.command()))
	}
	object, err := r.halted()
	if err != nil {
		return err
	}
	e := audit.Of(audit.Verb, at.job.caller)
	e.Verb, e.Arguments, e.App, e.Repository = "take-over", []string{r.id.String()}, string(at.name), string(at.target.Repo)
	e.Decision, e.Reason = audit.Allowed, fmt.Sprintf("%s: %s deploys it no more", at.job.run.ID(), r.tool)
	if err := at.engine.Trail.Write(e); err != nil {
		return err
	}
	if _, err := api.Replace(at.wait, r.kind, object, r.object.GetResourceVersion(), false); err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	at.job.run.Event("stopped", r.id, r.tool+" deploys it no more")
	return nil
}
