package render

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/render/charts"
	"github.com/pushboat/pushboat/internal/render/charts/chartstest"
	"github.com/pushboat/pushboat/internal/render/charts/cosign/cosigntest"
	"github.com/pushboat/pushboat/internal/render/helm"
	"github.com/pushboat/pushboat/internal/render/worker"
)

// signedShelf is a registry with the chart web 1.0.0, which a key and a login have signed.
type signedShelf struct {
	*shelf
	public string // the key
}

func newSignedShelf(t *testing.T) *signedShelf {
	t.Helper()
	s := &signedShelf{shelf: newShelf(t)}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	sigstore, err := cosigntest.New()
	check(err)
	root, err := sigstore.Root()
	check(err)
	file := filepath.Join(t.TempDir(), "root.json")
	check(os.WriteFile(file, root, 0o600))
	s.store, err = charts.New(charts.Config{Registries: []string{s.OCI()}, Dir: t.TempDir(), TrustedRoot: file})
	check(err)
	archive, err := chartstest.Pack(minimal("web", "1.0.0"))
	check(err)
	check(s.Push("web", "1.0.0", archive))
	key, err := cosigntest.NewKey()
	check(err)
	s.public, err = cosigntest.PEM(key)
	check(err)
	for _, by := range []cosigntest.Signer{{Key: key}, {Issuer: "https://login.example.org", Subject: "ana@example.org"}} {
		bundle, err := sigstore.Bundle(s.Digest("web", "1.0.0"), by)
		check(err)
		check(s.Attach("web", s.Digest("web", "1.0.0"), bundle))
	}
	return s
}

// rendered renders the chart with what is demanded, where the cluster has data.
func (s *signedShelf) rendered(verify appfile.Verify, data Data, as func(*Renderer) *Renderer) (Result, manifest.Problems) {
	s.t.Helper()
	program, err := worker.Program()
	if err != nil {
		s.t.Fatal(err)
	}
	pool := worker.NewPool(program, worker.DefaultLimits, logrus.NewEntry(logrus.New()))
	defer pool.Close()
	ask := func(context.Context, string) (helm.Cluster, error) { return helm.Offline(), nil }
	renderer := as(New(pool, ask).WithCharts(s.store).WithData(func(context.Context, name.Repo, string, appfile.Origin) (Data, error) { return data, nil }))
	session := renderer.Session(revision())
	defer session.Close()
	verify.File, verify.Line = "image.yaml", 6
	app := appfile.App{Name: "web", Path: ".", Render: "auto", Helm: appfile.Helm{Chart: "web", Version: "1.0.0", Repo: s.OCI(), Line: 3, Verify: &verify}}
	return session.App(s.t.Context(), app)
}

// TestSignedCharts: a chart is rendered if it is signed as demanded, and the plan says by whom;
// else the problem is at the line that demands it.
func TestSignedCharts(t *testing.T) {
	s := newSignedShelf(t)
	secret := func() *appfile.ValuesFrom {
		return &appfile.ValuesFrom{Kind: "Secret", Namespace: "n", Name: "keys", File: "image.yaml", Line: 7}
	}
	same := func(r *Renderer) *Renderer { return r }
	alone := func(r *Renderer) *Renderer { return r.WithData(nil) }
	keys := func(texts ...string) appfile.Verify {
		var v appfile.Verify
		for _, text := range texts {
			v.Keys = append(v.Keys, appfile.VerifyKey{Name: "cosign.pub", Text: text})
		}
		return v
	}
	other, err := cosigntest.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := cosigntest.PEM(other)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		verify appfile.Verify
		data   Data
		as     func(*Renderer) *Renderer
		told   string // by the plan
		wrong  string // the problem
	}{
		{"a key", keys(s.public), nil, same, "chart web 1.0.0 is signed: key cosign.pub (", ""},
		{"a login", appfile.Verify{Identities: []appfile.VerifyIdentity{{Issuer: "login", Subject: "^ana@"}}}, nil, same, "is signed: ana@example.org by https://login.example.org", ""},
		{"a Secret", appfile.Verify{Secret: secret()}, Data{"a.pub": []byte(s.public), "a.key": []byte("private")}, same, "is signed: key a.pub (", ""},
		{"another key", keys(wrong), nil, same, "", "image.yaml:6: chart web 1.0.0: no signature of it counts"},
		{"another login", appfile.Verify{Identities: []appfile.VerifyIdentity{{Issuer: "login", Subject: "^ben@"}}}, nil, same, "", "one that is of ana@example.org by https://login.example.org"},
		{"another Secret", appfile.Verify{Secret: secret()}, Data{"a.pub": []byte(wrong)}, same, "", "image.yaml:6: chart web 1.0.0: no signature of it counts"},
		{"a Secret without keys", appfile.Verify{Secret: secret()}, Data{"a.key": []byte("private")}, same, "", "image.yaml:7: Secret n/keys of cluster  has no key whose name ends in .pub"},
		{"no Secret", appfile.Verify{Secret: secret()}, nil, same, "", "image.yaml:7: there is no Secret n/keys on cluster"},
		{"no cluster", appfile.Verify{Secret: secret()}, nil, alone, "", "image.yaml:7: the keys of the signature are in Secret n/keys of cluster , which is not asked here"},
		{"a Secret, blind", appfile.Verify{Secret: secret()}, Data{"a.pub": []byte(wrong)}, (*Renderer).Blind, "its signature is checked when this is accepted", ""},
		{"another key, blind", keys(wrong), nil, (*Renderer).Blind, "", "no signature of it counts"},
		{"a private key", keys("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), nil, same, "", "image.yaml:6: verify: key cosign.pub is no public key: its PEM is of another type"},
		{"too many keys", keys(strings.Split(strings.Repeat(s.public+"|", 20)+s.public, "|")...), nil, same, "", "more than 20 keys"},
		{"nobody", appfile.Verify{}, nil, same, "", "no signature of it counts"},
	} {
		result, problems := s.rendered(c.verify, c.data, c.as)
		told := strings.Join(result.Took, "\n")
		if c.wrong == "" && (len(problems) > 0 || len(result.Objects) != 1 || !strings.Contains(told, c.told)) {
			t.Errorf("%s: %v, told %q, problems %v", c.name, result.Objects, told, problems)
		}
		if c.wrong != "" && (len(problems) != 1 || len(result.Objects) > 0 || !strings.Contains(problems.Error(), c.wrong) || strings.Contains(problems.Error(), "private")) {
			t.Errorf("%s: %v, problems %v, want %q", c.name, result.Objects, problems, c.wrong)
		}
	}
	if a, _ := s.rendered(appfile.Verify{Secret: secret()}, Data{"a.pub": []byte(s.public)}, same); a.Taken.Values == "" {
		t.Error("the keys of the cluster do not count as taken from there")
	}
}
