package charts

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Limits on an index of a chart repository, in bytes. The largest public one has about
// 25 MB; only the lines of one chart are kept.
const (
	maxIndex   = 64 << 20
	maxEntries = 8 << 20
	maxLine    = 1 << 20
)

// release is a version of a chart in an index.
type release struct {
	Version string   `json:"version"`
	URLs    []string `json:"urls"`
	Digest  string   `json:"digest"` // hex, of the archive
}

// fromRepository fetches a chart from a repository over HTTP, as Helm's documentation
// describes it: an index.yaml, and archives anywhere.
func (c *client) fromRepository(ctx context.Context, ref Ref, at place) ([]byte, error) {
	base := &url.URL{Scheme: at.scheme, Host: at.host, Path: at.path + "/"}
	found, err := c.find(ctx, ref, base)
	if err != nil {
		return nil, err
	}
	if len(found.URLs) == 0 {
		return nil, errors.New("the index has no address for it")
	}
	archive, err := base.Parse(found.URLs[0])
	if err != nil {
		return nil, fmt.Errorf("the index has the address %q for it", found.URLs[0])
	}
	data, err := c.all(ctx, request{url: archive}, MaxArchive)
	if err != nil {
		return nil, err
	}
	want := "sha256:" + strings.TrimPrefix(found.Digest, "sha256:")
	if have := Digest(data); found.Digest != "" && want != have {
		return nil, &MismatchError{Ref: ref, Want: want, Have: have, Said: "its index"}
	}
	return data, nil
}

// find looks a version up in the index. v1.2.3 and 1.2.3 are one version, if the index does not
// have both.
func (c *client) find(ctx context.Context, ref Ref, base *url.URL) (release, error) {
	releases, _, err := c.releases(ctx, ref, base, "")
	if err != nil {
		return release{}, err
	}
	for _, same := range []func(version string) bool{
		func(version string) bool { return version == ref.Version },
		func(version string) bool { return SameVersion(version, ref.Version) },
	} {
		if i := slices.IndexFunc(releases, func(r release) bool { return same(r.Version) }); i >= 0 {
			return releases[i], nil
		}
	}
	if len(releases) == 0 {
		return release{}, fmt.Errorf("%s has no chart of that name", base.Host)
	}
	return release{}, fmt.Errorf("%s does not have that version", base.Host)
}

// SameVersion reports whether two exact versions differ in nothing but the v before them.
func SameVersion(a, b string) bool { return strings.TrimPrefix(a, "v") == strings.TrimPrefix(b, "v") }

// releases are the versions of a chart in the index, and the mark of the index. The error is
// errUnchanged if the mark is still etag.
func (c *client) releases(ctx context.Context, ref Ref, base *url.URL, etag string) ([]release, string, error) {
	answer, err := c.get(ctx, request{url: base.JoinPath("index.yaml"), etag: etag})
	if err != nil {
		return nil, "", err
	}
	text, err := entriesOf(answer.Body, ref.Name)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return nil, "", fmt.Errorf("read the index of %s: %w", base.Host, err)
	}
	var releases []release
	if err := yaml.Unmarshal(text, &releases); err != nil {
		return nil, "", fmt.Errorf("read the index of %s: %w", base.Host, err)
	}
	return releases, answer.Header.Get("ETag"), nil
}

// entriesOf returns the lines of an index for one chart. It reads the index as a
// stream, since the YAML tree of a large one takes hundreds of megabytes. So it expects
// the form that Helm writes: blocks, and two spaces a level.
func entriesOf(index io.Reader, name string) ([]byte, error) {
	limited := &io.LimitedReader{R: index, N: maxIndex + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	var found bytes.Buffer
	within, ours := false, false
	for lines.Scan() {
		line := strings.TrimRight(lines.Text(), " \r")
		indent := len(line) - len(strings.TrimLeft(line, " "))
		rest := line[indent:]
		switch {
		case rest == "" || rest[0] == '#':
		case indent == 0 && rest[0] != '-':
			within, ours = rest == "entries:", false
		case within && indent == 2 && rest[0] != '-':
			ours = strings.Trim(strings.TrimSuffix(rest, ":"), `"'`) == name && strings.HasSuffix(rest, ":")
		case within && ours:
			found.WriteString(line + "\n")
		}
		if found.Len() > maxEntries {
			return nil, fmt.Errorf("its part for %s %w: more than %d bytes", name, errTooLarge, maxEntries)
		}
	}
	if limited.N <= 0 {
		return nil, fmt.Errorf("it %w: more than %d bytes", errTooLarge, maxIndex)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return found.Bytes(), nil
}
