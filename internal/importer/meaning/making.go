package meaning

import (
	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// MadeBy is what makes an app: the parent whose rendering has an object, "" for none, and what the
// annotations of the object say of how it goes.
func MadeBy(parent name.App, o *manifest.Object) appfile.Making {
	if parent == "" {
		return appfile.Making{}
	}
	made := appfile.Making{Parent: parent}
	policy, _ := manifest.PolicyOf(o.Unstructured)
	why := "the annotations of " + o.GetKind() + " " + o.GetName() + " have it stay"
	if policy.Has(manifest.KeepOnPrune) || policy.Has(manifest.Frozen) {
		made.OnPrune = why
	}
	if policy.Has(manifest.KeepOnDelete) || policy.Has(manifest.Frozen) {
		made.OnRemove = why
	}
	return made
}
