package charts

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// Ref names a chart in a registry, or an artifact.
type Ref struct {
	Name    string `json:"name"`
	Version string `json:"version"` // see CheckVersion; exact, or a manifest's digest, of what was fetched
	Repo    string `json:"repo"`    // the repository's address: https://…, or oci://… without the name
	Kind    Kind   `json:"kind,omitempty"`
	Layer   string `json:"layer,omitempty"` // the media type of the layer of an artifact; "": its first
}

// Kind is what a ref names.
type Kind string

// The kinds.
const (
	OfChart    Kind = ""         // a chart of Helm's
	OfArtifact Kind = "artifact" // an archive of manifests in an OCI registry
)

// String says for people what is named, as in a sentence: chart redis 20.1.0.
func (r Ref) String() string { return r.noun() + " " + r.Short() }

// Short is the name and the version.
func (r Ref) Short() string { return r.Name + " " + r.Version }

func (r Ref) noun() string {
	if r.Kind == OfArtifact {
		return "artifact"
	}
	return "chart"
}

// key is a file name for the ref.
func (r Ref) key() string {
	text := strings.TrimSuffix(r.Repo, "/") + "\x00" + r.Name + "\x00" + r.Version
	if r.Kind != OfChart {
		text += "\x00" + string(r.Kind) + "\x00" + r.Layer
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

var (
	nameForm    = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$`)
	versionForm = regexp.MustCompile(`^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
	digestForm  = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

// Bounds of the name of a chart and of an exact version, in bytes.
const (
	maxName    = 128
	maxVersion = 256
)

// maxMediaType bounds the media type of a layer, in bytes (RFC 6838, 4.2: 127 for each part).
const maxMediaType = 255

func isVersion(text string) bool { return len(text) <= maxVersion && versionForm.MatchString(text) }

func isDigest(text string) bool { return digestForm.MatchString(text) }

// Check returns an error if a ref is invalid, for its author.
func (r Ref) Check() error {
	switch {
	case len(r.Name) > maxName, !nameForm.MatchString(r.Name):
		return fmt.Errorf("%q is not the name of %s", r.Name, map[Kind]string{OfChart: "a chart", OfArtifact: "an artifact"}[r.Kind])
	case r.Version == "":
		return fmt.Errorf("%s %s has no version", r.noun(), r.Name)
	case r.Kind == OfArtifact && !strings.HasPrefix(r.Repo, "oci://"):
		return fmt.Errorf("artifact %s: the address of its registry does not begin with oci://", r.Name)
	case len(r.Layer) > maxMediaType:
		return fmt.Errorf("%s %s: the media type of the layer has more than %d bytes", r.noun(), r.Name, maxMediaType)
	}
	if err := CheckVersion(r.Version, strings.HasPrefix(r.Repo, "oci://")); err != nil {
		return fmt.Errorf("%s %s: %w", r.noun(), r.Name, err)
	}
	_, err := parsePlace(r.Repo)
	return err
}

// place is the address of a registry, or a prefix of addresses.
type place struct {
	scheme string // https, http or oci
	host   string // in lower case, with the port unless it is that of the scheme
	path   string // clean, "" or beginning with a slash
}

// parsePlace parses an address. Plain http is for this machine alone.
func parsePlace(text string) (place, error) {
	u, err := url.Parse(text)
	if err != nil {
		return place{}, errors.New("a registry's address is not valid") // text may contain a password
	}
	if u.User != nil {
		return place{}, fmt.Errorf("the address of %s has credentials in it; the server's configuration has them, under charts.credentials", u.Host)
	}
	p, err := placeOf(u)
	if err == nil && (u.RawQuery != "" || u.Fragment != "") {
		err = fmt.Errorf("%q: only a path may follow the host", u.Scheme+"://"+u.Host+u.Path)
	}
	return p, err
}

// placeOf returns the place of an address, without its query.
func placeOf(u *url.URL) (place, error) {
	p := place{scheme: u.Scheme, host: strings.ToLower(u.Host), path: strings.TrimSuffix(u.Path, "/")}
	shown := strings.TrimPrefix(u.Scheme+"://"+u.Host+u.Path, "://") // without a scheme it is a path alone
	port, known := map[string]string{"https": ":443", "http": ":80", "oci": ":443"}[p.scheme]
	if !known {
		return place{}, fmt.Errorf("%q does not begin with https:// or oci://", shown)
	}
	p.host = strings.TrimSuffix(p.host, port)
	switch {
	case u.Hostname() == "" || u.Opaque != "":
		return place{}, fmt.Errorf("%q names no host", shown)
	case p.scheme == "http" && !isLoopback(u.Hostname()):
		return place{}, fmt.Errorf("%q is not encrypted; write https://", shown)
	case p.path != "" && p.path != path.Clean(p.path), strings.ContainsAny(p.path, "\\%"), strings.Contains(strings.ToLower(u.EscapedPath()), "%2"):
		return place{}, fmt.Errorf("%q: the path is not clean", shown)
	}
	return p, nil
}

// isLoopback reports whether a host name by itself means this machine.
func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

func (p place) String() string { return p.scheme + "://" + p.host + p.path }

// covers reports whether another address is at the place or below it.
func (p place) covers(other place) bool {
	return p.scheme == other.scheme && p.host == other.host &&
		(p.path == other.path || strings.HasPrefix(other.path, p.path+"/"))
}

// web returns the HTTP address of an OCI registry.
func (p place) web() place {
	if p.scheme != "oci" {
		return p
	}
	host, _, err := net.SplitHostPort(p.host)
	if err != nil {
		host = p.host
	}
	p.scheme = "https"
	if isLoopback(strings.Trim(host, "[]")) {
		p.scheme = "http"
	}
	p.path = "/v2" + p.path
	return p
}

// NotAllowedError reports an address outside Config.Registries.
type NotAllowedError struct {
	Address string
	Kind    Kind // of what was to be fetched
}

// Error implements error.
func (e *NotAllowedError) Error() string {
	return Ref{Kind: e.Kind}.noun() + "s may not be fetched from " + e.Address
}

// allow returns the place of a chart's repository, if charts may come from there.
func (s *Store) allow(ref Ref) (place, error) {
	at, err := parsePlace(ref.Repo)
	if err != nil {
		return place{}, err
	}
	if s != nil {
		for _, allowed := range s.allowed {
			if allowed.covers(at) {
				return at, nil
			}
		}
	}
	return place{}, &NotAllowedError{at.String(), ref.Kind}
}
