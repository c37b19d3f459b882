package appfile

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/manifest"
)

// Artifacts is the folder of a revision below which the artifacts are that an app is rendered from,
// each in a folder of its own. Nothing lists it, and no hash of a folder covers it.
const Artifacts = ".artifacts"

// MountOf is the folder of another repository, or of an artifact, in which a path is; "" for one of
// the revision itself. That of an artifact has its version after an @: a revision may have a folder
// .artifacts of its own.
func MountOf(name string) string {
	if element, is := elementBelow(Others, name); is {
		return path.Join(Others, element)
	}
	if element, is := elementBelow(Artifacts, name); is && strings.Contains(element, "@") {
		return path.Join(Artifacts, element)
	}
	return ""
}

// InArtifact reports whether a path is in an artifact.
func InArtifact(name string) bool { return strings.HasPrefix(MountOf(name), Artifacts+"/") }

// elementBelow is the first element of a path below a folder.
func elementBelow(folder, name string) (element string, is bool) {
	rest, is := strings.CutPrefix(name, folder+"/")
	element, _, _ = strings.Cut(rest, "/")
	return element, is
}

// Artifact is an archive in an OCI registry, from which an app is rendered instead of from a
// folder of the revision. The zero value is none.
type Artifact struct {
	URL     string `json:"url"`     // oci://HOST/PATH/NAME
	Version string `json:"version"` // exact, a range, tag:NAME, or the digest of a manifest
	Path    string `json:"path"`    // the folder in the archive; clean, "." for its root
	// Layer is the media type of the layer with the archive; "": the first layer.
	Layer string `json:"layer,omitempty"`
	// Ignore has patterns of files to leave out, in the syntax of gitignore(5).
	Ignore string  `json:"ignore,omitempty"`
	Verify *Verify `json:"verify,omitempty"` // whose signature it has to have; nil: none
	File   string  `json:"file,omitempty"`   // where it is named; "": pushboat.yaml
	Line   int     `json:"line,omitempty"`
}

// Source is where the artifact is named.
func (a Artifact) Source() manifest.Source { return ValuesFrom{File: a.File, Line: a.Line}.Source() }

// IsZero reports whether no artifact is named.
func (a Artifact) IsZero() bool { return a.URL == "" }

// Split are the address of the registry and the name of the artifact there.
func (a Artifact) Split() (repo, name string) {
	address := strings.TrimSuffix(strings.TrimPrefix(a.URL, ociScheme), "/")
	return ociScheme + path.Dir(address), path.Base(address)
}

// Asks reports whether the app's cluster has to be asked for the keys of the artifact's signature.
func (a Artifact) Asks() bool { return a.Verify != nil && a.Verify.Secret != nil }

// CheckURL returns an error if the address is not that of an artifact.
func (a Artifact) CheckURL() error {
	if host, _, _ := strings.Cut(strings.TrimPrefix(a.URL, ociScheme), "/"); strings.Contains(host, "@") {
		return errors.New("the address has credentials in it; the server's configuration has them, under charts.credentials") // which are not shown
	}
	if repo, _ := a.Split(); !strings.HasPrefix(a.URL, ociScheme) || repo == ociScheme+"." {
		return fmt.Errorf("%q is not oci://HOST/PATH/NAME", manifest.Clean(a.URL))
	}
	return nil
}

// ociScheme begins the addresses of OCI registries.
const ociScheme = "oci://"

// Limits on the fields of an artifact, in bytes.
const (
	maxLayer  = 255 // RFC 6838, 4.2
	maxIgnore = 64 << 10
)

var artifactFields = []string{"url", "version", "path", "layer", "ignore", "verify"}

const artifactExample = "for example artifact: {url: oci://registry.example.org/manifests/web, version: ~1.2}"

// readArtifact reads the artifact that an app is rendered from.
func (r *reader) readArtifact(app *App, fields map[string]field) {
	f, ok := fields["artifact"]
	if !ok {
		return
	}
	a := Artifact{Path: ".", Line: f.Line}
	before := len(r.Problems)
	inner := r.Fields(f.Value, "artifact", artifactFields)
	for name, into := range map[string]*string{"url": &a.URL, "version": &a.Version, "path": &a.Path, "layer": &a.Layer, "ignore": &a.Ignore} {
		if one, ok := inner[name]; ok {
			*into, _ = r.Text(one)
		}
	}
	if one, ok := inner["path"]; ok {
		if message := checkPath(a.Path); message != "" {
			r.Add(one.Line, fmt.Sprintf("artifact.path: %q is no folder of an archive", a.Path), "write its path from the root of the archive, such as deploy/prod, or . for the root")
		}
		a.Path = path.Clean(strings.TrimSuffix(a.Path, "/"))
	}
	if one, ok := inner["verify"]; ok {
		a.Verify = r.readVerify(one, "artifact.verify", app.Namespace)
	}
	if len(r.Problems) == before {
		r.checkArtifact(a, f.Line, inner)
	}
	_, helm := fields["helm"]
	_, folder := fields["path"]
	switch {
	case helm && app.Helm.Chart != "":
		r.Add(f.Line, "artifact: has manifests, and helm names a chart", "take one of the two out")
	case folder:
		r.Add(fields["path"].Line, "path: is a folder of this repository, and the app is rendered from an artifact", "write it as artifact.path if it is the folder there, or take it out")
	}
	app.Artifact = a
}

// checkArtifact reports what is wrong with an artifact.
func (r *reader) checkArtifact(a Artifact, line int, inner map[string]field) {
	repo, _ := a.Split()
	version, wrong := line, a.CheckURL()
	if one, ok := inner["version"]; ok {
		version = one.Line
	}
	switch {
	case a.URL == "":
		r.Add(line, "artifact.url is missing", artifactExample)
	case wrong != nil:
		r.Add(inner["url"].Line, "artifact.url: "+wrong.Error(), artifactExample)
	case a.Version == "":
		r.Add(version, "artifact.version is missing", "add version: with the exact version, such as 1.2.3, a range, such as ~1.2, tag:NAME, or the digest of the manifest")
	case len(a.Layer) > maxLayer:
		r.Add(inner["layer"].Line, fmt.Sprintf("artifact.layer has more than %d bytes", maxLayer), "write the media type of the layer")
	case len(a.Ignore) > maxIgnore:
		r.Add(inner["ignore"].Line, fmt.Sprintf("artifact.ignore has more than %d bytes", maxIgnore), "write fewer patterns; one with a * matches many files")
	default:
		r.checkVersion(versioned{"artifact", repo, a.Version, ""}, version)
	}
}

// artifactNode writes an artifact.
func artifactNode(a Artifact) *yaml.Node {
	m := mapping()
	m.put("url", a.URL)
	m.put("version", a.Version)
	if !a.IsZero() {
		putUnless(m, "path", a.Path, ".")
	}
	m.put("layer", a.Layer)
	m.put("ignore", a.Ignore)
	m.set("verify", verifyNode(a.Verify))
	return m.Node
}
