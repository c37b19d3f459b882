package flux

import (
	"fmt"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
)

// What becomes of the objects when a Kustomization or a HelmRelease is deleted: nothing, while it
// is suspended; else what deletionPolicy says (kustomize-controller, finalizerShouldDeleteResources;
// helm-controller, reconcileDelete).

// readDeletion reads what becomes of the objects of a Kustomization that is deleted.
func readDeletion(app *appfile.App, spec *meaning.Map) {
	policy := spec.Text("deletionPolicy")
	set := func(onRemove, by string) {
		if app.OnRemove == "" { // it is not suspended
			app.OnRemove, app.OnRemoveBy = onRemove, by
		}
	}
	switch policy {
	case "", "MirrorPrune": // as prune says
	case "Delete", "WaitForTermination":
		if !app.Prune {
			set(appfile.OnRemoveDelete, "")
		}
	case "Orphan":
		set(appfile.OnRemoveKeep, "deletionPolicy: Orphan")
	default:
		spec.Problem("deletionPolicy", fmt.Sprintf("deletionPolicy: %q is not known", policy), "write MirrorPrune, Delete, WaitForTermination or Orphan")
	}
}

// readUninstall reads how a HelmRelease is removed.
func readUninstall(spec *meaning.Map) {
	uninstall := spec.Map("uninstall")
	uninstall.Without("keepHistory", "there are no Secrets of releases: the records of a removed app are kept in Git")
	uninstall.Without("deletionPropagation", "dependents are deleted in the background")
	uninstall.Without("disableHooks", "the hooks of a removal run")
	for _, field := range []string{"disableWait", "timeout"} {
		uninstall.Without(field, "a removal does not wait until the last of what it deletes is gone")
	}
}
