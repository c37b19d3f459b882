package flux

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// shortest is the shortest time between checks of an app: watches see changes at once.
const shortest = 30 * time.Second

// forced is the annotation that Flux has for objects which may be made anew.
const forced = "kustomize.toolkit.fluxcd.io/force"

// kustomization reads a Kustomization (kustomize.toolkit.fluxcd.io/v1).
func (t *Tree) kustomization(it *item) (meaning.App, manifest.Problems) {
	r := meaning.Read(it.object, t.world.Place)
	spec := r.Spec()
	made := t.appOf(it, spec)
	app := &made.App
	t.folder(app, it, spec)
	made.Notes = append(made.Notes, t.takeNotes()...)
	app.Render, app.Kustomize.Generate = appfile.RenderKustomize, true
	app.Prune = spec.Boolean("prune", false)
	app.Kustomize.Namespace = spec.Text("targetNamespace")
	app.Kustomize.NamePrefix, app.Kustomize.NameSuffix = spec.Text("namePrefix"), spec.Text("nameSuffix")
	app.Kustomize.Patches = asJSON(spec.List("patches"))
	app.Kustomize.Images = asJSON(spec.List("images"))
	app.Kustomize.Components = asJSON(spec.List("components"))
	common := spec.Map("commonMetadata")
	app.PostBuild.Labels, app.PostBuild.Annotations = common.Pairs("labels"), common.Pairs("annotations")
	if spec.Boolean("force", false) {
		if app.PostBuild.Annotations == nil {
			app.PostBuild.Annotations = map[string]string{}
		}
		app.PostBuild.Annotations[forced] = "enabled"
	}
	t.postBuild(app, it, spec)
	spec.Without("wait", "everything is waited for")
	spec.Without("healthChecks", "everything is waited for")
	if decryption := spec.Map("decryption"); decryption.There {
		if provider := decryption.Text("provider"); provider != "sops" {
			decryption.Problem("provider", fmt.Sprintf("decryption.provider: %q is not known", provider), "write provider: sops")
		}
		decryption.Raw("secretRef")
		decryption.Raw("serviceAccountName")
		spec.Without("decryption", "encrypted files are decrypted with the keys of the server")
	}
	switch policy := spec.Text("deletionPolicy"); policy {
	case "", "MirrorPrune", "Delete", "WaitForTermination":
	default:
		spec.Problem("deletionPolicy", fmt.Sprintf("deletionPolicy: %s is not kept here", policy), "take it out; what must stay has the annotation kustomize.toolkit.fluxcd.io/prune: disabled")
	}
	spec.Refuse("patchesStrategicMerge", "is of an API before v1", "write patches")
	spec.Refuse("patchesJson6902", "is of an API before v1", "write patches")
	spec.Refuse("buildMetadata", "origins are known without it", "take it out; ssh HOST why names lines")
	spec.Without("ignoreMissingComponents", "a component that is missing is a problem at the push")
	return done(r, made, spec)
}

// folder reads from where an app is built.
func (t *Tree) folder(app *appfile.App, it *item, spec *meaning.Map) {
	folder, inside := meaning.Folder(spec.Text("path"))
	if !inside {
		spec.Problem("path", fmt.Sprintf("path: %q leads out of the repository", spec.Text("path")), "the path is from the repository's root")
	}
	app.Path = folder
	ref := spec.Map("sourceRef")
	if !ref.There {
		spec.Problem("sourceRef", "sourceRef is missing", "add sourceRef: {kind: GitRepository, name: "+System+"}")
		return
	}
	if ref.Text("kind") == artifactKind {
		app.Path = t.inArtifact(it, ref, folder)
		return
	}
	app.Path = path.Join(t.repository(it, ref), folder)
}

// repository is the folder of the revision that a source is: its root, if it is this repository
// at the branch that is pushed, or that of another one.
func (t *Tree) repository(it *item, ref *meaning.Map) (root string) {
	kind, called, namespace := ref.Text("kind"), ref.Text("name"), ref.Text("namespace")
	ref.Raw("apiVersion")
	if namespace == "" {
		namespace = it.ref.Namespace
	}
	switch kind {
	case "GitRepository":
	case "Bucket":
		ref.Problem("kind", "a Bucket is no source here", "commit what is in it")
		return ""
	default:
		ref.Problem("kind", fmt.Sprintf("%s is no source of manifests here", kind), "commit the manifests, and name the GitRepository of this repository")
		return ""
	}
	git := t.sources[meaning.Ref{Kind: kind, Namespace: namespace, Name: called}]
	if git == nil {
		if called != System && !t.self[called] { // flux bootstrap makes that one
			ref.Problem("name", fmt.Sprintf("no GitRepository %s/%s is in this revision", namespace, called), "commit it, or name "+System+", which is this repository")
		}
		return ""
	}
	return t.rootOf(it, ref, git)
}

