// Package flux reads the objects of Flux as the apps that they mean. A Kustomization is an app
// of its path, a HelmRelease one of its chart. It does not render; package importer gives it the
// objects of what was rendered, level by level, from the roots down.
package flux

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Groups of Flux.
const (
	kustomizeGroup = "kustomize.toolkit.fluxcd.io"
	helmGroup      = "helm.toolkit.fluxcd.io"
	sourceGroup    = "source.toolkit.fluxcd.io"
	toolkit        = ".toolkit.fluxcd.io"
	composeGroup   = "source.extensions.fluxcd.io"
	operatorGroup  = "fluxcd.controlplane.io"
)

// componentsFile is the file in which flux bootstrap writes the installation.
const componentsFile = "gotk-components.yaml"

// System is the namespace, and the name of the root's objects, that flux bootstrap chooses.
const System = "flux-system"

// Is reports whether an object is Flux's: one that it reads, or a part of its installation.
func Is(o *manifest.Object) bool {
	group := o.GroupVersionKind().Group
	if group == operatorGroup || group == composeGroup || strings.HasSuffix(group, toolkit) {
		return true
	}
	switch o.GetKind() {
	case "CustomResourceDefinition":
		return strings.HasSuffix(o.GetName(), toolkit) || strings.HasSuffix(o.GetName(), "."+operatorGroup) || strings.HasSuffix(o.GetName(), "."+composeGroup)
	case "Namespace":
		return false // what else is in it has to have it
	}
	if path.Base(o.Source.File) == componentsFile {
		return true
	}
	labels := o.GetLabels() // people call their dashboards of Flux parts of it, too, but no instance
	return labels["app.kubernetes.io/part-of"] == "flux" && labels["app.kubernetes.io/instance"] != ""
}

// Tree reads the objects of one revision.
type Tree struct {
	world      meaning.World
	sources    map[meaning.Ref]*source
	data       map[meaning.Ref]data
	generators []*generator
	generates  map[meaning.Ref]bool // generators, with their places
	artifacts  artifacts
	waiting    []*item // Kustomizations and HelmReleases that are not read yet
	known      map[meaning.Ref]*item
	wrong      manifest.Problems
	others     []meaning.Note
	noted      []meaning.Note    // on the source that was read last
	self       map[string]bool   // GitRepositories that are taken for this repository, by name
	accounts   map[string]string // those of items that ask for none, by their kind: see addController
}

// item is a Kustomization or a HelmRelease.
type item struct {
	ref    meaning.Ref
	object *manifest.Object
	parent *appfile.App // nil: a root
	lost   bool         // its source cannot be had, which was said there

	from  []meaning.Ref // objects that it has values of
	after []meaning.Ref // items that it depends on
}

// data is what a ConfigMap or Secret holds.
type data struct {
	values map[string]string
	secret bool
	by     name.App
	at     manifest.Source
}

// source is a source of Flux.
type source struct {
	object *manifest.Object
	reader *meaning.Reader
	spec   *meaning.Map
	told   bool // what is wrong with it, and without effect
}

// New makes the tree of a revision.
func New(world meaning.World) *Tree {
	return &Tree{world: world, sources: map[meaning.Ref]*source{}, data: map[meaning.Ref]data{}, known: map[meaning.Ref]*item{}, generates: map[meaning.Ref]bool{}}
}

// Assume takes the GitRepositories that roots name for this repository, where no file of the
// revision has them: whoever has made the roots known to Flux, as a FluxInstance does, has made
// them. objects are all in the files.
func (t *Tree) Assume(roots, objects []*manifest.Object) {
	written := map[string]bool{}
	for _, o := range objects {
		written[o.GetName()] = written[o.GetName()] || o.GetKind() == "GitRepository"
	}
	for _, root := range roots {
		called := textAt(root, "spec.sourceRef.name")
		if kind := textAt(root, "spec.sourceRef.kind"); !isKustomization(root) || kind != "GitRepository" || called == "" || called == System || written[called] || t.self[called] {
			continue
		}
		if t.self == nil {
			t.self = map[string]bool{}
		}
		t.self[called] = true
		t.others = append(t.others, meaning.Note{
			Source: root.At("spec.sourceRef.name"), Object: root.ID().String(), Text: "GitRepository " + manifest.Clean(called) + " is not in this revision, and is taken for this repository",
		})
	}
}

