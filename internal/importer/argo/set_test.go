package argo

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
)

// setOf writes an ApplicationSet.
func setOf(generators, name, more string) string {
	return "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all, namespace: argocd}\nspec:\n" + more +
		"  generators: " + generators + "\n  template:\n    metadata:\n      name: '" + name + "'\n    spec:\n      project: default\n" +
		"      destination: {name: in-cluster, namespace: shop}\n      source: {repoURL: 'https://example.org/team/site', path: apps/web}\n"
}

const goTemplate = "  goTemplate: true\n  goTemplateOptions: [missingkey=error]\n"

func elements(n int, key string) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("{%s: '%d'}", key, i))
	}
	return "[{list: {elements: [" + strings.Join(all, ", ") + "]}}]"
}

func TestSets(t *testing.T) {
	git := "repoURL: 'https://example.org/team/site', "
	nested := func(a, b string) string { return "[{matrix: {generators: [" + a + ", " + b + "]}}]" }
	inner := func(list string) string { return strings.TrimSuffix(strings.TrimPrefix(list, "["), "]") }
	for _, test := range []struct{ generators, name, more, want string }{
		{"[{list: {elements: [{a: x, values: {b: w}}, {a: z, values: {b: q}}]}}]", "{{a}}-{{values.b}}", "", "x-w z-q"},
		{"[{list: {elements: [{a: {b: x}}]}}]", "{{.a.b | upper | lower}}", goTemplate, "x"},
		{"[{list: {elementsYaml: '[{a: x}]'}}]", "{{.a}}", goTemplate, "x"},
		{"[{list: {elements: [{a: x}]}}]", "{{.b}}", goTemplate, `map has no entry for key "b"`},
		{"[{list: {elements: [{a: X_y}]}}]", "{{normalize .a}}-{{slugify .a}}", goTemplate, "x-y-x-y"},
		{"[{list: {elements: [{a: x}]}}]", "{{now}}", goTemplate, `function "now" not defined`},
		{"[{list: {elements: [{a: x}]}}]", "{{env \"PATH\"}}", goTemplate, `function "env" not defined`},
		{"[{clusters: {}}]", "a-{{name}}", "", "a-in-cluster a-eu a-us"},
		{"[{clusters: {selector: {matchLabels: {region: eu}}, values: {v: 'v-{{metadata.labels.region}}'}}}]", "{{values.v}}", "", "v-eu"},
		{"[{clusters: {selector: {matchExpressions: [{key: region, operator: Exists}]}}}]", "c-{{.metadata.labels.region}}", goTemplate, "c-eu c-us"},
		{"[{git: {" + git + "directories: [{path: 'apps/*'}, {path: apps/blog, exclude: true}]}}]", "{{path.basename}}-{{path[0]}}", "", "web-apps"},
		{"[{git: {" + git + "directories: [{path: 'apps/*'}], pathParamPrefix: p}}]", "{{.p.path.basename}}-{{index .p.path.segments 0}}", goTemplate, "blog-apps web-apps"},
		{"[{git: {" + git + "files: [{path: 'config/*.json'}]}}]", "{{env.name}}-{{path.basename}}", "", "dev-config prod-deep"},
		{"[{git: {" + git + "files: [{path: 'config/list.yaml'}]}}]", "{{.i}}-{{.path.filenameNormalized | replace \".\" \"-\"}}", goTemplate, "1-list-yaml 2-list-yaml"},
		{"[{git: {repoURL: 'https://example.org/other', directories: [{path: a}]}}]", "a", "", "https://example.org/other is another repository; if it is this one"},
		{"[{git: {repoURL: 'https://example.org/lib', directories: [{path: '*'}]}}]", "{{path}}", "", "deploy values"},
		{"[{git: {repoURL: 'https://example.org/lib', revision: next, files: [{path: 'values/*.yaml'}]}}]", "{{path.filename}}-{{path[0]}}", "", "y-yaml-values"},
		{"[{git: {repoURL: 'https://example.org/lib', revision: none, directories: [{path: '*'}]}}]", "{{path}}", "", "repository lib has no"},
		{"[{git: {" + git + "revision: v1, directories: [{path: '*'}]}}]", "{{path}}", "", "deploy values"},
		{"[{git: {" + git + "revision: main, directories: [{path: 'apps/*'}]}}]", "{{path.basename}}", "", "blog web"},
		{"[{git: {" + git + "revision: other, directories: [{path: '*'}]}}]", "{{path}}", "", "other is not the branch that is deployed, main, and no other branch or tag here; write revision: main"},
		{"[{git: {" + git + "revision: refs/heads/other, directories: [{path: '*'}]}}]", "{{path}}", "", "is not the branch that is deployed, main"},
		{nested("{list: {elements: [{a: x}, {a: w}]}}", "{list: {elements: [{b: '{{a}}1'}]}}"), "{{a}}-{{b}}", "", "x-x1 w-w1"},
		{nested("{git: {"+git+"directories: [{path: 'none/*'}]}}", "{list: {elements: [{b: '{{path.basename}}'}]}}"), "{{b}}", "", ""},
		{nested("{clusters: {}}", "{git: {"+git+"directories: [{path: 'apps/*'}]}}"), "{{.nameNormalized}}-{{.path.basename}}", goTemplate, "in-cluster-blog in-cluster-web eu-blog eu-web us-blog us-web"},
		{nested("{list: {elements: [{repo: 'https://example.org/team/site', at: HEAD}]}}", "{git: {repoURL: '{{repo}}', revision: '{{at}}', directories: [{path: 'apps/*'}]}}"), "{{path.basename}}", "", "blog web"},
		{nested("{list: {elements: [{repo: x}]}}", "{git: {repoURL: 'https://example.org/{{team}}', directories: [{path: 'apps/*'}]}}"), "{{path.basename}}", "", "{{team}} is not filled: no generator gives a parameter of that name; write the value; parameters are repo"},
		{"[{clusters: {selector: {matchLabels: {region: eu}}}}]", "{{metadata.annotations.team}}", "", "web-team"},
		{"[{clusters: {selector: {matchLabels: {region: eu}}}}]", "{{.metadata.annotations.team}}-{{len .metadata.labels}}", goTemplate, "web-team-2"},
		{"[{clusters: {}}]", "{{metadata.annotations.a}}", "", "metadata.name: {{metadata.annotations.a}} is not filled: no generator gives a parameter of that name; write the value; parameters are metadata.labels"},
		{"[{list: {elements: [{a: x}]}}]", "{{.b}}", "  goTemplate: true\n", "metadata.name: a parameter has no value: no generator gives one of that name; write the value; parameters are .a"},
		{"[{merge: {mergeKeys: [a], generators: [{list: {elements: [{a: x, b: q}, {a: w, b: q}]}}, {list: {elements: [{a: w, b: over}]}}]}}]", "{{a}}-{{b}}", "", "x-q w-over"},
		{"[{merge: {mergeKeys: [a.k], generators: [{list: {elements: [{a: {k: x}, b: {c: q, d: e}}]}}, {list: {elements: [{a: {k: x}, b: {c: over}}]}}]}}]", "{{.b.c}}-{{.b.d}}", goTemplate, "over-e"},
		{"[{merge: {mergeKeys: [a], generators: [{list: {elements: [{a: x}]}}, {list: {elements: [{a: x}, {a: x}]}}]}}]", "{{a}}", "", "have the same a"},
		{"[{list: {elements: [{a: x}, {a: w}]}, selector: {matchLabels: {a: w}}}]", "{{a}}", "", "w"},
		{"[{pullRequest: {github: {}}}]", "a", "", "the generator pullRequest cannot be had here"},
		{"[{scmProvider: {github: {}}}]", "a", "", "the generator scmProvider cannot be had here"},
		{"[{}]", "a", "", "a generator is one of list, clusters, git, matrix, merge"},
		{"[{plugin: {configMapRef: {name: a}}}]", "a", "", "the generator plugin cannot be had here"},
		{"[{clusterDecisionResource: {name: a}}]", "a", "", "the generator clusterDecisionResource cannot be had here"},
		{"[{lists: {elements: []}}]", "a", "", "generators are list, clusters, git, matrix and merge"},
		{"[]", "a", "", "spec has no generators"},
		{"[{list: {elements: [{a: x}, {a: x}]}}]", "{{a}}", "", "the name x is taken by ApplicationSet argocd/all"},
		{"[{list: {elements: [{a: x}]}}]", "{{a}}", "  wrong: 1\n", "unknown field spec.wrong"},
		{"[{list: {elements: [{a: x}]}}]", "{{a}}", "  syncPolicy: {applicationsSync: never}\n", "spec.syncPolicy.applicationsSync: never is not known"},
		{"[{list: {elements: [{a: x}]}}]", "{{a}}", "  goTemplateOptions: [a=b]\n", `unknown option "a=b"`},
		{"[{list: {elements: [{a: x}]}}]", "{{a}}", "  syncPolicy: {preserveResourcesOnDeletion: true, applicationsSync: create-only}\n", "x"},
		// Too much.
		{nested(inner(nested(inner(elements(100, "a")), inner(elements(100, "b")))), inner(elements(100, "c"))), "{{a}}-{{b}}-{{c}}", "", "the generators make more than 2000 apps"},
		{"[{matrix: {generators: [" + inner(elements(2500, "a")) + ", {list: {elements: [" + strings.Repeat("{b: x}, ", 2500) + "]}, selector: {matchLabels: {b: none}}}]}}]", "{{a}}", "", "the generators make too much, of which most is left out again"},
		{elements(1, "a"), "{{range 1000000000000}}{{end}}", goTemplate, "the templates take too many steps"},
		{elements(1, "a"), "{{define \"x\"}}{{template \"x\"}}{{end}}{{template \"x\"}}", goTemplate, "the templates take too many steps"},
		{elements(1, "a"), "{{$x := \"aaaa\"}}{{range 60}}{{$x = print $x $x}}{{end}}{{$x}}", goTemplate, "has more than 262144 bytes"},
		{elements(1, "a"), "{{$x := list 1}}{{range 60}}{{$x = list $x $x}}{{end}}{{$x}}", goTemplate, "has more than 262144 bytes"},
		{elements(1, "a"), "{{repeat 1000000000 \"a\"}}", goTemplate, "has more than 262144 bytes"},
		{elements(1, "a"), "{{$x := repeat 200000 \"a\"}}{{replace \"a\" $x $x}}", goTemplate, "has more than 262144 bytes"},
		{elements(1, "a"), "{{printf \"%099999d\" 1}}", goTemplate, "has more than 262144 bytes"},
		{elements(1, "a"), "{{range until 1000}}{{repeat 1000 \"a\"}}{{end}}", goTemplate, "has more than 262144 bytes"},
		{elements(1, "a"), "{{range until 2000}}{{$x := repeat 200000 \"a\"}}{{end}}", goTemplate, "the templates take too many steps"},
		{elements(1, "a"), "{{regexMatch (repeat 1000 \"a{9}\") .a}}", goTemplate, "a regular expression has more than 1000 bytes"},
		{elements(1, "a"), "{{regexMatch (repeat 100 \"(a{9}){9}\") (repeat 200000 \"a\")}}", goTemplate, "the templates take too many steps"},
		{elements(1, "a"), "{{fromYaml \"" + bomb(`\n`) + "\"}}", goTemplate, "aliases repeat more than 10000 values"},
		{"[{list: {elementsYaml: \"" + bomb(`\n`) + "\"}}]", "{{a}}", "", "aliases repeat more than 10000 values"},
		{nested("{list: {elements: ["+strings.Repeat("{a: x}, ", 5000)+"]}}", "{git: {"+git+"files: [{path: 'config/*.json'}], values: {v: '"+strings.Repeat("x", 40_000)+"'}}, selector: {matchLabels: {a: none}}}"), "{{.a}}", goTemplate, "the generators make too much"},
	} {
		w := site("config/a.json", `{"env": {"name": "dev"}}`, "config/deep/b.json", `{"env": {"name": "prod"}}`, "config/list.yaml", "[{i: 1}, {i: 2}]")
		apps, problems, _ := readAll(t, w, setOf(test.generators, test.name, test.more))
		var names []string
		for _, a := range apps {
			names = append(names, string(a.App.Name))
		}
		got := strings.Join(names, " ")
		if len(problems) > 0 {
			got = problems.Error() + "; " + problems[0].Hint
		}
		if got != test.want && (len(problems) == 0 || !strings.Contains(got, test.want)) {
			t.Errorf("%.200s %s:\n%s, want\n%s", test.generators, test.name, got, test.want)
		}
	}
}

