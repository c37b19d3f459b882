package charts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/outgoing"
	"github.com/pushboat/pushboat/internal/render/charts/cosign"
)

// Limits on the signatures of one chart. cosign adds one each time it signs.
const (
	maxSignatures = 50 // that are looked at, of each form
	maxShown      = 5  // that an error tells of
)

// indexType is the media type of the list of what refers to a manifest.
const indexType = "application/vnd.oci.image.index.v1+json"

// emptyType is the media type of an empty configuration.
const emptyType = "application/vnd.oci.empty.v1+json"

// UnsignedError reports a chart that nobody has signed whose signature is demanded.
type UnsignedError struct {
	Ref
	Manifest string   // whose signature is demanded, by its digest
	Demanded string   // whose
	Found    []string // what each signature is, for the end of a sentence; none: there is none
}

// Error implements error.
func (e *UnsignedError) Error() string {
	text := fmt.Sprintf("%s: no signature of it counts\n  %-9s %s\n  %-9s a signature of %s", e.Ref, "manifest", e.Manifest, "demanded", e.Demanded)
	for i, found := range e.Found {
		if i == maxShown {
			return fmt.Sprintf("%s\n  %-9s %d more", text, "", len(e.Found)-i)
		}
		text += fmt.Sprintf("\n  %-9s one that %s", "found", found)
	}
	if len(e.Found) == 0 {
		text += fmt.Sprintf("\n  %-9s none", "found")
	}
	return text
}

// ProofError reports a chart whose signatures could not be had.
type ProofError struct {
	Ref
	Err error // of the registry
}

// Error implements error.
func (e *ProofError) Error() string {
	return fmt.Sprintf("fetch the signatures of %s: %v", e.Ref, e.Err)
}

// Unwrap returns the error of the registry.
func (e *ProofError) Unwrap() error { return e.Err }

// proof is that the manifest of a chart was signed as a policy demands.
type proof struct {
	Ref
	Manifest string `json:"manifest"` // its digest
	Digest   string `json:"digest"`   // of the archive that it names
	By       string `json:"by"`       // who has signed, in words
}

// SignedIs is MismatchError.Said for a chart of which another content is signed.
const SignedIs = "signed is"

// GetSigned is Get for a chart that has to be signed as a policy demands, by cosign. Nothing of
// the chart is fetched before that is proven, and what is fetched is what was signed. The proof is
// kept, so that the registry is asked once. Its further errors are an *UnsignedError and a *ProofError.
func (s *Store) GetSigned(ctx context.Context, ref Ref, digest string, policy cosign.Policy, credentials grant.Names) (Got, error) {
	if err := ref.Check(); err != nil {
		return Got{}, err
	}
	at, err := s.allow(ref)
	if err != nil {
		return Got{}, err
	}
	switch {
	case !ref.Fixed():
		return Got{}, fmt.Errorf("%s: no version is chosen", ref)
	case at.scheme != "oci":
		return Got{}, fmt.Errorf("%s: it cannot be signed by cosign, for the address of its registry does not begin with oci://", ref)
	}
	root, err := s.root()
	if err != nil {
		return Got{}, err
	}
	p := proving{ref, at, s.asking(credentials), policy, root}
	id := ref.key() + "-" + policy.ID(root)
	proven, unknown := s.disk.proof(ref, id)
	if unknown != nil {
		proven, err = s.prove(ctx, p, id)
	}
	if err != nil {
		return Got{}, err
	}
	got, err := s.Get(ctx, ref, digest, credentials)
	if err == nil && unknown == nil && got.Digest != proven.Digest { // the registry had changed the version in between
		proven, err = s.prove(ctx, p, id)
	}
	if err == nil && got.Digest != proven.Digest {
		err = &MismatchError{Ref: ref, Want: proven.Digest, Have: got.Digest, Said: SignedIs}
	}
	if err != nil {
		return Got{}, err
	}
	got.By = proven.By
	return got, nil
}

// readRoot reads the file of a trusted root; that of the public instance for "".
func readRoot(file string) (*cosign.Root, error) {
	if file == "" {
		return cosign.PublicGood()
	}
	text, err := os.ReadFile(file)
	var root *cosign.Root
	if err == nil {
		root, err = cosign.ParseRoot(text)
	}
	if err != nil {
		return nil, &outgoing.SettingError{Setting: "charts.trustedRoot", Err: err}
	}
	return root, nil
}

// proof is what was proven before.
func (d *disk) proof(ref Ref, id string) (proof, error) {
	text, err := os.ReadFile(d.proofFile(id))
	var known proof
	if err == nil {
		err = json.Unmarshal(text, &known)
	}
	if err == nil && (known.Ref != ref || !isDigest(known.Digest)) {
		err = fmt.Errorf("%q is no digest of %s", known.Digest, ref)
	}
	return known, err
}

