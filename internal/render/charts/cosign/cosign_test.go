package cosign

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/render/charts/cosign/cosigntest"
)

const (
	artifact = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	another  = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	issuer   = "https://login.example.org"
	workflow = "https://git.example.org/web/.workflows/release@refs/heads/main"
)

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// store is a Sigstore with its root.
func store(t *testing.T) (*cosigntest.Sigstore, *Root) {
	t.Helper()
	s := must[*cosigntest.Sigstore](t)(cosigntest.New())
	return s, must[*Root](t)(ParseRoot(must[[]byte](t)(s.Root())))
}

func keyOf(t *testing.T, key *ecdsa.PrivateKey) Key {
	t.Helper()
	return must[Key](t)(ParseKey("cosign.pub", must[string](t)(cosigntest.PEM(key))))
}

// forms are the two forms of a signature, each read again.
var forms = map[string]func(*testing.T, *cosigntest.Sigstore, string, cosigntest.Signer) (Signature, error){
	"classic": func(t *testing.T, s *cosigntest.Sigstore, of string, by cosigntest.Signer) (Signature, error) {
		payload, annotations, err := s.Classic(of, by)
		if err != nil {
			t.Fatal(err)
		}
		return Classic(payload, annotations)
	},
	"bundle": func(t *testing.T, s *cosigntest.Sigstore, of string, by cosigntest.Signer) (Signature, error) {
		return Bundle(must[[]byte](t)(s.Bundle(of, by)))
	},
}

// TestPolicies: a signature counts if it is of the artifact, and of whom the policy demands. The
// error says whose it is.
func TestPolicies(t *testing.T) {
	s, root := store(t)
	right, wrong := must[*ecdsa.PrivateKey](t)(cosigntest.NewKey()), must[*ecdsa.PrivateKey](t)(cosigntest.NewKey())
	keys := Policy{Keys: []Key{keyOf(t, right)}}
	demand := func(issuer, subject string) Policy {
		return Policy{Identities: []Identity{must[Identity](t)(ParseIdentity(issuer, subject))}}
	}
	identities := demand("^https://login.example.org$", `^https://git\.example\.org/web/`)
	login := cosigntest.Signer{Issuer: issuer, Subject: workflow}
	for _, c := range []struct {
		name   string
		of     string
		by     cosigntest.Signer
		policy Policy
		by2    string // who has signed, as it is said
		wrong  string
	}{
		{"the key", artifact, cosigntest.Signer{Key: right}, keys, "key cosign.pub (", ""},
		{"one of several keys", artifact, cosigntest.Signer{Key: right}, Policy{Keys: []Key{keyOf(t, wrong), keyOf(t, right)}}, "key cosign.pub (", ""},
		{"another key", artifact, cosigntest.Signer{Key: wrong}, keys, "", "is of a key that is not demanded, or of none"},
		{"the key, of another artifact", another, cosigntest.Signer{Key: right}, keys, "", "is of another artifact, " + another},
		{"a login where a key is demanded", artifact, login, keys, "", "is of " + workflow + " by " + issuer},
		{"a key where a login is demanded", artifact, cosigntest.Signer{Key: right}, identities, "", "is of a key that is not demanded, or of none"},
		{"the login", artifact, login, identities, workflow + " by " + issuer, ""},
		{"a person", artifact, cosigntest.Signer{Issuer: issuer, Subject: "ana@example.org"}, demand("login", "^ana@example.org$"), "ana@example.org by " + issuer, ""},
		{"a key or a login", artifact, login, Policy{Keys: keys.Keys, Identities: identities.Identities}, workflow, ""},
		{"the login, of another artifact", another, login, identities, "", "is of another artifact"},
		{"another subject", artifact, cosigntest.Signer{Issuer: issuer, Subject: "https://git.example.org/evil"}, identities, "", "is of https://git.example.org/evil by " + issuer},
		{"another issuer", artifact, cosigntest.Signer{Issuer: "https://evil.example.org", Subject: workflow}, identities, "", "is of " + workflow + " by https://evil.example.org"},
		{"at the last moment", artifact, cosigntest.Signer{Issuer: issuer, Subject: workflow, After: 10 * time.Minute}, identities, workflow, ""},
		{"after the certificate", artifact, cosigntest.Signer{Issuer: issuer, Subject: workflow, After: 11 * time.Minute}, identities, "", "was logged at 2026-03-01T13:11:00Z, when its certificate was not valid"},
		{"before the certificate", artifact, cosigntest.Signer{Issuer: issuer, Subject: workflow, After: -time.Minute}, identities, "", "when its certificate was not valid"},
		{"before the log is trusted", artifact, cosigntest.Signer{Issuer: issuer, Subject: workflow, After: -2 * time.Hour}, identities, "", "not trusted at its time"},
		{"a certificate without a time", artifact, cosigntest.Signer{Issuer: issuer, Subject: workflow, Unlogged: true}, identities, "", "is in no transparency log"},
		{"a certificate that no log has", artifact, cosigntest.Signer{Issuer: issuer, Subject: workflow, Unpublished: true}, identities, "", "whose issue is in no trusted log"},
		{"nobody is demanded", artifact, login, Policy{}, "", "is of " + workflow},
	} {
		for form, sign := range forms {
			t.Run(c.name+"/"+form, func(t *testing.T) {
				signature := must[Signature](t)(sign(t, s, c.of, c.by))
				who, err := root.Check(signature, artifact, c.policy)
				if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) || !strings.HasPrefix(who, c.by2) {
					t.Errorf("signed by %q, %v, want %q", who, err, c.wrong)
				}
			})
		}
	}
}

