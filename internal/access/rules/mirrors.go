package rules

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Mirror is a file mirrors/REPOSITORY.yaml: a repository that is fetched from somewhere else.
// It takes no pushes.
type Mirror struct {
	Repo     name.Repo
	URL      string    // as it is written
	Branches []pattern // nil: the branch that HEAD names upstream
	Schedule string    // when it is fetched; "": DefaultMirrorSchedule
	Follow   bool      // a rewritten history is taken over, through the gate
	User     string    // with a token; "": that of Address, or git
	// On the server's disk, in the directory of the setting mirror.files; "": none.
	KeyFile   string // the private key, for ssh
	TokenFile string // one line, the password, for https
	HookFile  string // one line, the secret of webhooks
	// The token by which the forge is told of commits, and what kind of forge it is.
	StatusFile string
	Forge      string
	HostKeys   []string // fingerprints of the host's keys, SHA256:…; nil: the first one that it shows

	At manifest.Source
}

// The kinds of forges. Forgejo is told as Gitea is.
const (
	GitHub = "github"
	GitLab = "gitlab"
	Gitea  = "gitea"
)

// DefaultMirrorSchedule is how often upstream is asked where a mirror says nothing.
const DefaultMirrorSchedule = "@every 5m"

// maxMirrorURL bounds the address of a mirror, in bytes.
const maxMirrorURL = 2 << 10

var (
	mirrorUser = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$`)
	mirrorHost = regexp.MustCompile(`^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)(:[0-9]{1,5})?$`)
	mirrorPath = regexp.MustCompile(`^/[A-Za-z0-9._~/@+%-]+$`)
	scpForm    = regexp.MustCompile(`^(?:([A-Za-z0-9][A-Za-z0-9._+-]{0,99})@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9.-]{0,252}):(.+)$`)
)

// Mirror returns from where a repository is fetched; nil if it is no mirror, and takes pushes.
func (r *Rules) Mirror(repo name.Repo) *Mirror {
	at, ok := slices.BinarySearchFunc(r.mirrors, repo, func(m *Mirror, repo name.Repo) int { return strings.Compare(string(m.Repo), string(repo)) })
	if !ok {
		return nil
	}
	return r.mirrors[at]
}

// Mirrors returns all mirrors, by the names of their repositories.
func (r *Rules) Mirrors() []*Mirror { return r.mirrors }

// Address is the URL in its long form: https://HOST/PATH, http://HOST/PATH, or
// ssh://USER@HOST/PATH. The file was read, so there is one.
func (m *Mirror) Address() *url.URL {
	address, err := parseUpstream(m.URL)
	if err != nil {
		return &url.URL{}
	}
	return address
}

// Path is what the host is asked for, by ssh. As Git has it, USER@HOST:PATH is below the
// user's directory, and so is /~/PATH.
func (m *Mirror) Path() string {
	if parts := scpForm.FindStringSubmatch(m.URL); parts != nil && !strings.Contains(m.URL, "://") {
		return parts[3]
	}
	path := m.Address().Path
	if strings.HasPrefix(path, "/~") {
		return path[1:]
	}
	return path
}

// Takes reports whether the mirror can have a branch; where it names none, any can be the one
// that HEAD names.
func (m *Mirror) Takes(branch name.Branch) bool { return glob.Fit(m.Branches, string(branch)) }

// parseUpstream reads the address of a repository. A value that begins with a dash or names
// a helper of Git, as ext::sh, fits none of the forms (CVE-2017-1000117).
func parseUpstream(text string) (*url.URL, error) {
	const forms = "write https://HOST/PATH, ssh://USER@HOST/PATH or USER@HOST:PATH"
	if len(text) > maxMirrorURL {
		return nil, fmt.Errorf("is longer than %d bytes", maxMirrorURL)
	}
	if parts := scpForm.FindStringSubmatch(text); parts != nil && !strings.Contains(text, "://") && !strings.Contains(text, "::") {
		user := parts[1]
		if user == "" {
			user = "git"
		}
		text = "ssh://" + user + "@" + parts[2] + "/" + strings.TrimPrefix(parts[3], "/")
	}
	address, err := url.Parse(text)
	switch {
	case err != nil || !slices.Contains([]string{"https", "http", "ssh"}, address.Scheme):
		return nil, fmt.Errorf("is no address: %s", forms)
	case address.User != nil && hasPassword(address.User):
		return nil, fmt.Errorf("has a password, which whoever reads admin would have: name a file with tokenFile")
	case !mirrorHost.MatchString(address.Host):
		return nil, fmt.Errorf("names no host: %s", forms)
	case address.RawQuery != "" || address.Fragment != "" || !mirrorPath.MatchString(address.EscapedPath()) || strings.Contains(address.Path, "/-") || hasDots(address.Path):
		return nil, fmt.Errorf("has no path of a repository: %s", forms)
	case address.User != nil && !mirrorUser.MatchString(address.User.Username()):
		return nil, fmt.Errorf("names no user: %s", forms)
	}
	if address.Scheme == "ssh" && address.User == nil {
		address.User = url.User("git")
	}
	return address, nil
}

func hasPassword(user *url.Userinfo) bool {
	_, has := user.Password()
	return has
}

func hasDots(text string) bool {
	return slices.ContainsFunc(strings.Split(text, "/"), func(part string) bool { return part == "." || part == ".." })
}
