package flux

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// archive reads the OCIRepository from which the manifests of an app come: a folder of the archive
// there. One that a pipeline of this repository pushes has what the revision has, if the repository
// says so: own is true then, and the archive counts as the repository's root, as flux push artifact
// --path=. pushes it. What cannot be had is a problem.
func (t *Tree) archive(app *appfile.App, it *item, ref *meaning.Map, folder string) (own bool) {
	found := t.ociSource(it, ref)
	if found == nil || t.isOwn(it, found) {
		return true
	}
	url := found.spec.Text("url")
	at := found.spec.Source("url")
	app.Artifact = appfile.Artifact{URL: strings.TrimSuffix(url, "/"), Path: folder, File: at.File, Line: at.Line}
	if err := app.Artifact.CheckURL(); err != nil {
		found.spec.Problem("url", "url: "+err.Error(), "write oci://HOST/PATH/NAME")
	}
	layer := found.spec.Map("layerSelector")
	app.Artifact.Layer = layer.Text("mediaType")
	layer.Raw("operation") // whether the archive is kept as it is, or packed again
	app.Artifact.Ignore = found.spec.Text("ignore")
	app.Artifact.Version = t.versionOf(found)
	app.Artifact.Verify = t.verify(found.spec, app.Artifact.URL, found.object.GetNamespace())
	t.fetched(found, app.Artifact.Version)
	return false
}

// ownFolder has an ArtifactGenerator copy from an OCIRepository: it has to be of what this
// repository's pipeline pushes.
func (t *Tree) ownFolder(it *item, ref *meaning.Map) {
	if found := t.ociSource(it, ref); found != nil && !t.isOwn(it, found) {
		ref.Problem("name", fmt.Sprintf("OCIRepository %s: nothing is copied from registries, and %s is not known to be what this repository pushes there", found.object.GetName(), manifest.Clean(found.spec.Text("url"))),
			"if its pipeline does, list it in pushboat.yaml: import: {self: ["+manifest.Clean(found.spec.Text("url"))+"]}; else name the OCIRepository as the source of the Kustomization")
	}
}

// ociSource is the OCIRepository that a reference names. That it is not there is a problem.
func (t *Tree) ociSource(it *item, ref *meaning.Map) *source {
	of := meaning.Ref{Kind: ref.Text("kind"), Namespace: cmp.Or(ref.Text("namespace"), it.ref.Namespace), Name: ref.Text("name")}
	ref.Raw("apiVersion")
	found := t.sources[of]
	if found == nil {
		ref.Problem("name", fmt.Sprintf("no OCIRepository %s/%s is in this revision", of.Namespace, of.Name), "commit it; or name the GitRepository of this repository")
	}
	return found
}

// isOwn reports whether an OCIRepository has what this repository's own pipeline pushes. Such a one
// is read once.
func (t *Tree) isOwn(it *item, found *source) bool {
	url := found.spec.Text("url")
	why, is := t.world.IsListed(url)
	if !is || found.told {
		return is
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
	return true
}

// besides is the folder of the revision from which an app reads files beside a chart or an artifact:
// that of the object that means it, unless that is in an artifact itself.
func besides(o *manifest.Object) string {
	if appfile.InArtifact(o.Source.File) {
		return "."
	}
	return path.Dir(o.Source.File)
}
