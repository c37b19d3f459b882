package charts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/access/grant"
)

// Limits on what a registry says of its versions.
const (
	maxTagPage  = 4 << 20 // bytes of one answer
	maxTagPages = 50      // answers; the largest public repository of a chart has about 3,000 tags
	// recent is how long a choice counts for renderings. A check asks, whatever its age.
	recent = time.Minute
	// maxChoices bounds the choices in memory; others are read from disk again.
	maxChoices = 10_000
)

// Look says how far to look for the version that a ref means.
type Look int

// The looks.
const (
	Recent Look = iota // ask the registry, if nobody has within a minute
	Now                // ask the registry
	Known              // as it was chosen last; ask nobody if it was
)

// Choice is the version that a ref means.
type Choice struct {
	Ref        // fixed: an exact version, or a manifest's digest
	Late error // of a registry that did not answer: it is as it was chosen before
}

// choices are what refs meant last, by what names them.
type choices struct {
	mu    sync.Mutex
	known map[string]choice
}

// choice is what a ref meant last, and the mark of the answer that said so (RFC 9110, 8.8.3).
type choice struct {
	version, etag string
	at            time.Time
}

// writtenChoice is a choice on disk.
type writtenChoice struct {
	Ref
	Chosen string `json:"chosen"`
}

// Choose returns the ref with the version that it means: itself if it is fixed, the newest in
// its range, or what its tag names. It asks as for Get. Where the registry does not answer, it
// returns what it has answered before, if it has.
func (s *Store) Choose(ctx context.Context, ref Ref, credentials grant.Names, look Look) (Choice, error) {
	if err := ref.Check(); err != nil {
		return Choice{}, err
	}
	at, err := s.allow(ref)
	if err != nil {
		return Choice{}, err
	}
	if ref.Fixed() {
		return Choice{Ref: ref}, nil
	}
	asks := s.asking(credentials)
	key := ref.key() + asks.scope
	before, known := s.chosen(ref, key)
	if known && (look == Known || look == Recent && s.now().Sub(before.at) < recent) {
		return ref.as(before.version, nil), nil
	}
	found, err := s.choose(ctx, ref, at, asks, before.etag)
	switch {
	case errors.Is(err, errUnchanged):
		found = before
	case err != nil && known && !isAnswer(err):
		return ref.as(before.version, err), nil
	case err != nil:
		return Choice{}, fmt.Errorf("choose a version of %s: %w", ref, asks.withheld(at, err))
	}
	found.at = s.now()
	return ref.as(found.version, nil), s.noteChoice(ref, key, found, before.version)
}

// as is the ref with the version that was chosen.
func (r Ref) as(version string, late error) Choice {
	r.Version = version
	return Choice{Ref: r, Late: late}
}

// isAnswer reports whether a registry has answered, and not that it cannot now: what it says
// counts, and not what it said before.
func isAnswer(err error) bool {
	status, ok := errors.AsType[*errStatus](err)
	return ok && status.status < 500 && status.status != 429 || errors.Is(err, errNoVersion) || errors.As(err, new(*NotAllowedError))
}

// chosen is what a ref meant last, from memory or disk.
func (s *Store) chosen(ref Ref, key string) (choice, bool) {
	s.choices.mu.Lock()
	defer s.choices.mu.Unlock()
	if found, ok := s.choices.known[key]; ok {
		return found, true
	}
	text, err := os.ReadFile(s.disk.choice(key))
	var written writtenChoice
	if err != nil || json.Unmarshal(text, &written) != nil {
		return choice{}, false // it is asked for again
	}
	fixed := ref.as(written.Chosen, nil).Ref
	if written.Ref != ref || !fixed.Fixed() {
		return choice{}, false
	}
	found := choice{version: written.Chosen}
	s.choices.set(key, found)
	return found, true
}

func (c *choices) set(key string, found choice) {
	if c.known == nil || len(c.known) >= maxChoices {
		c.known = map[string]choice{}
	}
	c.known[key] = found
}

// noteChoice remembers what a ref means now.
func (s *Store) noteChoice(ref Ref, key string, found choice, before string) error {
	s.choices.mu.Lock()
	defer s.choices.mu.Unlock()
	s.choices.set(key, found)
	if found.version == before {
		return nil
	}
	text, err := json.Marshal(writtenChoice{ref, found.version})
	if err == nil {
		err = s.disk.writeChoice(key, text)
	}
	if err != nil {
		return fmt.Errorf("keep the version of %s: %w", ref, err)
	}
	return nil
}