// bomb is a text of YAML whose aliases make much of little.
func bomb(newline string) string {
	text := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]" + newline
	for i := range 6 {
		text += fmt.Sprintf("a%d: &a%d [%s]", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", ")) + newline
	}
	return text
}

// TestLargeTemplates: what sets make of a template that is large takes no more memory than there is.
func TestLargeTemplates(t *testing.T) {
	text := setOf(elements(2000, "a"), "{{a}}", "") + "      info: [{name: a, value: '" + strings.Repeat("x", 40_000) + "'}]\n"
	_, problems, _ := readAll(t, site(), text)
	if got := problems.Error(); !strings.Contains(got, "the Applications that sets make take more than 64 MiB of memory") {
		t.Errorf("problems %.300s", got)
	}
}

// TestTemplatesOfSets reads a patch, the template of a generator, and lines of what is wrong.
func TestTemplatesOfSets(t *testing.T) {
	text := setOf("[{list: {elements: [{a: x, prune: true}], template: {spec: {source: {path: apps/blog}}}}}]", "{{.a}}", goTemplate) +
		"  templatePatch: |\n    spec:\n      syncPolicy:\n        automated: {prune: {{.prune}}, selfHeal: true}\n"
	apps, problems, _ := readAll(t, site(), text)
	if len(apps) != 1 || len(problems) > 0 || !apps[0].App.Prune || apps[0].App.Drift != appfile.DriftCorrect || apps[0].App.Path != "apps/blog" {
		t.Errorf("apps %+v, problems %v", apps, problems)
	}
	text = setOf("[{list: {elements: [{a: x}]}}]", "{{a}}", "") + "        pth: x\n"
	text = strings.Replace(text, "      source: {repoURL: 'https://example.org/team/site', path: apps/web}\n        pth: x\n",
		"      source:\n        repoURL: https://example.org/team/site\n        path: apps/none\n        pth: x\n", 1)
	_, problems, _ = readAll(t, site(), text)
	want := "apps.yaml:14: Application argocd/x: there is no folder apps/none in this revision\napps.yaml:15: Application argocd/x: unknown field spec.source.pth"
	if problems.Error() != want {
		t.Errorf("problems\n%v, want\n%s", problems, want)
	}
}

