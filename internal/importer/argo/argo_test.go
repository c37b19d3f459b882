package argo

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// worldOf is a world with files: path, text, path, text.
func worldOf(files ...string) meaning.World {
	tree := fstest.MapFS{}
	for i := 0; i+1 < len(files); i += 2 {
		tree[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	for _, at := range []string{"", "next"} {
		tree[".repositories/lib@"+at+"/deploy/a.yaml"], tree[".repositories/lib@"+at+"/values/y.yaml"] = &fstest.MapFile{}, &fstest.MapFile{}
	}
	return meaning.World{
		Repo: "team/site", Branch: "main", Tree: beside{tree},
		Foreign:  func(file string) bool { return tree[file] != nil && meaning.IsForeign(file, tree[file].Data) },
		Clusters: appfile.Clusters{"default": nil, "eu": appfile.Annotated(map[string]string{"region": "eu"}, map[string]string{"team": "web-team"}), "us": {"region": "us"}},
		Servers:  map[string]string{"eu": "https://eu.example.org:6443"},
	}
}

// beside is a revision that has another repository.
type beside struct{ fstest.MapFS }

func (beside) Mount(address string, at meaning.At) (folder, taken string, err error) {
	switch {
	case address == "" && (at.Tag == "v1" || at.Word == "v1" || at.Commit != "" || at.Range == "1.*"):
		return ".repositories/lib@", "this repository, at " + at.String(), nil
	case address == "" && (at.Word == "staging" || at.Branch == "staging"):
		return ".repositories/lib@", "this repository, at staging", nil
	case address == "":
		return "", "", &meaning.MissingError{Repo: "team/site", At: at}
	case !strings.HasSuffix(address, "/lib"):
		return "", "", meaning.ErrUnknown
	case at.Word == "none" || at.Word == "abc1234":
		return "", "", &meaning.MissingError{Repo: "lib", At: at}
	case at.Word == "next":
		return ".repositories/lib@next", "repository lib here", nil
	}
	return ".repositories/lib@", "repository lib here, at " + at.String(), nil
}

// site are files that most tests have.
func site(more ...string) meaning.World {
	return worldOf(append([]string{
		"apps/web/a.yaml", "", "apps/web/prod.yaml", "", "apps/blog/a.yaml", "", "chart/Chart.yaml", "", "chart/values/a.yaml", "", "chart/values/b.yaml", "",
		"over/kustomization.yaml", "", "over/part/kustomization.yaml", "", "values/x.yaml", "", "jsonnet/a.jsonnet", "",
		"mixed/below/more.yaml", "a: 1\n", "mixed/few.yaml", "values: {kind: a}\nmetadata: {}\n", "mixed/hosts.yml", "- hosts: all\n", "mixed/values.yaml", "a: {{ .b }}\n",
		"mixed/no-name.yaml", "apiVersion: v1\nkind: ConfigMap\n", "mixed/flow.yaml", "{kind: ConfigMap}\n", "mixed/empty.yaml", "# nothing\n", "mixed/a.json", "{}",
		"mixed/template.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .a }}}\n", "mixed/[a].yaml", "a: 1\n", "mixed/kustomization.yaml", "resources: [few.yaml]\n",
	}, more...)...)
}

// readAll reads objects as roots.
func readAll(t *testing.T, w meaning.World, text string) ([]meaning.App, manifest.Problems, *Tree) {
	t.Helper()
	objects, problems := manifest.Parse("apps.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	tree := New(w)
	for _, o := range objects {
		tree.Add(nil, o)
	}
	apps, problems := tree.Next()
	for _, late := range tree.Bind(func() map[string]manifest.Source { return nil }) {
		problems = append(problems, late.Problems...)
		for i := range apps {
			if apps[i].By.Name == late.By.Name {
				apps[i].Notes = append(apps[i].Notes, late.Notes...)
			}
		}
	}
	return apps, problems, tree
}

// applicationOf writes an Application with fields of its spec in place of the usual ones.
func applicationOf(spec string) string {
	text := "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: web\nspec:\n"
	for _, usual := range []string{"project: default\n", "destination: {name: in-cluster, namespace: shop}\n", "source: {repoURL: 'git@example.org:team/site.git', path: apps/web}\n"} {
		key, _, _ := strings.Cut(usual, ":")
		if !strings.HasPrefix(spec, key) && !strings.Contains(spec, "\n"+key) {
			spec = usual + spec
		}
	}
	return text + "  " + strings.ReplaceAll(strings.TrimSpace(spec), "\n", "\n  ") + "\n"
}

const repoURL = "{repoURL: 'https://example.org/team/site', "

// fields are an effect, a note or a problem of each field of an Application.
var fields = []struct{ field, spec, want string }{
	{"spec.source.path", "source: " + repoURL + "path: ./apps/web/}", `"Path":"apps/web"`},
	{"spec.source.path", "source: " + repoURL + "path: nowhere}", "there is no folder nowhere in this revision"},
	{"spec.source.path", "source: " + repoURL + "path: ../x}", `path: "../x" leads out of the repository`},
	{"spec.source.repoURL", "source: {repoURL: 'https://example.org/other', path: apps/web}", "https://example.org/other is another repository"},
	{"spec.source.repoURL", "source: {repoURL: 'https://example.org/lib', path: deploy, targetRevision: next}", `"Path":".repositories/lib@next/deploy"`},
	{"spec.source.repoURL", "source: {repoURL: 'https://example.org/lib', path: nowhere}", "there is no folder nowhere in this revision"},
	{"spec.source.targetRevision", "source: {repoURL: 'https://example.org/lib', path: deploy, targetRevision: ~1}", `"Path":".repositories/lib@/deploy"`},
	{"spec.source.targetRevision", "source: {repoURL: 'https://example.org/lib', path: deploy, targetRevision: v1.2.0}", `"Path":".repositories/lib@/deploy"`},
	{"spec.source.targetRevision", "source: {repoURL: 'https://example.org/lib', path: deploy, targetRevision: 'a b'}", `targetRevision: "a b" has a character`},
	{"spec.source.targetRevision", "source: {repoURL: 'https://example.org/lib', path: deploy, targetRevision: refs/tags/..}", `targetRevision: "refs/tags/.." is not a name`},
	{"spec.source.repoURL", "source: {repoURL: 'https://example.org/lib', path: deploy, targetRevision: none}", "repository lib has no branch or tag none here"},
	{"spec.source.repoURL", "source: {repoURL: 'https://example.org/lib', path: deploy, targetRevision: abc1234}", "repository lib has no branch or tag abc1234 here"},
	{"spec.sources", "sources:\n- " + repoURL + "path: chart, helm: {valueFiles: [$lib/values/y.yaml]}}\n- {repoURL: 'https://example.org/lib', ref: lib}", `"values":[{"file":"../.repositories/lib@/values/y.yaml"`},
	{"spec.sources", "sources:\n- " + repoURL + "path: chart, helm: {valueFiles: [$lib/../../values/x.yaml]}}\n- {repoURL: 'https://example.org/lib', ref: lib}", "names no file of this repository"},
	{"spec.source.targetRevision", "source: " + repoURL + "path: apps/web, targetRevision: HEAD}", `"Branch":"main"`},
	{"spec.source.targetRevision", "source: " + repoURL + "path: apps/web, targetRevision: v2}", "v2 is not the branch that is deployed, main, and no other branch or tag here; write targetRevision: main, or HEAD for whatever branch is pushed; or push it as well: git push origin main v2"},
	{"spec.source.targetRevision", "source: " + repoURL + "path: deploy, targetRevision: staging}", `"Path":".repositories/lib@/deploy"`},
	{"spec.source.targetRevision", "source: " + repoURL + "path: deploy, targetRevision: refs/heads/staging}", `"Path":".repositories/lib@/deploy"`},
	{"spec.source.targetRevision", "source: " + repoURL + "path: apps/web, targetRevision: refs/heads/next}", "refs/heads/next is not the branch that is deployed, main"},
	{"spec.source.targetRevision", "source: " + repoURL + "path: deploy, targetRevision: v1}", `"Path":".repositories/lib@/deploy"`},
	{"spec.source.targetRevision", "source: " + repoURL + "path: deploy, targetRevision: refs/tags/v1}", `"Path":".repositories/lib@/deploy"`},
	{"spec.source.targetRevision", "source: " + repoURL + "path: deploy, targetRevision: '1.*'}", `"Path":".repositories/lib@/deploy"`},
	{"spec.source.targetRevision", "source: " + repoURL + "path: deploy, targetRevision: " + strings.Repeat("a", 40) + "}", `"Path":".repositories/lib@/deploy"`},
	{"spec.source.chart", "source: {repoURL: 'https://charts.example.org', chart: redis, targetRevision: 1.2.3}", `"chart":"redis","version":"1.2.3","repo":"https://charts.example.org","line":8`},
	{"spec.source.chart", "source: {repoURL: 'oci://registry.example.org/charts/web', chart: '', path: ., targetRevision: 1.2.3}", `"Artifact":{"url":"oci://registry.example.org/charts/web","version":"1.2.3","path":".","file":"apps.yaml","line":8}`},
	{"spec.source.path", "source: {repoURL: 'oci://registry.example.org/manifests/web/', path: deploy/prod, targetRevision: stable}", `"Artifact":{"url":"oci://registry.example.org/manifests/web","version":"tag:stable","path":"deploy/prod"`},
	{"spec.source.path", "source: {repoURL: 'oci://registry.example.org/manifests/web', path: ../x}", "leads out of the archive"},
	{"spec.source.path", "source: {repoURL: 'oci://registry.example.org/manifests/web'}", "the source names no folder"},
	{"spec.source.repoURL", "source: {repoURL: 'oci://registry.example.org', path: .}", `repoURL: "oci://registry.example.org" is not oci://HOST/PATH/NAME`},
	{"spec.source.targetRevision", "source: {repoURL: 'oci://registry.example.org/manifests/web', path: ., targetRevision: 'sha256:" + strings.Repeat("0", 64) + "'}", `"version":"sha256:` + strings.Repeat("0", 64) + `"`},
	{"spec.source.directory.recurse", "source: {repoURL: 'oci://registry.example.org/manifests/web', path: ., directory: {recurse: true, exclude: '*.md'}}", `"Files":{"exclude":["*.md"]}`},
	{"spec.source.kustomize.ignoreMissingComponents", "source: {repoURL: 'oci://registry.example.org/manifests/web', path: ., kustomize: {components: [a], ignoreMissingComponents: true}}", "is known when it is fetched"},
	{"spec.sources", "sources: [{repoURL: 'oci://registry.example.org/manifests/web', path: ., ref: values}]", "values are not read from archives of registries"},
	{"spec.source.chart", "source: {repoURL: 'https://charts.example.org', chart: redis, path: '', targetRevision: 1.2.3}", `"chart":"redis","version":"1.2.3","repo":"https://charts.example.org"`},
	{"spec.source.chart", "source: {repoURL: registry.example.org/charts, chart: a/redis, targetRevision: 1.2.3}", `"chart":"redis","version":"1.2.3","repo":"oci://registry.example.org/charts/a"`},
	{"spec.source.targetRevision", "source: {repoURL: 'https://charts.example.org', chart: redis, targetRevision: 1.*}", `"chart":"redis","version":"1.*"`},
	{"spec.source.targetRevision", "source: {repoURL: 'https://charts.example.org', chart: redis}", `"chart":"redis","version":"*"`},
	{"spec.source.targetRevision", "source: {repoURL: 'https://charts.example.org', chart: redis, targetRevision: main}", `spec.source.targetRevision: "main" is neither a version nor a range of versions`},
	{"spec.source.repoURL", "source: {repoURL: 'oci://registry.example.org/charts/redis', path: ., targetRevision: ~1}", `"url":"oci://registry.example.org/charts/redis","version":"~1","path":"."`},
	{"spec.source", "source: " + repoURL + "path: apps/web}", `"Path":"apps/web"`},
	{"spec.destination.namespace", "destination: {name: in-cluster, namespace: other}", `"Namespace":"other"`},
	{"spec.syncPolicy.syncOptions", "destination: {name: in-cluster}\nsyncPolicy: {syncOptions: [CreateNamespace=true]}", `"CreateNamespace":false`},
	{"spec.syncPolicy.syncOptions", "destination: {name: in-cluster}\nsyncPolicy: {syncOptions: [CreateNamespace=true]}", "CreateNamespace=true has no effect: spec.destination names no namespace"},
	{"spec.syncPolicy.automated.selfHeal", "syncPolicy: {automated: {selfHeal: true}}", `"Drift":"correct"`},
	{"spec.source.kustomize.nameSuffix", "source: " + repoURL + "path: over, kustomize: {nameSuffix: -x}}", `"nameSuffix":"-x"`},
	{"spec.source.kustomize.kubeVersion", "source: " + repoURL + "path: over, kustomize: {kubeVersion: '1.30'}}", "spec.source.kustomize.kubeVersion has no effect"},
	{"spec.source.kustomize.apiVersions", "source: " + repoURL + "path: over, kustomize: {apiVersions: [a/v1]}}", "spec.source.kustomize.apiVersions has no effect"},
	{"spec.source.directory.exclude", "source: " + repoURL + "path: apps/web, directory: {exclude: 'x*'}}", `"exclude":["x*"]`},
	{"spec.source.ref", "sources:\n- " + repoURL + "path: apps/web}\n- " + repoURL + "ref: x}", `"Path":"apps/web"`},
	{"spec.source.name", "source: " + repoURL + "path: apps/web, name: x}", `"Path":"apps/web"`},
	{"spec.source.kustomize.ignoreMissingComponents", "source: " + repoURL + "path: over, kustomize: {ignoreMissingComponents: true, components: [part, gone]}}", `"components":["part"]`},
	{"spec.source.kustomize.labelWithoutSelector", "source: " + repoURL + "path: over, kustomize: {commonLabels: {a: b}, labelWithoutSelector: true}}", `"includeSelectors":false`},
	{"spec.source.kustomize.labelIncludeTemplates", "source: " + repoURL + "path: over, kustomize: {commonLabels: {a: b}, labelWithoutSelector: true, labelIncludeTemplates: true}}", `"includeTemplates":true`},
	{"spec.source.kustomize.commonAnnotationsEnvsubst", "source: " + repoURL + "path: over, kustomize: {commonAnnotationsEnvsubst: true, commonAnnotations: {a: $ARGOCD_APP_NAME}}}", `"commonAnnotations":{"a":"web"}`},
	{"spec.source.kustomize.forceCommonLabels", "source: " + repoURL + "path: over, kustomize: {forceCommonLabels: true}}", "spec.source.kustomize.forceCommonLabels has no effect"},
	{"spec.source.kustomize.forceCommonAnnotations", "source: " + repoURL + "path: over, kustomize: {forceCommonAnnotations: true}}", "spec.source.kustomize.forceCommonAnnotations has no effect"},
	{"spec.source.plugin", "source: " + repoURL + "path: over, plugin: {name: kustomize-build-with-helm}}", `"Path":"over","Branch":"main","Cluster":"default","Namespace":"shop","CreateNamespace":false,"Render":"kustomize"`},
	{"spec.source.plugin", "source: " + repoURL + "path: over, plugin: {name: kustomize-build-with-helm, env: [{name: a, value: b}]}}", "a server that checks pushes runs no plugins"},
	{"spec.source.plugin", "source: " + repoURL + "path: apps/web, plugin: {name: x}}", "spec.source.plugin: a server that checks pushes runs no plugins"},
	{"spec.source.helm.valueFiles", "source: " + repoURL + "path: chart, helm: {valueFiles: [values/*.yaml, /values/x.yaml]}}", `"values":[{"file":"values/a.yaml","line":8},{"file":"values/b.yaml","line":8},{"file":"../values/x.yaml","line":8}]`},
	{"spec.source.helm.valueFiles", "source: " + repoURL + "path: chart, helm: {valueFiles: [none.yaml]}}", "there is no file chart/none.yaml in this revision"},
	{"spec.source.helm.valueFiles", "source: " + repoURL + "path: chart, helm: {valueFiles: ['https://example.org/x']}}", "nothing is fetched for values"},
	{"spec.source.helm.ignoreMissingValueFiles", "source: " + repoURL + "path: chart, helm: {valueFiles: [none.yaml], ignoreMissingValueFiles: true}}", `"Helm":{}`},
	{"spec.source.helm.values", "source: " + repoURL + "path: chart, helm: {values: 'a: 1'}}", `"values":[{"inline":{"a":1},"line":8}]`},
	{"spec.source.helm.values", "source: " + repoURL + "path: chart, helm: {values: '['}}", "spec.source.helm.values: "},
	{"spec.source.helm.valuesObject", "source: " + repoURL + "path: chart, helm: {valuesObject: {a: {b: 2}}, values: 'c: 3'}}", `"values":[{"inline":{"a":{"b":2}},"line":8}]`},
	{"spec.source.helm.parameters", "source: " + repoURL + "path: chart, helm: {parameters: [{name: a, value: $ARGOCD_APP_NAME, forceString: true}]}}", `"parameters":[{"name":"a","value":"web","text":true,"line":8}]`},
	{"spec.source.helm.fileParameters", "source: " + repoURL + "path: chart, helm: {fileParameters: [{name: a, path: values/a.yaml}]}}", `"parameters":[{"name":"a","file":"values/a.yaml","line":8}]`},
	{"spec.source.helm.releaseName", "source: " + repoURL + "path: chart, helm: {releaseName: other}}", `"releaseName":"other"`},
	{"spec.source.helm.skipCrds", "source: " + repoURL + "path: chart, helm: {skipCrds: true}}", `"skipCRDs":true`},
	{"spec.source.helm.namespace", "source: " + repoURL + "path: chart, helm: {namespace: other}}", "the release has another namespace than the app"},
	{"spec.source.helm.kubeVersion", "source: " + repoURL + "path: chart, helm: {kubeVersion: 1.30.0}}", "spec.source.helm.kubeVersion has no effect"},
	{"spec.source.helm.apiVersions", "source: " + repoURL + "path: chart, helm: {apiVersions: [a/v1]}}", "spec.source.helm.apiVersions has no effect"},
	{"spec.source.helm.version", "source: " + repoURL + "path: chart, helm: {version: v3}}", "spec.source.helm.version has no effect"},
	{"spec.source.helm.passCredentials", "source: " + repoURL + "path: chart, helm: {passCredentials: true}}", "spec.source.helm.passCredentials has no effect"},
	{"spec.source.helm.skipTests", "source: " + repoURL + "path: chart, helm: {skipTests: true}}", "spec.source.helm.skipTests has no effect"},
	{"spec.source.helm.skipSchemaValidation", "source: " + repoURL + "path: chart, helm: {skipSchemaValidation: true}}", "spec.source.helm.skipSchemaValidation has no effect"},
	{"spec.source.kustomize.namePrefix", "source: " + repoURL + "path: over, kustomize: {namePrefix: a-, nameSuffix: -b}}", `"namePrefix":"a-","nameSuffix":"-b"`},
	{"spec.source.kustomize.images", "source: " + repoURL + "path: over, kustomize: {images: ['a=r:5000/b:2', 'r:5000/c@sha256:1', d:3]}}", `"images":[{"name":"a","newName":"r:5000/b","newTag":"2"},{"digest":"sha256:1","name":"r:5000/c"},{"name":"d","newTag":"3"}]`},
	{"spec.source.kustomize.replicas", "source: " + repoURL + "path: over, kustomize: {replicas: [{name: a, count: 3}]}}", `"replicas":[{"count":3,"name":"a"}]`},
	{"spec.source.kustomize.patches", "source: " + repoURL + "path: over, kustomize: {patches: [{path: p.yaml}]}}", `"patches":[{"path":"p.yaml"}]`},
	{"spec.source.kustomize.components", "source: " + repoURL + "path: over, kustomize: {components: [part, none], ignoreMissingComponents: true}}", `"components":["part"]`},
	{"spec.source.kustomize.commonLabels", "source: " + repoURL + "path: over, kustomize: {commonLabels: {a: b}}}", `"labels":[{"includeSelectors":true,"pairs":{"a":"b"}}]`},
	{"spec.source.kustomize.commonLabels", "source: " + repoURL + "path: over, kustomize: {commonLabels: {a: b}, labelWithoutSelector: true, labelIncludeTemplates: true}}", `"labels":[{"includeSelectors":false,"includeTemplates":true,"pairs":{"a":"b"}}]`},
	{"spec.source.kustomize.commonAnnotations", "source: " + repoURL + "path: over, kustomize: {commonAnnotations: {a: $ARGOCD_APP_NAME}, commonAnnotationsEnvsubst: true}}", `"commonAnnotations":{"a":"web"}`},
	{"spec.source.kustomize.namespace", "source: " + repoURL + "path: over, kustomize: {namespace: x}}", `"namespace":"x"`},
	{"spec.source.kustomize.namespace", "source: " + repoURL + "path: over, kustomize: {namespace: x/y}}", `spec.source.kustomize.namespace: "x/y"`},
	{"spec.source.kustomize.version", "source: " + repoURL + "path: over, kustomize: {version: v5}}", "spec.source.kustomize.version has no effect"},
	{"spec.source.directory.recurse", "source: " + repoURL + "path: apps/web, directory: {recurse: true}}", `"Render":"plain"`},
	{"spec.source.directory.recurse", "source: " + repoURL + "path: apps/web}", `"Files":{"flat":true}`},
	{"spec.source.directory.include", "source: " + repoURL + "path: apps/web, directory: {include: 'a*', exclude: '{b,c}'}}", `"Files":{"flat":true,"include":["a*"],"exclude":["{b,c}"]}`},
	{"spec.source.directory", "source: " + repoURL + "path: mixed, directory: {recurse: false}}", `"Files":{"flat":true,"exclude":["few.yaml","hosts.yml","kustomization.yaml","values.yaml"]}`},
	{"spec.source.directory", "source: " + repoURL + "path: mixed, directory: {recurse: true, exclude: 'b/*'}}", `"Files":{"exclude":["b/*","below/more.yaml","few.yaml","hosts.yml","kustomization.yaml","values.yaml"]}`},
	{"spec.source.directory.jsonnet", "source: " + repoURL + "path: apps/web, directory: {jsonnet: {tlas: [{name: a, value: b}]}}}", "Jsonnet is not rendered"},
	{"spec.source.path", "source: " + repoURL + "path: jsonnet}", "jsonnet/a.jsonnet: Jsonnet is not rendered"},
	{"spec.source", "source: " + repoURL + "path: apps/web, pth: x}", "unknown field spec.source.pth; did you mean path?"},
	{"spec.sources", "source: \nsources: [{repoURL: 'https://charts.example.org', chart: redis, targetRevision: 1.2.3, helm: {valueFiles: [$v/values/x.yaml]}}, " + repoURL + "ref: v}, " + repoURL + "path: apps/blog}]", `"Sources":[{"path":"apps/blog","render":"plain","files":{"flat":true}}]`},
	{"spec.sources", "source: \nsources: [{repoURL: 'https://charts.example.org', chart: redis, targetRevision: 1.2.3, helm: {valueFiles: [$v/values/x.yaml]}}, " + repoURL + "ref: v}]", `"values":[{"file":"values/x.yaml","line":9}]`},
	{"spec.sources", "source: \nsources: [{repoURL: 'https://charts.example.org', chart: redis, targetRevision: 1.2.3, helm: {valueFiles: [prod.yaml, values.yaml]}}]", `"values":[{"file":"chart:prod.yaml","line":9},{"file":"chart:values.yaml","line":9}]`},
	{"spec.sources", "source: \nsources: [{repoURL: 'https://charts.example.org', chart: redis, targetRevision: 1.2.3, helm: {valueFiles: [values.yaml, /a/prod.yaml]}}]", `"values":[{"file":"chart:a/prod.yaml","line":9}]`},
	{"spec.sources", "source: \nsources: [{repoURL: 'https://charts.example.org', chart: redis, targetRevision: 1.2.3, helm: {valueFiles: [../prod.yaml]}}]", `"../prod.yaml" leads out of the chart`},
	{"spec.sources", "source: \nsources: [{repoURL: 'https://charts.example.org', chart: redis, targetRevision: 1.2.3, helm: {valueFiles: ['*.yaml']}}]", "which files a chart of a registry has is known when it is fetched"},
	{"spec.sources", "source: \nsources: [{repoURL: 'https://charts.example.org', chart: redis, targetRevision: 1.2.3, helm: {ignoreMissingValueFiles: true, valueFiles: [a.yaml]}}]", "whether a chart of a registry has a file is known when it is fetched"},
	{"spec.sourceHydrator", "sourceHydrator: {drySource: " + repoURL + "path: apps/web, targetRevision: HEAD}, syncSource: {targetBranch: env/dev, path: web}}", `"Path":"apps/web"`},
	{"spec.sourceHydrator", "sourceHydrator: {drySource: " + repoURL + "path: apps/web}, syncSource: {targetBranch: env/dev, path: web}, hydrateTo: {targetBranch: env/dev-next}}", "spec.sourceHydrator.hydrateTo: nothing waits in a branch"},
	{"spec.destination.name", "destination: {name: eu, namespace: a}", `"Cluster":"eu"`},
	{"spec.destination.server", "destination: {server: 'https://eu.example.org:6443', namespace: a}", `"Cluster":"eu"`},
	{"spec.destination.server", "destination: {server: 'https://kubernetes.default.svc', namespace: a}", `"Cluster":"default","Namespace":"a"`},
	{"spec.destination.server", "destination: {server: 'https://no.example.org', namespace: a}", "no cluster that this repository may use has the address https://no.example.org"},
	{"spec.destination.name", "destination: {name: asia}", "this repository may use no cluster that is called asia"},
	{"spec.destination", "destination: {name: eu, server: 'https://eu.example.org:6443'}", "names a cluster twice"},
	{"spec.destination.namespace", "destination: {name: eu, namespace: A_b}", `spec.destination.namespace: "A_b" is not made of`},
	{"spec.syncPolicy.automated", "syncPolicy: {automated: {}}", `"Drift":"warn","Prune":false`},
	{"spec.syncPolicy.automated", "project: default", "a push deploys the app all the same"},
	{"spec.syncPolicy.automated.prune", "syncPolicy: {automated: {prune: true, selfHeal: true}}", `"Drift":"correct","Prune":true`},
	{"spec.syncPolicy.automated.enabled", "syncPolicy: {automated: {enabled: false}}", "suspended: spec.syncPolicy.automated.enabled is false"},
	{"spec.syncPolicy.automated.allowEmpty", "syncPolicy: {automated: {allowEmpty: true}}", "spec.syncPolicy.automated.allowEmpty has no effect"},
	{"spec.syncPolicy.retry", "syncPolicy: {retry: {limit: 3}}", "spec.syncPolicy.retry has no effect"},
	{"spec.syncPolicy.managedNamespaceMetadata", "syncPolicy: {syncOptions: [CreateNamespace=true], managedNamespaceMetadata: {labels: {a: b}, annotations: {c: d}}}", `"CreateNamespace":false,"NamespaceMetadata":{"Labels":{"a":"b"},"Annotations":{"c":"d"}}`},
	{"spec.syncPolicy.managedNamespaceMetadata", "syncPolicy: {managedNamespaceMetadata: {labels: {a: b}}}", "managedNamespaceMetadata has no effect: it needs CreateNamespace=true"},
	{"spec.syncPolicy.syncOptions", "syncPolicy: {syncOptions: [Patience=600]}", "Patience=600 has no effect: no option is called so, in Argo CD neither"},
	{"spec.syncPolicy.syncOptions", "syncPolicy: {syncOptions: [CreateNamespace=yes]}", "write CreateNamespace=true or CreateNamespace=false"},
	{"spec.syncPolicy.syncOptions", "syncPolicy: {syncOptions: [CreateNamespace=true]}", `"CreateNamespace":true`},
	{"spec.syncPolicy.syncOptions", "syncPolicy: {automated: {prune: true}, syncOptions: [Prune=false]}", `"Prune":false`},
	{"spec.syncPolicy.syncOptions", "syncPolicy: {syncOptions: [ServerSideAply=true]}", `unknown option "ServerSideAply=true"; did you mean ServerSideApply?`},
	{"spec.ignoreDifferences", "ignoreDifferences: [{group: apps, kind: Deployment, jsonPointers: [/spec/replicas], jqPathExpressions: ['.metadata.annotations[\"a/b\"]', '.a.b[0]?.c', '.webhooks[]?.clientConfig.caBundle', '.spec.x.[]', '.data[ ].y[]']}]", `"Ignore":[{"Kind":"Deployment","Name":"","Namespace":"","Group":"apps","Pointers":["/spec/replicas","/metadata/annotations/a~1b","/a/b/0/c","/webhooks/*/clientConfig/caBundle","/spec/x/*","/data/*/y/*"]}]`},
	{"spec.ignoreDifferences", "ignoreDifferences: [{group: argoproj.io, kind: Application, jqPathExpressions: ['.metadata.finalizers[] | select(. == \"a\")']}]", "spec.ignoreDifferences[0].kind has no effect: Applications are read as apps, and not applied"},
	{"spec.ignoreDifferences", "ignoreDifferences: [{group: argoproj.io, kind: Rollout, jqPathExpressions: ['.a[] | select(. == \"a\")']}]", `"Ignore":[{"Kind":"Rollout","Name":"","Namespace":"","Group":"argoproj.io","Pointers":null,"JQ":[".a[] | select(. == \"a\")"]}]`},
	{"spec.ignoreDifferences", "ignoreDifferences: [{kind: Deployment, jqPathExpressions: ['.metadata[]']}]", "leads to /metadata/*, which cannot be ignored: it says which object this is; write which objects are meant"},
	{"spec.ignoreDifferences", "ignoreDifferences: [{kind: Deployment, jqPathExpressions: ['select(.kind == \"x\")']}]", "leads to the whole object; let it end with a field: select(.kind == \"x\") | .spec"},
	{"spec.ignoreDifferences", "ignoreDifferences: [{kind: Deployment, jqPathExpressions: ['.spec.ports | {']}]", "cannot be read: { is not among what Pushboat reads of jq; name the field under jsonPointers: /spec/ports"},
	{"spec.ignoreDifferences", "ignoreDifferences: [{kind: Deployment, jqPathExpressions: ['(.a']}]", "its end is where ) belongs; name the field under jsonPointers: /spec/replicas"},
	{"spec.ignoreDifferences", "ignoreDifferences: [{kind: Deployment, jqPathExpressions: ['.metadata.annotations | to_entries[] | select(.key | startswith(\"a\")) | .key', .spec.x]}]", "spec.ignoreDifferences[0].jqPathExpressions[0] has no effect, in Argo CD neither: the expression"},
	{"spec.ignoreDifferences", "ignoreDifferences: [{kind: Deployment, jsonPointers: ['/*/name']}]", "cannot be ignored: it says which object this is"},
	{"spec.ignoreDifferences", "ignoreDifferences: [{kind: Deployment, jqPathExpressions: ['.spec.template.spec.containers[]?|select(.name == \"a\").env', .a.b, '.c[]|.d?', '.a[\"b\"]', '.spec.template.spec.containers[]?|select(.name == \"a\").env']}]", `"Pointers":["/a/b","/c/*/d"],"JQ":[".spec.template.spec.containers[]?|select(.name == \"a\").env"]}]`},
	{"spec.ignoreDifferences", "ignoreDifferences: [{kind: Deployment, jqPathExpressions: [" + manyExpressions(201) + "]}]", "there are 201 expressions with conditions; at most 200 are read"},
	{"spec.ignoreDifferences", "ignoreDifferences: [{kind: 'A*', jsonPointers: [/a]}]", "is about one kind"},
	{"spec.ignoreDifferences", "ignoreDifferences: [{group: apps, kind: '*', jsonPointers: [/a]}]", `"Ignore":[{"Kind":"*","Name":"","Namespace":"","Group":"apps","Pointers":["/a"]}]`},
	{"spec.ignoreDifferences", "ignoreDifferences: [{kind: A, jsonPointers: [/metadata/name]}]", "cannot be ignored"},
	{"spec.ignoreDifferences.managedFieldsManagers", "ignoreDifferences: [{kind: A, managedFieldsManagers: [x]}]", "managedFieldsManagers has no effect"},
	{"spec.info", "info: [{name: a, value: b}]", "spec.info has no effect"},
	{"spec.revisionHistoryLimit", "revisionHistoryLimit: 3", "spec.revisionHistoryLimit has no effect"},
	{"spec.project", "project: other", "the AppProject other is not in this repository"},
	{"spec", "syncPolcy: {}", "unknown field spec.syncPolcy; did you mean syncPolicy?"},
}

// manyExpressions are expressions with conditions, in a list.
func manyExpressions(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("'.a[] | select(.b == %d)'", i))
	}
	return strings.Join(list, ", ")
}

// outcome is all that came of reading.
func outcome(t *testing.T, apps []meaning.App, problems manifest.Problems) string {
	t.Helper()
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "%s; %s\n", p.Error(), p.Hint)
	}
	for _, a := range apps {
		text, err := json.Marshal(a.App)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\nsuspended: %s\nafter: %v\n", text, a.Suspended, a.After)
		for _, n := range a.Notes {
			fmt.Fprintf(&b, "%s: %s\n", n.Source, n.Text)
		}
	}
	return b.String()
}

