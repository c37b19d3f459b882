package flux

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
)

// TestDefaultAccounts: where Flux is installed for tenants, what asks for no account has one.
func TestDefaultAccounts(t *testing.T) {
	controller := func(called, argument string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: " + called + "\n  labels: {app.kubernetes.io/part-of: flux, app.kubernetes.io/instance: flux-system}\n" +
			"spec: {template: {spec: {containers: [{name: manager, args: [--watch-all-namespaces, '" + argument + "']}]}}}\n"
	}
	instance := func(cluster string) string {
		return "apiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\nmetadata: {name: flux}\nspec: {cluster: {" + cluster + "}}\n"
	}
	for _, test := range []struct {
		install, spec, want string
		notes               int
	}{
		{"", "", "", 0},
		{controller("kustomize-controller", "--default-service-account=tenant"), "", "flux-system/tenant", 1},
		{controller("kustomize-controller", "--default-service-account=tenant"), "serviceAccountName: own", "flux-system/own", 1},
		{controller("kustomize-controller", "--default-service-account=tenant"), "serviceAccountName: kustomize-controller", "", 1},
		{controller("helm-controller", "--default-service-account=tenant"), "", "", 1},
		{controller("kustomize-controller", "--default-service-account=a:b"), "", "", 0},
		{controller("kustomize-controller", "--no-cross-namespace-refs=true"), "", "", 0},
		{controller("source-controller", "--default-service-account=tenant"), "", "", 0},
		{instance("multitenant: true"), "", "flux-system/default", 2},
		{instance("multitenant: true, tenantDefaultServiceAccount: tenant"), "", "flux-system/tenant", 2},
		{instance("multitenant: false, tenantDefaultServiceAccount: tenant"), "", "", 0},
		{instance("multitenant: true, tenantDefaultServiceAccount: 'a b'"), "", "", 0},
		{instance("type: kubernetes"), "", "", 0},
	} {
		tree := New(worldOf())
		for _, o := range parse(t, sources) {
			if Is(o) {
				tree.Add(nil, o)
			}
		}
		root := appfile.Default()
		root.Name = "root"
		text := kustomization(test.spec)
		if test.install != "" {
			text += "\n---\n" + test.install // also where it comes later
		}
		for _, o := range parse(t, text) {
			if !Is(o) {
				t.Fatalf("%s is applied", o.ID())
			}
			tree.Add(&root, o)
		}
		apps, problems := tree.Next()
		var notes []meaning.Note
		for _, note := range tree.Notes() {
			if strings.Contains(note.Text, "without serviceAccountName is applied as") {
				notes = append(notes, note)
			}
		}
		if len(problems) > 0 || len(apps) != 1 || apps[0].App.ServiceAccount != test.want || len(notes) != test.notes {
			t.Errorf("%s, %q: %s", test.install, test.spec, fmt.Sprint(apps, problems, notes))
		}
	}
	tree := New(worldOf())
	for _, o := range parse(t, sources+"\n---\n"+controller("kustomize-controller", "--default-service-account=tenant")+"\n---\n"+kustomization("")) {
		if Is(o) {
			tree.Add(nil, o)
		}
	}
	if apps, problems := tree.Next(); len(problems) > 0 || len(apps) != 1 || apps[0].App.ServiceAccount != "" {
		t.Errorf("a root: %v, %v", apps, problems)
	}
}