// TestOtherRoots: what another Sigstore proves, or a part of another, is not believed.
func TestOtherRoots(t *testing.T) {
	s, root := store(t)
	_, other := store(t)
	policy := Policy{Identities: []Identity{must[Identity](t)(ParseIdentity(".", "."))}}
	for form, sign := range forms {
		signature := must[Signature](t)(sign(t, s, artifact, cosigntest.Signer{Issuer: issuer, Subject: workflow}))
		for _, c := range []struct {
			name  string
			root  *Root
			wrong string
		}{
			{"all", other, "transparency log that is not trusted"},
			{"the authority", &Root{signatures: root.signatures, issues: root.issues, authorities: other.authorities}, "no trusted authority"},
			{"the log of certificates", &Root{signatures: root.signatures, issues: other.issues, authorities: root.authorities}, "in no trusted log"},
			{"the log of signatures", &Root{signatures: other.signatures, issues: root.issues, authorities: root.authorities}, "transparency log that is not trusted"},
			{"its key", &Root{signatures: swapped(root.signatures, other.signatures), issues: root.issues, authorities: root.authorities}, "not signed by the log"},
			{"the key of the log of certificates", &Root{signatures: root.signatures, issues: swapped(root.issues, other.issues), authorities: root.authorities}, "in no trusted log"},
			{"a log of another kind", &Root{signatures: swapped(root.signatures, map[string]log{"": {period: period{Start: cosigntest.Begin}}}), issues: root.issues, authorities: root.authorities}, "Rekor v2"},
		} {
			if _, err := c.root.Check(signature, artifact, policy); err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%s, %s: %v, want %q", form, c.name, err, c.wrong)
			}
		}
	}
}

// swapped has the IDs of some logs with the keys of others.
func swapped(ids, keys map[string]log) map[string]log {
	made := map[string]log{}
	for id := range ids {
		for _, key := range keys {
			made[id] = key
		}
	}
	return made
}

