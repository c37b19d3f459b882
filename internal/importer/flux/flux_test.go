package flux

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// sources are those that tests name.
const sources = `
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: other, namespace: flux-system}
spec: {url: "https://github.com/example/other"}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: tagged, namespace: flux-system}
spec: {url: "https://github.com/example/fleet.git", ref: {tag: v1}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: branched, namespace: flux-system}
spec: {url: "git@github.com:example/fleet.git", ref: {branch: next}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: charts, namespace: flux-system}
spec: {url: "https://charts.example.org/"}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: template, namespace: flux-system}
spec: {url: "oci://registry.example.org/charts/template", ref: {tag: 1.2.3}, interval: 5m, layerSelector: {mediaType: application/vnd.cncf.helm.chart.content.v1.tar+gzip, operation: copy}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: words, namespace: flux-system}
data: {a: b, values.yaml: "color: blue"}
---
apiVersion: v1
kind: Secret
metadata: {name: hidden, namespace: flux-system}
stringData: {values.yaml: "password: hunter22"}
`

// TestArtifactOfTheRepositoryItself: an OCIRepository is this repository where that says so.
func TestArtifactOfTheRepositoryItself(t *testing.T) {
	const address = "oci://registry.example.org/team/fleet"
	oci := func(more string) string {
		return "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: pushed, namespace: flux-system}\nspec: {url: '" + address + "'" + more + "}\n---\n"
	}
	from := func(name string) string {
		return strings.Replace(kustomization(""), "kind: GitRepository, name: flux-system", "kind: OCIRepository, name: "+name, 1)
	}
	for _, test := range []struct {
		text   string
		listed bool
		want   string // part of a problem, or of a note where it is taken
		taken  bool
	}{
		{oci("") + from("pushed"), true, address + " is this repository: import.self lists it", true},
		{oci(", ref: {tag: latest}, interval: 1m") + from("pushed"), true, "spec.ref.tag has no effect: what a push has is deployed", true},
		{oci("") + from("absent"), true, "no OCIRepository flux-system/absent is in this revision", false},
		{oci(", ref: {digest: 'sha256:0'}") + from("pushed"), true, "spec.ref.digest: what a push has is deployed", false},
		{oci(", layerSelector: {operation: copy}") + from("pushed"), true, "spec.layerSelector: no layers are fetched", false},
		{oci(", wrong: 1") + from("pushed"), true, "unknown field spec.wrong", false},
	} {
		world := worldOf()
		if test.listed {
			world.Self = []string{address}
		}
		apps, told := growIn(t, world, test.text)
		if !strings.Contains(told, test.want) || (len(apps) == 1 && apps[0].App.Path == "apps") != test.taken {
			t.Errorf("%s, listed %v: %d apps, %s", test.text, test.listed, len(apps), told)
		}
		foreign := foreign(world, parse(t, test.text))
		if o := parse(t, from("pushed"))[0]; foreign(o) == test.listed {
			t.Errorf("as a root, listed %v, it is foreign: %v", test.listed, foreign(o))
		}
	}
}

func worldOf() meaning.World {
	return meaning.World{Repo: "fleet", Branch: "main", Tree: fstest.MapFS{}, Clusters: appfile.Clusters{"default": nil, "far": nil}}
}

