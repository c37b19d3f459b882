package flux

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
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
	app.Render, app.Kustomize.Generate, app.Kustomize.Replace = appfile.RenderKustomize, true, true
	app.Prune = spec.Boolean("prune", false)
	app.Kustomize.Namespace = spec.Text("targetNamespace")
	app.Kustomize.NamePrefix, app.Kustomize.NameSuffix = spec.Text("namePrefix"), spec.Text("nameSuffix")
	app.Kustomize.Patches = asJSON(patches(spec))
	app.Kustomize.Images = asJSON(spec.List("images"))
	app.Kustomize.Components = asJSON(t.components(app, spec))
	t.ignore(app, spec)
	common := spec.Map("commonMetadata")
	app.PostBuild.Labels, app.PostBuild.Annotations = common.Pairs("labels"), common.Pairs("annotations")
	if spec.Boolean("force", false) {
		force(app)
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
	readDeletion(app, spec)
	spec.Without("buildMetadata", "ssh HOST why names the lines of objects without it")
	spec.Without("validation", "every push is checked as a whole")
	return done(r, made, spec)
}

// patches are those of a Kustomization or a post-renderer. Those that APIs before v1 have apart are
// patches as well: one that merges names its object by itself.
func patches(m *meaning.Map) []any {
	var all []any
	for _, merge := range m.List("patchesStrategicMerge") {
		if _, ok := merge.(map[string]any); !ok {
			m.Problem("patchesStrategicMerge", m.At("patchesStrategicMerge")+": a patch is no mapping", "write the fields of an object, with its kind and name")
			continue
		}
		all = append(all, map[string]any{"patch": string(asJSON(merge))})
	}
	all = append(all, m.List("patches")...)
	for _, patch := range m.Maps("patchesJson6902") {
		steps := patch.List("patch")
		all = append(all, map[string]any{"patch": string(asJSON(steps)), "target": patch.Raw("target")})
		target := patch.Map("target")
		for _, field := range target.Names() {
			target.Raw(field)
		}
	}
	return all
}

// components are those of a Kustomization: all, or those that are there.
func (t *Tree) components(app *appfile.App, spec *meaning.Map) []any {
	all := spec.List("components")
	if !spec.Boolean("ignoreMissingComponents", false) {
		return all
	}
	if !app.Artifact.IsZero() {
		spec.Problem("ignoreMissingComponents", "ignoreMissingComponents: which components an artifact has is known when it is fetched", "take it out, and list those that it has")
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(component any) bool {
		name, ok := component.(string)
		if !ok {
			return false
		}
		_, err := fs.Stat(t.world.Tree, path.Join(app.Path, name))
		return errors.Is(err, fs.ErrNotExist)
	})
}

// force has the objects of an app made anew where they cannot be changed.
func force(app *appfile.App) {
	if app.PostBuild.Annotations == nil {
		app.PostBuild.Annotations = map[string]string{}
	}
	app.PostBuild.Annotations[forced] = "enabled"
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
	switch ref.Text("kind") {
	case artifactKind:
		app.Path = t.inArtifact(it, ref, folder)
	case ociKind:
		if !t.archive(app, it, ref, folder) {
			app.Path = besides(it.object)
		}
	default:
		app.Path = path.Join(t.repository(it, ref), folder)
	}
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
	case ociKind:
		t.ownFolder(it, ref)
		return ""
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
	if !self {
		folder := t.elsewhere(git, url)
		it.lost = folder == ""
		return folder
	}
	at := git.spec.Map("ref")
	place, field, ok := placeOf(at)
	here := place.IsMain() || place.Branch == t.world.Branch
	switch {
	case ok && !here && place.Branch != "" && git.object.GetName() == System:
		ref.Problem("name", fmt.Sprintf("GitRepository %s follows branch %s, and this is %s", System, manifest.Clean(string(place.Branch)), t.world.Branch), "push that branch; pushboat render takes --branch "+manifest.Clean(string(place.Branch)))
	case !ok || !here:
		folder := ""
		if ok {
			folder, _ = t.world.Own(at, field, place, nil)
		}
		folder = t.tellOnce(git, folder, "a push brings this repository")
		it.lost = folder == ""
		return folder
	}
	if !git.told {
		git.told = true
		git.spec.Note("url", manifest.Clean(url)+" is this repository: "+why)
		fieldsOfSelf(git.spec)
		t.wrong = append(t.wrong, git.reader.Problems...)
		t.noted = append(t.noted, git.reader.Notes...)
	}
	return ""
}