// TestMixedSignatures: parts of two good signatures are none.
func TestMixedSignatures(t *testing.T) {
	s, root := store(t)
	policy := Policy{Identities: []Identity{must[Identity](t)(ParseIdentity(".", "."))}}
	for form, sign := range forms {
		a := must[Signature](t)(sign(t, s, artifact, cosigntest.Signer{Issuer: issuer, Subject: workflow}))
		b := must[Signature](t)(sign(t, s, another, cosigntest.Signer{Issuer: issuer, Subject: "ana@example.org"}))
		for name, change := range map[string]func(*Signature){
			"entry":                 func(s *Signature) { s.entries = b.entries },
			"certificate":           func(s *Signature) { s.certificate = b.certificate },
			"certificate and entry": func(s *Signature) { s.certificate, s.entries = b.certificate, b.entries },
			"signature":             func(s *Signature) { s.signature = b.signature },
			"payload":               func(s *Signature) { s.payload = b.payload },
			"signed":                func(s *Signature) { s.signed = b.signed },
			"signature and entry":   func(s *Signature) { s.signature, s.certificate, s.entries = b.signature, b.certificate, b.entries },
			"time":                  func(s *Signature) { s.entries[0].at++ },
			"place":                 func(s *Signature) { s.entries[0].index++ },
			"body": func(s *Signature) {
				s.entries[0].body = bytes.Replace(s.entries[0].body, []byte("0.0.1"), []byte("0.0.2"), 1)
			},
			"promise":    func(s *Signature) { s.entries[0].promise = s.signature },
			"no promise": func(s *Signature) { s.entries[0].promise = nil },
			"kind":       func(s *Signature) { s.statement = !s.statement },
		} {
			mixed := a
			mixed.entries = append([]entry(nil), a.entries...)
			change(&mixed)
			if who, err := root.Check(mixed, artifact, policy); err == nil {
				t.Errorf("%s, %s: it counts as of %s", form, name, who)
			}
		}
		if _, err := root.Check(a, artifact, policy); err != nil {
			t.Errorf("%s: the signature itself: %v", form, err)
		}
	}
}

// TestUnreadable: what is no signature is an error that says so.
func TestUnreadable(t *testing.T) {
	s, _ := store(t)
	good := string(must[[]byte](t)(s.Bundle(artifact, cosigntest.Signer{Issuer: issuer, Subject: workflow})))
	provenance := string(must[[]byte](t)(s.Bundle(artifact, cosigntest.Signer{Issuer: issuer, Subject: workflow, Kind: "https://slsa.dev/provenance/v1"})))
	for text, want := range map[string]string{
		"":                                    "cannot be read",
		"{}":                                  "of another version",
		strings.Repeat(" ", MaxBundle) + good: "cannot be read",
		strings.Replace(good, "v0.3+json", "v0.4+json", 1):                          "of another version",
		strings.Replace(good, "in-toto+json", "other+json", 1):                      "without a signed statement",
		strings.Replace(good, `"signatures":[`, `"signatures":[{"sig":"AAAA"},`, 1): "without a signed statement",
		provenance: `is a statement "https://slsa.dev/provenance/v1", and none of cosign sign`,
		strings.Replace(good, `"rawBytes":"MII`, `"rawBytes":"AII`, 1):                                   "certificate that cannot be read",
		strings.Replace(good, `"tlogEntries":[`, `"tlogEntries":[`+strings.Repeat("{},", maxEntries), 1): "more than 8 entries",
	} {
		if _, err := Bundle([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the bundle %.60s: %v, want %q", text, err, want)
		}
	}
	payload, annotations, err := s.Classic(artifact, cosigntest.Signer{Issuer: issuer, Subject: workflow})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		payload []byte
		at, is  string
		want    string
	}{
		{[]byte("{}"), "", "", "names no artifact"},
		{bytes.Repeat([]byte(" "), MaxPayload+1), "", "", "names no artifact"},
		{payload, atSignature, "!", "is no base64"},
		{payload, atSignature, "", "is no base64"},
		{payload, atCertificate, "text", "is no PEM"},
		{payload, atCertificate, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read"},
		{payload, atEntry, "{", "cannot be read"},
	} {
		changed := maps.Clone(annotations)
		if c.at != "" {
			changed[c.at] = c.is
		}
		if _, err := Classic(c.payload, changed); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: %v, want %q", c.at, c.is, err, c.want)
		}
	}
}

