package appfile

import (
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// revision is a tree with some folders, and with a pushboat.yaml unless the file is "".
func revision(file string, more ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for _, name := range append([]string{"apps/blog/a.yaml", "apps/shop/a.yaml", "apps/.hidden/a.yaml", "apps/README", "deploy/db/a.yaml"}, more...) {
		fsys[name] = &fstest.MapFile{}
	}
	if file != "" {
		fsys[Name] = &fstest.MapFile{Data: []byte(file)}
	}
	return fsys
}

// told writes problems as "place: message | hint", one a line.
func told(problems manifest.Problems) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.Error())
		if p.Hint != "" {
			b.WriteString(" | " + p.Hint)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// parseAll reads a file as for every branch, where no cluster is known.
func parseAll(fsys fs.FS, repo name.Repo) ([]App, manifest.Problems) {
	file, problems := Read(fsys, Place{Repo: repo, Main: DefaultBranch})
	return file.Apps, problems
}

// parseBranch is parseAll for one branch.
func parseBranch(fsys fs.FS, repo name.Repo, branch, main name.Branch) ([]App, manifest.Problems) {
	file, problems := Read(fsys, Place{Repo: repo, Branch: branch, Main: main})
	return file.Apps, problems
}

func mustParse(t *testing.T, file string) []App {
	t.Helper()
	apps, problems := parseAll(revision(file), "team/site")
	if len(problems) > 0 {
		t.Fatalf("problems:\n%s", told(problems))
	}
	return apps
}

func TestDefaults(t *testing.T) {
	want := App{
		Name: "shop", Path: "apps/shop", Branch: "main", Cluster: "default", Render: "auto",
		Schedule: "@every 5m", FullSchedule: "@daily", Drift: "correct", Prune: true, Timeout: 5 * time.Minute, OnFailure: "keep",
		Source: manifest.Source{File: Name, Line: 2},
	}
	if got := mustParse(t, "apps:\n- path: apps/shop\n"); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("apps %+v, want %+v", got, want)
	}
}

func TestEveryField(t *testing.T) {
	onLine := func(text string) Expression { return Expression{text, manifest.Source{File: Name, Line: 26}} }
	got := mustParse(t, `
apps:
  - name: shop
    path: apps/shop/
    branch: release/1.10
    cluster: eu-1
    namespace: shop
    createNamespace: true
    render: plain
    schedule: "*/10 * * * *"
    fullSchedule: "@weekly"
    drift: warn
    prune: false
    timeout: 1h30m
    dependsOn: [database]
    onFailure: keep
    ignore:
      - {kind: Deployment, name: web, pointers: [/spec/replicas]}
      - kind: ConfigMap
        namespace: shop
        group: ""
        pointers: [/data/a~1b, /data/c]
    health:
      - kind: Certificate
        current: status.ready == true
      - {group: example.org, kind: Widget, suspended: a, inProgress: b, failed: c, current: d, message: e}
  - {name: database, path: deploy/db, branch: release/1.10, schedule: ""}
`)
	want := App{
		Name: "shop", Path: "apps/shop", Branch: "release/1.10", Cluster: "eu-1", Namespace: "shop", CreateNamespace: true,
		Render: "plain", Schedule: "*/10 * * * *", FullSchedule: "@weekly", Drift: "warn", Timeout: 90 * time.Minute, DependsOn: []name.App{"database"}, OnFailure: "keep",
		Ignore: []Ignore{
			{Kind: "Deployment", Name: "web", Pointers: []string{"/spec/replicas"}},
			{Kind: "ConfigMap", Namespace: "shop", Pointers: []string{"/data/a~1b", "/data/c"}},
		},
		Health: []Health{
			{Kind: "Certificate", Current: Expression{"status.ready == true", manifest.Source{File: Name, Line: 25}}, Source: manifest.Source{File: Name, Line: 24}},
			{
				Group: "example.org", Kind: "Widget", Source: manifest.Source{File: Name, Line: 26},
				Suspended: onLine("a"), InProgress: onLine("b"), Failed: onLine("c"), Current: onLine("d"), Message: onLine("e"),
			},
		},
		Source: manifest.Source{File: Name, Line: 3},
	}
	if !reflect.DeepEqual(got[0], want) {
		t.Errorf("app\n%+v, want\n%+v", got[0], want)
	}
	if got[1].Schedule != "" {
		t.Errorf("an empty schedule became %q", got[1].Schedule)
	}
}