// fieldsOfSelf reads the fields of a GitRepository that is this repository, and so is not fetched.
// Of those that flux bootstrap writes, nothing is said.
func fieldsOfSelf(spec *meaning.Map) {
	for _, field := range []string{"interval", "timeout", "secretRef", "ref"} {
		spec.Raw(field)
	}
	ref := spec.Map("ref")
	for _, field := range []string{"branch", "tag", "semver", "name", "commit"} {
		ref.Raw(field)
	}
	spec.Without("ignore", "what a push has is deployed; a file .sourceignore in the repository keeps manifests out of folders without a kustomization")
	spec.Without("include", "other repositories are not put into folders of this one: name each as a source of its own")
	spec.Without("recurseSubmodules", "submodules are not read")
	spec.Without("verify", "admin.git says whose signatures count (requireSigned in access.yaml)")
	for _, field := range []string{"proxySecretRef", "serviceAccountName", "provider", "sparseCheckout", "suspend", "gitImplementation", "accessFrom"} {
		spec.Without(field, "a push brings this repository")
	}
	spec.Done()
}

// placeOf is the place that the ref of a GitRepository names, and by which field: commit counts
// before name, semver, tag and branch, as for Flux. What is wrong with it is a problem.
func placeOf(at *meaning.Map) (place meaning.At, field string, ok bool) {
	commit, ref, within, tag, branch := at.Text("commit"), at.Text("name"), at.Text("semver"), at.Text("tag"), at.Text("branch")
	var err error
	hint := ""
	switch {
	case commit != "":
		field = "commit"
		if place.Commit, err = name.ParseRevision(commit); err != nil {
			err, hint = errNoHash, "write all 40 digits"
		}
	case ref != "":
		field = "name"
		place, err = placeOfRef(ref)
		hint = "write refs/heads/BRANCH or refs/tags/TAG"
	case within != "":
		field, place.Range = "semver", within
		_, err = name.ParseRange(within, false)
	case tag != "":
		field = "tag"
		place.Tag, err = name.ParseTag(tag)
	case branch != "":
		field = "branch"
		place.Branch, err = name.ParseBranch(branch)
	}
	if err != nil {
		at.Problem(field, fmt.Sprintf("%s: %q %v", at.At(field), manifest.Clean(at.Text(field)), err), hint)
	}
	return place, field, err == nil
}

// errNoHash reads on from a quoted text.
var errNoHash = errors.New("is no hash of a commit")

// placeOfRef is the branch or tag that a ref's full name is.
func placeOfRef(ref string) (place meaning.At, err error) {
	if branch, is := name.BranchOf(ref); is {
		place.Branch, err = name.ParseBranch(string(branch))
		return place, err
	}
	if tag, is := name.TagOf(ref); is {
		place.Tag, err = name.ParseTag(string(tag))
		return place, err
	}
	return place, errors.New("is neither a branch nor a tag, and no other refs are fetched")
}

// elsewhere is the folder of a GitRepository that is another repository.
func (t *Tree) elsewhere(git *source, url string) (folder string) {
	if at, _, ok := placeOf(git.spec.Map("ref")); ok {
		folder, _ = t.world.Elsewhere(git.spec, "url", url, at)
	}
	return t.tellOnce(git, folder, "how it is fetched is said in admin.git")
}

// tellOnce reads what else a GitRepository says that is not followed as the branch that is
// pushed, says once what is wrong with it, and returns its folder; "" if anything is. why is why
// fields about fetching have no effect.
func (t *Tree) tellOnce(git *source, folder, why string) string {
	git.spec.Refuse("recurseSubmodules", "submodules are not read", "commit what they have")
	git.spec.Refuse("include", "other repositories are not put into folders of this one", "name each as a source of its own")
	git.spec.Refuse("verify", "signatures of its commits are not asked for here", "demand them of its mirror (requireSigned in access.yaml), and take it out")
	for _, field := range []string{"interval", "timeout", "secretRef", "proxySecretRef", "serviceAccountName", "provider", "ignore", "sparseCheckout", "suspend"} {
		git.spec.Without(field, why)
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

// variable is the grammar of names that are replaced (fluxcd/pkg/kustomize, varsubRegex).
var variable = regexp.MustCompile(`^[_a-zA-Z][_a-zA-Z0-9]*$`)

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
			values.Data, values.Secret, values.By, values.At = found.values, found.secret, found.by, found.at
		}
		app.PostBuild.From = append(app.PostBuild.From, values)
	}
	switch strategy := post.Text("substituteStrategy"); strategy {
	case "", "WithVariables":
	case "Always":
		app.PostBuild.Always = true
	default:
		post.Problem("substituteStrategy", fmt.Sprintf("substituteStrategy: %q is not known", strategy), "write WithVariables or Always")
	}
	for name := range app.PostBuild.Values {
		if !variable.MatchString(name) {
			post.Problem("substitute", fmt.Sprintf("substitute: %q is not made of letters, digits and _", name), "")
		}
	}
}
