package argo

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

func parsed(text string) []*manifest.Object {
	objects, _ := manifest.Parse("apps.yaml", []byte(text))
	return objects
}

func projectOf(spec string) string {
	return "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: shop}\nspec:\n  " + strings.ReplaceAll(spec, "\n", "\n  ") + "\n---\n"
}

func TestProjects(t *testing.T) {
	all := "sourceRepos: ['*']\ndestinations: [{server: '*', namespace: '*'}]\n"
	for _, test := range []struct{ spec, want string }{
		{all, `"Name":"web"`},
		{"sourceRepos: ['https://example.org/team/site.git']\ndestinations: [{name: in-cluster, namespace: 'sh*'}]", `"Name":"web"`},
		{"sourceRepos: ['https://example.org/other/*']\ndestinations: [{server: '*', namespace: '*'}]", "the AppProject shop does not allow the source git@example.org:team/site.git"},
		{"sourceRepos: ['*', '!git@example.org:*']\ndestinations: [{server: '*', namespace: '*'}]", "does not allow the source"},
		{"sourceRepos: ['*']\ndestinations: [{server: '*', namespace: other}]", `does not allow the namespace "shop" on https://kubernetes.default.svc`},
		{"sourceRepos: ['*']\ndestinations: [{server: '*', namespace: '*'}, {server: '*', namespace: '!shop'}]", `does not allow the namespace "shop"`},
		{"sourceRepos: ['*']\ndestinations: [{name: eu, namespace: '*'}]", `does not allow the namespace "shop"`},
		{all + "syncWindows: [{kind: deny, schedule: '0 22 * * *', duration: 1h, applications: ['w*'], timeZone: Europe/Vienna}]", `"Windows":[{"Name":"shop-1"`},
		{all + "syncWindows: [{kind: deny, schedule: '0 22 * * *', duration: 1h, applications: ['w*'], namespaces: [x], useAndOperator: true}]", `"Ignore":null,"Health":null,"PlainSecrets"`},
		{all + "syncWindows: [{kind: deny, schedule: 'x', duration: 1h, applications: ['*']}]", `apps.yaml:7: AppProject shop: schedule: "x"`},
		{all + "syncWindows: [{kind: allow, schedule: '* * * * *', duration: 24h, applications: ['*']}, {kind: allow, schedule: '0 22 * * *', duration: 1h, applications: ['*']}]", `"Exclude":null,"Source"`},
		{all + "syncWindows: [{kind: allow, schedule: '* * * * *', duration: 24h, applications: [x]}, {kind: allow, schedule: '0 22 * * *', duration: 1h, applications: ['*']}]", `"Windows":[{"Name":"shop-2"`},
		{all + "syncWindows: [{kind: deny, schedule: '* 22 * * *', duration: 1h, applications: ['*']}]", `"Schedule":"0 22 * * *","Duration":7140000000000`},
		{all + "syncWindows: [{kind: deny, schedule: '* * * * *', duration: 24h, applications: ['*']}]", "suspended: the window at apps.yaml:7 denies deploys at all times"},
		{all + "syncWindows: [{kind: deny, schedule: '*/5 * * * *', duration: 1m, applications: ['*']}]", "begins more often than 4 times an hour"},
		{all + "syncWindows: [{kind: close, schedule: '* * * * *', duration: 1h}]", `kind: "close" is no kind of window`},
		{all + "roles: []\nwrong: 1", "unknown field spec.wrong"},
	} {
		apps, problems, _ := readAll(t, site(), projectOf(test.spec)+applicationOf("project: shop"))
		if got := outcome(t, apps, problems); !strings.Contains(got, test.want) {
			t.Errorf("%s: want %s, got %s", test.spec, test.want, got)
		}
	}
}

// TestProjectsWithoutNamespace: the pattern * stands for no characters, too, so that an Application
// whose objects name their namespaces is allowed by it.
func TestProjectsWithoutNamespace(t *testing.T) {
	for destinations, want := range map[string]string{
		"[{server: '*', namespace: argocd}, {server: '*', namespace: '*'}]": `"Name":"web"`,
		"[{server: '*', namespace: argocd}]":                                `does not allow the namespace "" on https://kubernetes.default.svc`,
		"[{server: '*', namespace: 'shop*'}]":                               `does not allow the namespace ""`,
	} {
		apps, problems, _ := readAll(t, site(), projectOf("sourceRepos: ['*']\ndestinations: "+destinations)+applicationOf("project: shop\ndestination: {name: in-cluster}"))
		if got := outcome(t, apps, problems); !strings.Contains(got, want) {
			t.Errorf("%s: want %s, got %s", destinations, want, got)
		}
	}
}

