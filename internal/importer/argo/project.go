package argo

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/window"
)

// project is an AppProject.
type project struct {
	destinations []destination
	sources      []string
	windows      []syncWindow
	cluster      kinds // of objects without a namespace
	namespaced   kinds
	size         int // patterns
	about        *aside
}

type destination struct{ server, name, namespace string }

// kinds are the kinds that a project allows and denies. Without allowed ones, all are; of
// objects without a namespace, none are.
type kinds struct{ allowed, denied [][2]string } // group, kind

// syncWindow is a window of a project, and the apps that it is for.
type syncWindow struct {
	window                     window.Window
	always                     bool // it is active at all times
	apps, namespaces, clusters []string
	all                        bool // of the three lists that are given have to fit
}

// readProject reads an AppProject.
func (t *Tree) readProject(o *manifest.Object) {
	r := meaning.Read(o, t.world.Place)
	spec := r.Spec()
	p := &project{sources: spec.Texts("sourceRepos")}
	for _, m := range spec.Maps("destinations") {
		p.destinations = append(p.destinations, destination{m.Text("server"), m.Text("name"), m.Text("namespace")})
	}
	p.cluster = kinds{readKinds(spec, "clusterResourceWhitelist"), readKinds(spec, "clusterResourceBlacklist")}
	p.namespaced = kinds{readKinds(spec, "namespaceResourceWhitelist"), readKinds(spec, "namespaceResourceBlacklist")}
	for i, m := range spec.Maps("syncWindows") {
		p.windows = append(p.windows, t.readWindow(r, m, windowName(o.GetName(), i+1)))
	}
	p.measure()
	for field, why := range map[string]string{
		"description": "it is for readers", "roles": "who may do what is said in admin.git (access.yaml)", "orphanedResources": "ssh HOST orphans lists them",
		"signatureKeys": "which commits have to be signed is said in admin.git", "permitOnlyProjectScopedClusters": "grants in admin.git say which clusters a repository may use",
		"sourceNamespaces": "Applications are read from the repository", "destinationServiceAccounts": "grants in admin.git say what a repository may deploy",
	} {
		spec.Without(field, why)
	}
	spec.Done()
	t.problems = append(t.problems, r.Problems...)
	p.about = &aside{notes: r.Notes}
	t.asides = append(t.asides, p.about)
	t.projects[o.GetName()] = p
}

// measure counts the patterns.
func (p *project) measure() {
	p.size = len(p.destinations) + len(p.sources)
	for _, w := range p.windows {
		p.size += len(w.apps) + len(w.namespaces) + len(w.clusters)
	}
}

func readKinds(spec *meaning.Map, field string) [][2]string {
	var all [][2]string
	for _, m := range spec.Maps(field) {
		all = append(all, [2]string{m.Text("group"), m.Text("kind")})
		m.Without("name", "the kind is allowed or denied as a whole")
	}
	return all
}

// readWindow reads a window of a project.
func (t *Tree) readWindow(r *meaning.Reader, m *meaning.Map, called string) syncWindow {
	w := syncWindow{apps: m.Texts("applications"), namespaces: m.Texts("namespaces"), clusters: m.Texts("clusters"), all: m.Boolean("useAndOperator", false)}
	m.Without("manualSync", "a push is accepted while deploys are closed, and deployed when they open")
	m.Without("syncOverrun", "a deploy that has begun is finished")
	m.Without("description", "it is for readers")
	schedule, lasts := fewer(m.Text("schedule"), m.Duration("duration"))
	kind, times := m.Text("kind"), map[string]string{"schedule": schedule, "duration": lasts.String()}
	if zone := m.Text("timeZone"); zone != "" {
		times["timeZone"] = zone
	}
	if kind != string(window.Allow) && kind != string(window.Deny) {
		m.Problem("kind", fmt.Sprintf("kind: %q is no kind of window", kind), "write allow or deny")
		return w
	}
	text, err := yaml.Marshal(map[string]any{"name": called, kind: times, "whenClosed": window.Wait, "corrections": window.InWindow})
	if err != nil {
		return w
	}
	at := m.Source("schedule")
	reader := &form.Reader{File: at.File}
	var problems manifest.Problems
	if root, wrong := manifest.ReadYAML(at.File, bytes.TrimSpace(text)); root != nil {
		w.window, _ = window.Read(reader, at.Line, reader.Fields(root, "a window", window.Fields))
		problems = wrong
	}
	if len(problems) == 0 && !w.window.Times.Ends() {
		w.always, w.window.At = true, at
		return w
	}
	for _, p := range append(problems, reader.Problems...) {
		m.Problem("schedule", p.Message, p.Hint)
	}
	w.window.At = at
	return w
}

