package flux

import (
	"fmt"
	"path"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
)

// Why fields of charts and their sources are refused, or have no effect.
const (
	ownInterval = "newer versions are looked for as often as the interval of the HelmRelease or Kustomization says"
	serversOwn  = "the server's configuration has credentials, certificates and the proxy (charts.credentials, charts.ca, outgoing)"
)

// chartType is the media type of the layer of a chart (Helm's HIP 6).
const chartType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

// image reads an OCIRepository that has a chart.
func (t *Tree) image(app *appfile.App, found *source) {
	spec := found.spec
	address := strings.TrimSuffix(strings.TrimPrefix(spec.Text("url"), "oci://"), "/")
	app.Helm.Repo, app.Helm.Chart = "oci://"+path.Dir(address), path.Base(address)
	app.Helm.Version = t.versionOf(found)
	layer := spec.Map("layerSelector")
	if kind := layer.Text("mediaType"); kind != "" && kind != chartType {
		layer.Problem("mediaType", fmt.Sprintf("layerSelector.mediaType: %q is no chart", kind), "write "+chartType+", or take layerSelector out")
	}
	layer.Raw("operation")
	app.Helm.Verify = t.verify(spec, app.Helm.Repo, found.object.GetNamespace())
	spec.Refuse("ignore", "the files of a chart are not chosen", "take it out")
	t.fetched(found, app.Helm.Version)
}

// versionOf is the version of a chart or artifact that the ref of an OCIRepository means: its digest
// counts before its range, and that before its tag, as for Flux.
func (t *Tree) versionOf(found *source) string {
	at := found.spec.Map("ref")
	tag, digest := at.Text("tag"), at.Text("digest")
	at.Refuse("semverFilter", "tags are not chosen by an expression", "write a range in semver that has the same versions")
	within := at.Has("semver")
	at.Raw("semver")
	switch {
	case digest != "":
		return digest
	case within:
		return at.Version("semver")
	case appfile.IsExactVersion(tag):
		return tag
	case tag != "":
		return appfile.TagOf + tag
	}
	return appfile.TagOf + "latest"
}

// fetched reads the fields that all sources of charts and artifacts have in common, for a version
// from there, and says once what is wrong or without effect.
func (t *Tree) fetched(found *source, version string) {
	spec := found.spec
	spec.Without("interval", ownInterval)
	spec.Without("timeout", "a fetch has 30 seconds")
	for _, field := range []string{"secretRef", "certSecretRef", "proxySecretRef", "serviceAccountName", "provider", "passCredentials", "accessFrom"} {
		spec.Without(field, serversOwn)
	}
	spec.Without("insecure", "only a registry on the server's own machine is asked without TLS")
	fixed := appfile.IsExactVersion(version) || appfile.IsDigest(version)
	if spec.Boolean("suspend", false) && !fixed {
		spec.Problem("suspend", "suspend: newer versions are not kept away by their source", "suspend the HelmRelease or Kustomization, or write the exact version")
	}
	spec.Done()
	if !found.told {
		t.wrong = append(t.wrong, found.reader.Problems...)
		t.noted = append(t.noted, found.reader.Notes...)
		found.told = true
	}
	found.reader.Problems, found.reader.Notes = nil, nil
}

// takeNotes are those on sources that were read since.
func (t *Tree) takeNotes() []meaning.Note {
	notes := t.noted
	t.noted = nil
	return notes
}
