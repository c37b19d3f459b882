package flux

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
	"github.com/pushboat/pushboat/internal/manifest"
)

// release reads a HelmRelease (helm.toolkit.fluxcd.io/v2).
func (t *Tree) release(it *item) (meaning.App, manifest.Problems) {
	r := meaning.Read(it.object, t.world.Place)
	spec := r.Spec()
	made := t.appOf(it, spec)
	app := &made.App
	target := spec.Text("targetNamespace")
	app.Path, app.Render = besides(it.object), appfile.RenderHelm
	app.Namespace = cmp.Or(target, it.ref.Namespace)
	app.Helm.ReleaseName = releaseName(spec.Text("releaseName"), target, it.ref.Name)
	app.Helm.Line = spec.Source("chart").Line
	t.chart(app, it, spec)
	made.Notes = append(made.Notes, t.takeNotes()...)
	t.values(app, it, spec)
	common := spec.Map("commonMetadata")
	app.PostBuild.Labels, app.PostBuild.Annotations = common.Pairs("labels"), common.Pairs("annotations")
	t.phases(app, spec)
	t.drift(app, spec)
	t.postRender(app, spec)
	spec.Without("storageNamespace", "there are no Secrets of releases: records are kept in Git")
	spec.Without("maxHistory", "all deploys are kept")
	spec.Without("persistentClient", "it is of the controller")
	spec.Without("waitStrategy", "everything is waited for")
	spec.Without("rollback", "a failed deploy stays as it is, or onFailure: rollback in pushboat.yaml takes the app back")
	return done(r, made, spec)
}

// maxRelease bounds the names of releases (Helm).
const maxRelease = 53

