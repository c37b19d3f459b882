package rules

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Far is a repository on another server: where it is, and how this server and that one know
// each other.
type Far struct {
	URL  string // as it is written
	User string // with a token; "": that of Address, or git
	// On the server's disk, in the directory of the setting mirror.files; "": none.
	KeyFile   string   // the private key, for ssh
	TokenFile string   // one line, the password, for https
	HostKeys  []string // fingerprints of the host's keys, SHA256:…; nil: the first one that it shows
	Sealed    *Sealed  // credentials that are encrypted in the file itself; nil: none
	// The token by which the forge there is told of commits, and what kind of forge it is.
	StatusFile string
	Forge      string
}

// The kinds of forges. Forgejo is told as Gitea is.
const (
	GitHub = "github"
	GitLab = "gitlab"
	Gitea  = "gitea"
	// Bitbucket is told nothing: its pages take requests to merge.
	Bitbucket = "bitbucket"
)

// Tells reports whether the forge is told of commits.
func (far *Far) Tells() bool { return far.StatusFile != "" || far.Sealed.Has(StatusToken) }

// farFields are the fields of a Far in a file.
var farFields = []string{"url", "user", "keyFile", "tokenFile", "hostKeys", "statusFile", "forge", PrivateKey, Token, StatusToken}

// maxFarHostKeys bounds the fingerprints of one host.
const maxFarHostKeys = 16

var hostFingerprint = regexp.MustCompile(`^SHA256:[A-Za-z0-9+/]{43}$`)

// maxMirrorURL bounds the address of a mirror, in bytes.
const maxMirrorURL = 2 << 10

