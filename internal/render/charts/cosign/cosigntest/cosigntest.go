// Package cosigntest signs as cosign does, for tests: with keys, and as somebody who has logged in
// at a Sigstore of its own. Its times are fixed, so nothing depends on the clock.
package cosigntest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/url"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

// Begin is when a Sigstore begins, and a certificate is issued an hour later, for ten minutes.
var Begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Issued is when a certificate begins to be valid.
var Issued = Begin.Add(time.Hour)

// lifetime is that of a certificate of Fulcio.
const lifetime = 10 * time.Minute

// Sigstore is an authority with its logs.
type Sigstore struct {
	ca         *x509.Certificate
	caKey      *ecdsa.PrivateKey
	rekor, log *ecdsa.PrivateKey
}

// New makes a Sigstore.
func New() (*Sigstore, error) {
	s := &Sigstore{}
	for _, into := range []**ecdsa.PrivateKey{&s.caKey, &s.rekor, &s.log} {
		key, err := NewKey()
		if err != nil {
			return nil, err
		}
		*into = key
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a Fulcio"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: Begin, NotAfter: Begin.AddDate(10, 0, 0), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, s.caKey.Public(), s.caKey)
	if err != nil {
		return nil, err
	}
	s.ca, err = x509.ParseCertificate(der)
	return s, err
}

// NewKey makes a key as cosign generate-key-pair does.
func NewKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// PEM is the public part of a key.
func PEM(key *ecdsa.PrivateKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), err
}

// Root is the trusted root, as JSON.
func (s *Sigstore) Root() ([]byte, error) {
	valid := map[string]any{"start": Begin.Format(time.RFC3339)}
	logs := map[string]any{}
	for name, key := range map[string]*ecdsa.PrivateKey{"tlogs": s.rekor, "ctlogs": s.log} {
		der, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			return nil, err
		}
		id := sha256.Sum256(der)
		logs[name] = []any{map[string]any{"publicKey": map[string]any{"rawBytes": der, "validFor": valid}, "logId": map[string]any{"keyId": id[:]}}}
	}
	return json.Marshal(map[string]any{
		"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1", "tlogs": logs["tlogs"], "ctlogs": logs["ctlogs"],
		"certificateAuthorities": []any{map[string]any{"certChain": map[string]any{"certificates": []any{map[string]any{"rawBytes": s.ca.Raw}}}, "validFor": valid}},
	})
}

// Signer is who signs: a key, or somebody who has logged in.
type Signer struct {
	Key             *ecdsa.PrivateKey // nil: a login
	Issuer, Subject string
	After           time.Duration // after its issue the certificate is used
	Unlogged        bool          // in Rekor
	Unpublished     bool          // the certificate, in its log
	Kind            string        // of the statement of a bundle; "": that of cosign sign
}

// signed is a signature with what proves it.
type signed struct {
	signature   []byte
	certificate []byte // DER; nil: none
	entry       entry
}

// entry is the body of an entry, and Rekor's promise.
type entry struct {
	body, promise []byte
	at            int64
	log           []byte
}

// Classic signs the artifact with a digest, as a layer with annotations.
func (s *Sigstore) Classic(digest string, by Signer) (payload []byte, annotations map[string]string, err error) {
	payload, err = json.Marshal(map[string]any{"critical": map[string]any{
		"identity": map[string]any{"docker-reference": ""}, "image": map[string]any{"docker-manifest-digest": digest}, "type": "cosign container image signature",
	}, "optional": nil})
	if err != nil {
		return nil, nil, err
	}
	made, err := s.sign(payload, by, func(signature, key []byte) any {
		return map[string]any{"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": map[string]any{
			"data": map[string]any{"hash": hash(payload)}, "signature": map[string]any{"content": signature, "publicKey": map[string]any{"content": key}},
		}}
	})
	if err != nil {
		return nil, nil, err
	}
	annotations = map[string]string{"dev.cosignproject.cosign/signature": base64.StdEncoding.EncodeToString(made.signature)}
	if made.certificate != nil {
		annotations["dev.sigstore.cosign/certificate"] = string(inPEM(made.certificate))
	}
	if made.entry.promise != nil {
		e := made.entry
		text, err := json.Marshal(map[string]any{"SignedEntryTimestamp": e.promise, "Payload": map[string]any{
			"body": e.body, "integratedTime": e.at, "logIndex": 7, "logID": hex.EncodeToString(e.log),
		}})
		if err != nil {
			return nil, nil, err
		}
		annotations["dev.sigstore.cosign/bundle"] = string(text)
	}
	return payload, annotations, nil
}