// TestPublicGood: the root of the public instance is in the program. It believes a certificate
// and an entry that were really made there (of sigstore-js 2.0.0, from the tests of
// github.com/sigstore/sigstore-go, Apache-2.0), and none of them once a bit is another.
func TestPublicGood(t *testing.T) {
	root := must[*Root](t)(PublicGood())
	var found struct {
		Material struct {
			Chain   struct{ Certificates []raw } `json:"x509CertificateChain"`
			Entries []struct {
				Index   json.Number            `json:"logIndex"`
				Log     struct{ KeyID []byte } `json:"logId"`
				At      json.Number            `json:"integratedTime"`
				Promise struct {
					Signed []byte `json:"signedEntryTimestamp"`
				} `json:"inclusionPromise"`
				Body []byte `json:"canonicalizedBody"`
			} `json:"tlogEntries"`
		} `json:"verificationMaterial"`
	}
	if err := json.Unmarshal(must[[]byte](t)(os.ReadFile("testdata/provenance.json")), &found); err != nil {
		t.Fatal(err)
	}
	w := found.Material.Entries[0]
	e := entry{w.Body, must[int64](t)(w.At.Int64()), must[int64](t)(w.Index.Int64()), "c0d23d6ad406973f9559f3ba2d1ca01f84147d8ffc5b8445c224f98b9591801d", w.Promise.Signed}
	if err := root.promised(e); err != nil {
		t.Errorf("the entry: %v", err)
	}
	der := found.Material.Chain.Certificates[0].Bytes
	certificate := must[*x509.Certificate](t)(x509.ParseCertificate(der))
	at := time.Unix(e.at, 0)
	by, err := root.issued(certificate, at)
	if err != nil {
		t.Fatal(err)
	}
	if err := root.published(certificate, by); err != nil {
		t.Errorf("the certificate: %v", err)
	}
	who := must[signer](t)(named(certificate))
	if want := "https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main by https://token.actions.githubusercontent.com"; who.String() != want {
		t.Errorf("it is of %s", who)
	}
	if _, err := root.issued(certificate, at.Add(time.Hour)); err == nil {
		t.Error("the certificate is valid an hour later")
	}
	e.at++
	if root.promised(e) == nil {
		t.Error("the entry counts with another time")
	}
	if root.published(certificate, certificate) == nil {
		t.Error("the certificate counts as issued by another")
	}
}