// choice is the file of a choice.
func (d *disk) choice(key string) string { return filepath.Join(d.dir, "choices", key) }

func (d *disk) writeChoice(key string, text []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.write(d.choice(key), text)
}

// choose asks the registry. Concurrent callers with the same credentials share the answer.
func (s *Store) choose(ctx context.Context, ref Ref, at place, asks asking, etag string) (choice, error) {
	if ctx.Err() != nil {
		return choice{}, context.Cause(ctx)
	}
	answers := s.fetches.DoChan("choose "+ref.key()+asks.scope, func() (any, error) {
		ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), s.timeout, fmt.Errorf("%s did not answer within %s", at.host, s.timeout))
		defer cancel()
		found, err := s.client.with(asks.secrets).choose(ctx, ref, at, etag)
		if ctx.Err() != nil && err != nil {
			err = context.Cause(ctx)
		}
		return found, err
	})
	select {
	case answer := <-answers:
		found, ok := answer.Val.(choice)
		if answer.Err != nil || !ok {
			return choice{}, answer.Err
		}
		return found, nil
	case <-ctx.Done():
		return choice{}, context.Cause(ctx)
	}
}

// errUnchanged is the error for an answer that is as before.
var errUnchanged = errors.New("is as before")

// errNoVersion is the error for a registry that has no version in a range.
var errNoVersion = errors.New("has no version in that range")

// choose asks a registry which version is meant.
func (c *client) choose(ctx context.Context, ref Ref, at place, etag string) (choice, error) {
	tag, tagged := strings.CutPrefix(ref.Version, Tagged)
	var versions []string
	var err error
	switch {
	case tagged:
		text, err := c.manifestOf(ctx, ref, at, tag)
		return choice{version: Digest(text)}, err
	case at.scheme == "oci":
		versions, err = c.tags(ctx, ref, at)
		etag = ""
	default:
		versions, etag, err = c.versions(ctx, ref, at, etag)
	}
	if err != nil {
		return choice{}, err
	}
	version, err := newest(ref.Version, versions)
	if err == nil && version == "" {
		err = fmt.Errorf("%s %w; it has %s", at.host, errNoVersion, some(versions))
	}
	return choice{version: version, etag: etag}, err
}

// some are the first few of the versions that a registry has.
func some(versions []string) string {
	const shown = 5
	switch {
	case len(versions) == 0:
		return "no chart of that name"
	case len(versions) > shown:
		return strings.Join(versions[:shown], ", ") + " and others"
	}
	return strings.Join(versions, ", ")
}

// versions are those of a chart in the index of a repository, and the mark of the index.
func (c *client) versions(ctx context.Context, ref Ref, at place, etag string) ([]string, string, error) {
	base := &url.URL{Scheme: at.scheme, Host: at.host, Path: at.path + "/"}
	releases, etag, err := c.releases(ctx, ref, base, etag)
	var versions []string
	for _, r := range releases {
		versions = append(versions, r.Version)
	}
	return versions, etag, err
}

// tags are the versions among the tags of a chart in an OCI registry.
func (c *client) tags(ctx context.Context, ref Ref, at place) ([]string, error) {
	session, base := c.ociSession(ref, at)
	next := base.JoinPath("tags", "list")
	next.RawQuery = "n=1000"
	var versions []string
	for range maxTagPages {
		text, after, err := session.page(ctx, request{url: next}, maxTagPage)
		if err != nil {
			return nil, err
		}
		var answer struct {
			Tags []string `json:"tags"`
		}
		if err := json.Unmarshal(text, &answer); err != nil {
			return nil, fmt.Errorf("read the tags: %w", err)
		}
		for _, tag := range answer.Tags {
			if strings.HasPrefix(tag, "sha256-") {
				continue // of signatures
			}
			versions = append(versions, strings.ReplaceAll(tag, "_", "+")) // a tag has no plus
		}
		if after == "" {
			return versions, nil
		}
		if next, err = next.Parse(after); err != nil {
			return nil, fmt.Errorf("read where more tags are: %w", err)
		}
	}
	return nil, fmt.Errorf("%s sends its tags in more than %d parts", at.host, maxTagPages)
}
