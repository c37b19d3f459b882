package charts

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/outgoing"
	"github.com/pushboat/pushboat/internal/render/charts/chartstest"
	"github.com/pushboat/pushboat/internal/render/charts/cosign"
	"github.com/pushboat/pushboat/internal/render/charts/cosign/cosigntest"
)

// signing is a registry with the chart web 1.2.3+b, and somebody who signs.
type signing struct {
	*chartstest.Registry
	t        *testing.T
	sigstore *cosigntest.Sigstore
	key      cosigntest.Signer
	login    cosigntest.Signer
	config   Config
	archive  []byte
	manifest string
}

func newSigning(t *testing.T) *signing {
	t.Helper()
	sigstore, err := cosigntest.New()
	key, wrong := cosigntest.NewKey()
	if err := errors.Join(err, wrong); err != nil {
		t.Fatal(err)
	}
	root, err := sigstore.Root()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "root.json")
	if err := os.WriteFile(file, root, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &signing{
		Registry: start(t), t: t, sigstore: sigstore, archive: []byte("the archive"),
		key: cosigntest.Signer{Key: key}, login: cosigntest.Signer{Issuer: "https://login.example.org", Subject: "ana@example.org"},
	}
	s.config = Config{Registries: []string{s.OCI(), s.Repo()}, Dir: t.TempDir(), TrustedRoot: file}
	if err := s.Push("web", "1.2.3+b", s.archive); err != nil {
		t.Fatal(err)
	}
	s.manifest = s.Digest("web", "1.2.3+b")
	return s
}

func (s *signing) ref() Ref { return Ref{Name: "web", Version: "1.2.3+b", Repo: s.OCI()} }

