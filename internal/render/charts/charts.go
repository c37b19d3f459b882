// Package charts provides charts and artifacts from registries. The server fetches them from the
// registries that its configuration allows, or a user does so who renders a folder
// without a server. They are kept on disk by their digest, and each version is held to
// the digest that it had when it was first seen. Of a range, it chooses the newest version. This
// package does not look into a chart or an artifact: who renders it unpacks it.
package charts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/outgoing"
	"github.com/pushboat/pushboat/internal/render/charts/cosign"
)

// Limits on fetching a chart.
const (
	// MaxArchive bounds the archive of a chart, in bytes. The largest widely published
	// ones have about 1 MB.
	MaxArchive = 16 << 20
	// fetchTimeout bounds all requests for one chart, so that a slow registry cannot
	// hold a push for ever.
	fetchTimeout = 30 * time.Second
)

// Chart is a chart that an app was rendered from.
type Chart struct {
	Ref
	Digest string `json:"digest"` // of the archive: sha256: and hex
	// Asked is the range or the tag that meant the version; "" if that was exact.
	Asked string `json:"asked,omitempty"`
}

// Words say which chart was taken for a range or a tag.
func (c Chart) Words() string {
	if tag, tagged := strings.CutPrefix(c.Asked, Tagged); tagged {
		return fmt.Sprintf("%s %s, which is %s now", c.noun(), c.Name+":"+tag, c.Version)
	}
	return fmt.Sprintf("%s, the newest of %s", c.Ref, c.Asked)
}

// Config says where charts come from.
type Config struct {
	Registries  []string          // prefixes of addresses: https://, oci://; http:// on this machine
	Credentials map[string]string // files with USER:PASSWORD, by prefixes of addresses
	CA          string            // a file of certificates to trust in addition to those of Way; "": none
	TrustedRoot string            // a file with a trusted root of Sigstore; "": that of its public instance
	Way         *outgoing.Way     // for requests to registries
	Dir         string            // where charts are kept
	Fence       func() error      // called before anything in Dir is changed; its error prevents that; nil: none
	Size        int64             // of the kept charts, in bytes; 0: DefaultSize
	Timeout     time.Duration     // of a fetch; 0: fetchTimeout
	Local       bool              // for a user who renders a folder, without a server
}

// Store fetches and keeps charts. The nil Store has none and fetches none.
type Store struct {
	allowed []place
	client  *client
	disk    *disk
	timeout time.Duration
	local   bool
	fetches singleflight.Group
	choices choices
	root    func() (*cosign.Root, error) // who is believed without a key
	now     func() time.Time
}

// Local reports whether the store belongs to a user who renders a folder: a server
// always has one.
func (s *Store) Local() bool { return s == nil || s.local }

// New returns a store over a directory, which is created on demand. Its error joins all
// errors in the configuration, as SettingErrors of package outgoing.
func New(config Config) (*Store, error) {
	s := &Store{disk: newDisk(config), timeout: config.Timeout, local: config.Local, now: time.Now}
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
	s.root = sync.OnceValues(func() (*cosign.Root, error) { return readRoot(config.TrustedRoot) })
	if config.TrustedRoot != "" {
		if _, err := s.root(); err != nil {
			problems = append(problems, err)
		}
	}
	client, err := newClient(s.allowed, config)
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, err
	}
	s.client = client
	return s, nil
}

// MismatchError reports a chart with unexpected content.
type MismatchError struct {
	Ref
	Want, Have string // digests
	Said       string // the source of the wanted digest
}

// Error implements error.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("%s: the registry has another content for this version\n  %-9s %s\n  %-9s %s", e.Ref, e.Said, e.Want, "it has", e.Have)
}

// Got is a chart with its archive.
type Got struct {
	Data       []byte
	Digest     string
	Credential string // the address in Config.Credentials whose credentials it took; "": none
	By         string // who has signed it, in words; "": that was not asked for
}

// Get returns the archive of a chart, whose version has to be fixed, and its digest: from disk, or from its registry,
// which is asked once. digest is the required digest; "" requires the one that the
// version had when it was first seen. credentials are those that may be used, by their
// addresses: from disk comes only what was fetched with the same ones. The errors are a
// *MismatchError, a *NotAllowedError, a *WithheldError, or that of the registry.
func (s *Store) Get(ctx context.Context, ref Ref, digest string, credentials grant.Names) (Got, error) {
	if err := ref.Check(); err != nil {
		return Got{}, err
	}
	at, err := s.allow(ref)
	if err != nil {
		return Got{}, err
	}
	if !ref.Fixed() {
		return Got{}, fmt.Errorf("%s: no version is chosen", ref)
	}
	asks := s.asking(credentials)
	known, err := s.disk.pinned(ref)
	said, meant := "meant is", digest
	if digest == "" {
		if err != nil {
			return Got{}, err
		}
		said, digest = "it was", known.Digest
	}
	if digest != "" {
		if data, ok := s.disk.read(digest, asks.scope); ok {
			return Got{Data: data, Digest: digest, Credential: asks.credentialOf(known, digest, at)}, nil
		}
	}
	got, err := s.fetch(ctx, ref, at, asks)
	if err != nil {
		return Got{}, fmt.Errorf("fetch %s: %w", ref, asks.withheld(at, err))
	}
	if digest != "" && digest != got.Digest {
		return Got{}, &MismatchError{Ref: ref, Want: digest, Have: got.Digest, Said: said}
	}
	seen, err := s.disk.keep(ref, got, asks.scope)
	if err == nil && meant == "" && seen != got.Digest {
		err = &MismatchError{Ref: ref, Want: seen, Have: got.Digest, Said: said}
	}
	return got, err
}

// Note remembers the digest of a chart in a record, unless the version has one already:
// a record may outlive the files on disk.
func (s *Store) Note(chart Chart) error {
	if s == nil {
		return nil
	}
	if err := chart.Check(); err != nil {
		return err
	}
	if !isDigest(chart.Digest) {
		return fmt.Errorf("%s: %q is no digest", chart.Ref, chart.Digest)
	}
	return s.disk.note(chart)
}

// fetch gets an archive from its registry. Concurrent callers with the same credentials
// share the fetch, which does not end when one of them gives up.
func (s *Store) fetch(ctx context.Context, ref Ref, at place, asks asking) (Got, error) {
	if ctx.Err() != nil {
		return Got{}, context.Cause(ctx)
	}
	answers := s.fetches.DoChan(ref.key()+asks.scope, func() (any, error) {
		ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), s.timeout, fmt.Errorf("%s did not send it within %s", at.host, s.timeout))
		defer cancel()
		client := s.client.with(asks.secrets)
		data, err := client.chart(ctx, ref, at)
		if ctx.Err() != nil && err != nil {
			err = context.Cause(ctx)
		}
		return Got{Data: data, Credential: client.sent}, err
	})
	select {
	case answer := <-answers:
		got, ok := answer.Val.(Got)
		if answer.Err != nil || !ok {
			return Got{}, answer.Err
		}
		got.Digest = Digest(got.Data)
		return got, nil
	case <-ctx.Done():
		return Got{}, context.Cause(ctx)
	}
}

// Digest returns the digest of an archive.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// errTooLarge is the error for an answer over its limit.
var errTooLarge = errors.New("is too large")
