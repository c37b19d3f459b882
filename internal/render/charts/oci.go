package charts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// dockerType is the media type of manifests before that of the OCI, which pushers of artifacts
// still use.
const dockerType = "application/vnd.docker.distribution.manifest.v2+json"

// The media types of a chart in a registry (Helm's HIP 6).
const (
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.cncf.helm.config.v1+json"
	archiveType  = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
)

// Limits on the answers of a registry, in bytes.
const (
	maxManifest = 1 << 20
	maxToken    = 64 << 10
)

// fromOCI fetches a chart from a registry by the OCI Distribution Specification 1.1:
// the manifest of a tag or digest, and the layer with the archive.
func (c *client) fromOCI(ctx context.Context, ref Ref, at place) ([]byte, error) {
	session, base := c.ociSession(ref, at)
	tag := strings.ReplaceAll(ref.Version, "+", "_") // a tag has no plus
	text, err := session.all(ctx, request{url: base.JoinPath("manifests", tag), accept: ref.accepted()}, maxManifest)
	if err != nil {
		return nil, err
	}
	if have := Digest(text); isDigest(ref.Version) && have != ref.Version {
		return nil, &MismatchError{Ref: ref, Want: ref.Version, Have: have, Said: "meant is"}
	}
	digest, err := ref.layerIn(text)
	if err != nil {
		return nil, err
	}
	data, err := session.all(ctx, request{url: base.JoinPath("blobs", digest)}, MaxArchive)
	if err != nil {
		return nil, err
	}
	if have := Digest(data); have != digest {
		return nil, &MismatchError{Ref: ref, Want: digest, Have: have, Said: "its tag"}
	}
	return data, nil
}

// ociSession begins to ask for a chart, at the address of its repository.
func (c *client) ociSession(ref Ref, at place) (*session, *url.URL) {
	web := at.web()
	return &session{client: c, repository: strings.TrimPrefix(at.path+"/"+ref.Name, "/")},
		&url.URL{Scheme: web.scheme, Host: web.host, Path: web.path + "/" + ref.Name}
}

// manifestOf is the manifest that a tag names, which has to be of what the ref means.
func (c *client) manifestOf(ctx context.Context, ref Ref, at place, tag string) ([]byte, error) {
	session, base := c.ociSession(ref, at)
	text, err := session.all(ctx, request{url: base.JoinPath("manifests", tag), accept: ref.accepted()}, maxManifest)
	if err == nil {
		_, err = ref.layerIn(text)
	}
	return text, err
}

// contents are what a manifest names.
type contents struct {
	Config struct {
		MediaType string `json:"mediaType"`
	} `json:"config"`
	Layers []layer `json:"layers"`
}

type layer struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
}

// accepted are the media types of the manifests that a ref may lead to.
func (r Ref) accepted() string {
	if r.Kind == OfArtifact {
		return manifestType + ", " + dockerType
	}
	return manifestType
}

// layerIn returns the digest of the archive that a manifest names.
func (r Ref) layerIn(text []byte) (string, error) {
	var manifest contents
	if err := json.Unmarshal(text, &manifest); err != nil {
		return "", fmt.Errorf("read the manifest: %w", err)
	}
	if r.Kind == OfArtifact {
		return manifest.layerOf(r.Layer)
	}
	if manifest.Config.MediaType != configType {
		return "", fmt.Errorf("it is no chart: its configuration is of the type %q", manifest.Config.MediaType)
	}
	for _, layer := range manifest.Layers {
		if layer.MediaType == archiveType && isDigest(layer.Digest) {
			return layer.Digest, nil
		}
	}
	return "", errors.New("its manifest names no archive of a chart")
}

// layerOf returns the digest of the first layer of a media type, or of the first at all, as Flux
// chooses it (source-controller, OCIRepository.spec.layerSelector).
func (m contents) layerOf(kind string) (string, error) {
	var kinds []string
	for _, layer := range m.Layers {
		if kind != "" && layer.MediaType != kind {
			kinds = append(kinds, fmt.Sprintf("%.100q", layer.MediaType))
			continue
		}
		if !isDigest(layer.Digest) {
			return "", fmt.Errorf("the digest of its layer is %.100q, and not sha256: and 64 hexadecimal digits", layer.Digest)
		}
		return layer.Digest, nil
	}
	switch {
	case len(m.Layers) == 0:
		return "", errors.New("its manifest names no layers; that of an image for several platforms is no artifact")
	case len(kinds) > maxShown:
		kinds = append(kinds[:maxShown], "others")
	}
	return "", fmt.Errorf("it has no layer of the type %q; it has %s", kind, strings.Join(kinds, ", "))
}

// session makes requests to an OCI registry, with the token that it requires.
type session struct {
	*client
	repository string
	asked      bool   // the registry requires credentials
	bearer     string // "": the configured credentials, where they are required
}

// all makes a request without credentials, and repeats it with those that the registry
// requires.
func (s *session) all(ctx context.Context, r request, limit int64) ([]byte, error) {
	data, _, err := s.page(ctx, r, limit)
	return data, err
}

// page is all, and where the next part of the answer is.
func (s *session) page(ctx context.Context, r request, limit int64) (data []byte, next string, err error) {
	r.plain, r.bearer = !s.asked, s.bearer
	data, next, err = s.client.page(ctx, r, limit)
	var status *errStatus
	if s.asked || !errors.As(err, &status) || status.status != http.StatusUnauthorized {
		return data, next, err
	}
	s.asked = true
	if scheme, _, _ := strings.Cut(status.asks, " "); strings.EqualFold(scheme, "Bearer") {
		if s.bearer, err = s.token(ctx, status); err != nil {
			return nil, "", err
		}
	}
	r.plain, r.bearer = false, s.bearer
	return s.client.page(ctx, r, limit)
}

// challenge matches a parameter of a WWW-Authenticate header.
var challenge = regexp.MustCompile(`([a-z]+)="([^"]*)"`)

// token gets a token from the service that the registry names. A service at the
// registry's own host gets the registry's credentials. One elsewhere must be allowed
// like every other address, and gets those that the configuration has for it.
func (s *session) token(ctx context.Context, asked *errStatus) (string, error) {
	values := map[string]string{}
	for _, m := range challenge.FindAllStringSubmatch(asked.asks, -1) {
		values[m[1]] = m[2]
	}
	realm, err := url.Parse(values["realm"])
	if err != nil {
		return "", fmt.Errorf("%s names a service for tokens that is none", asked.at.host)
	}
	query := realm.Query()
	query.Set("scope", "repository:"+s.repository+":pull")
	if values["service"] != "" {
		query.Set("service", values["service"])
	}
	realm.RawQuery = query.Encode()
	text, err := s.client.all(ctx, request{url: realm, registry: &asked.at}, maxToken)
	if err != nil {
		return "", fmt.Errorf("get a token: %w", err)
	}
	var answer struct {
		Token  string `json:"token"`
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || answer.Token+answer.Access == "" {
		return "", fmt.Errorf("%s sends no token", realm.Host)
	}
	if answer.Token != "" {
		return answer.Token, nil
	}
	return answer.Access, nil
}