// TestCheckKinds holds rendered objects to their AppProject, and to what is excluded.
func TestCheckKinds(t *testing.T) {
	spec := "sourceRepos: ['*']\ndestinations: [{server: '*', namespace: '*'}]\nclusterResourceWhitelist: [{group: '', kind: Namespace}]\nnamespaceResourceBlacklist: [{group: '*', kind: Secret}]\n"
	config := "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm}\ndata:\n  resource.exclusions: |\n    - apiGroups: [cilium.io]\n      kinds: ['*']\n"
	apps, problems, tree := readAll(t, site(), projectOf(spec)+applicationOf("project: shop")+config)
	if len(apps) != 1 || len(problems) > 0 {
		t.Fatal(apps, problems)
	}
	objects := parsed("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a}\n---\n" +
		"apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\napiVersion: cilium.io/v2\nkind: CiliumIdentity\nmetadata: {name: a}\n")
	want := "apps.yaml:5: ClusterRole a: the AppProject shop does not allow the kind ClusterRole\napps.yaml:9: Secret a: the AppProject shop does not allow the kind Secret\n" +
		"apps.yaml:17: CiliumIdentity a: resource.exclusions in argocd-cm leave out the kind CiliumIdentity"
	if got := tree.Check(apps[0], objects).Error(); got != want {
		t.Errorf("problems\n%s, want\n%s", got, want)
	}
	if problems := tree.Check(meaning.App{}, objects[:4]); len(problems) > 0 {
		t.Errorf("of no project: %v", problems)
	}
}

func TestSecretsOfArgoAreLeftOut(t *testing.T) {
	apps, problems, tree := readAll(t, site(), "apiVersion: v1\nkind: Secret\nmetadata: {name: eu, labels: {argocd.argoproj.io/secret-type: cluster}}\nstringData: {server: 'https://eu'}\n---\n"+applicationOf("project: default"))
	notes := tree.Notes(nil)
	if len(apps) != 1 || len(problems) > 0 || len(notes) != 1 || !strings.Contains(notes[0].Text, "the server knows its clusters") || strings.Contains(notes[0].Text, "https://eu") {
		t.Errorf("apps %v, problems %v, notes %v", apps, problems, notes)
	}
}

func TestConfig(t *testing.T) {
	for data, want := range map[string]string{
		"resource.customizations.health.example.org_Widget: x":                                             "health in Lua is not run; write it in CEL, under health in pushboat.yaml or in the server's rules: {group: \"example.org\", kind: Widget",
		"resource.customizations.health.bitnami.com_SealedSecret: x":                                       "current: status.isTrue('Synced')}",
		"resource.customizations.health.argoproj.io_Application: x":                                        "the server knows the health of Application",
		"resource.customizations: x":                                                                       "its old form is not read",
		"resource.inclusions: x":                                                                           "the objects of all kinds are deployed",
		"resource.exclusions: '{'":                                                                         "resource.exclusions: ",
		"url: https://x":                                                                                   "it is a setting of Argo CD itself",
		"resource.customizations.ignoreDifferences.all: 'managedFieldsManagers: [x]'":                      "has no effect",
		"resource.customizations.ignoreDifferences.all: 'jsonPointers: [/a]'":                              `"Ignore":[{"Kind":"*","Name":"","Namespace":"","Group":"","Pointers":["/a"]}]`,
		"resource.customizations.ignoreDifferences.all: 'jqPathExpressions: [.a, \".b[]|select(.c)\"]'":    `"Ignore":[{"Kind":"*","Name":"","Namespace":"","Group":"","Pointers":["/a"],"JQ":[".b[]|select(.c)"]}]`,
		"resource.customizations.ignoreDifferences.apps_Deployment: 'jqPathExpressions: [.a.b.c|d]'":       `apps_Deployment: the expression '.a.b.c|d' cannot be read: the function d is not among what Pushboat reads of jq; the functions that are read are`,
		"resource.customizations.ignoreDifferences.apps_Deployment: 'jqPathExpressions: [.a|to_entries]'":  `apps_Deployment has no effect, in Argo CD neither: the expression '.a|to_entries' leads to no field: to_entries makes a new value`,
		"resource.customizations.ignoreDifferences.apps_Deployment: 'jsonPointers: [/spec/replicas]'":      `"Ignore":[{"Kind":"Deployment","Name":"","Namespace":"","Group":"apps","Pointers":["/spec/replicas"]}]`,
		"resource.customizations.ignoreDifferences.apps_Deployment: 'jsonPointers: [/metadata/namespace]'": "cannot be ignored",
	} {
		apps, problems, tree := readAll(t, site(), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm}\ndata:\n  "+data+"\n---\n"+applicationOf("project: default"))
		got := outcome(t, apps, problems)
		for _, n := range tree.Notes(nil) {
			got += n.Text + "\n"
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: want %s, got %s", data, want, got)
		}
	}
}

