package flux

import (
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
)

// secretOfKeys is a Secret of the revision with two public keys, and a private one.
const secretOfKeys = `apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: flux-system}
stringData: {cosign.pub: public, other.pub: another, cosign.key: private}
---
apiVersion: v1
kind: Secret
metadata: {name: none, namespace: flux-system}
stringData: {cosign.key: private}
---
`

// TestVerify: whose signature counts is that of the object, with its line.
func TestVerify(t *testing.T) {
	identities := []appfile.VerifyIdentity{{Issuer: "^https://a$", Subject: "b"}, {Issuer: "c", Subject: "d"}}
	matches := "matchOIDCIdentity: [{issuer: ^https://a$, subject: b}, {issuer: c, subject: d}]"
	for spec, is := range map[string]func(appfile.Verify) bool{
		"{provider: cosign, " + matches + "}": func(v appfile.Verify) bool {
			return slices.Equal(v.Identities, identities) && v.Keys == nil && v.Secret == nil
		},
		"{" + matches + "}": func(v appfile.Verify) bool { return slices.Equal(v.Identities, identities) },
		"{provider: cosign, secretRef: {name: keys}}": func(v appfile.Verify) bool {
			return slices.Equal(v.Keys, []appfile.VerifyKey{{Name: "cosign.pub", Text: "public"}, {Name: "other.pub", Text: "another"}}) && v.Secret == nil
		},
		"{provider: cosign, secretRef: {name: keys}, " + matches + "}": func(v appfile.Verify) bool { return len(v.Keys) == 2 && v.Identities == nil },
		"{provider: cosign, secretRef: {name: elsewhere}}": func(v appfile.Verify) bool {
			return v.Keys == nil && v.Secret.Origin().String() == "Secret flux-system/elsewhere" && v.Secret.Line == 6
		},
	} {
		source, release := image("verify: " + spec)
		apps, problems := readFrom(t, source, secretOfKeys+release)
		if len(problems) > 0 || len(apps) != 1 || apps[0].App.Helm.Verify == nil {
			t.Errorf("%s: %+v, problems %v", spec, apps, problems)
			continue
		}
		if v := *apps[0].App.Helm.Verify; !is(v) || v.Source().String() != "a/b.yaml:6" {
			t.Errorf("%s: %+v at %s", spec, v, v.Source())
		}
		notes := 0
		for part, count := range map[string]int{"keys}, match": 1, "subject: b": 1, "{issuer: c, subject: d}": 2} { // that keys count alone, and which begin without ^
			if strings.Contains(spec, part) {
				notes += count
			}
		}
		if len(apps[0].Notes) != notes {
			t.Errorf("%s: notes %v, want %d", spec, apps[0].Notes, notes)
		}
	}
}

// TestVerifyIsRefused: with the line, and the way out.
func TestVerifyIsRefused(t *testing.T) {
	for spec, want := range map[string]string{
		"{provider: notation, secretRef: {name: keys}}":              "a/b.yaml:6: OCIRepository flux-system/image: signatures of notation are not checked here, only those of cosign",
		"{provider: cosign}":                                         "spec.verify: neither secretRef nor matchOIDCIdentity says whose signature counts, and anybody can sign",
		"{secretRef: {name: none}}":                                  "Secret flux-system/none has no key whose name ends in .pub",
		"{matchOIDCIdentity: [{issuer: a}]}":                         "spec.verify.matchOIDCIdentity[0].subject: subject is empty, which would be everybody",
		"{matchOIDCIdentity: [{issuer: '(', subject: a}]}":           `issuer: "(" is no regular expression`,
		"{mode: HEAD, matchOIDCIdentity: [{issuer: a, subject: b}]}": "unknown field spec.verify.mode",
	} {
		source, release := image("verify: " + spec)
		if _, problems := readFrom(t, source, secretOfKeys+release); len(problems) != 1 || !strings.Contains(problems.Error(), want) || strings.Contains(problems.Error(), "private") {
			t.Errorf("%s: problems %v, want %s", spec, problems, want)
		}
	}
	for spec, want := range map[string]string{
		"chart: {spec: {chart: ./web, verify: {provider: cosign}, sourceRef: {kind: GitRepository, name: flux-system}}}": "signatures of cosign are of charts of registries",
		"chart: {spec: {chart: web, verify: {provider: cosign}, sourceRef: {kind: Bucket, name: x}}}":                    "a chart of a Bucket cannot be had here",
	} {
		if _, problems := read(t, strings.Replace(helmRelease(""), "chartRef: {kind: OCIRepository, name: template}", spec, 1)); len(problems) != 1 || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s: problems %v, want %s", spec, problems, want)
		}
	}
}

// TestVerifyOfReleases: the Secret of the chart of a release is in the namespace of its
// repository, where Flux makes the HelmChart.
func TestVerifyOfReleases(t *testing.T) {
	source := "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: images, namespace: charts}\nspec: {type: oci, url: 'oci://registry.example.org/charts'}\n"
	release := strings.Replace(helmRelease(""), "chartRef: {kind: OCIRepository, name: template}",
		"chart: {spec: {chart: web, version: 1.2.3, verify: {provider: cosign, secretRef: {name: keys}}, sourceRef: {kind: HelmRepository, name: images, namespace: charts}}}", 1)
	apps, problems := readFrom(t, source, release)
	if len(problems) > 0 || len(apps) != 1 || apps[0].App.Helm.Verify == nil || apps[0].App.Helm.Verify.Secret.Origin().String() != "Secret charts/keys" {
		t.Errorf("%+v, problems %v", apps, problems)
	}
}