// TestParseRoot: a root without one of its parts is none.
func TestParseRoot(t *testing.T) {
	s, _ := store(t)
	good := string(must[[]byte](t)(s.Root()))
	for text, want := range map[string]string{
		"{":                                 "read the trusted root",
		strings.Repeat(" ", MaxRoot) + good: "more than 1048576 bytes",
		strings.Replace(good, `"tlogs"`, `"others"`, 1):                  "lacks certificateAuthorities",
		strings.Replace(good, `"ctlogs"`, `"others"`, 1):                 "lacks certificateAuthorities",
		strings.Replace(good, `"certificateAuthorities"`, `"others"`, 1): "lacks certificateAuthorities",
		strings.Replace(good, `"certChain"`, `"others"`, 1):              "authority without certificates",
		strings.Replace(good, `"rawBytes":"M`, `"rawBytes":"A`, 1):       "a certificate",
		strings.ReplaceAll(good, `"rawBytes":"MFkw`, `"rawBytes":"AFkw`): "the key of a log",
		strings.ReplaceAll(good, `"keyId"`, `"other"`):                   "without an ID",
		strings.ReplaceAll(good, `"start"`, `"other"`):                   "a start of its time",
	} {
		if _, err := ParseRoot([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the root %.60s: %v, want %q", strings.TrimSpace(text), err, want)
		}
	}
}

// TestKeys: a public key in PEM is taken, and the error of anything else does not have its text.
func TestKeys(t *testing.T) {
	inPEM := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	pkix := func(key any) string { return inPEM("PUBLIC KEY", must[[]byte](t)(x509.MarshalPKIXPublicKey(key))) }
	short := must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))
	weak := short.PublicKey
	weak.N = weak.N.Rsh(weak.N, 100)
	private := must[*ecdsa.PrivateKey](t)(cosigntest.NewKey())
	secret := inPEM("PRIVATE KEY", must[[]byte](t)(x509.MarshalPKCS8PrivateKey(private)))
	short = must[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))
	large := must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	edwards, edwardsKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		pkix(private.Public()): "", pkix(short.Public()): "", pkix(edwards): "", pkix(large.Public()): "",
		inPEM("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&short.PublicKey)): "",
		pkix(&weak): "less than 2048 bits",
		pkix(must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)).Public()): "less than 256 bits",
		secret:    "its PEM is of another type",
		"":        "no public key in PEM",
		"hunter2": "no public key in PEM",
		strings.Repeat(" ", maxKey) + pkix(private.Public()): "no public key in PEM",
		inPEM("PUBLIC KEY", []byte("hunter2")):               "no public key that can be read",
	} {
		_, err := ParseKey("cosign.pub", text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("the key %.40q: %v, want %q", text, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), secret[40:60])) {
			t.Errorf("the error has the text: %v", err)
		}
	}
	long := sha512.Sum384([]byte("text"))
	ofLarge := must[[]byte](t)(ecdsa.SignASN1(rand.Reader, large, long[:]))
	ofEdwards := ed25519.Sign(edwardsKey, []byte("text"))
	for text, want := range map[string]bool{"text": true, "other": false} {
		if verifies(large.Public(), []byte(text), ofLarge) != want || verifies(edwards, []byte(text), ofEdwards) != want {
			t.Errorf("signatures of the text count for %q: want %v", text, want)
		}
	}
	if verifies(short.Public(), []byte("text"), ofLarge) || verifies(base64.StdEncoding, nil, nil) {
		t.Error("a signature of another kind of key counts")
	}
}

// TestIdentities: an expression that is none, or matches everybody, is refused.
func TestIdentities(t *testing.T) {
	for _, c := range []struct{ issuer, subject, want string }{
		{"https://a", "b", ""},
		{"", "b", "issuer is empty"},
		{"a", "", "subject is empty"},
		{"(", "b", `issuer: "(" is no regular expression`},
		{"a", strings.Repeat("b", maxExpression+1), "subject has more than 1000 bytes"},
	} {
		if _, err := ParseIdentity(c.issuer, c.subject); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q %q: %v, want %q", c.issuer, c.subject, err, c.want)
		}
	}
}

// FuzzSignatures: nobody signs the artifact by chance, and nothing crashes.
func FuzzSignatures(f *testing.F) {
	root, err := PublicGood()
	if err != nil {
		f.Fatal(err)
	}
	identity, err := ParseIdentity(".", ".")
	if err != nil {
		f.Fatal(err)
	}
	text, err := os.ReadFile("testdata/provenance.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text), "", "")
	f.Add(`{"critical":{"image":{"docker-manifest-digest":"`+artifact+`"}}}`, "AAAA", `{"Payload":{"body":"AAAA"}}`)
	f.Fuzz(func(t *testing.T, payload, signature, entry string) {
		policy := Policy{Identities: []Identity{identity}}
		if s, err := Bundle([]byte(payload)); err == nil {
			if _, err := root.Check(s, artifact, policy); err == nil {
				t.Error("a bundle counts")
			}
		}
		if s, err := Classic([]byte(payload), map[string]string{atSignature: signature, atCertificate: payload, atEntry: entry}); err == nil {
			if _, err := root.Check(s, artifact, policy); err == nil {
				t.Error("a signature counts")
			}
		}
	})
}