// rootOf is the folder of a GitRepository. What it cannot follow is a problem.
func (t *Tree) rootOf(it *item, ref *meaning.Map, git *source) string {
	url := git.spec.Text("url")
	why, self := t.world.IsSelf(url)
	if !self && git.object.GetName() == System {
		why, self = "flux bootstrap has made it", true
	}
	at := git.spec.Map("ref")
	for _, field := range []string{"tag", "semver", "name"} {
		if at.Has(field) && (self || !at.Has("commit")) {
			ref.Problem("name", fmt.Sprintf("GitRepository %s follows a %s (%s), not a branch", git.object.GetName(), field, git.reader.Object.At("spec.ref."+field)), "write a branch: ref: {branch: "+string(t.world.Branch)+"}"+orCommit(self))
			return ""
		}
	}
	branch := at.Text("branch")
	if !self {
		folder := t.elsewhere(git, url, branch, at.Text("commit"))
		it.lost = folder == ""
		return folder
	}
	if !git.told {
		git.told = true
		git.spec.Note("url", manifest.Clean(url)+" is this repository: "+why)
		t.noted = append(t.noted, git.reader.Notes...)
	}
	switch {
	case at.Has("commit"):
		ref.Problem("name", fmt.Sprintf("GitRepository %s follows a commit (%s), not a branch", git.object.GetName(), git.reader.Object.At("spec.ref.commit")), "the branch that is pushed is deployed: write ref: {branch: "+string(t.world.Branch)+"}")
	case branch != "" && branch != string(t.world.Branch):
		ref.Problem("name", fmt.Sprintf("GitRepository %s follows branch %s, and this is %s", git.object.GetName(), manifest.Clean(branch), t.world.Branch), "push that branch")
	}
	return ""
}

func orCommit(self bool) string {
	if self {
		return ""
	}
	return ", or a commit: ref: {commit: HASH}"
}

// elsewhere is the folder of a GitRepository that is another repository. What is wrong with it is
// said once.
func (t *Tree) elsewhere(git *source, url, branch, commit string) (folder string) {
	at := git.spec.Map("ref")
	_, noBranch := name.ParseBranch(branch)
	revision, noCommit := name.ParseRevision(commit)
	switch {
	case commit != "" && noCommit != nil:
		at.Problem("commit", fmt.Sprintf("spec.ref.commit: %q is no hash of a commit", manifest.Clean(commit)), "write all 40 digits")
	case commit != "":
		folder, _ = t.world.Elsewhere(git.spec, "url", url, "", revision)
	case branch != "" && noBranch != nil:
		at.Problem("branch", fmt.Sprintf("spec.ref.branch: %q %v", manifest.Clean(branch), noBranch), "")
	default:
		folder, _ = t.world.Elsewhere(git.spec, "url", url, name.Branch(branch), "")
	}
	git.spec.Refuse("recurseSubmodules", "submodules are not read", "commit what they have")
	git.spec.Refuse("include", "other repositories are not put into folders of this one", "name each as a source of its own")
	git.spec.Refuse("verify", "signatures of its commits are not asked for here", "demand them of its mirror (requireSigned in repositories.yaml), and take it out")
	for _, field := range []string{"interval", "timeout", "secretRef", "proxySecretRef", "serviceAccountName", "provider", "ignore", "sparseCheckout", "suspend"} {
		git.spec.Without(field, "how it is fetched is said in admin.git")
	}
	git.spec.Done()
	if !git.told {
		git.told = true
		t.wrong = append(t.wrong, git.reader.Problems...)
		t.noted = append(t.noted, git.reader.Notes...)
	}
	if len(git.reader.Problems) > 0 {
		folder = ""
	}
	git.reader.Problems = nil
	return folder
}

// postBuild reads what is replaced in the objects.
func (t *Tree) postBuild(app *appfile.App, it *item, spec *meaning.Map) {
	post := spec.Map("postBuild")
	if !post.There {
		return
	}
	app.PostBuild.Values = post.Pairs("substitute")
	for _, from := range post.Maps("substituteFrom") {
		ref := meaning.Ref{Kind: from.Text("kind"), Namespace: it.ref.Namespace, Name: from.Text("name")}
		at := from.Source("name")
		values := appfile.ValuesFrom{Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name, Optional: from.Boolean("optional", false), File: at.File, Line: at.Line}
		if ref.Kind != "ConfigMap" && ref.Kind != manifest.SecretKind.Kind {
			from.Problem("kind", fmt.Sprintf("substituteFrom: %q is neither ConfigMap nor Secret", ref.Kind), "")
			continue
		}
		if found, ok := t.data[ref]; ok {
			values.Data, values.Secret = found.values, found.secret
		}
		app.PostBuild.From = append(app.PostBuild.From, values)
	}
	post.Without("substituteStrategy", "names are replaced in the end")
	for name := range app.PostBuild.Values {
		if strings.ContainsAny(name, "-. ") {
			post.Problem("substitute", fmt.Sprintf("substitute: %q is not made of letters, digits and _", name), "")
		}
	}
}
