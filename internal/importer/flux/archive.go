package flux

import (
	"fmt"

	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// ownArtifact reads an OCIRepository from which manifests come. Artifacts are not fetched, but one
// that a pipeline of this repository pushes has what the revision has: if the repository says so.
// It counts as its root, as flux push artifact --path=. pushes it.
func (t *Tree) ownArtifact(it *item, ref *meaning.Map, of meaning.Ref) {
	found := t.sources[of]
	if found == nil {
		ref.Problem("name", fmt.Sprintf("no OCIRepository %s/%s is in this revision", of.Namespace, of.Name), "commit it; or name the GitRepository of this repository")
		return
	}
	url := found.spec.Text("url")
	why, is := t.world.IsListed(url)
	if !is {
		ref.Problem("name", fmt.Sprintf("OCIRepository %s: manifests are not read from registries, and %s is not known to be what this repository pushes there", of.Name, manifest.Clean(url)),
			"if its pipeline does, by flux push artifact --path=., list it in pushboat.yaml: import: {self: ["+manifest.Clean(url)+"]}; else commit the manifests, and name the GitRepository of this repository")
		return
	}
	if found.told {
		return
	}
	found.told = true
	found.spec.Note("url", manifest.Clean(url)+" is this repository: "+why)
	at := found.spec.Map("ref")
	at.Refuse("digest", "what a push has is deployed, and no artifact from before", "take it out")
	for _, field := range []string{"tag", "semver", "semverFilter"} {
		at.Without(field, "what a push has is deployed")
	}
	found.spec.Refuse("layerSelector", "no layers are fetched", "take it out")
	found.spec.Without("verify", "admin.git says whose signatures of commits count (requireSigned in access.yaml)")
	found.spec.Without("ignore", "what a push has is deployed; a file .sourceignore in the repository keeps manifests out of folders without a kustomization")
	for _, field := range []string{"interval", "timeout", "secretRef", "certSecretRef", "proxySecretRef", "serviceAccountName", "provider", "insecure", "suspend", "accessFrom"} {
		found.spec.Without(field, "a push brings this repository")
	}
	found.spec.Done()
	t.wrong = append(t.wrong, found.reader.Problems...)
	t.noted = append(t.noted, found.reader.Notes...)
	it.lost = len(found.reader.Problems) > 0
	found.reader.Problems, found.reader.Notes = nil, nil
}
