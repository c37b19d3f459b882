package cosign

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Media types of signatures in registries.
const (
	PayloadType = "application/vnd.dev.cosign.simplesigning.v1+json" // of the layers at the tag TagOf
	// BundlePrefix begins the types of bundles; the one that is read is that of version 0.3.
	BundlePrefix = "application/vnd.dev.sigstore.bundle"
	BundleType   = "application/vnd.dev.sigstore.bundle.v0.3+json"
)

// Limits on signatures, in bytes.
const (
	MaxPayload = 64 << 10
	MaxBundle  = 512 << 10
)

// Signature is one that an artifact has, as it was found: nothing is proven by having it.
type Signature struct {
	of          string // the digest of the artifact that it says it is of
	payload     []byte
	signed      []byte // the bytes that are signed: the payload, or what stands for it
	statement   bool   // the payload is a statement (DSSE)
	signature   []byte
	certificate *x509.Certificate // nil: there is none
	entries     []entry           // of Rekor
}

// TagOf is the tag of the signatures of the artifact with a digest.
func TagOf(digest string) string { return strings.Replace(digest, ":", "-", 1) + ".sig" }

// Annotations of a layer with a signature (cosign, specs/SIGNATURE_SPEC.md).
const (
	atSignature   = "dev.cosignproject.cosign/signature"
	atCertificate = "dev.sigstore.cosign/certificate"
	atEntry       = "dev.sigstore.cosign/bundle"
)

// Classic reads a signature at the tag of an artifact: a layer and its annotations. The errors
// are for the end of a sentence that begins with the signature, as are those of Bundle.
func Classic(payload []byte, annotations map[string]string) (Signature, error) {
	s := Signature{payload: payload, signed: payload}
	var claim struct {
		Critical struct {
			Image struct {
				Digest string `json:"docker-manifest-digest"`
			} `json:"image"`
		} `json:"critical"`
	}
	if len(payload) > MaxPayload || json.Unmarshal(payload, &claim) != nil || claim.Critical.Image.Digest == "" {
		return Signature{}, errors.New("has a payload that names no artifact")
	}
	s.of = claim.Critical.Image.Digest
	var err error
	if s.signature, err = base64.StdEncoding.DecodeString(annotations[atSignature]); err != nil || len(s.signature) == 0 {
		return Signature{}, errors.New("is no base64")
	}
	if text := annotations[atCertificate]; text != "" {
		block, _ := pem.Decode([]byte(text))
		if block == nil {
			return Signature{}, errors.New("has a certificate that is no PEM")
		}
		if s.certificate, err = x509.ParseCertificate(block.Bytes); err != nil {
			return Signature{}, errors.New("has a certificate that cannot be read")
		}
	}
	if text := annotations[atEntry]; text != "" {
		var written struct {
			Promise []byte `json:"SignedEntryTimestamp"`
			Payload struct {
				Body  []byte `json:"body"`
				At    int64  `json:"integratedTime"`
				Log   string `json:"logID"`
				Index int64  `json:"logIndex"`
			}
		}
		if json.Unmarshal([]byte(text), &written) != nil {
			return Signature{}, errors.New("has an entry of the transparency log that cannot be read")
		}
		p := written.Payload
		s.entries = []entry{{p.Body, p.At, p.Index, p.Log, written.Promise}}
	}
	return s, nil
}

// writtenBundle is a bundle as JSON (sigstore/protobuf-specs, sigstore_bundle.proto).
type writtenBundle struct {
	MediaType string `json:"mediaType"`
	Material  struct {
		Certificate raw `json:"certificate"`
		Entries     []struct {
			Index json.Number `json:"logIndex"`
			Log   struct {
				ID []byte `json:"keyId"`
			} `json:"logId"`
			At      json.Number `json:"integratedTime"`
			Promise struct {
				Signed []byte `json:"signedEntryTimestamp"`
			} `json:"inclusionPromise"`
			Body []byte `json:"canonicalizedBody"`
		} `json:"tlogEntries"`
	} `json:"verificationMaterial"`
	Envelope struct {
		Payload    []byte `json:"payload"`
		Type       string `json:"payloadType"`
		Signatures []struct {
			Signature []byte `json:"sig"`
		} `json:"signatures"`
	} `json:"dsseEnvelope"`
}

// Bundle reads a bundle of version 0.3 with a signature of cosign's. A statement of another kind
// about the artifact, of how it was built or what was found in it, is no signature of it.
func Bundle(text []byte) (Signature, error) {
	var b writtenBundle
	if len(text) > MaxBundle || json.Unmarshal(text, &b) != nil {
		return Signature{}, errors.New("is a bundle that cannot be read")
	}
	if b.MediaType != BundleType && b.MediaType != BundlePrefix+"+json;version=0.3" {
		return Signature{}, fmt.Errorf("is a bundle of another version: %q", b.MediaType)
	}
	e := b.Envelope
	if e.Type != "application/vnd.in-toto+json" || len(e.Signatures) != 1 || len(e.Signatures[0].Signature) == 0 {
		return Signature{}, errors.New("is a bundle without a signed statement")
	}
	s := Signature{payload: e.Payload, signed: encoded(e.Type, e.Payload), statement: true, signature: e.Signatures[0].Signature}
	if err := s.state(); err != nil {
		return Signature{}, err
	}
	if der := b.Material.Certificate.Bytes; len(der) > 0 {
		var err error
		if s.certificate, err = x509.ParseCertificate(der); err != nil {
			return Signature{}, errors.New("has a certificate that cannot be read")
		}
	}
	if len(b.Material.Entries) > maxEntries {
		return Signature{}, fmt.Errorf("has more than %d entries of transparency logs", maxEntries)
	}
	for _, w := range b.Material.Entries {
		index, wrong := w.Index.Int64()
		at, none := w.At.Int64()
		if wrong != nil || none != nil { // of Rekor v2, which has no promise either
			index, at, w.Promise.Signed = 0, 0, nil
		}
		s.entries = append(s.entries, entry{w.Body, at, index, hex.EncodeToString(w.Log.ID), w.Promise.Signed})
	}
	return s, nil
}

// signs is the kind of statement by which cosign signs.
const signs = "https://sigstore.dev/cosign/sign/v1"

// state reads of what a statement is (in-toto, spec/v1/statement.md).
func (s *Signature) state() error {
	var statement struct {
		Type    string `json:"_type"`
		Kind    string `json:"predicateType"`
		Subject []struct {
			Digest map[string]string `json:"digest"`
		} `json:"subject"`
	}
	types := []string{"https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"}
	switch err := json.Unmarshal(s.payload, &statement); {
	case err != nil || !slices.Contains(types, statement.Type):
		return errors.New("is a bundle whose statement cannot be read")
	case statement.Kind != signs:
		return fmt.Errorf("is a statement %q, and none of cosign sign", statement.Kind)
	case len(statement.Subject) != 1 || statement.Subject[0].Digest["sha256"] == "":
		return errors.New("is a statement about no artifact, or about several")
	}
	s.of = "sha256:" + statement.Subject[0].Digest["sha256"]
	return nil
}

// encoded is what is signed of a statement (DSSE, PAE).
func encoded(kind string, payload []byte) []byte {
	return append(fmt.Appendf(nil, "DSSEv1 %d %s %d ", len(kind), kind, len(payload)), payload...)
}