func TestTextNeedsNoQuotes(t *testing.T) {
	got := mustParse(t, "apps:\n- {name: on, path: apps/shop, branch: 1.10}\n- {name: 8080, path: apps/blog}\n")
	if got[0].Name != "on" || got[0].Branch != "1.10" || got[1].Name != "8080" {
		t.Errorf("apps %+v", got)
	}
}

func TestAliasesAreRead(t *testing.T) {
	got := mustParse(t, "apps:\n- path: apps/shop\n  ignore: &own [{kind: A, pointers: [/x]}]\n- path: apps/blog\n  ignore: *own\n")
	if len(got[1].Ignore) != 1 || got[1].Ignore[0].Kind != "A" {
		t.Errorf("ignore %+v", got[1].Ignore)
	}
}

// names writes "name=path" for each app, with the files that it excludes.
func names(apps []App) string {
	var out []string
	for _, app := range apps {
		name := string(app.Name) + "=" + app.Path
		if len(app.Exclude) > 0 {
			name += "-" + strings.Join(app.Exclude, "-")
		}
		out = append(out, name)
	}
	return strings.Join(out, " ")
}

func TestWhichApps(t *testing.T) {
	for _, test := range []struct{ name, file, want string }{
		{"no file", "", "site=."},
		{"none", "apps: []", ""},
		{"the root is named after the repository", "apps: [{path: .}]", "site=."},
		{"no fields", "apps: [{}]", "site=."},
		{"written order", "apps: [{path: deploy/db}, {path: apps/shop}]", "db=deploy/db shop=apps/shop"},
		{"glob", "apps: [{path: apps/*}]", "blog=apps/blog shop=apps/shop"},
		{"glob for one may have a name", "apps: [{path: apps/b*, name: x}]", "x=apps/blog"},
		{"glob in the middle", "apps: [{path: '*/db'}]", "db=deploy/db"},
		{"glob of hidden folders", "apps: [{path: 'apps/.h*', name: x}]", "x=apps/.hidden"},
		{"glob class", "apps: [{path: 'apps/[a-c]*'}]", "blog=apps/blog"},
		{
			"inner folders are left out", "apps: [{path: .}, {path: apps, name: all}, {path: apps/*}, {path: deploy/db, branch: other}]",
			"site=.-apps-apps/blog-apps/shop all=apps-apps/blog-apps/shop blog=apps/blog shop=apps/shop db=deploy/db",
		},
		{
			"one folder on two clusters and namespaces", "apps: [{path: apps/shop}, {path: apps/shop, name: b, cluster: b}, {path: apps/shop, name: c, namespace: c}]",
			"shop=apps/shop b=apps/shop c=apps/shop",
		},
		{"unclean path", "apps: [{path: ./apps//shop/./}]", "shop=apps/shop"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := names(mustParse(t, test.file)); got != test.want {
				t.Errorf("apps %s, want %s", got, test.want)
			}
		})
	}
}

func TestRepositoryNames(t *testing.T) {
	for repo, want := range map[string]string{"shop": "shop", "team/My_Site.v2": "my-site-v2", "a/b/c.git": "c"} {
		apps, problems := parseAll(revision(""), name.Repo(repo))
		if len(problems) > 0 || string(apps[0].Name) != want {
			t.Errorf("%s: apps %+v, problems %v, want %s", repo, apps, problems, want)
		}
	}
	want := fmt.Sprintf("the repository's name %q makes no name of an app: has 60 characters; at most 53 are allowed | add a pushboat.yaml with a name\n", strings.Repeat("a", 60))
	if _, problems := parseAll(revision(""), name.Repo(strings.Repeat("a", 60))); told(problems) != want {
		t.Errorf("problems\n%swant\n%s", told(problems), want)
	}
}

func TestFolderOfARepository(t *testing.T) {
	for folder, want := range map[string]string{"": "site=.", "apps/shop": "site=apps/shop", "none": "there is no folder none, from which the repository is to be deployed"} {
		file, problems := Read(fstest.MapFS{"apps/shop/a.yaml": {}}, Place{Repo: "site", Main: DefaultBranch, Folder: folder})
		got := names(file.Apps)
		if len(problems) > 0 {
			got = problems[0].Message
		}
		if got != want {
			t.Errorf("%q: %s, want %s", folder, got, want)
		}
	}
}