// sign signs a manifest in the classic form.
func (s *signing) sign(of string, by cosigntest.Signer) {
	s.t.Helper()
	payload, annotations, err := s.sigstore.Classic(of, by)
	if err == nil {
		err = s.Sign("web", s.manifest, payload, annotations)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// attach signs a manifest with a bundle.
func (s *signing) attach(of string, by cosigntest.Signer) {
	s.t.Helper()
	bundle, err := s.sigstore.Bundle(of, by)
	if err == nil {
		err = s.Attach("web", s.manifest, bundle)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *signing) keyPolicy() cosign.Policy {
	s.t.Helper()
	text, err := cosigntest.PEM(s.key.Key)
	if err != nil {
		s.t.Fatal(err)
	}
	key, err := cosign.ParseKey("cosign.pub", text)
	if err != nil {
		s.t.Fatal(err)
	}
	return cosign.Policy{Keys: []cosign.Key{key}}
}

func (s *signing) loginPolicy() cosign.Policy {
	s.t.Helper()
	identity, err := cosign.ParseIdentity("^https://login.example.org$", "^ana@example.org$")
	if err != nil {
		s.t.Fatal(err)
	}
	return cosign.Policy{Identities: []cosign.Identity{identity}}
}

// get fetches the chart, which has to be signed.
func (s *signing) get(store *Store, policy cosign.Policy) (Got, error) {
	return store.GetSigned(s.t.Context(), s.ref(), "", policy, grant.Names{})
}

// TestSignedCharts: a chart is fetched if a signature counts, in either form, and wherever the
// registry lists bundles. After that, the registry is not needed, even by another server over the
// same directory; a new demand asks it again.
func TestSignedCharts(t *testing.T) {
	for name, sign := range map[string]func(*signing, cosigntest.Signer){
		"classic": func(s *signing, by cosigntest.Signer) { s.sign(s.manifest, by) },
		"bundle":  func(s *signing, by cosigntest.Signer) { s.attach(s.manifest, by) },
		"bundle at a tag": func(s *signing, by cosigntest.Signer) {
			s.Plain()
			s.attach(s.manifest, by)
		},
		"bundle among others": func(s *signing, by cosigntest.Signer) {
			s.Plain()
			s.refer("application/vnd.oci.empty.v1+json")
			s.refer("application/spdx+json")
			s.attach(s.manifest, by)
		},
		"classic after others": func(s *signing, by cosigntest.Signer) {
			s.sign("sha256:"+strings.Repeat("0", 64), by)
			s.sign(s.manifest, cosigntest.Signer{Issuer: "https://evil.example.org", Subject: "ana@example.org"})
			s.sign(s.manifest, by)
		},
		"bundle beside others": func(s *signing, by cosigntest.Signer) {
			s.sign(s.manifest, cosigntest.Signer{Issuer: "https://evil.example.org", Subject: "ana@example.org"})
			s.attach(s.manifest, by)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSigning(t)
			sign(s, s.login)
			store := open(t, s.config)
			got, err := s.get(store, s.loginPolicy())
			if err != nil || string(got.Data) != "the archive" || got.By != "ana@example.org by https://login.example.org" {
				t.Fatalf("%q, signed by %q, %v", got.Data, got.By, err)
			}
			s.Away(true)
			before := len(s.Asked())
			for _, again := range []*Store{store, open(t, s.config)} {
				if got, err := s.get(again, s.loginPolicy()); err != nil || got.By == "" || len(s.Asked()) != before {
					t.Errorf("again: by %q, %v, requests %v", got.By, err, s.Asked()[before:])
				}
			}
			_, err = s.get(store, s.keyPolicy())
			if proof, ok := errors.AsType[*ProofError](err); !ok || !strings.Contains(err.Error(), "fetch the signatures of chart web 1.2.3+b: ") {
				t.Errorf("another demand: %v (%v)", err, proof)
			}
			s.Away(false)
			sign(s, s.key)
			if got, err := s.get(store, s.keyPolicy()); err != nil || !strings.HasPrefix(got.By, "key cosign.pub (") {
				t.Errorf("with a key: by %q, %v", got.By, err)
			}
		})
	}
}

// TestUnsignedCharts: nothing of a chart is fetched or kept unless a signature counts; the error
// says what there is.
func TestUnsignedCharts(t *testing.T) {
	evil := cosigntest.Signer{Issuer: "https://evil.example.org", Subject: "ana@example.org"}
	other := "sha256:" + strings.Repeat("0", 64)
	for name, c := range map[string]struct {
		sign func(*signing)
		want []string
	}{
		"no signature":          {func(*signing) {}, []string{"no signature of it counts", `demanded  a signature of "^ana@example.org$" by "^https://login.example.org$"`, "found     none"}},
		"another's":             {func(s *signing) { s.sign(s.manifest, evil); s.attach(s.manifest, s.key) }, []string{"found     one that is of ana@example.org by https://evil.example.org", "found     one that is of a key that is not demanded"}},
		"of another artifact":   {func(s *signing) { s.sign(other, s.login); s.attach(other, s.login) }, []string{"found     one that is of another artifact, " + other}},
		"an attestation":        {func(s *signing) { by := s.login; by.Kind = "https://slsa.dev/provenance/v1"; s.attach(s.manifest, by) }, []string{`one that is a statement "https://slsa.dev/provenance/v1"`}},
		"a huge payload":        {func(s *signing) { s.big() }, []string{"one that has more than 65536 bytes"}},
		"a huge bundle":         {func(s *signing) { s.attachText(make([]byte, cosign.MaxBundle+1)) }, []string{"one that has more than 524288 bytes"}},
		"no bundle":             {func(s *signing) { s.attachText([]byte("text")) }, []string{"one that is a bundle that cannot be read"}},
		"what is no bundle":     {func(s *signing) { s.refer(cosign.BundleType); s.refer("") }, []string{"one that is in a manifest that has not one bundle"}},
		"a swapped payload":     {func(s *signing) { s.swapped() }, []string{"one that is another than the registry has listed"}},
		"too many":              {func(s *signing) { s.many(); s.sign(s.manifest, s.login) }, []string{"is after the first 50", "46 more"}},
		"a manifest over limit": {func(s *signing) { s.hugeManifest() }, []string{"fetch the signatures of chart web 1.2.3+b: ", "is too large"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSigning(t)
			c.sign(s)
			store := open(t, s.config)
			got, err := s.get(store, s.loginPolicy())
			if err == nil || got.Data != nil {
				t.Fatalf("it is fetched, as of %q", got.By)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not have %q:\n%v", want, err)
				}
			}
			for _, asked := range s.Asked() {
				if strings.HasSuffix(asked, Digest(s.archive)) {
					t.Errorf("the archive was fetched: %s", asked)
				}
			}
			if known, err := store.disk.pinned(s.ref()); err != nil || known.Digest != "" {
				t.Errorf("its version is kept: %+v, %v", known, err)
			}
			s.attach(s.manifest, s.login) // and is asked for again
			if name != "a manifest over limit" {
				if _, err := s.get(store, s.loginPolicy()); err != nil {
					t.Errorf("after it was signed: %v", err)
				}
			}
		})
	}
}

func (s *signing) attachText(text []byte) {
	if err := s.Attach("web", s.manifest, text); err != nil {
		s.t.Fatal(err)
	}
}

// refer adds a manifest without layers to what refers to the chart.
func (s *signing) refer(kind string) {
	text := []byte(`{"mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": "` + kind + `", "layers": []}`)
	if err := s.Refer("web", s.manifest, kind, text); err != nil {
		s.t.Fatal(err)
	}
}

// big adds a signature with a payload over its limit.
func (s *signing) big() {
	if err := s.Sign("web", s.manifest, make([]byte, cosign.MaxPayload+1), nil); err != nil {
		s.t.Fatal(err)
	}
}

// swapped signs, and puts another payload behind the digest.
func (s *signing) swapped() {
	payload, annotations, err := s.sigstore.Classic(s.manifest, s.login)
	if err == nil {
		err = s.Sign("web", s.manifest, payload, annotations)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.Swap(payload, append([]byte(" "), payload...))
}

// many adds as many signatures as are looked at, all of nothing.
func (s *signing) many() {
	for range maxSignatures {
		if err := s.Sign("web", s.manifest, []byte("{}"), nil); err != nil {
			s.t.Fatal(err)
		}
	}
}

// hugeManifest signs with annotations that make the manifest too large.
func (s *signing) hugeManifest() {
	if err := s.Sign("web", s.manifest, []byte("{}"), map[string]string{"a": strings.Repeat("a", maxManifest)}); err != nil {
		s.t.Fatal(err)
	}
}

// TestSignedContent: what is fetched is what was signed, whatever the version was before, or
// becomes.
func TestSignedContent(t *testing.T) {
	s := newSigning(t)
	store := open(t, s.config)
	if _, _, err := getAll(t.Context(), store, s.ref(), ""); err != nil {
		t.Fatal(err)
	}
	if err := s.Push("web", "1.2.3+b", []byte("another archive")); err != nil {
		t.Fatal(err)
	}
	s.manifest = s.Digest("web", "1.2.3+b")
	s.sign(s.manifest, s.key)
	_, err := s.get(store, s.keyPolicy())
	mismatch, ok := errors.AsType[*MismatchError](err)
	if !ok || mismatch.Said != SignedIs || mismatch.Want != Digest([]byte("another archive")) || mismatch.Have != Digest(s.archive) {
		t.Errorf("a version that was another before: %v", err)
	}
	fresh := s.config
	fresh.Dir = t.TempDir()
	store = open(t, fresh)
	if got, err := s.get(store, s.keyPolicy()); err != nil || string(got.Data) != "another archive" {
		t.Errorf("%q, %v", got.Data, err)
	}
	if _, err := store.GetSigned(t.Context(), s.ref(), Digest(s.archive), s.keyPolicy(), grant.Names{}); !errors.As(err, &mismatch) {
		t.Errorf("with the digest of another: %v", err)
	}
	if err := s.Push("web", "1.2.3+b", s.archive); err != nil { // of which the first store has no proof, and now it can
		t.Fatal(err)
	}
	s.manifest = s.Digest("web", "1.2.3+b")
	if got, err := s.get(open(t, s.config), s.keyPolicy()); err == nil {
		t.Errorf("%q counts as signed by %s", got.Data, got.By)
	}
	s.sign(s.manifest, s.key)
	if got, err := s.get(open(t, s.config), s.keyPolicy()); err != nil || string(got.Data) != "the archive" {
		t.Errorf("once its content is signed: %q, %v", got.Data, err)
	}
}

// TestOnlyRegistriesHaveSignatures: a chart of a repository over HTTP is refused, and so is one
// without a version.
func TestOnlyRegistriesHaveSignatures(t *testing.T) {
	s := newSigning(t)
	s.Publish("web", "1.2.3+b", s.archive)
	store := open(t, s.config)
	for ref, want := range map[Ref]string{
		{Name: "web", Version: "1.2.3+b", Repo: s.Repo()}:                          "does not begin with oci://",
		{Name: "web", Version: "~1.2", Repo: s.OCI()}:                              "no version is chosen",
		{Name: "web", Version: "1.2.3", Repo: "oci://elsewhere.example.org"}:       "may not be fetched from",
		{Name: "web", Version: "1.2.4", Repo: s.OCI()}:                             "fetch the signatures of chart web 1.2.4",
		{Name: "web", Version: "sha256:" + strings.Repeat("0", 64), Repo: s.OCI()}: "fetch the signatures",
	} {
		if got, err := store.GetSigned(t.Context(), ref, "", s.keyPolicy(), grant.Names{}); err == nil || got.Data != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", ref, err, want)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := store.GetSigned(cancelled, s.ref(), "", s.keyPolicy(), grant.Names{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	ref := s.ref()
	ref.Version = s.manifest
	s.sign(s.manifest, s.key)
	if got, err := store.GetSigned(t.Context(), ref, "", s.keyPolicy(), grant.Names{}); err != nil || string(got.Data) != "the archive" {
		t.Errorf("by its digest: %v", err)
	}
}

// TestTrustedRoots: a file that is none is an error that names its setting.
func TestTrustedRoots(t *testing.T) {
	for _, text := range []string{"", "{}", "text"} {
		file := filepath.Join(t.TempDir(), "root.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := New(Config{TrustedRoot: file})
		if setting, ok := errors.AsType[*outgoing.SettingError](err); !ok || setting.Setting != "charts.trustedRoot" {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := New(Config{TrustedRoot: "/nowhere"}); err == nil {
		t.Error("a file that is not there is no error")
	}
	s := newSigning(t)
	s.sign(s.manifest, s.login)
	s.config.TrustedRoot = ""
	if _, err := s.get(open(t, s.config), s.loginPolicy()); err == nil || !strings.Contains(err.Error(), "transparency log that is not trusted") {
		t.Errorf("with the public root: %v", err)
	}
}

// TestSignaturesAreNoVersions: their tags are not among the versions of a chart.
func TestSignaturesAreNoVersions(t *testing.T) {
	s := newSigning(t)
	s.sign(s.manifest, s.key)
	store := open(t, s.config)
	ref := s.ref()
	ref.Version = "~1.2"
	if chosen, err := store.Choose(t.Context(), ref, grant.Names{}, Now); err != nil || chosen.Version != "1.2.3+b" {
		t.Errorf("the newest is %+v, %v", chosen, err)
	}
	ref.Version = "~2"
	if _, err := store.Choose(t.Context(), ref, grant.Names{}, Now); err == nil || !strings.HasSuffix(err.Error(), "it has 1.2.3+b") {
		t.Errorf("what there is: %v", err)
	}
}
