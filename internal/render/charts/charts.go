// Package charts has the charts of registries: fetched by the server from where its
// configuration allows, or by whoever renders a folder without one; kept on disk by
// their digest, and held to the digest that each version had when it was first seen.
// What is in a chart is not looked at here: it is unpacked where it is rendered, in
// a worker.
package charts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/pushboat/pushboat/internal/outgoing"
)

// What a chart may take to fetch.
const (
	// MaxArchive bounds the archive of a chart, in bytes. The largest that are
	// published widely have about 1 MB.
	MaxArchive = 16 << 20
	// fetchTimeout bounds everything that one chart needs of its registry: a slow
	// one must not hold a push for ever.
	fetchTimeout = 30 * time.Second
)

// Chart is a chart that an app was rendered from.
type Chart struct {
	Ref
	Digest string `json:"digest"` // of the archive: sha256: and hex
}

// Config says where charts come from.
type Config struct {
	Registries  []string          // prefixes of addresses: https://, oci://; http:// on this machine
	Credentials map[string]string // files with USER:PASSWORD, by prefixes of addresses
	CA          string            // a file of certificates to trust beside those of Way; "": none
	Way         *outgoing.Way     // by which registries are reached
	Dir         string            // where charts are kept
	Size        int64             // of what is kept, in bytes; 0: DefaultSize
	Timeout     time.Duration     // of a fetch; 0: fetchTimeout
	Local       bool              // for somebody who renders a folder, without a server
}

// Store fetches and keeps charts. The nil Store has none and fetches none.
type Store struct {
	allowed []place
	client  *client
	disk    *disk
	timeout time.Duration
	local   bool
	fetches singleflight.Group
}

// Local reports whether the store is that of somebody who renders a folder: a
// server has one always.
func (s *Store) Local() bool { return s == nil || s.local }

// New returns a store over a directory, which is made when it is needed. Its error joins
// all that is wrong with the configuration, SettingErrors of package outgoing.
func New(config Config) (*Store, error) {
	s := &Store{disk: newDisk(config.Dir, config.Size), timeout: config.Timeout, local: config.Local}
	if s.timeout == 0 {
		s.timeout = fetchTimeout
	}
	var problems []error
	for _, registry := range config.Registries {
		allowed, err := parsePlace(registry)
		if err != nil {
			problems = append(problems, &outgoing.SettingError{Setting: "charts.registries", Err: err})
		}
		s.allowed = append(s.allowed, allowed)
	}
	client, err := newClient(s.allowed, config)
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, err
	}
	s.client = client
	return s, nil
}

// MismatchError is a chart that has another content than it should.
type MismatchError struct {
	Ref
	Want, Have string // digests
	Said       string // who wants that digest
}

// Error implements error.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("chart %s: the registry has another content for this version\n  %-9s %s\n  %-9s %s", e.Ref, e.Said, e.Want, "it has", e.Have)
}

// Get returns the archive of a chart and its digest: from disk, or from its
// registry, which is asked once. digest is the one that it must have; "" is the
// one that the version had when it was first seen. The errors are a
// *MismatchError, a *NotAllowedError, or what went wrong with the registry.
func (s *Store) Get(ctx context.Context, ref Ref, digest string) ([]byte, string, error) {
	if err := ref.Check(); err != nil {
		return nil, "", err
	}
	at, err := s.allow(ref)
	if err != nil {
		return nil, "", err
	}
	said, meant := "meant is", digest
	if digest == "" {
		said = "it was"
		if digest, err = s.disk.pinned(ref); err != nil {
			return nil, "", err
		}
	}
	if digest != "" {
		if data, ok := s.disk.read(digest); ok {
			return data, digest, nil
		}
	}
	data, have, err := s.fetch(ctx, ref, at)
	if err != nil {
		return nil, "", fmt.Errorf("fetch chart %s: %w", ref, err)
	}
	if digest != "" && digest != have {
		return nil, "", &MismatchError{Ref: ref, Want: digest, Have: have, Said: said}
	}
	known, err := s.disk.keep(ref, have, data)
	if err == nil && meant == "" && known != have {
		err = &MismatchError{Ref: ref, Want: known, Have: have, Said: said}
	}
	return data, have, err
}

// Note remembers the digest of a chart that a record has, unless the version has
// one already: the record may outlive what is on disk.
func (s *Store) Note(chart Chart) error {
	if s == nil {
		return nil
	}
	if err := chart.Check(); err != nil {
		return err
	}
	if !isDigest(chart.Digest) {
		return fmt.Errorf("chart %s: %q is no digest", chart.Ref, chart.Digest)
	}
	return s.disk.note(chart.Ref, chart.Digest)
}

// fetch gets an archive from its registry. Several that want one at the same time
// share the fetch, which does not end with one of them.
func (s *Store) fetch(ctx context.Context, ref Ref, at place) ([]byte, string, error) {
	answers := s.fetches.DoChan(ref.key(), func() (any, error) {
		ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), s.timeout, fmt.Errorf("%s did not send it within %s", at.host, s.timeout))
		defer cancel()
		data, err := s.client.chart(ctx, ref, at)
		if ctx.Err() != nil && err != nil {
			err = context.Cause(ctx)
		}
		return data, err
	})
	select {
	case answer := <-answers:
		data, ok := answer.Val.([]byte)
		if answer.Err != nil || !ok {
			return nil, "", answer.Err
		}
		return data, Digest(data), nil
	case <-ctx.Done():
		return nil, "", ctx.Err()
	}
}

// Digest is that of an archive.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// errTooLarge is for what has more bytes than it may.
var errTooLarge = errors.New("is too large")