// TestPlacesOfTemplates: what is wrong with a template has the line of its field.
func TestPlacesOfTemplates(t *testing.T) {
	text := strings.Replace(setOf("[{list: {elements: [{a: x}]}}]", "{{.a}}", goTemplate), "path: apps/web}\n", "path: apps/web,\n        helm: {valuesObject: {alerts: ['{{.a}}',\n          'of {{ $labels.pod }}']}}}\n", 1)
	_, problems, _ := readAll(t, site(), text)
	want := "apps.yaml:16: ApplicationSet argocd/all: spec.template.spec.source.helm.valuesObject.alerts[1]: 1: undefined variable"
	if len(problems) != 1 || !strings.HasPrefix(problems.Error(), want) || !strings.Contains(problems[0].Hint, "for braces that stay") {
		t.Errorf("problems\n%v, want\n%s", problems, want)
	}
}

// TestNamespacesOfApps: the first app that has labels for a namespace makes it.
func TestNamespacesOfApps(t *testing.T) {
	app := func(name, labels string) string {
		return strings.Replace(applicationOf("syncPolicy: {syncOptions: [CreateNamespace=true], managedNamespaceMetadata: {labels: "+labels+"}}"), "name: web", "name: "+name, 1) + "---\n"
	}
	apps, problems, _ := readAll(t, site(), app("a", "{x: y}")+app("b", "{x: y}"))
	if len(problems) > 0 || len(apps) != 2 || apps[0].App.NamespaceMetadata.IsZero() || apps[0].App.CreateNamespace || !apps[1].App.NamespaceMetadata.IsZero() || !apps[1].App.CreateNamespace {
		t.Errorf("%+v, problems %v", apps, problems)
	}
	if _, problems, _ = readAll(t, site(), app("a", "{x: y}")+app("b", "{x: z}")); !strings.Contains(problems.Error(), "app a gives namespace shop other labels") {
		t.Errorf("problems %v", problems)
	}
}

