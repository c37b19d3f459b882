package cosign

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// maxEntries bounds the log entries of one signature; cosign makes one.
const maxEntries = 8

// entry is a signature in Rekor, with its promise to have it: a signature of the body, the log,
// the place there, and the time (SignedEntryTimestamp).
type entry struct {
	body    []byte
	at      int64 // seconds since 1970
	index   int64
	log     string // hex
	promise []byte
}

// logged returns when Rekor has logged the signature.
func (r *Root) logged(s Signature) (time.Time, error) {
	if len(s.entries) == 0 {
		return time.Time{}, errors.New("is in no transparency log")
	}
	var first error
	for _, e := range s.entries {
		err := r.promised(e)
		if err == nil {
			err = e.holds(s)
		}
		if err == nil {
			return time.Unix(e.at, 0), nil
		}
		if first == nil {
			first = err
		}
	}
	return time.Time{}, first
}

// promised checks the promise of an entry. What is signed is canonical JSON (RFC 8785), which
// this is, as the body is base64.
func (r *Root) promised(e entry) error {
	log, known := r.signatures[e.log]
	switch {
	case !known:
		return errors.New("is in a transparency log that is not trusted")
	case log.key == nil || len(e.promise) == 0:
		return errors.New("is in a transparency log without a promise (Rekor v2), which is not read")
	case !log.has(time.Unix(e.at, 0)):
		return errors.New("is in a transparency log that was not trusted at its time")
	}
	text, err := json.Marshal(struct {
		Body  []byte `json:"body"`
		At    int64  `json:"integratedTime"`
		Log   string `json:"logID"`
		Index int64  `json:"logIndex"`
	}{e.body, e.at, e.log, e.index})
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	if !ecdsa.VerifyASN1(log.key, sum[:], e.promise) {
		return errors.New("has an entry of the transparency log that is not signed by the log")
	}
	return nil
}

// hash is one in an entry.
type hash struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"value"`
}

func (h hash) is(of []byte) bool {
	sum := sha256.Sum256(of)
	return h.Algorithm == "sha256" && h.Value == hex.EncodeToString(sum[:])
}

// writtenEntry is the body of an entry: hashedrekord 0.0.1 of a signature of an artifact, dsse
// 0.0.1 of one of a statement (sigstore/rekor, pkg/types).
type writtenEntry struct {
	Kind    string `json:"kind"`
	Version string `json:"apiVersion"`
	Spec    struct {
		Data struct {
			Hash hash `json:"hash"`
		} `json:"data"`
		Signature struct {
			Content []byte `json:"content"`
			Key     struct {
				Content []byte `json:"content"`
			} `json:"publicKey"`
		} `json:"signature"`
		Payload    hash `json:"payloadHash"`
		Signatures []struct {
			Signature []byte `json:"signature"`
			Key       []byte `json:"verifier"`
		} `json:"signatures"`
	} `json:"spec"`
}

// holds returns an error unless an entry is of the signature, its certificate, and what is signed.
func (e entry) holds(s Signature) error {
	var written writtenEntry
	if err := json.Unmarshal(e.body, &written); err != nil {
		return errors.New("has an entry of the transparency log that cannot be read")
	}
	spec := written.Spec
	var key, signature []byte
	var same bool
	switch kind := written.Kind + " " + written.Version; {
	case kind == "hashedrekord 0.0.1" && !s.statement:
		key, signature, same = spec.Signature.Key.Content, spec.Signature.Content, spec.Data.Hash.is(s.payload)
	case kind == "dsse 0.0.1" && s.statement && len(spec.Signatures) == 1:
		key, signature, same = spec.Signatures[0].Key, spec.Signatures[0].Signature, spec.Payload.is(s.payload)
	default:
		return fmt.Errorf("has an entry of the transparency log of another kind, %q", kind)
	}
	block, _ := pem.Decode(key)
	if !same || !bytes.Equal(signature, s.signature) || block == nil || !bytes.Equal(block.Bytes, s.certificate.Raw) {
		return errors.New("has an entry of the transparency log that is of another signature")
	}
	return nil
}