var (
	mirrorUser = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@+-]*$`)
	mirrorHost = regexp.MustCompile(`^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?$`)
	mirrorPath = regexp.MustCompile(`^/[A-Za-z0-9._~/@+%-]+$`)
	scpForm    = regexp.MustCompile(`^(?:([A-Za-z0-9][A-Za-z0-9._+-]*)@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9.-]*):(.+)$`)
)

// Bounds of the parts of an address, in bytes. The host's is that of RFC 1035.
const (
	maxMirrorUser = 100
	maxMirrorHost = 253
)

func isMirrorUser(text string) bool {
	return len(text) <= maxMirrorUser && mirrorUser.MatchString(text)
}

func hasMirrorHost(address *url.URL) bool {
	return len(address.Hostname()) <= maxMirrorHost && mirrorHost.MatchString(address.Host)
}

// Address is the URL in its long form: https://HOST/PATH, http://HOST/PATH, or
// ssh://USER@HOST/PATH. The file was read, so there is one.
func (far *Far) Address() *url.URL {
	address, err := parseUpstream(far.URL)
	if err != nil {
		return &url.URL{}
	}
	return address
}

// HasKey reports whether there is a private key for ssh.
func (far *Far) HasKey() bool { return far.KeyFile != "" || far.Sealed.Has(PrivateKey) }

// HasToken reports whether there is a token for https.
func (far *Far) HasToken() bool { return far.TokenFile != "" || far.Sealed.Has(Token) }

// Path is what the host is asked for, by ssh. As Git has it, USER@HOST:PATH is below the
// user's directory, and so is /~/PATH.
func (far *Far) Path() string {
	if parts := scpForm.FindStringSubmatch(far.URL); parts != nil && !strings.Contains(far.URL, "://") {
		return parts[3]
	}
	path := far.Address().Path
	if strings.HasPrefix(path, "/~") {
		return path[1:]
	}
	return path
}

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
	case !hasMirrorHost(address):
		return nil, fmt.Errorf("names no host: %s", forms)
	case address.RawQuery != "" || address.Fragment != "" || !mirrorPath.MatchString(address.EscapedPath()) || strings.Contains(address.Path, "/-") || hasDots(address.Path):
		return nil, fmt.Errorf("has no path of a repository: %s", forms)
	case address.User != nil && !isMirrorUser(address.User.Username()):
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

// readPlace reads the fields of a Far, which begin on a line.
func (far *Far) readPlace(r *form.Reader, fields map[string]form.Field, line int) {
	far.readURL(r, fields, line)
	far.User = readWord(r, fields, "user", isMirrorUser, "write user: x-access-token")
	far.KeyFile, far.TokenFile = readPath(r, fields, "keyFile"), readPath(r, fields, "tokenFile")
	far.StatusFile = readPath(r, fields, "statusFile")
	far.readHostKeys(r, fields)
}

func (far *Far) readURL(r *form.Reader, fields map[string]form.Field, line int) {
	f, ok := fields["url"]
	if !ok {
		r.Add(line, "url is missing", "say where the repository is: url: https://HOST/PATH")
		return
	}
	if far.URL, ok = r.Text(f); !ok {
		return
	}
	if _, err := parseUpstream(far.URL); err != nil { // the value may hold a password
		r.Add(f.Line, "url "+err.Error(), "")
	}
}

// readPath reads the path of a file on the server's disk.
func readPath(r *form.Reader, fields map[string]form.Field, name string) string {
	f, ok := fields[name]
	if !ok {
		return ""
	}
	text, ok := r.Text(f)
	if ok && (!filepath.IsAbs(text) || filepath.Clean(text) != text) {
		r.Add(f.Line, name+" is no path from the root", "write it in full, in the directory of the server's setting mirror.files")
	}
	return text
}

func (far *Far) readHostKeys(r *form.Reader, fields map[string]form.Field) {
	f, ok := fields["hostKeys"]
	if !ok {
		return
	}
	for _, word := range r.Texts(f, maxFarHostKeys) {
		if !hostFingerprint.MatchString(word.Value.Value) {
			r.Add(word.Line, fmt.Sprintf("hostKeys: %q is no fingerprint", manifest.Clean(word.Value.Value)), "write it as ssh-keygen -l does: SHA256:...")
		}
		far.HostKeys = append(far.HostKeys, word.Value.Value)
	}
	if f.Value.Kind == yaml.SequenceNode && len(f.Value.Content) == 0 {
		r.Add(f.Line, "hostKeys is empty: no host would be right", "leave hostKeys out to take the first key that the host shows")
	}
}

// readForge reads what kind of forge is told of commits, or has pages for requests to merge that
// are needed. Well-known hosts need not say it.
func (far *Far) readForge(r *form.Reader, fields map[string]form.Field, pages bool) {
	if f, ok := fields["forge"]; ok {
		far.Forge, _ = r.OneOf(f, GitHub, GitLab, Gitea, Bitbucket)
		switch {
		case !far.Tells() && !pages:
			r.Add(f.Line, "forge goes with statusFile, and with writeBack of a mirror", "add statusFile: the path of a file with a token that may set statuses of commits")
		case far.Tells() && far.Forge == Bitbucket:
			r.Add(f.Line, "statuses of commits are told to github, gitlab and gitea alone", "leave statusFile out")
		}
		return
	}
	if far.URL == "" {
		return
	}
	far.Forge = ForgeOf(far.Address().Hostname())
	f, ok := fields["statusFile"]
	if token, sealed := fields[StatusToken]; sealed {
		f, ok = token, true
	}
	switch {
	case !ok && !pages:
		far.Forge = ""
	case ok && (far.Forge == "" || far.Forge == Bitbucket):
		r.Add(f.Line, f.Name+" comes without forge", "say what kind of forge it is: forge: github, gitlab or gitea")
	}
}

// checkTogether refuses fields that do nothing with the address.
func (far *Far) checkTogether(r *form.Reader, fields map[string]form.Field) {
	scheme := far.Address().Scheme
	for _, name := range []string{"keyFile", PrivateKey, "hostKeys"} {
		if f, ok := fields[name]; ok && scheme != "ssh" {
			r.Add(f.Line, name+" is for addresses of ssh", "for https, name a file with a token: tokenFile: /PATH")
		}
	}
	for _, name := range []string{"tokenFile", Token, "user"} {
		if f, ok := fields[name]; ok && scheme != "https" {
			r.Add(f.Line, name+" is for addresses of https", "for ssh, name a file with a private key: keyFile: /PATH")
		}
	}
	if !far.HasKey() && scheme == "ssh" {
		r.Add(fields["url"].Line, "an address of ssh comes without keyFile", "add keyFile: the path of a private key on the server's disk, in the directory of its setting mirror.files")
	}
}