// fits reports whether the window is for an app.
func (w syncWindow) fits(app appfile.App, t *Tree) bool {
	server := t.world.Servers[app.Cluster]
	called := app.Cluster
	if called == t.world.Home() {
		server, called = inClusterServer, inCluster
	}
	fits, given := 0, 0
	for _, one := range []struct {
		patterns []string
		texts    []string
	}{{w.apps, []string{string(app.Name)}}, {w.namespaces, []string{app.Namespace}}, {w.clusters, []string{called, server, app.Cluster}}} {
		if len(one.patterns) == 0 {
			continue
		}
		given++
		if t.world.patterns.any(one.patterns, one.texts) {
			fits++
		}
	}
	return fits > 0 && (!w.all || fits == given)
}

// checkProject holds the app to its AppProject. One that is not known yet may come; see Bind.
func (a *application) checkProject(spec *meaning.Map) {
	called := spec.Text("project")
	p := a.tree.projects[called]
	if p == nil {
		if called != "" && called != defaultProject {
			a.tree.unbound = append(a.tree.unbound, unbound{a, spec, called})
		}
		return
	}
	a.app.Project = called
	p.about.add(a.app.By)
	if a.holdTo(p, called, spec) {
		a.readWindows(p)
	}
}

// holdTo holds the app to where its AppProject lets it go, and come from. ok is false if it cannot be
// told.
func (a *application) holdTo(p *project, called string, spec *meaning.Map) (ok bool) {
	destination := spec.Map("destination")
	at := destinationOf(destination, a.tree)
	if a.tree.budget.charge(p.size/patternsInAStep) != nil {
		a.reader.Add("spec.project", fmt.Sprintf("the AppProject %s: %v", called, errWalks), "split the repository, or write fewer patterns")
		return false
	}
	if !p.allows(at, a.tree.world.patterns) {
		destination.Problem("namespace", fmt.Sprintf("the AppProject %s does not allow the namespace %q on %s", called, at.namespace, at.server), "add it to spec.destinations of the AppProject")
	}
	sources := spec.Maps("sources")
	if one := spec.Map("source"); one.There {
		sources = []*meaning.Map{one}
	}
	for _, m := range sources {
		if repo := m.Text("repoURL"); repo != "" && !a.tree.world.patterns.allowed(p.sources, repo) {
			m.Problem("repoURL", fmt.Sprintf("the AppProject %s does not allow the source %s", called, repo), "add it to spec.sourceRepos of the AppProject")
		}
	}
	return true
}

// readWindows reads the windows of a project that open and close deploys of the app. Where one of
// those that allow deploys is always active, the others that do have no say; where one that denies
// them is, the app is not deployed.
func (a *application) readWindows(p *project) {
	var all []window.Window
	always := false
	for _, w := range p.windows {
		switch {
		case !w.fits(a.app.App, a.tree):
		case !w.always:
			all = append(all, w.window)
		case w.window.Kind == window.Allow:
			always = true
		case a.app.Suspended == "":
			a.app.Suspended = "the window at " + w.window.At.String() + " denies deploys at all times"
		}
	}
	if always {
		all = slices.DeleteFunc(all, func(w window.Window) bool { return w.Kind == window.Allow })
	}
	a.app.App.Windows = append(a.app.App.Windows, all...)
}

// destinationOf is a destination with both names of its cluster.
func destinationOf(m *meaning.Map, t *Tree) destination {
	at := destination{server: strings.TrimSuffix(m.Text("server"), "/"), name: m.Text("name"), namespace: m.Text("namespace")}
	cluster, _ := t.world.clusterOf(at.server, at.name)
	switch cluster {
	case t.world.Home():
		at.server, at.name = inClusterServer, inCluster
	default:
		at.name = cluster
		if server := t.world.Servers[cluster]; server != "" {
			at.server = strings.TrimSuffix(server, "/")
		}
	}
	return at
}