func TestParseBranch(t *testing.T) {
	file := "apps:\n- path: apps/shop\n- path: only/elsewhere\n  branch: prod\n- path: no/*\n  branch: prod\n  dependsOn: [there]\n"
	apps, problems := parseBranch(revision(file), "site", "main", "main")
	if len(problems) > 0 || names(apps) != "shop=apps/shop" {
		t.Errorf("main: apps %s, problems %v", names(apps), problems)
	}
	want := "pushboat.yaml:3: path: there is no folder only/elsewhere in this revision | write the path from the repository's root, \".\" for the root itself\n" +
		"pushboat.yaml:5: path: no folder matches no/* | write the path from the repository's root\n"
	if _, problems := parseBranch(revision(file), "site", "prod", "main"); told(problems) != want {
		t.Errorf("prod: problems\n%swant\n%s", told(problems), want)
	}
	if _, problems := parseAll(revision(file), "site"); len(problems) != 2 {
		t.Errorf("all: problems %v, want two", problems)
	}
	if apps, problems := parseBranch(revision(""), "site", "prod", "main"); len(apps)+len(problems) != 0 {
		t.Errorf("without a file: apps %v, problems %v on another branch than main", apps, problems)
	}
	apps, problems = parseBranch(revision(""), "site", "master", "master")
	if len(problems) > 0 || names(apps) != "site=." || apps[0].Branch != "master" {
		t.Errorf("without a file, on the main branch: apps %v, problems %v", apps, problems)
	}
	if _, problems := parseBranch(revision("apps:\n- path: ..\n  branch: prod\n"), "site", "main", "main"); len(problems) != 1 {
		t.Errorf("a mistake in an app of another branch is not reported: %v", problems)
	}
}

func TestBranches(t *testing.T) {
	for about, test := range map[string]struct {
		file    string
		want    string
		written bool
	}{
		"without a file":       {"", "trunk", false},
		"no app":               {"apps: []\n", "", true},
		"apps that about none": {"apps:\n- path: apps/*\n", "main", true},
		"folders are not here": {"apps:\n- path: away\n  branch: prod\n- path: far/*\n  branch: dev\n- path: .\n  branch: prod\n", "dev prod", true},
		"with a mistake":       {"apps:\n- path: ..\n  branch: prod\n", "main", true},
	} {
		branches, written := Branches(revision(test.file), "site", "trunk")
		if got := name.Join(branches, " "); got != test.want || written != test.written {
			t.Errorf("%s: %q, written %v; want %q, %v", about, got, written, test.want, test.written)
		}
	}
}