func TestFieldsOfApplications(t *testing.T) {
	for _, test := range fields {
		apps, problems, _ := readAll(t, site(), applicationOf(test.spec))
		got := outcome(t, apps, problems)
		if !strings.Contains(got, test.want) {
			t.Errorf("%s:\n%s\ngot\n%s", test.spec, test.want, got)
		}
		for _, p := range problems {
			if p.Source.File != "apps.yaml" || p.Source.Line == 0 || p.Object != "Application web" {
				t.Errorf("%s: the problem is at %v, of %q", test.spec, p.Source, p.Object)
			}
		}
	}
}

func TestMetadataOfApplications(t *testing.T) {
	for metadata, want := range map[string]string{
		"name: Web_1":                                  `metadata.name: "Web_1" is no name of an object`,
		"name: " + strings.Repeat("a", 254):            "is no name of an object",
		"name: web\n  finalizers: [example.org/other]": "the finalizer example.org/other has no effect",
		"name: web\n  annotations: {argocd.argoproj.io/skip-reconcile: \"true\"}":                 "suspended: argocd.argoproj.io/skip-reconcile is true",
		"name: web\n  annotations: {argocd.argoproj.io/sync-wave: one}":                           `sync-wave: "one" is no number`,
		"name: web\n  annotations: {argocd.argoproj.io/manifest-generate-paths: .}":               "has no effect: the server knows",
		"name: web\n  annotations: {notifications.argoproj.io/subscribe.on-sync-failed.slack: a}": "has no effect: messages",
	} {
		apps, problems, _ := readAll(t, site(), strings.Replace(applicationOf("project: default"), "name: web", metadata, 1))
		if got := outcome(t, apps, problems); !strings.Contains(got, want) {
			t.Errorf("%s: want %s, got %s", metadata, want, got)
		}
	}
}