// TestRoots finds what no Application covers.
var scanner = meaning.Scanner{Marks: [][]byte{[]byte(group + "/"), []byte(ConfigName)}, Keeps: Is, Tells: Tells, Template: IsTemplate}

func TestRoots(t *testing.T) {
	app := func(name, more string) string {
		return strings.Replace(applicationOf("source: {repoURL: 'https://example.org/team/site', "+more+"}"), "name: web", "name: "+name, 1)
	}
	for _, test := range []struct {
		name  string
		files []string
		want  string
	}{
		{"an app of apps in its own folder", []string{"argo/root.yaml", app("root", "path: argo"), "argo/b.yaml", app("b", "path: apps/web")}, "root"},
		{"flat", []string{"root.yaml", app("root", "path: argo"), "argo/b.yaml", app("b", "path: apps/web"), "argo/deep/c.yaml", app("c", "path: apps/web")}, "c root"},
		{"recursive", []string{"root.yaml", app("root", "path: argo, directory: {recurse: true}"), "argo/deep/c.yaml", app("c", "path: apps/web")}, "root"},
		{"a kustomization elsewhere", []string{"root.yaml", app("root", "path: argo/prod"), "argo/prod/kustomization.yaml", "resources: [../base]", "argo/base/kustomization.yaml", "resources: [c.yaml]\n", "argo/base/c.yaml", app("c", "path: apps/web")}, "root"},
		{"patches", []string{"argo/kustomization.yaml", "patches: [{path: p.yaml}]", "argo/p.yaml", app("c", "path: apps/web")}, ""},
		{"a ring", []string{"a/x.yaml", app("one", "path: b"), "b/y.yaml", app("two", "path: a")}, "one"},
		{"templates of a chart", []string{"c/Chart.yaml", "", "c/templates/a.yaml", app("x", "path: b")}, ""},
		{"a chart that makes apps", []string{"c/Chart.yaml", "", "c/templates/deep/a.yaml", app("x", "path: {{ .Values.path }}")}, "chart c"},
		{"the root as such a chart", []string{"Chart.yaml", "", "templates/a.yaml", app("x", "path: {{ .Values.path }}")}, "chart ."},
		{"a chart beside a root", []string{"root.yaml", app("root", "path: argo"), "c/Chart.yaml", "", "c/templates/a.yaml", app("x", "path: {{ .b }}")}, "root"},
		{"a chart beside a project", []string{"p.yaml", "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: p}\n", "c/Chart.yaml", "", "c/templates/a.yaml", app("x", "path: {{ .b }}")}, "p chart c"},
		{"several", []string{"a/Chart.yaml", "", "a/templates/a.yaml", app("x", "path: {{ .b }}"), "b/Chart.yaml", "", "b/templates/a.yaml", app("x", "path: {{ .b }}")}, "choose one in pushboat.yaml: import: {tool: argo, root: a}"},
		{"several, one for a cluster", []string{"a/Chart.yaml", "", "a/templates/a.yaml", app("x", "path: {{ .b }}"), "eu/Chart.yaml", "", "eu/templates/a.yaml", app("x", "path: {{ .b }}")}, "chart eu"},
		{"a chart that a kustomization inflates", []string{"boot/kustomization.yaml", "helmGlobals: {chartHome: ../charts}\nhelmCharts: [{name: c}]", "charts/c/Chart.yaml", "", "charts/c/templates/a.yaml", app("x", "path: {{ .b }}")}, "chart boot"},
		{"one beside a word to be replaced", []string{"boot/kustomization.yaml", "helmGlobals: {chartHome: ../charts}\nhelmCharts: [{name: c}]", "charts/c/Chart.yaml", "", "charts/c/templates/a.yaml", app("x", "path: {{ .b }}"), "base/x.yaml", strings.Replace(app("x", "path: x"), "https://example.org/team/site", "REPLACE", 1)}, "left x chart boot"},
		{"a chart of a registry", []string{"boot/kustomization.yaml", "helmCharts: [{name: c, repo: 'https://example.org'}]", "boot/charts/c/Chart.yaml", "", "boot/charts/c/templates/a.yaml", app("x", "path: {{ .b }}")}, "chart boot/charts/c"},
		{"a chart that makes something else", []string{"c/Chart.yaml", "", "c/templates/a.yaml", "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: {{ .a }}}\n"}, ""},
		{"templates of no chart", []string{"c/templates/a.yaml", app("x", "path: {{ .Values.path }}")}, ""},
		{"hidden", []string{".x/a.yaml", app("x", "path: b")}, ""},
		{"broken", []string{"x.yaml", "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: [\n"}, "problem"},
		{"no objects", []string{"x.yaml", "argoproj.io/: ["}, ""},
		{"a template of a scaffolder", []string{"root.yaml", app("root", "path: argo"), "skeleton/x.yaml", strings.Replace(app("x", "path: x"), "https://example.org/team/site", "${{ values.repo }}", 1)}, "root left x"},
		{"a word to be replaced", []string{"root.yaml", app("root", "path: argo"), "base/x.yaml", strings.Replace(app("x", "path: x"), "https://example.org/team/site", "REPLACE", 1)}, "root left x"},
		{"an example", []string{"root.yaml", app("root", "path: argo"), "fixtures/x.yaml", "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: x}\nspec: {project: default}\n"}, "root left x"},
		{"nothing but such templates", []string{"skeleton/x.yaml", strings.Replace(app("x", "path: x"), "https://example.org/team/site", "${{ values.repo }}", 1)}, "x"},
		{"one name for several clusters", []string{"env/eu/root.yaml", app("root", "path: argo"), "env/asia/root.yaml", app("root", "path: asia")}, "root of env/eu/root.yaml"},
		{"one name for no cluster", []string{"env/africa/root.yaml", app("root", "path: argo"), "env/asia/root.yaml", app("root", "path: asia")}, "root root"},
		{"a kustomization that was applied", []string{"boot/kustomization.yaml", "resources: [root.yaml]", "boot/root.yaml", app("root", "path: argo")}, "in boot"},
		{"with what is not here", []string{"boot/kustomization.yaml", "resources: [root.yaml, 'https://example.org/install.yaml']", "boot/root.yaml", app("root", "path: argo")}, "root"},
		{"overlays", []string{"o/a/kustomization.yaml", "resources: [../../b]", "o/c/kustomization.yaml", "resources: [../../b]", "b/kustomization.yaml", "resources: [root.yaml]", "b/root.yaml", app("root", "path: argo")}, "problem"},
		{"overlays, one for a cluster", []string{"o/eu/kustomization.yaml", "resources: [../../b]", "o/c/kustomization.yaml", "resources: [../../b]", "b/kustomization.yaml", "resources: [root.yaml]", "b/root.yaml", app("root", "path: argo")}, "in o/eu"},
	} {
		w := site(test.files...)
		start, problems := Roots(w, scanner.Scan(w))
		var got []string
		for _, o := range start.Objects {
			got = append(got, o.GetName())
		}
		for _, folder := range start.Folders {
			got = append(got, "in "+folder)
		}
		for _, o := range start.Left {
			got = append(got, "left", o.GetName())
		}
		if of, ok := strings.CutPrefix(test.want, "root of "); ok && len(start.Objects) == 1 && start.Objects[0].Source.File == of {
			continue
		}
		if len(problems) > 0 {
			got = append(got, "problem")
		}
		switch chart, problem := start.Chart(site(test.files...)); {
		case problem != nil:
			got = append(got, problem.Hint)
		case chart != "":
			got = append(got, "chart "+chart)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: %q, want %q; %v", test.name, got, test.want, problems)
		}
	}
	if _, ok := worldFrom(meaning.World{}).clusterOf("", inCluster); !ok {
		t.Error("where no cluster is known, there is none")
	}
	if got := meaning.Relative("a/b", "a/c/d"); got != "../c/d" {
		t.Error(got)
	}
}