// TestRolloutsOfSets has the apps of a step wait for those of the step before.
func TestRolloutsOfSets(t *testing.T) {
	strategy := "  strategy: {type: RollingSync, rollingSync: {steps: [{matchExpressions: [{key: env, operator: In, values: [dev]}]}, {matchExpressions: [{key: env, operator: In, values: [prod]}]}]}}\n"
	text := strings.Replace(setOf("[{list: {elements: [{a: prod}, {a: dev}]}}]", "{{a}}", strategy), "      name: '{{a}}'\n", "      name: '{{a}}'\n      labels: {env: '{{a}}'}\n", 1)
	apps, problems, _ := readAll(t, site(), text)
	if len(problems) > 0 || len(apps) != 2 || len(apps[1].After) != 0 || len(apps[0].After) != 1 || apps[0].After[0].Name != "dev" {
		t.Errorf("apps %+v, problems %v", apps, problems)
	}
}

// FuzzTemplates runs templates, which always end, and never make much.
func FuzzTemplates(f *testing.F) {
	for _, text := range []string{"{{.a}}", "{{range 10}}{{.a}}{{end}}", "{{with .a}}{{upper .}}{{else}}x{{end}}", "{{toYaml .}}", "{{fromYaml .a}}", "{{slugify 3 true .a}}", "{{a}}", "{{if"} {
		f.Add(text, true)
		f.Add(text, false)
	}
	f.Fuzz(func(t *testing.T, text string, isGo bool) {
		l := language{budget: newBudget(), isGo: isGo}
		got, err := l.text(text, map[string]any{"a": "x y", "b": map[string]any{"c": "d"}})
		if err == nil && len(got) > MaxText+len(text) {
			t.Errorf("%d bytes of %q", len(got), text)
		}
	})
}