// allows reports whether a destination of the project fits, and none denies.
func (p *project) allows(at destination, patterns *patterns) bool {
	fits, like := false, patterns.like
	for _, d := range p.destinations {
		cluster := d.server != "" && like(strings.TrimSuffix(d.server, "/"), at.server) || d.name != "" && like(d.name, at.name)
		switch {
		case strings.HasPrefix(d.namespace, "!") && cluster && like(d.namespace[1:], at.namespace),
			strings.HasPrefix(d.server, "!") && like(d.server[1:], at.server), strings.HasPrefix(d.name, "!") && like(d.name[1:], at.name):
			return false
		case cluster && !strings.HasPrefix(d.namespace, "!") && like(d.namespace, at.namespace):
			fits = true
		}
	}
	return fits
}

// clusterScoped are kinds without a namespace that Kubernetes has, and that many repositories
// have.
var clusterScoped = regexp.MustCompile(`^(Namespace|Node|PersistentVolume|ClusterRole|ClusterRoleBinding|CustomResourceDefinition|APIService|StorageClass|CSIDriver|` +
	`PriorityClass|IngressClass|RuntimeClass|GatewayClass|ValidatingWebhookConfiguration|MutatingWebhookConfiguration|ValidatingAdmissionPolicy|ValidatingAdmissionPolicyBinding|ClusterIssuer|ClusterSecretStore)$`)

// Check reports the objects of an app whose kinds its AppProject, or resource.exclusions, do not
// allow.
func (t *Tree) Check(app meaning.App, objects []*manifest.Object) manifest.Problems {
	p := t.projects[app.Project]
	if p == nil && len(t.config.exclusions) == 0 {
		return nil
	}
	var problems manifest.Problems
	known := map[[2]string]verdict{}
	for _, o := range objects {
		id := o.ID()
		kind := [2]string{id.Group, id.Kind}
		found, ok := known[kind]
		if !ok {
			var err error
			if found, err = t.judge(p, id); err != nil {
				return append(problems, manifest.Problem{Source: o.Source, App: app.App.Name, Message: fmt.Sprintf("hold its objects to AppProjects: %v", err), Hint: "split the repository, or write fewer patterns"})
			}
			known[kind] = found
		}
		add := func(message, hint string) {
			problems = append(problems, manifest.Problem{Source: o.Source, App: app.App.Name, Object: id.String(), Message: message, Hint: hint})
		}
		if found.excluded {
			add("resource.exclusions in "+ConfigName+" leave out the kind "+id.Kind, "take the object out, or the exclusion")
		}
		if found.scope != "" {
			add(fmt.Sprintf("the AppProject %s does not allow the kind %s", app.Project, id.Kind), "add it to spec."+found.scope+"ResourceWhitelist of the AppProject")
		}
	}
	return problems
}

// verdict is what becomes of the objects of a kind.
type verdict struct {
	excluded bool
	scope    string // the list of the project that does not allow it; "": it does
}

// judge says what becomes of the objects of a kind in a project, which may be nil.
func (t *Tree) judge(p *project, id manifest.ID) (v verdict, err error) {
	tried := t.config.size()
	if p != nil {
		tried += p.cluster.size() + p.namespaced.size()
	}
	if t.budget.charge(1+tried/patternsInAStep) != nil {
		return v, errWalks
	}
	v.excluded = t.config.excludes(id, t.world.patterns)
	if p == nil {
		return v, nil
	}
	list, scope := p.namespaced, "namespace"
	ok := len(list.allowed) == 0
	if clusterScoped.MatchString(id.Kind) {
		list, scope, ok = p.cluster, "cluster", false
	}
	if has := t.world.patterns.has; has(list.denied, id) || !ok && !has(list.allowed, id) {
		v.scope = scope
	}
	return v, nil
}

func (k kinds) size() int { return len(k.allowed) + len(k.denied) }

// has reports whether a list of kinds has that of an object.
func (p *patterns) has(list [][2]string, id manifest.ID) bool {
	return slices.ContainsFunc(list, func(k [2]string) bool {
		return (k[0] == id.Group || p.like(k[0], id.Group) || k[0] == "*") && p.like(k[1], id.Kind)
	})
}