func TestProblems(t *testing.T) {
	at := func(line int, message string) string { return fmt.Sprintf("pushboat.yaml:%d: %s\n", line, message) }
	fields := "known fields are name, path, matrix, branch, cluster, clusters, namespace, createNamespace, serviceAccount, artifact, render, kustomize, helm, manifests, files, sources, substitute, postBuild, schedule, fullSchedule, drift, prune, onRemove, timeout, dependsOn, onFailure, plainSecrets, ignore, health, windows, suspended, leaveOut"
	for _, test := range []struct{ name, file, want string }{
		{"empty", "# nothing\n", at(1, "the file is empty | write apps: [] to deploy nothing")},
		{"no apps", "{}", at(1, "apps is missing | write apps: [] to deploy nothing")},
		{"apps without a value", "\napps:\n", at(2, "apps has no value | remove the line to get the default")},
		{"a text", "shop", at(1, `the file is "shop", not a mapping | known fields are apps, release, import`)},
		{"unknown at the top", "app: []\n", at(1, `unknown field "app" in the file | did you mean apps?`)},
		{"two documents", "apps: []\n---\napps: []\n", at(2, "there is a second document | keep all in one document")},
		{"syntax", "apps:\n- name: a\n path: b\n", at(3, "not valid YAML: did not find expected key | check the indentation of this line and of the one before")},
		{"not UTF-8", "apps: [] # \xff\n", at(1, "not UTF-8 text | save the file as UTF-8")},
		{"apps is a mapping", "apps: {name: a}\n", at(1, "apps is a mapping, not a list | write it in brackets: apps: [...]")},
		{"an app is a text", "apps: [shop]\n", at(1, `an app is "shop", not a mapping | `+fields)},
		{
			"unknown fields", "apps:\n- nam: a\n  createnamespace: true\n  replicas: 3\n  [x]: y\n",
			at(2, `unknown field "nam" in an app | did you mean name?`) +
				at(3, `unknown field "createnamespace" in an app | did you mean createNamespace?`) +
				at(4, `unknown field "replicas" in an app | `+fields) +
				at(5, "a field name is a mapping or a list | field names are text"),
		},
		{"twice", "apps:\n- path: .\n  path: apps\n", at(3, "path is already set on line 2 | keep one of the two")},
		{"merge", "apps:\n- &a {path: .}\n- <<: *a\n", at(3, "merge keys (<<) are not read here | write the fields out")},
		{"no value", "apps:\n- name:\n  schedule: ~\n", at(2, "name has no value | remove the line to get the default") + at(3, "schedule has no value | remove the line to get the default")},
		{
			"wrong types", "apps:\n- name: [a]\n  branch: {a: b}\n  prune: yes\n  createNamespace: 1\n  namespace: x\n  dependsOn: db\n  ignore: {}\n  timeout: []\n",
			at(2, "name is a list, not text") + at(3, "branch is a mapping, not text") + at(4, "prune: yes is not a truth value | write true or false") +
				at(5, "createNamespace: 1 is not a truth value | write true or false") + at(7, `dependsOn is "db", not a list | write it in brackets: dependsOn: [...]`) +
				at(8, "ignore is a mapping, not a list | write it in brackets: ignore: [...]") + at(9, "timeout is a list, not text"),
		},
		{
			"names", "apps:\n- name: Shop\n- name: a.b\n- name: -a\n- name: ''\n- name: " + strings.Repeat("a", 54) + "\n",
			at(2, `name: "Shop" is not made of lower-case letters, digits and inner hyphens`) + at(3, `name: "a.b" is not made of lower-case letters, digits and inner hyphens`) +
				at(4, `name: "-a" is not made of lower-case letters, digits and inner hyphens`) + at(5, `name: "" is empty`) +
				at(6, `name: "`+strings.Repeat("a", 54)+`" has 54 characters; at most 53 are allowed`),
		},
		{
			"cluster and namespace", "apps:\n- {cluster: A, namespace: a_b}\n",
			at(2, `cluster: "A" is not made of lower-case letters, digits and inner hyphens`) + at(2, `namespace: "a_b" is not made of lower-case letters, digits and inner hyphens`),
		},
		{"which namespace", "apps: [{name: a, createNamespace: true}]", at(1, "createNamespace does not say which | add namespace: a")},
		{
			"enumerations", "apps:\n- {drift: corect, render: yaml, onFailure: retry, onRemove: orphan}\n",
			at(2, `drift: "corect" is not known | did you mean correct?`) + at(2, `onFailure: "retry" is not known | write keep or rollback`) + at(2, `onRemove: "orphan" is not known | write keep or delete`) + at(2, `render: "yaml" is not known | write auto or plain or kustomize or helm`),
		},
		{
			"other renderers", "apps:\n- render: kustomize\n- render: helm\n- helm: {release: a, values: x}\n",
			at(4, `helm.values is "x", not a list | write it in brackets: helm.values: [...]`) +
				at(4, `unknown field "release" in helm | known fields are values, valuesFrom, releaseName, chart, version, repo, digest, generated, skipCRDs, skipHooks, parameters, postRender, postRenderHooks, replaceValues, verify`),
		},
		{
			"charts of registries", "apps:\n- helm: {chart: web}\n- helm:\n    chart: web\n    version: newest\n    repo: https://example.org\n    digest: abc\n- helm: {version: 1.2.3}\n",
			at(2, "helm.repo is missing | add repo: with the address of the registry, such as https://charts.example.org or oci://registry.example.org/charts") +
				at(2, "helm.version is missing | add version: with the exact version, such as version: 1.2.3, or a range, such as version: ~1.2; helm search repo -l lists them") +
				at(5, `helm.version: "newest" is neither a version nor a range | write the one that is meant, such as 1.2.3, or a range, such as ~1.2`) +
				at(7, `helm.digest: "abc" is no digest | write sha256: and 64 hexadecimal digits; sha256sum CHART.tgz prints them`) +
				at(8, "helm.version is of a chart of a registry, and helm.chart is not set | add chart: NAME"),
		},
		{
			"matrix", "apps:\n- matrix: [eu]\n- matrix: {}\n- matrix: {a: eu, 'b c': [1], c: [~, [x], {d: [e]}], d: []}\n- matrix: {a: [1], a: [2]}\n",
			at(2, "matrix is a list, not a mapping of names to lists | for example matrix: {region: [eu, us]}") + at(3, "matrix is a mapping, not a mapping of names to lists | for example matrix: {region: [eu, us]}") +
				at(4, `matrix.a is "eu", not a list | write it in brackets: matrix.a: [...]`) + at(4, `matrix.c: "d" is not a name with text or a number`) +
				at(4, "matrix.c: a value is a list | write text, a number, or a mapping of such") + at(4, "matrix.c: a value is empty | write text, a number, or a mapping of such") +
				at(4, "matrix.d has no values | an axis without values makes no app; take the entry out") + at(4, `matrix: "b c" is no name: it is not made of letters, digits and _ | for example region`) +
				at(5, "a is already set on line 5 | keep one of the two"),
		},
		{"cells without names", "apps:\n- path: apps/shop\n  matrix: {region: [eu, us]}\n  cluster: ${region}\n", at(2, "the matrix makes several apps that are called shop | put the difference into the name: name: shop-${region}")},
		{"no such axis", "apps:\n- name: shop-${regoin}\n  matrix: {region: [eu, us]}\n", at(2, `name: "shop-${regoin}" has ${regoin} in it, which no matrix of this entry gives | did you mean ${region}?`)},
		{"no matrix", "apps:\n- name: shop-${region}\n", at(2, `name: "shop-${region}" has ${region} in it, which no matrix of this entry gives | names stand for the values of a matrix, for example matrix: {region: [eu, us]}; ${name} for the folder's name, where path is a glob`)},
		{"matrix of a glob", "apps:\n- path: apps/*\n  matrix: {a: [b]}\n", at(2, "path: apps/* is a glob, and the entry has a matrix | list the folders in the matrix: path: apps/${folder}")},
		{"many cells", "apps:\n- matrix: {a: [" + strings.Repeat("1,", 100) + "], b: [1, 2, 3, 4, 5, 6]}\n", at(2, "matrix: it makes more than 500 apps | split the entry")},
		{"one mistake in every cell", "apps:\n- name: shop-${a}\n  prune: x\n  matrix: {a: [b, c]}\n", at(3, "prune: x is not a truth value | write true or false")},
		{
			"substitute", "apps:\n- substitute: {prefix: 'a-b', values: {a: [1], 'a.b': x, b: ~, c: 1}, from: {c: {secret: x, key: k}, d: {key: k}, e: {configMap: a/b, secret: c/d, key: k}, f: {configMap: A/b, key: k}, g: {secret: a/b, key: 'a b'}}}\n- substitute: {value: {}}\n- substitute: x\n",
			at(2, "an entry of substitute.from names a configMap or a secret, and a key | for example {configMap: platform/cluster, key: domain}") +
				at(2, "an entry of substitute.from names a configMap or a secret, and a key | for example {configMap: platform/cluster, key: domain}") +
				at(2, "b has no value | remove the line to get the default") + at(2, `configMap: "A/b" is not the name of an object | write namespace/name, or name for one in the app's namespace`) +
				at(2, `key: "a b" is not a key of a ConfigMap or Secret`) + at(2, `substitute.from: c is already set on line 2 | keep one of the two`) +
				at(2, `substitute.prefix: "a-b" is not made of letters, digits and _ | for example prefix: app_`) +
				at(2, "substitute.values: \"a.b\" is no name: it is not made of letters, digits and _ | for example app_host") + at(2, "substitute.values: a is a list | a value is text, a number, true or false") +
				at(3, `unknown field "value" in substitute | did you mean values?`) + at(4, `substitute is "x", not a mapping | known fields are prefix, values, from`),
		},
		{"no namespace", "apps: [{substitute: {from: {a: {secret: x, key: k}}}}]", at(1, `secret: "x" names no namespace, and the app has none | write namespace/name`)},
		{
			"health", "apps:\n- health: [{}]\n- health: [{kind: Widget}]\n- health: [{kind: widgets.example.org, current: x}]\n- health: [{kind: A, group: a_b, current: ''}]\n- health: [{kind: A, current: x}, {kind: A, group: a.b, current: x}, {kind: A, current: y}]\n- health: {kind: A}\n- health: [{kind: A, current: [x]}]\n",
			at(2, "an entry of health has no current | for example current: status.phase == 'Ready'") + at(2, "an entry of health has no kind | for example kind: Certificate") +
				at(3, "an entry of health has no current | for example current: status.phase == 'Ready'") +
				at(4, `health: kind: "widgets.example.org" is not the name of a kind, such as Certificate`) +
				at(5, "health: current is empty | remove the line, or write an expression") + at(5, `health: group: "a_b" is not a group, such as cert-manager.io`) +
				at(6, "health: there is a rule for A on line 6 already | make one of the two, or give them groups") +
				at(7, "health is a mapping, not a list | write it in brackets: health: [...]") + at(8, "current is a list, not text"),
		},
		{"many health rules", "apps: [{health: [" + strings.Repeat("{},", MaxHealth) + "{}]}]", at(1, "health has 51 elements; at most 50 are read")},
		{
			"timeouts", "apps:\n- timeout: 5\n- timeout: 5min\n- timeout: soon\n- timeout: 500ms\n- timeout: 25h\n- timeout: -5m\n",
			at(2, "timeout: 5 is not a duration | write 5m") + at(3, "timeout: 5min is not a duration | write 5m") + at(4, "timeout: soon is not a duration | write it like 90s, 5m or 1h30m") +
				at(5, "timeout: 500ms is not between 1s and 24h") + at(6, "timeout: 25h is not between 1s and 24h") + at(7, "timeout: -5m is not between 1s and 24h"),
		},
		{"schedule", "apps: [{schedule: often}]", at(1, `schedule: "often": expected 5 to 6 fields, found 1: [often] | write it like "@every 5m" or "0 3 * * *"; "" means watches only`)},
		{
			"paths", "apps:\n- path: ../x\n- path: /etc\n- path: a/../b\n- path: ''\n- path: .git/x\n- path: a\\b\n- path: \"a\\e\"\n- path: '**/x'\n- path: 'a[b'\n",
			at(2, `path: "../x" leads out of the repository`) + at(3, `path: "/etc" is absolute; paths start at the repository's root`) + at(4, `path: "a/../b" leads out of the repository`) +
				at(5, `path: "" is empty; write "." for the whole repository`) + at(6, `path: ".git/x" is Git's own folder`) + at(7, `path: "a\\b" has a backslash; folders are separated by /`) +
				at(8, `path: "a\x1b" has characters that do not print`) + at(9, `path: "**/x" has **; a * matches within one folder, so write one entry for each depth`) + at(10, `path: "a[b" has a bracket that is not closed`),
		},
		{
			"missing folders", "apps:\n- name: a\n  path: apps/shopp\n- path: apps/README\n- path: nowhere/*\n- path: link\n",
			at(3, "path: there is no folder apps/shopp in this revision | folders there are apps/blog, apps/shop") + at(4, "path: apps/README is a file | name the folder that it is in") +
				at(5, "path: no folder matches nowhere/* | write the path from the repository's root") + at(6, "path: link is a symbolic link | name the folder that it is in"),
		},
		{"glob with a name", "apps:\n- path: apps/*\n  name: all\n", at(2, "name: 2 folders match apps/*, and cannot all be called all | remove name; each app is then named after its folder")},
		{"folder that makes no name", "apps: [{path: Odd_Name}]", at(1, `the app of Odd_Name would be called "Odd_Name", which is not made of lower-case letters, digits and inner hyphens | write an entry with path: Odd_Name and a name`)},
		{"names taken", "apps:\n- path: apps/shop\n- {path: apps/blog, name: shop}\n", at(3, "the name shop is taken by the app on line 2 (path apps/shop) | give one of the two another name")},
		{"one folder twice", "apps:\n- path: apps/shop\n- {path: ./apps/shop, name: b}\n", at(3, "the apps shop and b both deploy apps/shop to the same cluster and namespace | remove one of the two, or give it another cluster or namespace")},
		{
			"branches", "apps:\n- branch: refs/heads/main\n- branch: ''\n- branch: a..b\n- branch: a b\n- branch: -x\n- branch: a.lock\n- branch: 'a*'\n- branch: a/\n- branch: /a\n",
			at(2, `branch: "refs/heads/main" is the name of a ref; write what comes after refs/heads/`) + at(3, `branch: "" is empty`) + at(4, `branch: "a..b" is not a name that a branch can have`) +
				at(5, `branch: "a b" has a character that branch names cannot have`) + at(6, `branch: "-x" is not a name that a branch can have`) + at(7, `branch: "a.lock" is not a name that a branch can have`) +
				at(8, `branch: "a*" has a character that branch names cannot have`) + at(9, `branch: "a/" is not a name that a branch can have`) + at(10, `branch: "/a" is not a name that a branch can have`),
		},
		{
			"unknown dependency", "apps:\n- path: apps/shop\n  prune: true\n  dependsOn: [bog, zzz, db]\n- path: apps/blog\n- {path: deploy/db, branch: prod}\n",
			at(4, "app shop: dependsOn: db is deployed from branch prod, not main | an app can wait only for apps of the same push") +
				at(4, `app shop: dependsOn: there is no app "bog" in this file | did you mean blog?`) +
				at(4, `app shop: dependsOn: there is no app "zzz" in this file | write an entry for it, or remove it`),
		},
		{"dependency twice", "apps: [{path: apps/*, dependsOn: [a, a]}]", at(1, `dependsOn names "a" twice | keep one of the two`)},
		{
			"cycles", "apps:\n- {path: apps/shop, dependsOn: [blog]}\n- {path: apps/blog, dependsOn: [db]}\n- {path: deploy/db, dependsOn: [shop]}\n- {path: apps, name: self, dependsOn: [self]}\n",
			at(3, "the apps wait for one another: blog -> db -> shop -> blog | remove one of these from dependsOn") + at(5, "the apps wait for one another: self -> self | remove one of these from dependsOn"),
		},
		{
			"ignore", "apps:\n- ignore:\n  - {name: web, pointers: [/a]}\n  - {kind: A}\n  - {kind: A, pointers: []}\n  - {kind: A, pointers: [spec, /a~2, /metadata/name, /kind, /a]}\n  - {kind: A, pointer: /a}\n  - x\n  - {kind: [], pointers: [/a]}\n  - {kind: A, jq: []}\n  - {kind: A, pointers: [/a], jq: ['.a[] | select(.b == 1) | .c', .a | b, '.metadata | select(.name == \"x\")', '..']}\n",
			at(3, "an entry of ignore has no kind | for example kind: Deployment") + at(4, "an entry of ignore has neither pointers nor jq | for example pointers: [/spec/replicas]") + at(5, "pointers is empty | for example pointers: [/spec/replicas]") +
				at(6, `ignore: "/a~2" is not a JSON pointer: ~ stands only in ~0 (for ~) and ~1 (for /)`) + at(6, `ignore: "spec" is not a JSON pointer: it does not start with /; write it like /spec/replicas`) +
				at(6, "ignore: /kind cannot be ignored: it says which object this is") + at(6, "ignore: /metadata/name cannot be ignored: it says which object this is") +
				at(7, `unknown field "pointer" in an entry of ignore | did you mean pointers?`) + at(8, `an entry of ignore is "x", not a mapping | known fields are kind, name, namespace, group, pointers, jq`) + at(9, "kind is a list, not text") +
				at(10, `jq is empty | for example jq: ['.spec.ports[] | select(.name == "http") | .nodePort']`) +
				at(11, `ignore: the expression '..' leads to the whole object | let it end with a field: .. | .spec`) +
				at(11, `ignore: the expression '.a | b' cannot be read: the function b is not among what Pushboat reads of jq | the functions that are read are IN, all, any, ascii_downcase, ascii_upcase, contains, endswith, first, has, in, inside, keys, length, map, not, recurse, select, startswith, test, to_entries, type, values`) +
				at(11, `ignore: the expression '.metadata | select(.name == "x")' leads to /metadata, which cannot be ignored: it says which object this is | write which objects are meant as kind, name and namespace of the entry`),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			fsys := revision(test.file, "Odd_Name/a.yaml")
			fsys["link"] = &fstest.MapFile{Mode: 0o777 | 1<<27, Data: []byte("apps")} // fs.ModeSymlink
			apps, problems := parseAll(fsys, "site")
			if got := told(problems); got != test.want {
				t.Errorf("problems\n%swant\n%s", got, test.want)
			}
			if apps != nil {
				t.Errorf("apps %v beside problems", apps)
			}
		})
	}
}