// TestAppsOfApps reads two Applications that an app makes, in waves, and a root that is among
// its own objects.
func TestAppsOfApps(t *testing.T) {
	one := func(name, wave string) string {
		return strings.Replace(applicationOf("project: default"), "name: web", "name: "+name+"\n  annotations: {"+waveKey+": \""+wave+"\"}", 1)
	}
	apps, problems, tree := readAll(t, site(), one("root", "0"))
	if len(apps) != 1 || len(problems) > 0 {
		t.Fatal(apps, problems)
	}
	objects, _ := manifest.Parse("apps/web/a.yaml", []byte(strings.Join([]string{one("root", "0"), one("base", "-1"), one("b", "2"), one("c", "2")}, "---\n")))
	for _, o := range objects {
		tree.Add(&apps[0].App, o)
	}
	apps, problems = tree.Next()
	var got []string
	for _, a := range apps {
		text := fmt.Sprintf("%s of %s:", a.App.Name, a.Parent)
		for _, after := range a.After {
			text += " " + after.Name
		}
		got = append(got, text)
	}
	if want := []string{"base of root:", "b of root: base", "c of root: base"}; !slices.Equal(got, want) || len(problems) > 0 {
		t.Errorf("apps %q, want %q; problems %v", got, want, problems)
	}
	tree.Add(&apps[0].App, &manifest.Object{Unstructured: objects[1].DeepCopy(), Source: objects[1].Source})
	objects[2].Object["spec"].(map[string]any)["project"] = "x"
	tree.Add(&apps[0].App, objects[2].Copy())
	if apps, problems := tree.Next(); len(apps) > 0 || len(problems) > 0 {
		t.Errorf("the same objects again: apps %v, problems %v", apps, problems)
	}
	other := objects[2].Copy()
	other.Object["spec"].(map[string]any)["project"] = "y"
	tree.Add(nil, other)
	other = objects[1].Copy()
	other.SetNamespace("elsewhere")
	tree.Add(nil, other)
	if _, problems := tree.Next(); len(problems) != 2 || !strings.Contains(problems.Error(), "is there twice") || !strings.Contains(problems.Error(), "the name base is taken by Application argocd/base") {
		t.Errorf("objects that differ: %v", problems)
	}
}