// Take notes a folder that is taken for the path of a root.
func (t *Tree) Take(folder string) {
	if folder == "" {
		return
	}
	t.others = append(t.others, meaning.Note{
		Source: manifest.Source{File: folder}, Text: folder + " is taken for the path of the root: each folder in it has a namespace of its own, and no Kustomization has them",
	})
}

// Leave notes folders whose Kustomizations no root has.
func (t *Tree) Leave(folders []string) {
	if len(folders) == 0 {
		return
	}
	text := folders[0]
	if more := len(folders) - 1; more > 0 {
		text += fmt.Sprintf(" and %d more folders", more)
	}
	t.others = append(t.others, meaning.Note{
		Source: manifest.Source{File: folders[0]}, Text: text + " left out: Kustomizations are there that no root of the repository has; import.root chooses another root",
	})
}

// refOf names an object, without its place.
func refOf(o *manifest.Object) meaning.Ref {
	return meaning.Ref{Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName()}
}

// Note takes in a ConfigMap or Secret that an app makes, from which others may have values.
func (t *Tree) Note(by name.App, o *manifest.Object) {
	values := map[string]string{}
	for _, field := range []string{"data", "stringData"} {
		fields, _ := o.Object[field].(map[string]any)
		for key, value := range fields {
			text := fmt.Sprint(value)
			if o.GetKind() == manifest.SecretKind.Kind && field == "data" {
				decoded, err := base64.StdEncoding.DecodeString(text)
				if err != nil {
					continue
				}
				text = string(decoded)
			}
			values[key] = text
		}
	}
	t.data[refOf(o)] = data{values, o.GetKind() == manifest.SecretKind.Kind || len(o.Hidden()) > 0, by, o.Source}
}

// Add takes in an object of Flux from what an app renders to; nil is the app of an object that
// is read from a file of the revision.
func (t *Tree) Add(parent *appfile.App, o *manifest.Object) {
	switch group := o.GroupVersionKind().Group; group {
	case sourceGroup:
		if !slices.Contains(sourceKinds, o.GetKind()) {
			t.refuse(o, fmt.Sprintf("the kind %s of Flux is not known here", o.GetKind()), "take it out")
			return
		}
		reader := meaning.Read(o, t.world.Place)
		t.sources[refOf(o)] = &source{object: o, reader: reader, spec: reader.Spec()}
	case composeGroup:
		t.addGenerator(o)
	case kustomizeGroup, helmGroup:
		t.addItem(parent, o)
	case "notification" + toolkit, "image" + toolkit:
		t.others = append(t.others, meaning.Note{
			Source: o.Source, Object: o.ID().String(),
			Text: "has no effect: messages are the server's (notifications.yaml), and robots change images with ssh HOST set-image",
		})
	case operatorGroup:
		t.addOperators(o)
	case "apps":
		t.addController(o)
	default:
		if group != "" && strings.HasSuffix(group, toolkit) {
			t.refuse(o, fmt.Sprintf("the kind %s of Flux is not known here", o.GetKind()), "take it out")
		}
	}
}

// sourceKinds are the kinds of sources.
var sourceKinds = []string{"GitRepository", ociKind, "HelmRepository", "HelmChart", "Bucket", artifactKind}

// addOperators takes in an object of the Flux Operator: what installs Flux is left out, and what
// would make objects is a problem.
func (t *Tree) addOperators(o *manifest.Object) {
	switch kind := o.GetKind(); kind {
	case "FluxInstance": // it installs Flux
		t.addInstance(o)
	case "FluxReport":
	case "ResourceSetInputProvider":
		t.others = append(t.others, meaning.Note{Source: o.Source, Object: o.ID().String(), Text: "has no effect: ResourceSets are not expanded"})
	case "ResourceSet":
		t.refuse(o, "a ResourceSet of the Flux Operator is not expanded here", "commit what it makes in its place"+buildSet(o))
	default:
		t.refuse(o, fmt.Sprintf("a %s of the Flux Operator is not expanded here", kind), "commit the objects that it makes")
	}
}

// buildSet is the line of a hint that makes the objects of a ResourceSet; "" where its inputs are
// of nobody who could be asked for them.
func buildSet(o *manifest.Object) string {
	file := manifest.Clean(o.Source.File)
	if file == "" || strings.ContainsAny(file, "'\n") {
		return ""
	}
	line := fmt.Sprintf("\nflux-operator build resourceset -f '%s'", file)
	if from, _ := o.ValueAt("spec.inputsFrom"); from != nil {
		line += " --inputs-from-provider FILE"
	}
	return line + fmt.Sprintf(" > '%s'", path.Join(path.Dir(file), o.GetName()+"-objects.yaml"))
}