func TestFilesThatAreNearlyThere(t *testing.T) {
	for _, name := range []string{"pushboat.yml", "Pushboat.yaml", ".pushboat.yaml"} {
		_, problems := parseAll(revision("", name), "site")
		if want := name + ": this file is not read under this name | rename it to pushboat.yaml\n"; told(problems) != want {
			t.Errorf("problems\n%swant\n%s", told(problems), want)
		}
	}
	fsys := revision("")
	fsys[Name+"/x"] = &fstest.MapFile{}
	if _, problems := parseAll(fsys, "site"); told(problems) != "pushboat.yaml: not a regular file | pushboat.yaml is a plain file of at most 1024 KiB\n" {
		t.Errorf("a folder: problems %v", problems)
	}
}

func TestLimits(t *testing.T) {
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for _, test := range []struct{ name, file, want string }{
		{"bytes", "apps: [] #" + strings.Repeat("x", MaxBytes), "larger than 1048576 bytes"},
		{"apps", "apps:\n" + many(MaxApps+1, "- name: a%d\n"), "apps has 2001 elements; at most 2000 are read"},
		{"apps of globs", "apps:\n" + strings.Repeat("- path: many/*\n", MaxApps/100), "there are more than 2000 apps"},
		{"list", "apps:\n- dependsOn: [" + many(MaxList+1, "a%d,") + "]\n", "dependsOn has 201 elements; at most 200 are read"},
	} {
		fsys := revision(test.file)
		for i := range 120 {
			fsys[fmt.Sprintf("many/f%d/x", i)] = &fstest.MapFile{}
		}
		if _, problems := parseAll(fsys, "site"); !strings.Contains(told(problems), test.want) {
			t.Errorf("%s: problems %.200s, want %q", test.name, told(problems), test.want)
		}
	}
}