// releaseName is the name of a release as helm-controller makes it: target namespace and name,
// and a part of their hash where that is too long (fluxcd/helm-controller, internal/release,
// ShortenName).
func releaseName(written, target, name string) string {
	switch {
	case written != "":
		return written
	case target != "":
		name = target + "-" + name
	}
	if len(name) <= maxRelease {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return name[:maxRelease-13] + "-" + hex.EncodeToString(sum[:])[:12]
}

// chart reads which chart is meant.
func (t *Tree) chart(app *appfile.App, it *item, spec *meaning.Map) {
	if ref := spec.Map("chartRef"); ref.There {
		t.chartRef(app, it, ref)
		return
	}
	chart := spec.Map("chart")
	if !chart.There {
		spec.Problem("chart", "neither chart nor chartRef is written", "add chartRef: {kind: OCIRepository, name: NAME}")
		return
	}
	if metadata := chart.Map("metadata"); metadata.There {
		metadata.Raw("labels")
		metadata.Raw("annotations")
	}
	t.chartSpec(app, it, chart.Map("spec"))
}

// chartSpec reads the spec of a chart, that of a HelmRelease or of a HelmChart.
func (t *Tree) chartSpec(app *appfile.App, it *item, chart *meaning.Map) {
	name := chart.Text("chart")
	ref := chart.Map("sourceRef")
	files, missing := valuesFiles(chart), chart.Boolean("ignoreMissingValuesFiles", false)
	chart.Raw("version")
	chart.Without("interval", ownInterval)
	chart.Without("reconcileStrategy", "what the revision has is rendered")
	chart.Raw("verify")
	kind, from := ref.Text("kind"), ref.Text("name")
	namespace := cmp.Or(ref.Text("namespace"), it.ref.Namespace)
	ref.Raw("apiVersion")
	if kind == "GitRepository" {
		folder, inside := meaning.Folder(name)
		if !inside {
			chart.Problem("chart", fmt.Sprintf("chart: %q leads out of the repository", name), "")
		}
		chart.Without("version", "what the revision has is rendered")
		chart.Refuse("verify", "signatures of cosign are of charts of registries", "take it out; signed commits are demanded in admin.git (requireSigned in access.yaml)")
		root := t.repository(it, ref)
		app.Path = path.Join(root, folder)
		for _, file := range files {
			t.valuesFile(app, path.Join(root, file), missing, chart.Source("valuesFiles").Line)
		}
		return
	}
	if kind != "HelmRepository" {
		ref.Problem("kind", fmt.Sprintf("a chart of a %s cannot be had here", kind), "name a HelmRepository, or the OCIRepository in chartRef")
		return
	}
	t.chartFiles(app, chart, files, missing)
	repository := t.sources[meaning.Ref{Kind: kind, Namespace: namespace, Name: from}]
	if repository == nil {
		ref.Problem("name", fmt.Sprintf("no HelmRepository %s/%s is in this revision", namespace, from), "commit it")
		return
	}
	app.Helm.Chart, app.Helm.Version = name, chart.Version("version")
	app.Helm.Repo = strings.TrimSuffix(repository.spec.Text("url"), "/")
	if folder, base := path.Split(name); folder != "" && strings.HasPrefix(app.Helm.Repo, "oci://") {
		app.Helm.Repo, app.Helm.Chart = app.Helm.Repo+"/"+strings.Trim(folder, "/"), base
	}
	repository.spec.Raw("type")
	app.Helm.Verify = t.verify(chart, app.Helm.Repo, namespace)
	t.fetched(repository, app.Helm.Version)
}

// valuesFiles are those of a chart; APIs before v2 have a last one apart.
func valuesFiles(chart *meaning.Map) []string {
	files := chart.Texts("valuesFiles")
	if last := chart.Text("valuesFile"); last != "" {
		files = append(files, last)
	}
	return files
}

// chartFiles has files in a chart of a registry be its values: all such files together take the place
// of its own.
func (t *Tree) chartFiles(app *appfile.App, chart *meaning.Map, files []string, missing bool) {
	if len(files) > 0 && missing {
		chart.Problem("ignoreMissingValuesFiles", "ignoreMissingValuesFiles: whether a chart of a registry has a file is known when it is fetched", "take it out, and name files that it has")
	}
	for _, file := range files {
		name := path.Clean(file)
		if !fs.ValidPath(name) {
			chart.Problem("valuesFiles", fmt.Sprintf("valuesFiles: %q leads out of the chart", file), "write a path from its root")
		}
		app.Helm.ReplaceValues = true
		app.Helm.Values = append(app.Helm.Values, appfile.HelmValues{File: appfile.ChartFile + name, Line: chart.Source("valuesFiles").Line})
	}
}

// valuesFile has a file of the repository be values of the chart: all such files together take the
// place of its own (source-controller, mergeFileValues).
func (t *Tree) valuesFile(app *appfile.App, file string, missing bool, line int) {
	app.Helm.ReplaceValues = true
	if _, err := fs.Stat(t.world.Tree, file); missing && errors.Is(err, fs.ErrNotExist) {
		return
	}
	app.Helm.Values = append(app.Helm.Values, appfile.HelmValues{File: meaning.Relative(app.Path, file), Line: line})
}

// chartRef reads a reference to an OCIRepository or a HelmChart.
func (t *Tree) chartRef(app *appfile.App, it *item, ref *meaning.Map) {
	kind, name := ref.Text("kind"), ref.Text("name")
	namespace := cmp.Or(ref.Text("namespace"), it.ref.Namespace)
	ref.Raw("apiVersion")
	found := t.sources[meaning.Ref{Kind: kind, Namespace: namespace, Name: name}]
	switch {
	case kind != ociKind && kind != "HelmChart":
		ref.Problem("kind", fmt.Sprintf("chartRef: a %s is no chart", kind), "name an OCIRepository")
	case found == nil:
		ref.Problem("name", fmt.Sprintf("no %s %s/%s is in this revision", kind, namespace, name), "commit it")
	case kind == "HelmChart":
		of := &item{ref: meaning.Ref{Namespace: namespace}}
		t.chartSpec(app, of, found.spec)
		it.lost = of.lost
		t.fetched(found, app.Helm.Version)
	default:
		t.image(app, found)
	}
}

// values reads the values: those of valuesFrom, each over those before, and last those that
// are written in place.
func (t *Tree) values(app *appfile.App, it *item, spec *meaning.Map) {
	for _, from := range spec.Maps("valuesFrom") {
		if values, ok := t.valuesFrom(app, it, from); ok {
			app.Helm.Values = append(app.Helm.Values, values)
		}
	}
	inline := spec.Map("values")
	if inline.There {
		if text := asJSON(spec.Raw("values")); text != nil {
			app.Helm.Values = append(app.Helm.Values, appfile.HelmValues{Inline: text, Line: spec.Source("values").Line})
		}
		for _, name := range inline.Names() {
			inline.Raw(name)
		}
	}
}

// valuesFrom reads values of a ConfigMap or Secret: what the revision makes of it, or else what
// the cluster has.
func (t *Tree) valuesFrom(app *appfile.App, it *item, from *meaning.Map) (appfile.HelmValues, bool) {
	at := from.Source("name")
	of := appfile.HelmFrom{
		ValuesFrom: appfile.ValuesFrom{Kind: from.Text("kind"), Namespace: it.ref.Namespace, Name: from.Text("name"), Optional: from.Boolean("optional", false), File: at.File, Line: at.Line},
		Key:        cmp.Or(from.Text("valuesKey"), appfile.DefaultValuesKey), Target: from.Text("targetPath"), Text: from.Boolean("literal", false),
	}
	if of.Kind != "ConfigMap" && of.Kind != manifest.SecretKind.Kind {
		from.Problem("kind", fmt.Sprintf("%s: %q is neither ConfigMap nor Secret", from.At("kind"), of.Kind), "")
		return appfile.HelmValues{}, false
	}
	if err := appfile.CheckTarget(of.Target); of.Target != "" && err != nil {
		from.Problem("targetPath", from.At("targetPath")+": "+err.Error(), appfile.HintTarget)
		return appfile.HelmValues{}, false
	}
	found, made := t.data[meaning.Ref{Kind: of.Kind, Namespace: of.Namespace, Name: of.Name}]
	if !made {
		return appfile.HelmValues{From: &of, Line: at.Line}, true
	}
	values, err := of.Filled(found.values)
	if err != nil {
		from.Problem("valuesKey", err.Error(), appfile.HintKeys(found.values))
	}
	if values == nil {
		return appfile.HelmValues{}, false
	}
	if values.Secret = found.secret; found.secret {
		app.Hidden = append(app.Hidden, values.Texts()...)
	}
	return *values, true
}

// phases reads how a release is installed, upgraded and removed.
func (t *Tree) phases(app *appfile.App, spec *meaning.Map) {
	install := spec.Map("install")
	app.CreateNamespace = install.Boolean("createNamespace", false)
	switch crds := install.Text("crds"); crds {
	case "", "Create", "CreateReplace":
	case "Skip":
		app.Helm.SkipCRDs = true
	default:
		install.Problem("crds", fmt.Sprintf("install.crds: %q is not known", crds), "write Create, CreateReplace or Skip")
	}
	if install.Boolean("skipCRDs", false) {
		app.Helm.SkipCRDs = true
	}
	upgrade := spec.Map("upgrade")
	upgrade.Raw("crds")
	const waited = "everything is waited for, checked, and tried again"
	for operation, phase := range map[string]*meaning.Map{appfile.OfInstall: install, appfile.OfUpgrade: upgrade} {
		for _, field := range []string{"remediation", "timeout", "replace", "disableWait", "disableWaitForJobs", "disableOpenAPIValidation", "disableSchemaValidation", "disableTakeOwnership", "strategy", "cleanupOnFail", "preserveValues", "serverSideApply", "chartNameChangeStrategy"} {
			phase.Without(field, waited)
		}
		if phase.Boolean("disableHooks", false) {
			app.Helm.SkipHooks = append(app.Helm.SkipHooks, operation)
		}
		if phase.Boolean("force", false) {
			force(app)
		}
	}
	slices.Sort(app.Helm.SkipHooks)
	readUninstall(spec)
	test := spec.Map("test")
	for _, field := range test.Names() {
		test.Raw(field)
	}
	spec.Without("test", "tests run by ssh HOST test APP")
}

// drift reads what is left alone.
func (t *Tree) drift(app *appfile.App, spec *meaning.Map) {
	detection := spec.Map("driftDetection")
	switch mode := detection.Text("mode"); mode {
	case "", "enabled", "disabled":
	case "warn":
		app.Drift = appfile.DriftWarn
	default:
		detection.Problem("mode", fmt.Sprintf("driftDetection.mode: %q is not known", mode), "write enabled or warn")
	}
	t.ignore(app, detection)
}

// ignore reads the fields of objects that somebody else owns.
func (t *Tree) ignore(app *appfile.App, rules *meaning.Map) {
	for _, ignore := range rules.Maps("ignore") {
		target := ignore.Map("target")
		one := appfile.Ignore{
			Kind: target.Text("kind"), Name: target.Text("name"), Namespace: target.Text("namespace"), Group: target.Text("group"), Pointers: ignore.Texts("paths"),
		}
		target.Raw("version")
		target.Refuse("labelSelector", "objects are named by kind and name", "write kind: and name:")
		target.Refuse("annotationSelector", "objects are named by kind and name", "write kind: and name:")
		for kind := range strings.SplitSeq(one.Kind, "|") {
			if kind == "" {
				kind = appfile.EveryKind
			} else if strings.Trim(kind, letters) != "" {
				target.Problem("kind", fmt.Sprintf("%s: %q is no kind", target.At("kind"), one.Kind), "name kinds with | between them: Deployment|StatefulSet")
				continue
			}
			each := one
			each.Kind = kind
			app.Ignore = append(app.Ignore, each)
		}
	}
}

// letters are those of kinds.
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// postRender reads what is done to the objects of the chart.
func (t *Tree) postRender(app *appfile.App, spec *meaning.Map) {
	for _, renderer := range spec.Maps("postRenderers") {
		build := renderer.Map("kustomize")
		app.Helm.PostRender = append(app.Helm.PostRender, appfile.Kustomize{Patches: asJSON(patches(build)), Images: asJSON(build.List("images"))})
	}
	strategy := spec.Text("postRenderStrategy")
	switch strategy {
	case "nohooks", appfile.HooksCombined, appfile.HooksSeparate, "":
	default:
		spec.Problem("postRenderStrategy", fmt.Sprintf("postRenderStrategy: %q is not known", strategy), "write combined, separate or nohooks")
	}
	if len(app.Helm.PostRender) > 0 && strategy != "nohooks" {
		app.Helm.PostRenderHooks = cmp.Or(strategy, appfile.HooksCombined)
	}
}
