package script

import (
	"crypto/ecdsa"
	"os"
	"path/filepath"

	"github.com/pushboat/pushboat/internal/render/charts/cosign/cosigntest"
)

// signing signs the charts of a script.
type signing struct {
	sigstore *cosigntest.Sigstore
	key      *ecdsa.PrivateKey
}

// authority makes whoever signs, and writes to a folder how they are known.
func (s *stage) authority(dir string) error {
	sigstore, err := cosigntest.New()
	if err != nil {
		return err
	}
	key, err := cosigntest.NewKey()
	if err != nil {
		return err
	}
	root, err := sigstore.Root()
	if err != nil {
		return err
	}
	public, err := cosigntest.PEM(key)
	if err != nil {
		return err
	}
	s.signing = &signing{sigstore, key}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "root.json"), root, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "cosign.pub"), []byte(public), 0o600)
}

// sign signs a chart of the registry with the key, or as somebody who has logged in.
func (s *stage) sign(name, version, by string) error {
	manifest := s.charts.Digest(name, version)
	if by == "key" {
		payload, annotations, err := s.signing.sigstore.Classic(manifest, cosigntest.Signer{Key: s.signing.key})
		if err != nil {
			return err
		}
		return s.charts.Sign(name, manifest, payload, annotations)
	}
	bundle, err := s.signing.sigstore.Bundle(manifest, cosigntest.Signer{Issuer: "https://login.example.org", Subject: by})
	if err != nil {
		return err
	}
	return s.charts.Attach(name, manifest, bundle)
}