// TestHelmSettingsAreChecked: a file with every field has no problem. Settings for charts
// have no effect in a folder of plain manifests.
func TestHelmSettingsAreChecked(t *testing.T) {
	tree := fstest.MapFS{
		"deploy/shop/a.yaml": {Data: []byte("x")}, "db/a.yaml": {Data: []byte("x")},
		Name: {Data: []byte(`apps:
  - name: shop
    path: deploy/shop
    branch: main
    cluster: default
    namespace: shop
    createNamespace: true
    render: auto
    helm: {values: [values.yaml, prod.yaml], releaseName: shop}
    schedule: "@every 5m"
    drift: correct
    prune: true
    timeout: 5m
    dependsOn: [database]
    onFailure: keep
    ignore:
      - {kind: Deployment, name: web, pointers: [/spec/replicas]}
  - {name: database, path: db}
`)},
	}
	apps, problems := parseAll(tree, "shop")
	if len(problems) > 0 || len(apps) != 2 {
		t.Fatalf("%d apps, problems %v", len(apps), problems)
	}
}

// TestChartsOfOneFolder: two charts, or two releases of one, may take their values from the
// same folder.
func TestChartsOfOneFolder(t *testing.T) {
	apps := mustParse(t, `apps:
- {name: a, path: apps/shop, helm: {chart: web, version: 1.2.3, repo: 'https://example.org'}}
- {name: b, path: apps/shop, helm: {chart: web, version: v1.2.3-rc.1+x, repo: 'https://example.org', releaseName: front}}
- {name: c, path: apps/shop, helm: {chart: db, version: 1.2.3, repo: 'oci://example.org/charts', releaseName: front}}
`)
	if len(apps) != 3 || apps[0].Helm.Chart != "web" || apps[2].Helm.Repo != "oci://example.org/charts" {
		t.Errorf("apps %+v", apps)
	}
}