func (d *disk) proofFile(id string) string { return filepath.Join(d.dir, "proofs", id) }

func (d *disk) keepProof(id string, found proof) error {
	text, err := json.Marshal(found)
	if err == nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		err = d.write(d.proofFile(id), text)
	}
	if err != nil {
		return fmt.Errorf("keep the proof of %s: %w", found.Ref, err)
	}
	return nil
}

// proving is a chart to be proven.
type proving struct {
	ref    Ref
	at     place
	asks   asking
	policy cosign.Policy
	root   *cosign.Root
}

// prove asks the registry for signatures. Concurrent callers with the same credentials and the
// same demand share the answer.
func (s *Store) prove(ctx context.Context, p proving, id string) (proof, error) {
	if ctx.Err() != nil {
		return proof{}, context.Cause(ctx)
	}
	answers := s.fetches.DoChan("prove "+id+p.asks.scope, func() (any, error) {
		ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), s.timeout, fmt.Errorf("%s did not answer within %s", p.at.host, s.timeout))
		defer cancel()
		found, err := s.client.with(p.asks.secrets).prove(ctx, p)
		if ctx.Err() != nil && err != nil {
			err = context.Cause(ctx)
		}
		return found, err
	})
	select {
	case answer := <-answers:
		found, ok := answer.Val.(proof)
		unsigned, isUnsigned := errors.AsType[*UnsignedError](answer.Err)
		switch {
		case isUnsigned:
			return proof{}, unsigned
		case answer.Err != nil || !ok:
			return proof{}, &ProofError{p.ref, p.asks.withheld(p.at, answer.Err)}
		}
		return found, s.disk.keepProof(id, found)
	case <-ctx.Done():
		return proof{}, context.Cause(ctx)
	}
}

// prove looks for a signature of a chart's manifest that counts: first at its tag, then among
// what refers to it.
func (c *client) prove(ctx context.Context, p proving) (proof, error) {
	session, base := c.ociSession(p.ref, p.at)
	tag := strings.ReplaceAll(p.ref.Version, "+", "_") // a tag has no plus
	text, err := session.all(ctx, request{url: base.JoinPath("manifests", tag), accept: p.ref.accepted()}, maxManifest)
	if err != nil {
		return proof{}, err
	}
	manifest := Digest(text)
	if isDigest(p.ref.Version) && manifest != p.ref.Version {
		return proof{}, &MismatchError{Ref: p.ref, Want: p.ref.Version, Have: manifest, Said: "meant is"}
	}
	archive, err := p.ref.layerIn(text)
	if err != nil {
		return proof{}, err
	}
	l := &looking{session: session, base: base, manifest: manifest, proving: p}
	var away []error
	for _, look := range []func(context.Context) error{l.atTag, l.referring} {
		if err := look(ctx); err != nil {
			away = append(away, err)
		}
		if l.by != "" {
			return proof{p.ref, manifest, archive, l.by}, nil
		}
	}
	if err := errors.Join(away...); err != nil {
		if len(l.found) == 0 || ctx.Err() != nil {
			return proof{}, err
		}
		l.found = append(l.found, "could not be fetched: "+err.Error())
	}
	return proof{}, &UnsignedError{Ref: p.ref, Manifest: manifest, Demanded: p.policy.String(), Found: l.found}
}

// looking looks for a signature of a manifest.
type looking struct {
	*session
	proving
	base     *url.URL
	manifest string
	found    []string // what was wrong with each
	by       string   // who has signed; "" as long as nobody has whose signature counts
}

// try checks a signature, or notes why there is none.
func (l *looking) try(s cosign.Signature, err error) {
	var by string
	if err == nil {
		by, err = l.root.Check(s, l.manifest, l.policy)
	}
	if err != nil {
		l.found = append(l.found, err.Error())
		return
	}
	l.by = by
}

// listed is an element of a manifest, or of a list of such.
type listed struct {
	MediaType    string            `json:"mediaType"`
	ArtifactType string            `json:"artifactType"`
	Digest       string            `json:"digest"`
	Annotations  map[string]string `json:"annotations"`
}

// list is a manifest, or a list of such.
type list struct {
	Manifests []listed `json:"manifests"`
	Layers    []listed `json:"layers"`
}