// addItem takes in a Kustomization or a HelmRelease.
func (t *Tree) addItem(parent *appfile.App, o *manifest.Object) {
	if kind := o.GetKind(); kind != "Kustomization" && kind != "HelmRelease" {
		t.refuse(o, fmt.Sprintf("the kind %s of Flux is not known here", kind), "take it out")
		return
	}
	if o.GetNamespace() == "" {
		o = o.Copy() // others have it, too
		o.SetNamespace(System)
	}
	ref := refOf(o)
	it := &item{ref: ref, object: o, parent: parent}
	if first := t.known[ref]; first != nil {
		t.again(it, first)
		return
	}
	it.link()
	t.known[ref] = it
	t.waiting = append(t.waiting, it)
}

// again takes in an object whose name one before has: a root includes its own object, and so may
// what it makes; and where two apps make one of the same file alike, either may.
func (t *Tree) again(it, first *item) {
	o, ref := it.object, it.ref
	same := first.object.Source == o.Source
	switch {
	case first.parent == nil, same && (it.parent == nil || first.parent.Imported == meaning.Root || first.parent.Name == it.parent.Name):
	case same && it.parent.Imported == ref.Kind && it.parent.Source == first.object.Source:
		t.others = append(t.others, meaning.Note{
			Source: o.Source, Object: o.ID().String(), Text: fmt.Sprintf("is in its own path: what %s makes of it counts", first.parent.Name),
		})
	case same && reflect.DeepEqual(first.object.Object["spec"], o.Object["spec"]):
		t.others = append(t.others, meaning.Note{
			Source: o.Source, Object: o.ID().String(), Text: fmt.Sprintf("is made by %s and %s alike, and is one app, below %s", first.parent.Name, it.parent.Name, first.parent.Name),
		})
	case same:
		t.refuse(o, fmt.Sprintf("%s %s/%s is made by %s and %s, and not alike", ref.Kind, ref.Namespace, ref.Name, first.parent.Name, it.parent.Name), "take the file out of what one of the two is built from")
	default:
		t.refuse(o, fmt.Sprintf("%s %s/%s is there twice; the other is at %s", ref.Kind, ref.Namespace, ref.Name, first.object.Source), "take one of the two out")
	}
}

func (t *Tree) refuse(o *manifest.Object, message, hint string) {
	t.wrong = append(t.wrong, manifest.Problem{Source: o.Source, Object: o.ID().String(), Message: message, Hint: hint})
}

// Notes are those on objects that make no app.
func (t *Tree) Notes() []meaning.Note { return t.others }

// Next reads what has become known, in turn: Kustomizations first, and HelmReleases when there are
// no more of them, since their sources may be anywhere in the tree.
func (t *Tree) Next() ([]meaning.App, manifest.Problems) {
	var apps []meaning.App
	read := func(kind string, as func(*item) (meaning.App, manifest.Problems)) {
		for len(apps) == 0 {
			var now []*item
			if now, t.waiting = t.turn(kind); len(now) == 0 {
				return
			}
			for _, it := range now {
				if t.installs(it) {
					continue
				}
				app, problems := as(it)
				t.wrong = append(t.wrong, problems...)
				if len(problems) == 0 && !it.lost {
					apps = append(apps, app)
				}
			}
		}
	}
	if read("Kustomization", t.kustomization); len(apps) == 0 {
		read("HelmRelease", t.release)
	}
	problems := t.wrong
	t.wrong = nil
	return apps, problems
}

// installs reports whether a Kustomization installs Flux, from where Flux is published: that is
// left out, and said.
func (t *Tree) installs(it *item) bool {
	from := meaning.Ref{Kind: textAt(it.object, "spec.sourceRef.kind"), Name: textAt(it.object, "spec.sourceRef.name")}
	from.Namespace = cmp.Or(textAt(it.object, "spec.sourceRef.namespace"), it.ref.Namespace)
	found := t.sources[from]
	if it.ref.Kind != "Kustomization" || found == nil {
		return false
	}
	switch meaning.Normal(textAt(found.object, "spec.url")) {
	case "github.com/fluxcd/flux2", "ghcr.io/fluxcd/flux-manifests", "docker.io/fluxcd/flux-manifests":
		t.others = append(t.others, meaning.Note{Source: it.object.Source, Object: it.object.ID().String(), Text: "has no effect: it installs Flux"})
		return true
	}
	return false
}