// TestMatrix: an entry makes an app for each cell, with the cell's values wherever the
// entry refers to them. Each value keeps the type that it is written with.
func TestMatrix(t *testing.T) {
	apps := mustParse(t, `apps:
- name: shop-${cluster.name}-${size}
  path: apps/shop
  cluster: ${cluster.name}
  namespace: shop
  dependsOn: ["db-${cluster.name}"]
  matrix:
    cluster: [{name: eu, replicas: 3}, {name: us, replicas: 5}]
    size: [s, "1"]
  render: helm
  helm:
    values:
      - replicas: ${cluster.replicas}
        text: "${cluster.replicas}"
        size: ${size}
        within: x-${cluster.replicas}
        other: ${HOME}
  substitute:
    values:
      app_replicas: ${cluster.replicas}
- name: db-${region}
  path: deploy/db
  cluster: ${region}
  matrix: {region: [eu, us]}
`)
	var got []string
	for _, app := range apps {
		text := string(app.Name) + " " + app.Cluster + " " + name.Join(app.DependsOn, ",")
		for _, v := range app.Helm.Values {
			text += " " + string(v.Inline)
		}
		for _, n := range app.Substitute.Names {
			text += fmt.Sprintf(" %s=%T", n.Name, n.Value)
		}
		got = append(got, text)
	}
	want := []string{
		`shop-eu-s eu db-eu {"other":"${HOME}","replicas":3,"size":"s","text":"3","within":"x-3"} app_replicas=int64`,
		`shop-eu-1 eu db-eu {"other":"${HOME}","replicas":3,"size":"1","text":"3","within":"x-3"} app_replicas=int64`,
		`shop-us-s us db-us {"other":"${HOME}","replicas":5,"size":"s","text":"5","within":"x-5"} app_replicas=int64`,
		`shop-us-1 us db-us {"other":"${HOME}","replicas":5,"size":"1","text":"5","within":"x-5"} app_replicas=int64`,
		"db-eu eu ", "db-us us ",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("apps\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestMatrixFollowsAnchors: an alias stands for the values of its own cell.
func TestMatrixFollowsAnchors(t *testing.T) {
	apps := mustParse(t, "apps:\n- name: &n shop-${a}\n  path: apps/shop\n  namespace: *n\n  matrix: {a: [b, c]}\n")
	if len(apps) != 2 || apps[0].Namespace != "shop-b" || apps[1].Namespace != "shop-c" {
		t.Errorf("apps %+v", apps)
	}
}