// Bundle signs the artifact with a digest, as a bundle of version 0.3.
func (s *Sigstore) Bundle(digest string, by Signer) ([]byte, error) {
	kind := by.Kind
	if kind == "" {
		kind = "https://sigstore.dev/cosign/sign/v1"
	}
	payload, err := json.Marshal(map[string]any{
		"_type": "https://in-toto.io/Statement/v1", "predicateType": kind, "predicate": map[string]any{},
		"subject": []any{map[string]any{"digest": map[string]any{"sha256": strings.TrimPrefix(digest, "sha256:")}}},
	})
	if err != nil {
		return nil, err
	}
	const statement = "application/vnd.in-toto+json"
	encoded := append([]byte("DSSEv1 28 "+statement+" "+big.NewInt(int64(len(payload))).String()+" "), payload...)
	made, err := s.sign(encoded, by, func(signature, key []byte) any {
		return map[string]any{"apiVersion": "0.0.1", "kind": "dsse", "spec": map[string]any{
			"payloadHash": hash(payload), "signatures": []any{map[string]any{"signature": signature, "verifier": key}},
		}}
	})
	if err != nil {
		return nil, err
	}
	material := map[string]any{"publicKey": map[string]any{"hint": "a key"}}
	if made.certificate != nil {
		material = map[string]any{"certificate": map[string]any{"rawBytes": made.certificate}}
	}
	if e := made.entry; e.promise != nil {
		material["tlogEntries"] = []any{map[string]any{
			"logIndex": "7", "logId": map[string]any{"keyId": e.log}, "integratedTime": big.NewInt(e.at).String(),
			"kindVersion": map[string]any{"kind": "dsse", "version": "0.0.1"}, "inclusionPromise": map[string]any{"signedEntryTimestamp": e.promise}, "canonicalizedBody": e.body,
		}}
	}
	return json.Marshal(map[string]any{
		"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "verificationMaterial": material,
		"dsseEnvelope": map[string]any{"payload": payload, "payloadType": statement, "signatures": []any{map[string]any{"sig": made.signature}}},
	})
}

// sign signs a text. body is that of the entry in Rekor, of a signature and its certificate.
func (s *Sigstore) sign(text []byte, by Signer, body func(signature, key []byte) any) (signed, error) {
	key := by.Key
	var made signed
	var err error
	if key == nil {
		if key, err = NewKey(); err != nil {
			return signed{}, err
		}
		if made.certificate, err = s.certify(key, by); err != nil {
			return signed{}, err
		}
	}
	if made.signature, err = signWith(key, text); err != nil || made.certificate == nil || by.Unlogged {
		return made, err
	}
	made.entry.at = Issued.Add(by.After).Unix()
	if made.entry.body, err = json.Marshal(body(made.signature, inPEM(made.certificate))); err != nil {
		return signed{}, err
	}
	err = s.promise(&made.entry)
	return made, err
}

// promise signs an entry.
func (s *Sigstore) promise(e *entry) error {
	der, err := x509.MarshalPKIXPublicKey(s.rekor.Public())
	if err != nil {
		return err
	}
	id := sha256.Sum256(der)
	e.log = id[:]
	text := `{"body":"` + base64.StdEncoding.EncodeToString(e.body) + `","integratedTime":` + big.NewInt(e.at).String() +
		`,"logID":"` + hex.EncodeToString(e.log) + `","logIndex":7}`
	e.promise, err = signWith(s.rekor, []byte(text))
	return err
}

// certify issues a certificate: first as the log sees it, and then with the log's timestamp.
func (s *Sigstore) certify(key *ecdsa.PrivateKey, by Signer) ([]byte, error) {
	issuer, err := asn1.MarshalWithParams(by.Issuer, "utf8")
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: Issued, NotAfter: Issued.Add(lifetime), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8}, Value: issuer}},
	}
	if strings.Contains(by.Subject, "://") {
		address, err := url.Parse(by.Subject)
		if err != nil {
			return nil, err
		}
		template.URIs = []*url.URL{address}
	} else {
		template.EmailAddresses = []string{by.Subject}
	}
	before, err := x509.CreateCertificate(rand.Reader, template, s.ca, key.Public(), s.caKey)
	if err != nil || by.Unpublished {
		return before, err
	}
	parsed, err := x509.ParseCertificate(before)
	if err != nil {
		return nil, err
	}
	timestamps, err := s.timestamp(parsed.RawTBSCertificate)
	if err != nil {
		return nil, err
	}
	template.ExtraExtensions = append(template.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: timestamps})
	return x509.CreateCertificate(rand.Reader, template, s.ca, key.Public(), s.caKey)
}

// timestamp is the list of signed timestamps of an issue (RFC 6962, 3.2 and 3.3).
func (s *Sigstore) timestamp(issue []byte) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(s.log.Public())
	if err != nil {
		return nil, err
	}
	id, issuer, at := sha256.Sum256(der), sha256.Sum256(s.ca.RawSubjectPublicKeyInfo), uint64(Issued.UnixMilli())
	var text cryptobyte.Builder
	text.AddUint16(0)
	text.AddUint64(at)
	text.AddUint16(1)
	text.AddBytes(issuer[:])
	text.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(issue) })
	text.AddUint16(0)
	written, err := text.Bytes()
	if err != nil {
		return nil, err
	}
	signature, err := signWith(s.log, written)
	if err != nil {
		return nil, err
	}
	var list cryptobyte.Builder
	list.AddUint16LengthPrefixed(func(all *cryptobyte.Builder) {
		all.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			b.AddUint8(0)
			b.AddBytes(id[:])
			b.AddUint64(at)
			b.AddUint16(0)
			b.AddUint16(0x0403)
			b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(signature) })
		})
	})
	value, err := list.Bytes()
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(value)
}

func signWith(key *ecdsa.PrivateKey, text []byte) ([]byte, error) {
	sum := sha256.Sum256(text)
	return ecdsa.SignASN1(rand.Reader, key, sum[:])
}

func inPEM(certificate []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
}

func hash(of []byte) map[string]any {
	sum := sha256.Sum256(of)
	return map[string]any{"algorithm": "sha256", "value": hex.EncodeToString(sum[:])}
}
