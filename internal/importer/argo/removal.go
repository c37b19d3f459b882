package argo

import (
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
)

// cascades is the finalizer with which Argo CD deletes the objects of an Application that is
// deleted; with a slash, a policy of propagation may follow.
const cascades = "resources-finalizer.argocd.argoproj.io"

// readRemoval, which comes after readSync, reads what becomes of the objects when the app is removed: Argo CD leaves them
// where they are, unless the Application has its finalizer (argo-cd, Application.CascadedDeletion).
func (a *application) readRemoval(metadata *meaning.Map) {
	o, app := a.reader.Object, &a.app.App
	metadata.Raw("finalizers")
	isCascade := func(finalizer string) bool {
		return finalizer == cascades || strings.HasPrefix(finalizer, cascades+"/")
	}
	for _, finalizer := range o.GetFinalizers() {
		if !isCascade(finalizer) {
			metadata.Note("finalizers", "the finalizer "+finalizer+" has no effect: nothing waits for an Application to be deleted")
		}
	}
	keep := func(why string) { app.OnRemove, app.OnRemoveBy = appfile.OnRemoveKeep, why }
	switch {
	case a.draft.stays != "":
		keep(a.draft.stays)
	case o.GetAnnotations()[skipKey] == "true":
		keep(skipKey + " is true")
	case !slices.ContainsFunc(o.GetFinalizers(), isCascade):
		keep("no finalizer " + cascades)
	case !app.Prune:
		app.OnRemove = appfile.OnRemoveDelete
	}
	app.Made = meaning.MadeBy(a.draft.parentOf(), a.draft.by.object)
	if by := a.draft.by.ref; by.Kind == setKind && app.Made.Parent != "" {
		app.Made.Set = by.Namespace + "/" + by.Name
	}
}

// HasSet reports whether an ApplicationSet, NAMESPACE/NAME, is among the objects.
func (t *Tree) HasSet(set string) bool {
	namespace, called, _ := strings.Cut(set, "/")
	return t.known[meaning.Ref{Kind: setKind, Namespace: namespace, Name: called}] != nil
}

// readPolicy reads what becomes of Applications that the set makes no more. preserves says that
// those which it makes have no finalizer of themselves.
func (s *set) readPolicy() (stays string, preserves bool) {
	policy := s.spec.Map("syncPolicy")
	preserves = policy.Boolean("preserveResourcesOnDeletion", false)
	switch mode := policy.Text("applicationsSync"); mode {
	case "", "sync", "create-delete":
	case "create-only", "create-update":
		stays = "applicationsSync: " + mode
	default:
		policy.Problem("applicationsSync", "spec.syncPolicy.applicationsSync: "+mode+" is not known", "write sync, create-update, create-delete or create-only")
	}
	return stays, preserves
}