// appOf is an app with what all have in common.
func (t *Tree) appOf(it *item, spec *meaning.Map) meaning.App {
	app := appfile.Default()
	app.Name, app.Branch, app.Source = name.App(it.ref.Name), t.world.Branch, it.object.Source
	app.Hidden = it.object.Hidden()
	made := meaning.App{App: app, By: it.ref}
	made.By.Source = it.object.Source
	if it.parent != nil {
		made.Parent, made.App.Cluster = it.parent.Name, it.parent.Cluster
		made.App.Made = meaning.MadeBy(it.parent.Name, it.object)
	}
	if every := spec.Duration("interval"); every > 0 {
		made.App.Schedule = "@every " + max(every, shortest).String()
	}
	if timeout := spec.Duration("timeout"); timeout > 0 {
		made.App.Timeout = timeout
	}
	if spec.Boolean("suspend", false) {
		made.Suspended = "suspend: true at " + spec.Source("suspend").String()
		made.App.OnRemove, made.App.OnRemoveBy = appfile.OnRemoveKeep, "suspend: true"
	}
	for _, on := range spec.Maps("dependsOn") {
		made.After = append(made.After, meaning.Ref{
			Kind: it.ref.Kind, Namespace: cmp.Or(on.Text("namespace"), it.ref.Namespace), Name: on.Text("name"), Source: on.Source("name"),
		})
		on.Refuse("readyExpr", "an app waits for others to be healthy, not for an expression", "take it out; give the other app a rule in healthCheckExprs")
	}
	spec.Without("retryInterval", "a deploy that failed is tried again for as long as the branch wants it")
	t.identity(&made.App, spec, it.ref.Namespace)
	made.App.ServiceAccount = t.account(it, spec)
	t.health(&made.App, spec)
	return made
}

// identity reads where an app of a namespace is applied.
func (t *Tree) identity(app *appfile.App, spec *meaning.Map, namespace string) {
	kube := spec.Map("kubeConfig")
	if !kube.There {
		return
	}
	kube.Refuse("configMapRef", "how to log in to a cluster is the server's own (clusters/ in admin.git)", "name a Secret that is called like a cluster of the server")
	secret := kube.Map("secretRef")
	secret.Raw("key")
	names := clustersOf(namespace, secret.Text("name"))
	for _, cluster := range names {
		if _, known := t.world.Clusters[cluster]; known {
			app.Cluster = cluster
			return
		}
	}
	if secret.There {
		called := names[len(names)-1]
		secret.Problem("name", fmt.Sprintf("kubeConfig: this repository may use no cluster that is called %s, and the Secret itself is not read", called),
			"in a clone of admin, add it: pushboat cluster add "+called+"; or have the grant of this repository name it (repositories.yaml)")
	}
}

// clustersOf are the names that the cluster may have whose kubeconfig is in a Secret. Where there
// is a namespace for each cluster, the Secrets of all have one name, which says nothing.
func clustersOf(namespace, secret string) []string {
	short := strings.TrimSuffix(secret, kubeConfigSuffix)
	names := []string{secret, short, namespace + "-" + short}
	if slices.Contains([]string{"cluster", "kubeconfig"}, short) {
		return append(names, namespace)
	}
	return []string{secret, namespace + "-" + short, short}
}

// kubeConfigSuffix ends the name of the Secret with the kubeconfig of a cluster, as Cluster API
// makes it.
const kubeConfigSuffix = "-kubeconfig"

// health reads rules for the health of kinds.
func (t *Tree) health(app *appfile.App, spec *meaning.Map) {
	for _, rule := range spec.Maps("healthCheckExprs") {
		group, _, versioned := strings.Cut(rule.Text("apiVersion"), "/")
		if !versioned {
			group = ""
		}
		expression := func(field string) appfile.Expression {
			return appfile.Expression{Text: rule.Text(field), Source: rule.Source(field)}
		}
		app.Health = append(app.Health, appfile.Health{
			Group: group, Kind: rule.Text("kind"), Source: rule.Source("kind"),
			Current: expression("current"), InProgress: expression("inProgress"), Failed: expression("failed"),
		})
	}
}

// done ends the reading of an object.
func done(r *meaning.Reader, made meaning.App, spec *meaning.Map) (meaning.App, manifest.Problems) {
	spec.Done()
	made.Notes = append(made.Notes, r.Notes...)
	return made, r.Problems
}

// asJSON writes a part of an object.
func asJSON(value any) json.RawMessage {
	if list, ok := value.([]any); value == nil || ok && len(list) == 0 {
		return nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	return text
}
