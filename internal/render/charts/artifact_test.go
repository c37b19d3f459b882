package charts

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/render/charts/chartstest"
)

func TestArtifacts(t *testing.T) {
	r := start(t)
	s := open(t, Config{Registries: []string{r.OCI(), r.Repo()}})
	one, two := chartstest.Layer{Type: "a/one", Data: []byte("one")}, chartstest.Layer{Type: "a/two", Data: []byte("two")}
	for name, layers := range map[string][]chartstest.Layer{"web": {one, two}, "none": nil} {
		if err := r.PushArtifact(name, "1.2.3", layers...); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Push("chart", "1.2.3", []byte("archive")); err != nil {
		t.Fatal(err)
	}
	of := func(name, layer string) Ref {
		return Ref{Name: name, Version: "1.2.3", Repo: r.OCI(), Kind: OfArtifact, Layer: layer}
	}
	byDigest := of("web", "a/two")
	byDigest.Version = r.Digest("web", "1.2.3")
	for _, test := range []struct {
		ref        Ref
		want, fail string
	}{
		{of("web", ""), "one", ""},
		{of("web", "a/two"), "two", ""},
		{byDigest, "two", ""},
		{of("chart", ""), "archive", ""},
		{of("web", "a/three"), "", `it has no layer of the type "a/three"; it has "a/one", "a/two"`},
		{of("none", ""), "", "its manifest names no layers"},
		{Ref{Name: "web", Version: "1.2.3", Repo: r.OCI()}, "", `fetch chart web 1.2.3: it is no chart: its configuration is of the type "application/vnd.cncf.flux.config.v1+json"`},
		{Ref{Name: "web", Version: "1.2.3", Repo: r.Repo(), Kind: OfArtifact}, "", "artifact web: the address of its registry does not begin with oci://"},
		{of("web", strings.Repeat("a", maxMediaType+1)), "", "the media type of the layer has more than 255 bytes"},
		{Ref{Name: "web", Version: "1.2.3", Repo: "oci://example.org/a", Kind: OfArtifact}, "", "artifacts may not be fetched from oci://example.org/a"},
	} {
		got, err := s.Get(t.Context(), test.ref, "", grant.Names{})
		if string(got.Data) != test.want || (err == nil) != (test.fail == "") || err != nil && !strings.Contains(err.Error(), test.fail) {
			t.Errorf("%+v: %q, %v", test.ref, got.Data, err)
		}
	}
	tagged := of("web", "")
	tagged.Version = "tag:1.2.3"
	chosen, err := s.Choose(t.Context(), tagged, grant.Names{}, Now)
	if err != nil || chosen.Version != byDigest.Version {
		t.Errorf("a tag is %+v, %v", chosen, err)
	}
	chart := Chart{Ref: chosen.Ref, Asked: tagged.Version}
	if words := chart.Words(); words != "artifact web:1.2.3, which is "+byDigest.Version+" now" {
		t.Errorf("in words: %s", words)
	}
}

func TestLayersOfManifests(t *testing.T) {
	ref := Ref{Kind: OfArtifact}
	for text, want := range map[string]string{
		`{"layers": [{"mediaType": "a", "digest": "sha512:0"}]}`: `the digest of its layer is "sha512:0"`,
		`{"manifests": []}`: "that of an image for several platforms is no artifact",
		`[]`:                "read the manifest",
	} {
		if _, err := ref.layerIn([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	ref.Layer = "b"
	if _, err := ref.layerIn([]byte(`{"layers": [` + strings.Repeat(`{"mediaType": "a"}, `, 20) + `{"mediaType": "a"}]}`)); err == nil || !strings.HasSuffix(err.Error(), `"a", others`) {
		t.Errorf("many layers: %v", err)
	}
}
