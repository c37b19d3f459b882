package cosign

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// MaxRoot bounds the bytes of a trusted root; that of the public instance has 7,000.
const MaxRoot = 1 << 20

// publicGood is the trusted root of Sigstore's public instance (github.com/sigstore/root-signing,
// targets/trusted_root.json of 2026-08-21).
//
//go:embed trusted_root.json
var publicGood []byte

// Root is whom signatures without a key are believed by: the authorities that issue certificates
// for a login (Fulcio), the logs of these, and the logs of signatures (Rekor).
type Root struct {
	id          string         // a digest of its text
	authorities []authority    // Fulcio
	issues      map[string]log // of certificates, by their IDs in hex
	signatures  map[string]log // Rekor
}

// log is a log of transparency.
type log struct {
	key *ecdsa.PublicKey // nil: of a kind that is not read
	period
}

// authority issues certificates.
type authority struct {
	root          *x509.Certificate
	intermediates []*x509.Certificate
	period
}

// period is while something counts.
type period struct {
	Start time.Time  `json:"start"`
	End   *time.Time `json:"end"` // nil: it still does
}

func (p period) has(at time.Time) bool {
	return !at.Before(p.Start) && (p.End == nil || !at.After(*p.End))
}

// writtenRoot is a trusted root as JSON (sigstore/protobuf-specs, sigstore_trustroot.proto).
type writtenRoot struct {
	Signatures  []writtenLog `json:"tlogs"`
	Issues      []writtenLog `json:"ctlogs"`
	Authorities []struct {
		Chain struct {
			Certificates []raw `json:"certificates"`
		} `json:"certChain"`
		Valid period `json:"validFor"`
	} `json:"certificateAuthorities"`
}

type raw struct {
	Bytes []byte `json:"rawBytes"`
}

type writtenLog struct {
	Key struct {
		raw
		Valid *period `json:"validFor"`
	} `json:"publicKey"`
	ID struct {
		Key []byte `json:"keyId"`
	} `json:"logId"`
}

// PublicGood is the root of Sigstore's public instance.
func PublicGood() (*Root, error) { return ParseRoot(publicGood) }

// ParseRoot reads a trusted root in JSON, as cosign trusted-root create writes it.
func ParseRoot(text []byte) (*Root, error) {
	if len(text) > MaxRoot {
		return nil, fmt.Errorf("the trusted root has more than %d bytes", MaxRoot)
	}
	var written writtenRoot
	if err := json.Unmarshal(text, &written); err != nil {
		return nil, fmt.Errorf("read the trusted root: %w", err)
	}
	sum := sha256.Sum256(text)
	r := &Root{id: hex.EncodeToString(sum[:])}
	var err error
	if r.signatures, err = readLogs(written.Signatures); err == nil {
		r.issues, err = readLogs(written.Issues)
	}
	if err != nil {
		return nil, err
	}
	for _, a := range written.Authorities {
		var chain []*x509.Certificate
		for _, c := range a.Chain.Certificates {
			certificate, err := x509.ParseCertificate(c.Bytes)
			if err != nil {
				return nil, fmt.Errorf("read the trusted root: a certificate: %w", err)
			}
			chain = append(chain, certificate)
		}
		if len(chain) == 0 {
			return nil, errors.New("the trusted root has an authority without certificates")
		}
		last := len(chain) - 1
		r.authorities = append(r.authorities, authority{chain[last], chain[:last], a.Valid})
	}
	if len(r.authorities) == 0 || len(r.signatures) == 0 || len(r.issues) == 0 {
		return nil, errors.New("the trusted root lacks certificateAuthorities, ctlogs or tlogs")
	}
	return r, nil
}

// readLogs reads logs. One whose key is not of ECDSA is known, and nothing of it counts.
func readLogs(written []writtenLog) (map[string]log, error) {
	logs := map[string]log{}
	for _, w := range written {
		if len(w.ID.Key) == 0 || w.Key.Valid == nil || w.Key.Valid.Start.IsZero() {
			return nil, errors.New("the trusted root has a log without an ID, or a start of its time")
		}
		key, err := x509.ParsePKIXPublicKey(w.Key.Bytes)
		if err != nil {
			return nil, fmt.Errorf("read the trusted root: the key of a log: %w", err)
		}
		one := log{period: *w.Key.Valid}
		one.key, _ = key.(*ecdsa.PublicKey)
		logs[hex.EncodeToString(w.ID.Key)] = one
	}
	return logs, nil
}