// FuzzReader reads specs of Applications.
func FuzzReader(f *testing.F) {
	for _, one := range fields {
		f.Add(one.spec)
	}
	f.Fuzz(func(t *testing.T, spec string) {
		if len(spec) > 10_000 {
			return
		}
		objects := parsed(applicationOf(spec))
		tree := New(site())
		for _, o := range objects {
			tree.Add(nil, o)
		}
		apps, problems := tree.Next()
		for _, p := range problems {
			if p.Message == "" || p.Source.File == "" {
				t.Errorf("a problem without words or place: %+v", p)
			}
		}
		if len(apps) > meaning.MaxApps {
			t.Error("too many apps")
		}
	})
}

// TestEmptyGitGenerators: a git generator that finds nothing says so once, with its line, and what it
// has looked for.
func TestEmptyGitGenerators(t *testing.T) {
	git := func(more string) string { return "{git: {repoURL: 'https://example.org/team/site', " + more + "}}" }
	matrix := func(a, b string) string { return "{matrix: {generators: [" + a + ", " + b + "]}}" }
	for _, test := range []struct{ generators, want string }{
		{git("directories: [{path: 'apps/*'}]"), ""},
		{git("directories: [{path: 'app/*'}, {path: 'b/*'}, {path: app/x, exclude: true}]"), "apps.yaml:5: no folder matches app/*, b/*, so the generator makes nothing; it does when one comes"},
		{git("directories: [{path: 'apps/*'}, {path: 'apps/*', exclude: true}]"), "apps.yaml:5: no folder matches apps/*, so the generator makes nothing; it does when one comes"},
		{git("files: [{path: 'apps/*.json'}]"), "apps.yaml:5: no file matches apps/*.json, so the generator makes nothing; it does when one comes"},
		{git("directories: [{path: 'apps/*'}]") + ", " + git("directories: [{path: none}]"), "apps.yaml:5: no folder matches none, so the generator makes nothing; it does when one comes"},
		{matrix("{list: {elements: [{a: x}, {a: w}]}}", git("directories: [{path: '{{a}}/*'}]")), "apps.yaml:5: no folder matches {{a}}/*, so the generator makes nothing; it does when one comes"},
		{matrix("{list: {elements: [{a: x}, {a: apps}]}}", git("directories: [{path: '{{a}}/*'}]")), ""},
	} {
		_, problems, tree := readAll(t, site(), setOf("["+test.generators+"]", "{{path.basename}}", ""))
		var said []string
		for _, note := range tree.Notes(nil) {
			if strings.Contains(note.Text, "makes nothing") {
				said = append(said, note.Source.String()+": "+note.Text)
			}
		}
		if got := strings.Join(said, "\n"); len(problems) > 0 || got != test.want {
			t.Errorf("%s: %s, want %s; problems %v", test.generators, got, test.want, problems)
		}
	}
}