// ask asks for a manifest or a list of such; empty if there is none.
func (l *looking) ask(ctx context.Context, of *url.URL, kind string) (list, error) {
	var answer list
	text, err := l.all(ctx, request{url: of, accept: kind}, maxManifest)
	if status, ok := errors.AsType[*errStatus](err); ok && status.status == http.StatusNotFound {
		return list{}, nil
	}
	if err == nil {
		if name := of.Path[strings.LastIndex(of.Path, "/")+1:]; kind == manifestType && isDigest(name) && Digest(text) != name {
			return list{}, fmt.Errorf("%s sends another manifest than %s", of.Host, name)
		}
		if err = json.Unmarshal(text, &answer); err != nil {
			err = fmt.Errorf("read the signatures: %w", err)
		}
	}
	return answer, err
}

// blob fetches a layer. One that is too large, or another, is noted, and not there.
func (l *looking) blob(ctx context.Context, digest string, limit int64) ([]byte, error) {
	data, err := l.all(ctx, request{url: l.base.JoinPath("blobs", digest)}, limit)
	switch {
	case errors.Is(err, errTooLarge):
		l.found = append(l.found, fmt.Sprintf("has more than %d bytes", limit))
		return nil, nil
	case err == nil && Digest(data) != digest:
		l.found = append(l.found, "is another than the registry has listed")
		return nil, nil
	}
	return data, err
}

// within are the first of what is listed; that there are more is noted.
func (l *looking) within(all []listed) []listed {
	if len(all) <= maxSignatures {
		return all
	}
	l.found = append(l.found, fmt.Sprintf("is after the first %d, which are all that are looked at", maxSignatures))
	return all[:maxSignatures]
}

// atTag looks at the tag of signatures (cosign, specs/SIGNATURE_SPEC.md).
func (l *looking) atTag(ctx context.Context) error {
	signatures, err := l.ask(ctx, l.base.JoinPath("manifests", cosign.TagOf(l.manifest)), manifestType)
	if err != nil {
		return err
	}
	for _, layer := range l.within(signatures.Layers) {
		if layer.MediaType != cosign.PayloadType || !isDigest(layer.Digest) {
			l.found = append(l.found, fmt.Sprintf("is of an unknown type, %q", layer.MediaType))
			continue
		}
		payload, err := l.blob(ctx, layer.Digest, cosign.MaxPayload)
		if err != nil {
			return err
		}
		if payload != nil {
			l.try(cosign.Classic(payload, layer.Annotations))
		}
		if l.by != "" {
			return nil
		}
	}
	return nil
}

// referring looks at the bundles among what refers to the manifest (OCI Distribution
// Specification 1.1; cosign, specs/BUNDLE_SPEC.md).
func (l *looking) referring(ctx context.Context) error {
	all, err := l.ask(ctx, l.base.JoinPath("referrers", l.manifest), indexType)
	if status, ok := errors.AsType[*errStatus](err); ok && slices.Contains(withoutReferrers, status.status) {
		all, err = list{}, nil
	}
	if err == nil && len(all.Manifests) == 0 { // a registry that keeps no such list has one at a tag
		all, err = l.ask(ctx, l.base.JoinPath("manifests", strings.Replace(l.manifest, ":", "-", 1)), indexType)
	}
	if err != nil {
		return err
	}
	for _, bundle := range l.within(bundlesIn(all.Manifests)) {
		if err := l.bundle(ctx, bundle); err != nil || l.by != "" {
			return err
		}
	}
	return nil
}

// bundlesIn are the bundles in a list, and after them what may be some: at a tag, clients list the
// type of the empty configuration as that of the artifact (google/go-containerregistry,
// pkg/v1/remote/write.go).
func bundlesIn(all []listed) []listed {
	var bundles, others []listed
	for _, m := range all {
		switch {
		case !isDigest(m.Digest):
		case strings.HasPrefix(m.ArtifactType, cosign.BundlePrefix):
			bundles = append(bundles, m)
		case m.ArtifactType == "", m.ArtifactType == emptyType:
			others = append(others, m)
		}
	}
	return append(bundles, others...)
}

// withoutReferrers is what registries answer that know no referrers, besides 404.
var withoutReferrers = []int{http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusNotImplemented}

// bundle looks at the bundle in a manifest, if it has one.
func (l *looking) bundle(ctx context.Context, of listed) error {
	manifest, err := l.ask(ctx, l.base.JoinPath("manifests", of.Digest), manifestType)
	if err != nil {
		return err
	}
	if len(manifest.Layers) != 1 || !isDigest(manifest.Layers[0].Digest) || !strings.HasPrefix(manifest.Layers[0].MediaType, cosign.BundlePrefix) {
		if strings.HasPrefix(of.ArtifactType, cosign.BundlePrefix) {
			l.found = append(l.found, "is in a manifest that has not one bundle")
		}
		return nil
	}
	text, err := l.blob(ctx, manifest.Layers[0].Digest, cosign.MaxBundle)
	if err == nil && text != nil {
		l.try(cosign.Bundle(text))
	}
	return err
}
