package argo

import (
	"fmt"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Annotations of an Application.
const (
	waveKey = "argocd.argoproj.io/sync-wave"
	skipKey = "argocd.argoproj.io/skip-reconcile"
)

// application is an Application that is being read.
type application struct {
	tree   *Tree
	reader *meaning.Reader
	draft  *draft
	app    meaning.App
}

func (a *application) read() {
	o := a.reader.Object
	app := appfile.Default()
	app.Branch, app.Source = a.tree.world.Branch, o.Source
	a.app = meaning.App{App: app, Parent: a.draft.parentOf(), By: refOf(o)}
	a.app.By.Source = o.Source
	top := a.reader.Top()
	for _, field := range []string{"apiVersion", "kind", "metadata", "spec", "status"} {
		top.Raw(field)
	}
	top.Without("operation", "a push is what deploys")
	top.Done()
	a.readMetadata()
	spec := a.reader.Spec()
	a.readDestination(spec.Map("destination"))
	a.readSync(spec.Map("syncPolicy"))
	a.readRemoval(a.reader.Top().Map("metadata"))
	a.readIgnore(spec)
	a.readSources(spec)
	spec.Without("info", "it is for readers")
	spec.Without("revisionHistoryLimit", "records are kept in Git")
	if names := spec.Names(); len(names) == 0 {
		a.reader.Add("spec", "spec is missing", "write spec.source and spec.destination")
	}
	a.checkProject(spec)
	spec.Done()
}

// readMetadata reads the name, and the annotations that Argo CD reads.
func (a *application) readMetadata() {
	o := a.reader.Object
	if wrong := validation.IsDNS1123Subdomain(o.GetName()); len(wrong) > 0 {
		a.reader.Add("metadata.name", fmt.Sprintf("metadata.name: %q is no name of an object", o.GetName()), "write small letters, digits, and hyphens and dots between them, 253 at most")
	}
	a.app.App.Name = meaning.NameOf(o.GetName())
	metadata := a.reader.Top().Map("metadata")
	notes := metadata.Map("annotations")
	if text := o.GetAnnotations()[waveKey]; text != "" {
		if _, err := strconv.Atoi(strings.TrimSpace(text)); err != nil {
			notes.Problem(waveKey, fmt.Sprintf("%s: %q is no number", waveKey, text), "write a whole number in quotes")
		}
	}
	if o.GetAnnotations()[skipKey] == "true" {
		a.app.Suspended = skipKey + " is true"
	}
	for _, key := range notes.Names() {
		switch {
		case key == waveKey, key == skipKey:
		case strings.HasPrefix(key, "notifications.argoproj.io/"):
			notes.Without(key, "messages are the server's (notifications.yaml in admin.git)")
		case strings.HasPrefix(key, "argocd.argoproj.io/"):
			notes.Without(key, "the server knows what a push has changed, and compares by a dry-run")
		}
	}
}

// readDestination reads the cluster and the namespace.
func (a *application) readDestination(m *meaning.Map) {
	if !m.There {
		a.reader.Add("spec.destination", "spec.destination is missing", "write destination: {server: https://kubernetes.default.svc, namespace: NAME}")
		return
	}
	server, cluster := m.Text("server"), m.Text("name")
	switch found, ok := a.tree.world.clusterOf(server, cluster); {
	case server != "" && cluster != "":
		m.Problem("name", "spec.destination names a cluster twice, by name and by server", "keep one of the two")
	case server == "" && cluster == "":
		a.reader.Add("spec.destination", "spec.destination names no cluster", "write server: https://kubernetes.default.svc, or name: CLUSTER")
	case !ok && server != "":
		m.Problem("server", fmt.Sprintf("no cluster that this repository may use has the address %s", server), clustersHint(a.tree.world.Clusters, "NAME"))
	case !ok:
		m.Problem("name", fmt.Sprintf("this repository may use no cluster that is called %s", cluster), clustersHint(a.tree.world.Clusters, cluster))
	default:
		a.app.App.Cluster = found
		a.tellHome(m, server, cluster)
	}
	if namespace := m.Text("namespace"); namespace != "" {
		if err := name.CheckLabel(namespace); err != nil {
			m.Problem("namespace", fmt.Sprintf("spec.destination.namespace: %q %v", namespace, err), "")
		}
		a.app.App.Namespace = namespace
	}
}

// tellHome says, once, which cluster is taken for the one that Argo CD runs on, if it is not the
// default one.
func (a *application) tellHome(m *meaning.Map, server, called string) {
	home := a.tree.world.Home()
	if home == appfile.DefaultCluster || !a.tree.world.isHome(server, called) || a.tree.told[inCluster] {
		return
	}
	a.tree.told[inCluster] = true
	m.Note("server", inClusterServer+" is cluster "+home+", the only one that this repository may use")
}

// readSync reads what becomes of differences.
func (a *application) readSync(m *meaning.Map) {
	app := &a.app.App
	automated := m.Map("automated")
	app.Prune, app.Drift = automated.Boolean("prune", false), appfile.DriftWarn
	if automated.Boolean("selfHeal", false) {
		app.Drift = appfile.DriftCorrect
	}
	automated.Without("allowEmpty", "deletions are confirmed by who pushes (-o confirm-prune=N)")
	if !automated.Boolean("enabled", true) {
		a.app.Suspended = "spec.syncPolicy.automated.enabled is false"
	}
	if !automated.There {
		a.note("spec.syncPolicy", "there is no spec.syncPolicy.automated: a push deploys the app all the same, but deletes nothing, and only shows drift; ssh HOST suspend holds it")
	}
	m.Without("retry", "a deploy that failed is tried again for as long as the branch wants it")
	for i, option := range m.Texts("syncOptions") {
		a.readOption(fmt.Sprintf("spec.syncPolicy.syncOptions[%d]", i), option)
	}
	if app.CreateNamespace && app.Namespace == "" {
		app.CreateNamespace = false
		a.note("spec.syncPolicy.syncOptions", "CreateNamespace=true has no effect: spec.destination names no namespace")
	}
	a.readNamespace(m)
}

// readNamespace reads what the namespace of the app is to have. Of several apps that say the same,
// the first has it among its objects.
func (a *application) readNamespace(m *meaning.Map) {
	const field = "managedNamespaceMetadata"
	app, is := &a.app.App, m.Map(field)
	metadata := appfile.Metadata{Labels: is.Pairs("labels"), Annotations: is.Pairs("annotations")}
	if metadata.IsZero() {
		return
	}
	if !app.CreateNamespace || app.Namespace == "" {
		m.Without(field, "it needs CreateNamespace=true, in Argo CD as well")
		return
	}
	at := app.Cluster + "/" + app.Namespace
	first, has := a.tree.namespaces[at]
	switch {
	case !has:
		a.tree.namespaces[at] = namespaced{app.Name, metadata}
		app.CreateNamespace, app.NamespaceMetadata = false, metadata
	case first.app == app.Name:
		app.CreateNamespace, app.NamespaceMetadata = false, metadata
	case !reflect.DeepEqual(first.metadata, metadata):
		m.Problem(field, fmt.Sprintf("%s: app %s gives namespace %s other labels or annotations", m.At(field), first.app, app.Namespace), "write the same in both, or have one of the two say it")
	}
}

// namespaced is what an app gives its namespace.
type namespaced struct {
	app      name.App
	metadata appfile.Metadata
}

// options are the options of a sync that have no effect, and why.
var options = map[string]string{
	"ServerSideApply": "every apply is server-side", "ClientSideApplyMigration": "every apply is server-side",
	"DisableClientSideApplyMigration": "every apply is server-side", "Validate": "every push is checked as a whole",
	"SkipDryRunOnMissingResource": "a kind that the cluster does not know has to come with its definition",
	"ApplyOutOfSyncOnly":          "only what differs is applied", "RespectIgnoreDifferences": "fields that are ignored are not applied either",
	"FailOnSharedResource":   "two apps never share an object",
	"PrunePropagationPolicy": "dependents are deleted in the background",
	"PruneLast":              "objects are deleted when all else is applied; the annotation PruneLast=true on one has it wait for health",
	"Replace":                "every apply is server-side; the annotation Replace=true on an object has it written as a whole",
	"Force":                  "the annotation Force=true on an object, or git push -o force, makes it again where it cannot be changed",
	"Delete":                 "to remove an app always has to be confirmed",
}

func (a *application) readOption(at, option string) {
	key, value, _ := strings.Cut(option, "=")
	why, known := options[key]
	switch {
	case option == "CreateNamespace=true":
		a.app.App.CreateNamespace = true
	case option == "Prune=false":
		a.app.App.Prune = false
	case option == "CreateNamespace=false", option == "Prune=true":
	case option == "Prune=confirm":
		a.note(at, "Prune=confirm has no effect: deletions are confirmed by who pushes (-o confirm-prune=N)")
	case value == "false" && known && key != "Delete":
	case known:
		a.note(at, option+" has no effect: "+why)
	default:
		near := manifest.Closest(key, append(slices.Collect(keysOf(options)), "CreateNamespace", "Prune"))
		switch {
		case near == key:
			a.reader.Add(at, fmt.Sprintf("unknown option %q", option), "write "+key+"=true or "+key+"=false")
		case near != "":
			a.reader.Add(at, fmt.Sprintf("unknown option %q", option), "did you mean "+near+"?")
		default:
			a.note(at, manifest.Clean(option)+" has no effect: no option is called so, in Argo CD neither")
		}
	}
}

func (a *application) note(at, text string) {
	a.reader.Tell(at, text)
}

// readSources reads what the app is rendered from.
func (a *application) readSources(spec *meaning.Map) {
	list, one := spec.Maps("sources"), spec.Map("source")
	if hydrator := spec.Map("sourceHydrator"); hydrator.There && !one.There && len(list) == 0 {
		one = a.readHydrator(spec, hydrator)
	}
	switch {
	case one.There && len(list) > 0:
		spec.Problem("sources", "spec has both source and sources", "keep one of the two")
		return
	case one.There:
		list = []*meaning.Map{one}
	case len(list) == 0:
		a.reader.Add("spec", "spec has no source", "write source: {repoURL: ADDRESS, path: FOLDER}")
		return
	}
	refs, roots := map[string]string{}, map[*meaning.Map]string{}
	for _, m := range list {
		root, ok := a.rootOfSource(m)
		if ok {
			roots[m] = root
		}
		if ref := m.Text("ref"); ref != "" && ok {
			refs["$"+ref] = root
		}
	}
	var parts []appfile.Addition
	for _, m := range list {
		root, has := roots[m]
		if part, ok := a.readSource(&source{application: a, m: m, refs: refs, root: root, has: has, repo: m.Text("repoURL")}); ok {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		if len(a.reader.Problems) == 0 {
			a.reader.Add("spec", "no source has a path or a chart", "write the path of the folder to deploy")
		}
		return
	}
	if len(parts) > appfile.MaxSources {
		spec.Problem("sources", fmt.Sprintf("there are more than %d sources", appfile.MaxSources), "split the app")
		return
	}
	a.app.App = a.app.App.With(parts[0])
	a.app.App.Sources = parts[1:]
	if len(parts) == 1 {
		a.app.App.Sources = nil
	}
}

// readHydrator reads a source whose rendered manifests are kept in another branch, from which Argo
// CD deploys them: they are those of the source.
func (a *application) readHydrator(spec, hydrator *meaning.Map) *meaning.Map {
	to := hydrator.Map("syncSource")
	to.Text("targetBranch")
	to.Text("path")
	if hydrator.Map("hydrateTo").There {
		hydrator.Map("hydrateTo").Text("targetBranch")
		hydrator.Problem("hydrateTo", hydrator.At("hydrateTo")+": nothing waits in a branch until somebody merges it", "take it out; to look at what a change deploys before it does: git push origin HEAD:refs/for/"+string(a.tree.world.Branch))
	}
	a.note("spec.sourceHydrator", "spec.sourceHydrator: drySource is deployed; records hold the rendered manifests, and no branch has them")
	return hydrator.Map("drySource")
}

// source is a source of an Application that is being read.
type source struct {
	*application
	m    *meaning.Map
	refs map[string]string // the folders of repositories, by the refs of the Application with $ in front
	root string            // the folder of its repository
	has  bool              // there is one: it is no chart of a registry, and can be had
	repo string            // its address
	part appfile.Addition
}

// isArchive reports whether a source is an archive of an OCI registry, of a chart or of manifests, as
// Argo CD 3.1 has it, and no repository here.
func (a *application) isArchive(m *meaning.Map) bool {
	repo := m.Text("repoURL")
	_, listed := a.tree.world.IsListed(repo)
	return m.Text("chart") == "" && strings.HasPrefix(repo, "oci://") && !listed
}

// rootOfSource is the folder of a source's repository; false if it is a chart or an archive of a
// registry, or cannot be had.
func (a *application) rootOfSource(m *meaning.Map) (root string, ok bool) {
	if m.Text("chart") != "" || a.isArchive(m) {
		return "", false
	}
	return a.tree.rootOf(m, m.Text("repoURL"), revisionIn(m, "targetRevision"))
}

// readSource reads one source. ok is false if it is there for others to refer to.
func (a *application) readSource(s *source) (part appfile.Addition, ok bool) {
	s.part.Render = appfile.RenderAuto
	m, folder, chart := s.m, s.m.Text("path"), s.m.Text("chart")
	archive := a.isArchive(m)
	m.Text("name")
	s.readPlugin(m.Map("plugin"))
	switch {
	case chart != "", archive:
		s.part.Path = "."
		if dir := path.Dir(a.reader.Object.Source.File); a.tree.world.isFolder(dir) {
			s.part.Path = dir
		}
		if archive {
			s.readArchive(folder)
		} else {
			s.readChart(chart)
		}
	case s.has:
		s.readFolder(folder)
	}
	s.readHelm(m.Map("helm"), chart != "" || archive)
	s.readKustomize(m.Map("kustomize"))
	s.readDirectory(m.Map("directory"))
	isRef := m.Text("ref") != "" && folder == "" && chart == ""
	return s.part, !isRef
}

// withHelm is what Argo CD's own examples call the plugin that runs kustomize build --enable-helm,
// which is how kustomizations are built here.
const withHelm = "kustomize-build-with-helm"

// readPlugin reads the plugin of a source: none is run.
func (s *source) readPlugin(plugin *meaning.Map) {
	if plugin.There && plugin.Text("name") == withHelm && len(plugin.Names()) == 1 {
		s.part.Render = appfile.RenderKustomize
		plugin.Note("name", "the plugin "+withHelm+" is not run: the kustomization is built with its charts, as kustomize build --enable-helm does")
		return
	}
	s.m.Refuse("plugin", "a server that checks pushes runs no plugins", "commit what the plugin makes, or render it by kustomize or Helm")
	for _, field := range plugin.Names() {
		plugin.Raw(field)
	}
}

// readFolder reads the folder that is rendered.
func (s *source) readFolder(written string) {
	folder, inside := meaning.Folder(written)
	switch {
	case written == "" && s.m.Text("ref") != "":
		s.part.Path = s.root
		return
	case written == "":
		s.m.Problem("path", "the source names no folder", "write path: FOLDER, or path: . for the whole repository")
	case !inside:
		s.m.Problem("path", fmt.Sprintf("path: %q leads out of the repository", written), "write the path from the repository's root")
	case !s.tree.world.isFolder(path.Join(s.root, folder)):
		s.m.Problem("path", fmt.Sprintf("there is no folder %s in this revision", folder), "write the path from the repository's root")
	}
	s.part.Path = path.Join(s.root, folder)
}
