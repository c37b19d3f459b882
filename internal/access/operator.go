package access

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/name"
)

// Operator is a person or robot as one of their keys shows them.
type Operator struct {
	Name        string
	Role        Role
	Fingerprint string // SHA256:… of the key
	Repos       Globs  // repositories that the key is for; empty: all
	From        Sources
	Expires     time.Time // from when on the key is not accepted; zero: never
	Ruled       bool      // the key is in admin.git, whose rules count for it
	Groups      Groups    // see Caller
	Certificate Certificate
	Command     string // the only command that the certificate runs, whatever is asked for; "": any
}

// Caller is the operator calling from remote.
func (o Operator) Caller(remote net.Addr) Caller {
	return Caller{
		Operator:    o.Name,
		Fingerprint: o.Fingerprint,
		Role:        o.Role,
		Repos:       o.Repos,
		Ruled:       o.Ruled,
		Groups:      o.Groups,
		Certificate: o.Certificate,
		Remote:      remote.String(),
	}
}

// DeploysAlone reports whether the operator deploys by the role of a key file, without being an admin.
func (o Operator) DeploysAlone() bool { return o.Role.Includes(RoleDeploy) && o.Role != RoleAdmin }

// Lost says which of an operator's rights their key has lost since, for whom it opens the
// server now; nil: none. A session has the rights that it began with, so it must end.
func (o Operator) Lost(now Operator) error {
	switch {
	case now.Name != o.Name:
		return fmt.Errorf("the key is of %q now", now.Name)
	case o.Role != "" && !now.Role.Includes(o.Role):
		return fmt.Errorf("the key no longer has the role %q", o.Role)
	case now.Repos != o.Repos:
		return errors.New("the key is for other repositories now")
	case o.Ruled && !now.Ruled:
		return errors.New("the key is no longer in the rules of this server")
	case now.Groups != o.Groups:
		return errors.New("the certificate is for other groups now")
	}
	return nil
}

// ExpiryLayout is how messages write the moment from which a key is not accepted, in UTC.
const ExpiryLayout = "2006-01-02 15:04 UTC"

// HasExpired reports whether the key is no longer accepted.
func (o Operator) HasExpired(now time.Time) bool {
	return !o.Expires.IsZero() && !now.Before(o.Expires)
}

// operatorName is the grammar of names: they stand in commits, trailers, logs
// and terminals, and the comment that ssh-keygen writes by itself fits.
var operatorName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@+-]*$`)

// maxOperatorName bounds them, in bytes.
const maxOperatorName = 64

// CheckOperator holds a text to the grammar of operators' names.
func CheckOperator(s string) error {
	if len(s) > maxOperatorName || !operatorName.MatchString(s) {
		return errors.New("is not a name of up to 64 letters, digits and . _ @ + -")
	}
	return nil
}

// Globs is a list of repository patterns with blanks between, "shop* blog".
// In a pattern, * stands for any letters but a slash and ? for one.
type Globs string

// maxGlobs bounds the patterns of one key.
const maxGlobs = 32

var globPattern = regexp.MustCompile(`^[A-Za-z0-9._/*?-]+$`)

// maxGlob bounds one of them, in bytes.
const maxGlob = 128

// ParseGlobs reads a list of patterns; an empty list is an error, since it
// would read as "all".
func ParseGlobs(s string) (Globs, error) {
	patterns := strings.Fields(s)
	if len(patterns) == 0 || len(patterns) > maxGlobs {
		return "", fmt.Errorf("%d patterns: give 1 to %d with blanks between", len(patterns), maxGlobs)
	}
	for i, pattern := range patterns {
		if len(pattern) > maxGlob || !globPattern.MatchString(pattern) {
			return "", fmt.Errorf("pattern %d: letters, digits and . _ / - * ? only", i+1)
		}
	}
	return Globs(strings.Join(patterns, " ")), nil
}

// Match reports whether one of the patterns fits a repository's name as a whole.
// The empty list fits everything.
func (g Globs) Match(repo name.Repo) bool {
	if g == "" {
		return true
	}
	for pattern := range strings.FieldsSeq(string(g)) {
		if ok, err := path.Match(pattern, string(repo)); ok && err == nil {
			return true
		}
	}
	return false
}

// Sources is a list of addresses and networks that a key may be used from,
// with commas between, "192.0.2.0/24,2001:db8::1".
type Sources string

// maxSources bounds the networks of one key.
const maxSources = 32

// ParseSources reads a list of addresses and networks. Names, wildcards and
// negation, which OpenSSH has, are errors.
func ParseSources(s string) (Sources, error) {
	entries := strings.Split(s, ",")
	if len(entries) > maxSources {
		return "", fmt.Errorf("%d addresses: at most %d", len(entries), maxSources)
	}
	for i, entry := range entries {
		prefix, err := parseSource(strings.TrimSpace(entry))
		if err != nil {
			return "", fmt.Errorf("address %d %w", i+1, err)
		}
		entries[i] = prefix.String()
	}
	return Sources(strings.Join(entries, ",")), nil
}

var errNoAddress = errors.New("is not an address or network such as 192.0.2.7 or 192.0.2.0/24")

func parseSource(s string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(s)
	if err != nil || prefix.Addr().Is4In6() {
		return netip.Prefix{}, errNoAddress
	}
	return prefix.Masked(), nil
}

// Contain reports whether remote is one of the sources. The empty list holds
// every address; a list that names some never holds an address that is not TCP.
func (s Sources) Contain(remote net.Addr) bool {
	if s == "" {
		return true
	}
	tcp, ok := remote.(*net.TCPAddr)
	if !ok {
		return false
	}
	addr := tcp.AddrPort().Addr().Unmap().WithZone("")
	for entry := range strings.SplitSeq(string(s), ",") {
		if prefix, err := parseSource(entry); err == nil && prefix.Contains(addr) {
			return true
		}
	}
	return false
}