// TestNotesAreInOrder has many fields without effect, which are told in one order.
func TestNotesAreInOrder(t *testing.T) {
	spec := "source: " + repoURL + "path: chart, helm: {version: v3, passCredentials: true, skipTests: true, skipSchemaValidation: true, kubeVersion: 1.30.0, apiVersions: [a/v1]}}\ninfo: []"
	apps, _, _ := readAll(t, site(), applicationOf(spec))
	if len(apps) != 1 || len(apps[0].Notes) < 7 {
		t.Fatal(apps)
	}
	sorted := slices.IsSortedFunc(apps[0].Notes, func(a, b meaning.Note) int {
		return 10*(a.Source.Line-b.Source.Line) + strings.Compare(a.Text, b.Text)
	})
	if !sorted {
		t.Errorf("notes %v", apps[0].Notes)
	}
}

// TestPlacesOfRevisions: what a targetRevision means.
func TestPlacesOfRevisions(t *testing.T) {
	commit := strings.Repeat("a", 40)
	for text, want := range map[string]meaning.At{
		"": {}, "HEAD": {}, commit: {Commit: name.Revision(commit)}, "refs/heads/next": {Branch: "next"}, "refs/tags/v1": {Tag: "v1"},
		"next": {Word: "next"}, "v1.2.3": {Word: "v1.2.3"}, "1.2": {Word: "1.2"}, "1.x": {Range: "1.x", Loose: true, Word: "1.x"},
		"1.*": {Range: "1.*", Loose: true}, ">=1.2 <2": {Range: ">=1.2 <2", Loose: true}, "abc1234": {Word: "abc1234"},
	} {
		if got, err := placeOf(text); err != nil || got != want {
			t.Errorf("%q is %+v, %v", text, got, err)
		}
	}
}
