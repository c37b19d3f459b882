package argo

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
)

const prunes = "syncPolicy: {automated: {prune: true}}"

// TestRemovalOfApplications: the objects of an Application that is deleted go if it has its
// finalizer, whatever is pruned, and stay without it.
func TestRemovalOfApplications(t *testing.T) {
	const cascade = "\n  finalizers: [resources-finalizer.argocd.argoproj.io"
	for _, test := range []struct{ metadata, spec, keeps string }{
		{"", prunes, "no finalizer resources-finalizer.argocd.argoproj.io"},
		{"\n  finalizers: [example.org/other]", prunes, "no finalizer resources-finalizer.argocd.argoproj.io"},
		{cascade + "]", prunes, ""},
		{cascade + "]", "project: default", ""},
		{cascade + "/background]", prunes, ""},
		{cascade + "/foreground]", "project: default", ""},
		{cascade + "s]", prunes, "no finalizer resources-finalizer.argocd.argoproj.io"},
		{cascade + "]\n  annotations: {argocd.argoproj.io/skip-reconcile: \"true\"}", prunes, "argocd.argoproj.io/skip-reconcile is true"},
	} {
		apps, problems, _ := readAll(t, site(), strings.Replace(applicationOf(test.spec), "name: web", "name: web"+test.metadata, 1))
		if len(problems) > 0 || len(apps) != 1 || apps[0].App.Keeps() != test.keeps {
			t.Errorf("%s, %s: %+v, %v", test.metadata, test.spec, apps, problems)
		}
	}
}

// TestRemovalOfWhatASetMakes: an ApplicationSet gives its Applications the finalizer, unless it
// preserves their objects, and deletes those that it makes no more, unless its policy is another.
func TestRemovalOfWhatASetMakes(t *testing.T) {
	const none = "no finalizer resources-finalizer.argocd.argoproj.io"
	for _, test := range []struct{ more, finalizers, keeps string }{
		{"", "", ""},
		{"", "[example.org/other]", none},
		{"  syncPolicy: {preserveResourcesOnDeletion: false, applicationsSync: sync}\n", "", ""},
		{"  syncPolicy: {preserveResourcesOnDeletion: true}\n", "", none},
		{"  syncPolicy: {preserveResourcesOnDeletion: true}\n", "[resources-finalizer.argocd.argoproj.io]", ""},
		{"  syncPolicy: {applicationsSync: create-delete}\n", "", ""},
		{"  syncPolicy: {applicationsSync: create-update}\n", "", "applicationsSync: create-update"},
		{"  syncPolicy: {applicationsSync: create-only}\n", "", "applicationsSync: create-only"},
	} {
		text := setOf("[{list: {elements: [{a: x}]}}]", "{{a}}", test.more)
		if test.finalizers != "" {
			text = strings.Replace(text, "      name: '{{a}}'\n", "      name: '{{a}}'\n      finalizers: "+test.finalizers+"\n", 1)
		}
		apps, problems, tree := readAll(t, site(), text)
		if len(problems) > 0 || len(apps) != 1 || apps[0].App.Keeps() != test.keeps {
			t.Errorf("%q %s: %+v, %v", test.more, test.finalizers, apps, problems)
		}
		if !tree.HasSet("argocd/all") || tree.HasSet("argocd/other") {
			t.Error("the tree does not know its set")
		}
	}
}

// TestWhatMakesAnApp: an app knows with which object its own one goes.
func TestWhatMakesAnApp(t *testing.T) {
	apps, _, tree := readAll(t, site(), applicationOf("project: default"))
	if made := apps[0].App.Made; made != (appfile.Making{}) {
		t.Errorf("of a root: %+v", made)
	}
	child := strings.Replace(applicationOf("project: default"), "name: web", "name: child\n  annotations: {argocd.argoproj.io/sync-options: Prune=false}", 1)
	objects, _ := manifest.Parse("apps/web/a.yaml", []byte(child+"---\n"+setOf("[{list: {elements: [{a: x}]}}]", "{{a}}", "")))
	for _, o := range objects {
		tree.Add(&apps[0].App, o)
	}
	apps, problems := tree.Next()
	if len(problems) > 0 || len(apps) != 2 {
		t.Fatal(apps, problems)
	}
	if made := apps[0].App.Made; made.Parent != "web" || made.Set != "" || made.OnPrune != "the annotations of Application child have it stay" || made.OnRemove != "" {
		t.Errorf("of a child: %+v", made)
	}
	if made := apps[1].App.Made; made != (appfile.Making{Parent: "web", Set: "argocd/all"}) {
		t.Errorf("of a set: %+v", made)
	}
}