func parse(t *testing.T, text string) []*manifest.Object {
	t.Helper()
	objects, problems := manifest.Parse("a/b.yaml", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return objects
}

// read reads one object beside the sources.
func read(t *testing.T, text string) ([]meaning.App, manifest.Problems) {
	t.Helper()
	tree := New(worldOf())
	for _, o := range parse(t, sources) {
		if Is(o) {
			tree.Add(nil, o)
		} else {
			tree.Note("words", o)
		}
	}
	parent := appfile.Default()
	parent.Name = "root"
	for _, o := range parse(t, text) {
		if o.GetKind() == manifest.SecretKind.Kind {
			tree.Note("words", o)
		} else {
			tree.Add(&parent, o)
		}
	}
	return tree.Next()
}

// kustomization is a Kustomization with more in its spec.
func kustomization(more string) string {
	return "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a, namespace: flux-system}\nspec:\n" +
		"  path: ./apps\n  prune: true\n  sourceRef: {kind: GitRepository, name: flux-system}\n  " + more + "\n"
}

// helmRelease is a HelmRelease with more in its spec.
func helmRelease(more string) string {
	return "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a, namespace: flux-system}\nspec:\n" +
		"  chartRef: {kind: OCIRepository, name: template}\n  " + more + "\n"
}

func TestFieldsOfAKustomization(t *testing.T) {
	for _, test := range []struct {
		spec string
		is   func(meaning.App) bool
	}{
		{"wait: true", func(a meaning.App) bool {
			return a.App.Path == "apps" && a.App.Prune && a.App.Render == appfile.RenderKustomize && a.App.Kustomize.Generate && a.Parent == "root" && len(a.Notes) == 1
		}},
		{"targetNamespace: shop", func(a meaning.App) bool { return a.App.Kustomize.Namespace == "shop" }},
		{"namePrefix: x-\n  nameSuffix: -y", func(a meaning.App) bool {
			return a.App.Kustomize.NamePrefix == "x-" && a.App.Kustomize.NameSuffix == "-y"
		}},
		{"patches: [{patch: x}]", func(a meaning.App) bool { return string(a.App.Kustomize.Patches) == `[{"patch":"x"}]` }},
		{"patches: [{patch: x}]\n  patchesJson6902: [{patch: [{op: remove, path: /a}], target: {kind: B}}]\n  patchesStrategicMerge: [{kind: A, metadata: {name: a}}]\n  validation: client\n  buildMetadata: [originAnnotations]", func(a meaning.App) bool {
			const want = `[{"patch":"{\"kind\":\"A\",\"metadata\":{\"name\":\"a\"}}"},{"patch":"x"},{"patch":"[{\"op\":\"remove\",\"path\":\"/a\"}]","target":{"kind":"B"}}]`
			return string(a.App.Kustomize.Patches) == want && len(a.Notes) == 2
		}},
		{"images: [{name: x, newTag: y}]", func(a meaning.App) bool { return len(a.App.Kustomize.Images) > 0 }},
		{"components: [../x]", func(a meaning.App) bool { return string(a.App.Kustomize.Components) == `["../x"]` }},
		{"commonMetadata: {labels: {a: b}, annotations: {c: d}}", func(a meaning.App) bool {
			return a.App.PostBuild.Labels["a"] == "b" && a.App.PostBuild.Annotations["c"] == "d"
		}},
		{"components: [../x, ../a]\n  ignoreMissingComponents: true", func(a meaning.App) bool { return a.App.Kustomize.Components == nil }},
		{"ignore: [{paths: [/spec/replicas], target: {kind: Deployment}}]", func(a meaning.App) bool {
			return len(a.App.Ignore) == 1 && a.App.Ignore[0].Kind == "Deployment" && a.App.Ignore[0].Pointers[0] == "/spec/replicas"
		}},
		{"postBuild: {substituteStrategy: Always}", func(a meaning.App) bool { return a.App.PostBuild.Always && len(a.Notes) == 0 }},
		{"force: true", func(a meaning.App) bool { return a.App.PostBuild.Annotations[forced] == "enabled" }},
		{"interval: 1h\n  timeout: 3m", func(a meaning.App) bool {
			return a.App.Schedule == "@every 1h0m0s" && a.App.Timeout == 3*time.Minute
		}},
		{"interval: 1s", func(a meaning.App) bool { return a.App.Schedule == "@every 30s" }},
		{"suspend: true", func(a meaning.App) bool { return strings.Contains(a.Suspended, "a/b.yaml:8") }},
		{"dependsOn: [{name: b}, {name: c, namespace: d}]", func(a meaning.App) bool {
			return len(a.After) == 2 && a.After[0].Namespace == "flux-system" && a.After[1].Namespace == "d"
		}},
		{"postBuild: {substitute: {a: b}, substituteFrom: [{kind: ConfigMap, name: words}, {kind: Secret, name: none, optional: true}]}", func(a meaning.App) bool {
			from := a.App.PostBuild.From
			return a.App.PostBuild.Values["a"] == "b" && len(from) == 2 && from[0].Data["a"] == "b" && from[1].Data == nil && from[1].Optional
		}},
		{"healthCheckExprs: [{apiVersion: a.example.org/v1, kind: B, current: c, failed: d}]", func(a meaning.App) bool {
			h := a.App.Health
			return len(h) == 1 && h[0].Group == "a.example.org" && h[0].Kind == "B" && h[0].Current.Text == "c" && h[0].Failed.Text == "d"
		}},
		{"decryption: {provider: sops, secretRef: {name: x}}", func(a meaning.App) bool { return len(a.Notes) == 1 }},
		{"serviceAccountName: x", func(a meaning.App) bool { return a.App.ServiceAccount == "flux-system/x" && len(a.Notes) == 0 }},
		{"serviceAccountName: kustomize-controller", func(a meaning.App) bool { return a.App.ServiceAccount == "" && len(a.Notes) == 1 }},
		{"deletionPolicy: MirrorPrune", func(a meaning.App) bool { return len(a.Notes) == 0 && a.App.Keeps() == "" }},
		{"deletionPolicy: Delete", func(a meaning.App) bool { return a.App.Keeps() == "" }},
		{"deletionPolicy: Orphan", func(a meaning.App) bool { return a.App.Keeps() == "deletionPolicy: Orphan" && a.App.Prune }},
		{"deletionPolicy: Delete\n  suspend: true", func(a meaning.App) bool { return a.App.Keeps() == "suspend: true" }},
	} {
		apps, problems := read(t, kustomization(test.spec))
		if len(problems) > 0 || len(apps) != 1 || !test.is(apps[0]) {
			t.Errorf("%s: %+v, problems %v", test.spec, apps, problems)
		}
	}
}

// TestRemovalWithoutPrune: what becomes of the objects of a Kustomization that prunes nothing.
func TestRemovalWithoutPrune(t *testing.T) {
	for spec, want := range map[string]string{
		"wait: true": "prune: false", "deletionPolicy: MirrorPrune": "prune: false",
		"deletionPolicy: Delete": "", "deletionPolicy: WaitForTermination": "", "deletionPolicy: Orphan": "deletionPolicy: Orphan",
	} {
		apps, problems := read(t, strings.Replace(kustomization(spec), "prune: true", "prune: false", 1))
		if len(problems) > 0 || len(apps) != 1 || apps[0].App.Prune || apps[0].App.Keeps() != want {
			t.Errorf("%s: %+v, %v", spec, apps, problems)
		}
	}
	apps, _ := read(t, helmRelease("suspend: true"))
	if len(apps) != 1 || apps[0].App.Keeps() != "suspend: true" {
		t.Errorf("of a release that is suspended: %+v", apps)
	}
}

func TestFieldsOfARelease(t *testing.T) {
	for _, test := range []struct {
		spec string
		is   func(appfile.App) bool
	}{
		{"interval: 1h", func(a appfile.App) bool {
			return a.Helm.Repo == "oci://registry.example.org/charts" && a.Helm.Chart == "template" && a.Helm.Version == "1.2.3" && a.Namespace == "flux-system" && a.Helm.ReleaseName == "a"
		}},
		{"targetNamespace: shop", func(a appfile.App) bool { return a.Namespace == "shop" && a.Helm.ReleaseName == "shop-a" }},
		{"releaseName: x", func(a appfile.App) bool { return a.Helm.ReleaseName == "x" }},
		{"values: {a: {b: 1}}", func(a appfile.App) bool {
			return len(a.Helm.Values) == 1 && string(a.Helm.Values[0].Inline) == `{"a":{"b":1}}`
		}},
		{"valuesFrom: [{kind: ConfigMap, name: words}]\n  values: {a: 1}", func(a appfile.App) bool {
			return len(a.Helm.Values) == 2 && string(a.Helm.Values[0].Inline) == `{"color":"blue"}`
		}},
		{"valuesFrom: [{kind: Secret, name: hidden}]", func(a appfile.App) bool { return len(a.Hidden) == 1 && a.Hidden[0] == "hunter22" }},
		{"valuesFrom: [{kind: Secret, name: none, optional: true}]", func(a appfile.App) bool {
			from := a.Helm.Values[0].From
			return len(a.Helm.Values) == 1 && from.Optional && from.Kind == "Secret" && from.Namespace == "flux-system" && from.Key == "values.yaml" && from.Source().String() == "a/b.yaml:6"
		}},
		{"valuesFrom: [{kind: ConfigMap, name: none, valuesKey: host, targetPath: a.b, literal: true}]", func(a appfile.App) bool {
			from := a.Helm.Values[0].From
			return !from.Optional && from.Key == "host" && from.Target == "a.b" && from.Text
		}},
		{"valuesFrom: [{kind: ConfigMap, name: words, valuesKey: a, targetPath: 'x.y\\.z'}]", func(a appfile.App) bool {
			return string(a.Helm.Values[0].Inline) == `"b"` && a.Helm.Values[0].At == `x.y\.z` && a.Helm.Values[0].Beneath
		}},
		{"valuesFrom: [{kind: ConfigMap, name: words, valuesKey: a, targetPath: 'x[0].y'}]", func(a appfile.App) bool { return a.Helm.Values[0].At == "x[0].y" }},
		{"upgrade: {force: true}\n  commonMetadata: {annotations: {c: d}}", func(a appfile.App) bool {
			return a.PostBuild.Annotations[forced] == "enabled" && a.PostBuild.Annotations["c"] == "d"
		}},
		{"valuesFrom: [{kind: Secret, name: hidden, targetPath: file}]", func(a appfile.App) bool {
			return string(a.Helm.Values[0].Inline) == `"password: hunter22"` && a.Helm.Values[0].At == "file" && a.Helm.Values[0].Secret && slices.Equal(a.Hidden, []string{"password: hunter22"})
		}},
		{"valuesFrom: [{kind: ConfigMap, name: words, valuesKey: c, optional: true}]", func(a appfile.App) bool { return len(a.Helm.Values) == 0 }},
		{"kubeConfig: {secretRef: {name: far-kubeconfig, key: value}}", func(a appfile.App) bool { return a.Cluster == "far" }},
		{"kubeConfig: {secretRef: {name: far}}", func(a appfile.App) bool { return a.Cluster == "far" }},
		{"install: {createNamespace: true, crds: Skip, remediation: {retries: 3}}", func(a appfile.App) bool { return a.CreateNamespace && a.Helm.SkipCRDs }},
		{"driftDetection: {mode: warn, ignore: [{paths: [/spec/replicas], target: {kind: Deployment}}]}", func(a appfile.App) bool {
			return a.Drift == appfile.DriftWarn && len(a.Ignore) == 1 && a.Ignore[0].Kind == "Deployment"
		}},
		{"postRenderers: [{kustomize: {patches: [{patch: x}], images: [{name: y}]}}]", func(a appfile.App) bool {
			return len(a.Helm.PostRender) == 1 && len(a.Helm.PostRender[0].Patches) > 0 && len(a.Helm.PostRender[0].Images) > 0 && a.Helm.PostRenderHooks == appfile.HooksCombined
		}},
		{"postRenderers: [{kustomize: {patchesJson6902: [{patch: [{op: remove, path: /a}], target: {kind: B}}]}}]", func(a appfile.App) bool {
			return string(a.Helm.PostRender[0].Patches) == `[{"patch":"[{\"op\":\"remove\",\"path\":\"/a\"}]","target":{"kind":"B"}}]`
		}},
		{"install: {disableHooks: true}\n  upgrade: {disableHooks: true}", func(a appfile.App) bool { return slices.Equal(a.Helm.SkipHooks, []string{"install", "upgrade"}) }},
		{"install: {disableHooks: true}\n  upgrade: {disableHooks: false}", func(a appfile.App) bool { return slices.Equal(a.Helm.SkipHooks, []string{"install"}) }},
		{"postRenderStrategy: nohooks\n  postRenderers: [{kustomize: {patches: [{patch: x}]}}]", func(a appfile.App) bool { return a.Helm.PostRenderHooks == appfile.HooksLeft }},
		{"postRenderStrategy: separate\n  postRenderers: [{kustomize: {patches: [{patch: x}]}}]", func(a appfile.App) bool { return a.Helm.PostRenderHooks == appfile.HooksSeparate }},
	} {
		apps, problems := read(t, helmRelease(test.spec))
		if len(problems) > 0 || len(apps) != 1 || !test.is(apps[0].App) {
			text, _ := json.Marshal(apps)
			t.Errorf("%s: %s, problems %v", test.spec, text, problems)
		}
	}
}

func TestRefusals(t *testing.T) {
	chart := func(spec string) string {
		return strings.Replace(helmRelease(""), "chartRef: {kind: OCIRepository, name: template}", "chart: {spec: "+spec+"}", 1)
	}
	for _, test := range []struct{ text, want string }{
		{"apiVersion: source.toolkit.fluxcd.io/v1\nkind: Sauce\nmetadata: {name: a}\n", "a/b.yaml:1: Sauce a: the kind Sauce of Flux is not known here"},
		{"apiVersion: new.toolkit.fluxcd.io/v1\nkind: Thing\nmetadata: {name: a}\n", "the kind Thing of Flux is not known here"},
		{"apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Customization\nmetadata: {name: a}\n", "the kind Customization of Flux is not known here"},
		{"apiVersion: fluxcd.controlplane.io/v1\nkind: ResourceSet\nmetadata: {name: a}\n", "a ResourceSet of the Flux Operator is not expanded here"},
		{kustomization("pahtes: []"), "a/b.yaml:8: Kustomization flux-system/a: unknown field spec.pahtes"},
		{kustomization("kubeConfig: {secretRef: {name: cluster-kubeconfig}}"), "kubeConfig: this repository may use no cluster that is called flux-system, and"},
		{kustomization("kubeConfig: {secretRef: {name: x-kubeconfig}}"), "kubeConfig: this repository may use no cluster that is called x, and"},
		{kustomization("kubeConfig: {secretRef: {name: x}}"), "kubeConfig: this repository may use no cluster that is called x, and the Secret itself is not read"},
		{kustomization("serviceAccountName: a:b"), `a/b.yaml:8: Kustomization flux-system/a: spec.serviceAccountName: "a:b" is no name of a ServiceAccount`},
		{kustomization("deletionPolicy: Orphaned"), `deletionPolicy: "Orphaned" is not known`},
		{kustomization("interval: soon"), `"soon" is no duration`},
		{kustomization("patchesStrategicMerge: [x]"), "spec.patchesStrategicMerge: a patch is no mapping"},
		{kustomization("patchesJson6902: [x]"), "spec.patchesJson6902[0]"},
		{kustomization("dependsOn: [{name: b, readyExpr: x}]"), "readyExpr"},
		{strings.Replace(kustomization(""), "path: ./apps", "path: ../apps", 1), "leads out of the repository"},
		{strings.Replace(kustomization(""), "name: flux-system}\n", "name: other}\n", 1), "a/b.yaml:5: GitRepository flux-system/other: https://github.com/example/other is another repository"},
		{strings.Replace(kustomization(""), "name: flux-system}\n", "name: tagged}\n", 1), "follows a tag"},
		{strings.Replace(kustomization(""), "name: flux-system}\n", "name: branched}\n", 1), "only the server follows a branch next of this repository; this folder stands for branch main"},
		{strings.Replace(kustomization(""), "name: flux-system}\n", "name: absent}\n", 1), "no GitRepository flux-system/absent"},
		{strings.Replace(kustomization(""), "kind: GitRepository,", "kind: Bucket,", 1), "a Bucket is no source"},
		{strings.Replace(kustomization(""), "sourceRef: {kind: GitRepository, name: flux-system}", "", 1), "sourceRef is missing"},
		{strings.Replace(helmRelease(""), "name: template", "name: absent", 1), "no OCIRepository flux-system/absent"},
		{chart(`{chart: x, version: newest, sourceRef: {kind: HelmRepository, name: charts}}`), `a/b.yaml:5: HelmRelease flux-system/a: spec.chart.spec.version: "newest" is neither a version nor a range`},
		{chart(`{chart: x, verify: {provider: cosign}, sourceRef: {kind: HelmRepository, name: charts}}`), "spec.chart.spec.verify: signatures are of charts in registries whose address begins with oci://, and this is https://charts.example.org"},
		{chart(`{chart: x, version: 1.2.3, sourceRef: {kind: HelmRepository, name: none}}`), "no HelmRepository flux-system/none"},
		{chart(`{chart: x, version: 1.2.3, sourceRef: {kind: Bucket, name: none}}`), "a chart of a Bucket"},
		{helmRelease("valuesFrom: [{kind: ConfigMap, name: words, valuesKey: a, targetPath: 'x[y]'}]"), `a/b.yaml:6: HelmRelease flux-system/a: spec.valuesFrom[0].targetPath: "x[y]" is no place of a value`},
		{helmRelease("valuesFrom: [{kind: Pod, name: words}]"), `spec.valuesFrom[0].kind: "Pod" is neither ConfigMap nor Secret`},
		{helmRelease("kubeConfig: {configMapRef: {name: x}}"), "a/b.yaml:6: HelmRelease flux-system/a: spec.kubeConfig.configMapRef: how to log in to a cluster is the server's own"},
		{helmRelease("valuesFrom: [{kind: ConfigMap, name: words, valuesKey: c}]"), "has no key c"},
		{helmRelease("valuesFrom: [{kind: ConfigMap, name: words, valuesKey: a}]"), "holds no mapping"},
		{"apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmThing\nmetadata: {name: a}\n", "the kind HelmThing of Flux is not known"},
	} {
		_, problems := read(t, test.text)
		if !strings.Contains(problems.Error(), test.want) {
			t.Errorf("%s\nproblems %v\nwant %s", test.text, problems, test.want)
		}
	}
}

// TestAddressesThatAreThisRepository: it is said once which address was taken for it, and why.
func TestAddressesThatAreThisRepository(t *testing.T) {
	for name, want := range map[string]string{
		"other":       "https://github.com/example/other is this repository: the server knows it by that address",
		"own":         "https://github.com/example/fleet is this repository: it ends in the repository's name",
		"listed":      "git@example.org:a/listed is this repository: import.self lists it",
		"flux-system": "https://example.org/z is this repository: flux bootstrap has made it",
	} {
		world := worldOf()
		world.Addresses, world.Self = []string{"git@github.com:example/other.git"}, []string{"https://example.org/a/listed.git"}
		tree := New(world)
		for of, url := range map[string]string{"other": "https://github.com/example/other", "own": "https://github.com/example/fleet", "listed": "git@example.org:a/listed", "flux-system": "https://example.org/z"} {
			tree.Add(nil, parse(t, "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: "+of+", namespace: flux-system}\nspec: {url: '"+url+"'}\n")[0])
		}
		for _, app := range []string{"a", "b"} {
			text := strings.Replace(strings.Replace(kustomization(""), "name: flux-system}\n", "name: "+name+"}\n", 1), "name: a,", "name: "+app+",", 1)
			tree.Add(nil, parse(t, text)[0])
		}
		apps, problems := tree.Next()
		if len(problems) > 0 || len(apps) != 2 || len(apps[0].Notes) != 1 || apps[0].Notes[0].Text != want || len(apps[1].Notes) != 0 {
			t.Errorf("%s: %+v, problems %v", name, apps, problems)
		}
	}
}

func TestInstallationIsLeftOut(t *testing.T) {
	for text, want := range map[string]bool{
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: source-controller, labels: {app.kubernetes.io/part-of: flux, app.kubernetes.io/instance: flux-system}}\n": true,
		"apiVersion: v1\nkind: Namespace\nmetadata: {name: flux-system, labels: {app.kubernetes.io/part-of: flux}}\n":                                                      false,
		"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: buckets.source.toolkit.fluxcd.io}\n":                                        true,
		"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.org}\n":                                                     false,
		"apiVersion: notification.toolkit.fluxcd.io/v1\nkind: Alert\nmetadata: {name: a}\n":                                                                                true,
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {app.kubernetes.io/part-of: shop}}\n":                                                        false,
	} {
		if got := Is(parse(t, text)[0]); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestRoots(t *testing.T) {
	at := func(file, name, path string) *manifest.Object {
		o := parse(t, strings.Replace(strings.Replace(kustomization(""), "name: a,", "name: "+name+",", 1), "./apps", path, 1))[0]
		o.Source.File = file
		return o
	}
	names := func(objects []*manifest.Object) string {
		var all []string
		for _, o := range objects {
			all = append(all, o.GetName())
		}
		return strings.Join(all, " ")
	}
	of := func(o *manifest.Object, field, value string) *manifest.Object {
		o.Object["spec"].(map[string]any)["sourceRef"].(map[string]any)[field] = value
		return o
	}
	for _, test := range []struct {
		name     string
		clusters []string
		layout   fstest.MapFS // kustomizations
		objects  []*manifest.Object
		want     string // "" for problems
	}{
		{"what flux bootstrap wrote", nil, nil, []*manifest.Object{at("clusters/prod/flux-system/gotk-sync.yaml", "flux-system", "./clusters/prod"), at("clusters/prod/apps.yaml", "apps", "./apps")}, " flux-system"},
		{"whose file is in no path", nil, nil, []*manifest.Object{at("flux/cluster.yaml", "cluster", "./apps"), at("apps/x/ks.yaml", "x", "./apps/x/app")}, "flux cluster"},
		{"which is in its own path", nil, nil, []*manifest.Object{at("flux/cluster.yaml", "cluster", "./flux"), at("flux/apps.yaml", "apps", "./apps")}, " cluster"},
		{"at the top", nil, nil, []*manifest.Object{at("cluster.yaml", "cluster", "./apps"), at("apps/x/ks.yaml", "x", "./apps/x/app")}, " cluster"},
		{"one of two clusters", []string{"prod"}, nil, []*manifest.Object{at("clusters/prod/flux-system/gotk-sync.yaml", "flux-system", "./clusters/prod"), at("clusters/test/flux-system/gotk-sync.yaml", "flux-system", "./clusters/test")}, " flux-system"},
		{"two clusters of which none is known", nil, nil, []*manifest.Object{at("clusters/prod/flux-system/gotk-sync.yaml", "flux-system", "./clusters/prod"), at("clusters/test/flux-system/gotk-sync.yaml", "flux-system", "./clusters/test")}, ""},
		{
			"a base that an overlay lists, and its patch", nil,
			fstest.MapFS{
				"tenants/prod/kustomization.yaml": {Data: []byte("resources: [../base]\npatches: [{path: patch.yaml}]\n")},
				"tenants/base/kustomization.yaml": {Data: []byte("resources: [sync.yaml]\n")},
			},
			[]*manifest.Object{at("clusters/prod/tenants.yaml", "tenants", "./tenants/prod"), at("tenants/base/sync.yaml", "team", "./x"), at("tenants/prod/patch.yaml", "team", "./y")},
			"clusters/prod tenants",
		},
		{
			"an archive that no root has", nil, nil,
			[]*manifest.Object{at("flux/cluster.yaml", "cluster", "./apps"), at("apps/x/ks.yaml", "x", "./apps/x/app"), at("archive/v/ks.yaml", "v", "./apps/v/app"), at("archive/z/ks.yaml", "z", "./apps/z/app")},
			"flux cluster, without archive/v archive/z",
		},
		{"two of a kind", nil, nil, []*manifest.Object{at("a/x.yaml", "x", "./apps"), at("b/x.yaml", "x", "./apps")}, ""},
		{
			"the root of another repository has no file here", nil, nil,
			[]*manifest.Object{at("clusters/prod/apps.yaml", "apps", "./apps"), of(at("apps/team/sync.yaml", "team", "./"), "name", "other"), of(at("apps/team/charts.yaml", "charts", "./"), "kind", "OCIRepository")},
			"clusters/prod apps",
		},
	} {
		world := worldOf()
		for _, cluster := range test.clusters {
			world.Clusters[cluster] = nil
		}
		layout := &meaning.Layout{}
		if test.layout != nil {
			finds := meaning.Scanner{}
			finds.Scan(meaning.World{Tree: test.layout}).Visit(func(meaning.Dir) bool { return true }, layout.Note)
		}
		start, problems := Roots(world, layout, append(test.objects, parse(t, "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: other}\nspec: {url: https://example.org/other}\n")...))
		got := ""
		for _, part := range start.Parts {
			got += part.Folder + " " + names(part.Objects)
		}
		if len(start.Left) > 0 {
			got += ", without " + strings.Join(start.Left, " ")
		}
		if len(problems) > 0 {
			got = ""
		}
		if got != test.want {
			t.Errorf("%s: %q, problems %v", test.name, got, problems)
		}
	}
}

// TestSourcesOfRoots: a GitRepository that a root names, and that is in no file, is this
// repository; others have to be there.
func TestSourcesOfRoots(t *testing.T) {
	named := func(called string) []*manifest.Object {
		return parse(t, strings.Replace(kustomization(""), "name: flux-system}", "name: "+called+"}", 1))
	}
	for _, test := range []struct{ root, child, want string }{
		{"made", "made", ""},
		{"made", "missing", "no GitRepository flux-system/missing is in this revision"},
		{"other", "other", "https://github.com/example/other is another repository"},
	} {
		tree := New(worldOf())
		written := parse(t, sources)[:1]
		for _, o := range written {
			tree.Add(nil, o)
		}
		tree.Assume(named(test.root), append(written, named(test.root)...))
		root := appfile.Default()
		for _, o := range named(test.child) {
			tree.Add(&root, o)
		}
		_, problems := tree.Next()
		if !strings.Contains(problems.Error(), test.want) || (len(problems) == 0) != (test.want == "") {
			t.Errorf("%s under %s: %v, want %s", test.child, test.root, problems, test.want)
		}
		if told := len(tree.Notes()) == 1; told != (test.root == "made") {
			t.Errorf("%s: notes %v", test.root, tree.Notes())
		}
	}
}

func TestInstallationsFromElsewhereAreLeftOut(t *testing.T) {
	for url, want := range map[string]bool{
		"https://github.com/fluxcd/flux2": true, "oci://ghcr.io/fluxcd/flux-manifests": true, "https://github.com/example/flux2": false,
	} {
		tree := New(worldOf())
		root := appfile.Default()
		for _, o := range parse(t, `
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: install, namespace: flux-system}
spec: {url: "`+url+`"}
---
`+strings.Replace(kustomization(""), "name: flux-system}", "name: install}", 1)) {
			tree.Add(&root, o)
		}
		apps, problems := tree.Next()
		if left := len(apps) == 0 && len(problems) == 0 && len(tree.Notes()) == 1; left != want {
			t.Errorf("%s: apps %v, problems %v, notes %v", url, apps, problems, tree.Notes())
		}
	}
}

// TestArtifacts: a folder of an artifact is the folder that is copied there.
func TestArtifacts(t *testing.T) {
	const generators = `
apiVersion: source.extensions.fluxcd.io/v1beta1
kind: ArtifactGenerator
metadata: {name: g, namespace: flux-system}
spec:
  sources:
    - {alias: mono, kind: GitRepository, name: flux-system}
    - {alias: other, kind: GitRepository, name: other}
  artifacts:
    - {name: whole, originRevision: "@mono", copy: [{from: "@mono/infra/**", to: "@artifact/", exclude: ["*.md"]}]}
    - name: parts
      copy: [{from: "@mono/apps/base/**", to: "@artifact/base/"}, {from: "@mono/apps/prod/", to: "@artifact/"}, {from: "@mono/apps/a.yaml", to: "@artifact/"}]
    - {name: all, copy: [{from: "@mono/**", to: "@artifact/"}]}
    - {name: moved, copy: [{from: "@mono/infra/**", to: "@artifact/x/"}]}
    - {name: matched, copy: [{from: "@mono/infra/*.yaml", to: "@artifact/"}]}
    - {name: foreign, copy: [{from: "@other/infra/**", to: "@artifact/"}]}
    - {name: nowhere, copy: [{from: "@none/infra/**", to: "@artifact/"}]}
    - {name: merged, copy: [{from: "@mono/infra/**", to: "@artifact/", strategy: Merge}]}
    - {name: without, copy: [{from: "@mono/infra/**", to: "@artifact/", exclude: ["x/**"]}]}
---
apiVersion: source.extensions.fluxcd.io/v1beta1
kind: ArtifactGenerator
metadata: {name: captured, namespace: flux-system}
spec:
  sources: [{alias: mono, kind: GitRepository, name: flux-system}]
  pathPattern: "@mono/apps/{app}/envs/{env}"
  artifacts: [{name: "{app}-{env}", copy: [{from: "@mono/apps/{app}/envs/{env}/**", to: "@artifact/"}]}]
`
	for _, test := range []struct{ artifact, path, want string }{
		{"whole", "./controllers", "infra/controllers"},
		{"whole", "./", "infra"},
		{"parts", "./base", "apps/base"},
		{"parts", "./prod/shop", "apps/prod/shop"},
		{"parts", "./", "no single step copies the folder . of the artifact"},
		{"all", "./apps", "apps"},
		{"shop-prod", "./", "apps/Shop/envs/prod"},
		{"shop-test", "./", "no ArtifactGenerator of this revision makes ExternalArtifact flux-system/shop-test"},
		{"moved", "./x", "the artifact has infra as x"},
		{"matched", "./infra", "no single step copies the folder infra of the artifact"},
		{"foreign", "./", "https://github.com/example/other is another repository"},
		{"nowhere", "./", "there is no source @none"},
		{"merged", "./", "strategy: Merge is not done here"},
		{"without", "./", `exclude: "x/**" may leave manifests out`},
	} {
		world := worldOf()
		world.Tree = fstest.MapFS{"apps/prod/shop/a.yaml": {}, "apps/a.yaml": {}, "apps/Shop/envs/prod/a.yaml": {}}
		tree := New(world)
		root := appfile.Default()
		root.Name = "root"
		for _, o := range parse(t, sources) {
			if Is(o) {
				tree.Add(&root, o)
			}
		}
		text := strings.NewReplacer("GitRepository, name: flux-system", "ExternalArtifact, name: "+test.artifact, "./apps", test.path).Replace(kustomization(""))
		for _, o := range append(parse(t, generators), parse(t, text)...) {
			tree.Add(&root, o)
			tree.Add(&root, o) // as a root that includes its own object
		}
		apps, problems := tree.Next()
		got := problems.Error()
		if len(problems) == 0 {
			got = apps[0].App.Path
		}
		if len(problems) == 0 && got != test.want || !strings.Contains(got, test.want) {
			t.Errorf("%s of %s: %s, want %s", test.path, test.artifact, got, test.want)
		}
	}
}

func TestObjectsThatAreThereTwice(t *testing.T) {
	tree := New(worldOf())
	one, two := parse(t, kustomization(""))[0], parse(t, kustomization(""))[0]
	two.Source.File = "c.yaml"
	root, other := appfile.Default(), appfile.Default()
	root.Name, other.Name = "root", "other"
	tree.Add(&root, one)
	tree.Add(&other, two)
	if _, problems := tree.Next(); !strings.Contains(problems.Error(), "is there twice; the other is at a/b.yaml:1") {
		t.Errorf("problems %v", problems)
	}
}

// TestClustersOfKubeConfigs: the cluster is called like the Secret, like both its namespace and
// it, or like the namespace alone where the Secret's name says nothing.
func TestClustersOfKubeConfigs(t *testing.T) {
	for secret, want := range map[string][]string{
		"eu":                 {"eu", "production-eu"},
		"eu-kubeconfig":      {"eu-kubeconfig", "production-eu", "eu"},
		"cluster-kubeconfig": {"cluster-kubeconfig", "cluster", "production-cluster", "production"},
		"kubeconfig":         {"kubeconfig", "production-kubeconfig", "production"},
		"-kubeconfig":        {"-kubeconfig", "production-", ""},
	} {
		got := clustersOf("production", secret)
		for _, name := range want {
			if !slices.Contains(got, name) {
				t.Errorf("the cluster of Secret %s may be called %q, but not %s", secret, got, name)
			}
		}
	}
}
