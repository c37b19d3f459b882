package rules

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Limits of mirrors.
const (
	maxMirrors        = 1000
	maxMirrorFile     = 16 << 10 // bytes
	maxMirrorHostKeys = 16
)

// mirrorFields are the fields of the file.
var mirrorFields = []string{"url", "branches", "schedule", "rewrites", "user", "keyFile", "tokenFile", "hookFile", "hostKeys", "statusFile", "forge"}

// Rules for a history that was rewritten upstream.
const (
	refuseRewrites = "refuse"
	followRewrites = "follow"
)

var hostFingerprint = regexp.MustCompile(`^SHA256:[A-Za-z0-9+/]{43}$`)

// MirrorFile is the path of a mirror's file.
func MirrorFile(repo name.Repo) string { return mirrorsDir + "/" + string(repo) + ".yaml" }

// readMirrors reads the files of mirrors/ and its folders, which may be missing.
func (p *parser) readMirrors() {
	p.readMirrorFolder(mirrorsDir, 1)
	slices.SortFunc(p.rules.mirrors, func(a, b *Mirror) int { return strings.Compare(string(a.Repo), string(b.Repo)) })
}

func (p *parser) readMirrorFolder(folder string, depth int) {
	entries, err := fs.ReadDir(p.tree, folder)
	if err != nil {
		return // it is no folder, or not there
	}
	if len(entries) > 2*maxMirrors {
		p.add(folder, 0, fmt.Sprintf("there are more than %d files", 2*maxMirrors), "keep only mirrors here")
		return
	}
	for _, entry := range entries {
		file := path.Join(folder, entry.Name())
		stem, is := strings.CutSuffix(strings.TrimPrefix(file, mirrorsDir+"/"), ".yaml")
		repo := name.Repo(stem)
		switch {
		case entry.IsDir() && depth < name.MaxRepoParts:
			p.readMirrorFolder(file, depth+1)
		case entry.IsDir():
			p.add(file, 0, "this folder is not read", "a mirror is mirrors/REPOSITORY.yaml")
		case is && (repo.Check() != nil || repo == access.AdminRepo):
			p.add(file, 0, fmt.Sprintf("%q is no name of a repository that can be a mirror", manifest.Clean(stem)), "a mirror is mirrors/REPOSITORY.yaml: mirrors/shop.yaml, mirrors/team/shop.yaml")
		case is && len(p.rules.mirrors) >= maxMirrors:
			p.add(file, 0, fmt.Sprintf("there are more than %d mirrors", maxMirrors), "")
			return
		case is:
			p.readMirror(repo, file)
		case isYAML(entry.Name()):
			p.add(file, 0, "this file is not read", "a mirror is mirrors/REPOSITORY.yaml")
		}
	}
}

func (p *parser) readMirror(repo name.Repo, file string) {
	data, ok := p.read(file, maxMirrorFile)
	if !ok {
		return
	}
	r, fields := p.document(file, data, mirrorFields...)
	m := &Mirror{Repo: repo, At: manifest.Source{File: file}}
	m.readURL(r, fields)
	m.Branches = readPatterns(r, fields, "branches", checkBranch)
	m.Schedule = readWord(r, fields, "schedule", nil, "")
	m.User = readWord(r, fields, "user", mirrorUser, "write user: x-access-token")
	switch rewrites := readWord(r, fields, "rewrites", nil, ""); rewrites {
	case "", refuseRewrites:
	case followRewrites:
		m.Follow = true
	default:
		r.Add(fields["rewrites"].Line, fmt.Sprintf("rewrites: %q is not known", manifest.Clean(rewrites)), "write rewrites: refuse, or rewrites: follow")
	}
	for name, to := range map[string]*string{"keyFile": &m.KeyFile, "tokenFile": &m.TokenFile, "hookFile": &m.HookFile, "statusFile": &m.StatusFile} {
		*to = readPath(r, fields, name)
	}
	m.readHostKeys(r, fields)
	m.readForge(r, fields)
	m.checkTogether(r, fields)
	p.problems = append(p.problems, r.Problems...)
	p.rules.mirrors = append(p.rules.mirrors, m)
}

func (m *Mirror) readURL(r *form.Reader, fields map[string]form.Field) {
	f, ok := fields["url"]
	if !ok {
		if len(r.Problems) == 0 {
			r.Add(1, "url is missing", "say where the repository is: url: https://HOST/PATH")
		}
		return
	}
	if m.URL, ok = r.Text(f); !ok {
		return
	}
	if _, err := parseUpstream(m.URL); err != nil { // the value may hold a password
		r.Add(f.Line, "url "+err.Error(), "")
	}
}

// readWord reads a text that a form may be asked of.
func readWord(r *form.Reader, fields map[string]form.Field, name string, fits *regexp.Regexp, hint string) string {
	f, ok := fields[name]
	if !ok {
		return ""
	}
	text, ok := r.Text(f)
	if ok && fits != nil && !fits.MatchString(text) {
		r.Add(f.Line, fmt.Sprintf("%s: %q has no such form", name, manifest.Clean(text)), hint)
	}
	return text
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

func (m *Mirror) readHostKeys(r *form.Reader, fields map[string]form.Field) {
	f, ok := fields["hostKeys"]
	if !ok {
		return
	}
	for _, word := range r.Texts(f, maxMirrorHostKeys) {
		if !hostFingerprint.MatchString(word.Value.Value) {
			r.Add(word.Line, fmt.Sprintf("hostKeys: %q is no fingerprint", manifest.Clean(word.Value.Value)), "write it as ssh-keygen -l does: SHA256:...")
		}
		m.HostKeys = append(m.HostKeys, word.Value.Value)
	}
	if f.Value.Kind == yaml.SequenceNode && len(f.Value.Content) == 0 {
		r.Add(f.Line, "hostKeys is empty: no host would be right", "leave hostKeys out to take the first key that the host shows")
	}
}

// readForge reads what kind of forge is told of commits. Well-known hosts need not say it.
func (m *Mirror) readForge(r *form.Reader, fields map[string]form.Field) {
	if f, ok := fields["forge"]; ok {
		m.Forge, _ = r.OneOf(f, GitHub, GitLab, Gitea)
		if m.StatusFile == "" {
			r.Add(f.Line, "forge goes with statusFile", "add statusFile: the path of a file with a token that may set statuses of commits")
		}
		return
	}
	f, ok := fields["statusFile"]
	if !ok || m.URL == "" {
		return
	}
	switch m.Address().Hostname() {
	case "github.com":
		m.Forge = GitHub
	case "gitlab.com":
		m.Forge = GitLab
	case "codeberg.org":
		m.Forge = Gitea
	default:
		r.Add(f.Line, "statusFile comes without forge", "say what kind of forge it is: forge: github, gitlab or gitea")
	}
}

// checkTogether refuses fields that do nothing with the address.
func (m *Mirror) checkTogether(r *form.Reader, fields map[string]form.Field) {
	if len(r.Problems) > 0 {
		return
	}
	scheme := m.Address().Scheme
	for _, name := range []string{"keyFile", "hostKeys"} {
		if f, ok := fields[name]; ok && scheme != "ssh" {
			r.Add(f.Line, name+" is for addresses of ssh", "for https, name a file with a token: tokenFile: /PATH")
		}
	}
	for _, name := range []string{"tokenFile", "user"} {
		if f, ok := fields[name]; ok && scheme != "https" {
			r.Add(f.Line, name+" is for addresses of https", "for ssh, name a file with a private key: keyFile: /PATH")
		}
	}
	if _, ok := fields["keyFile"]; !ok && scheme == "ssh" {
		r.Add(fields["url"].Line, "an address of ssh comes without keyFile", "add keyFile: the path of a private key on the server's disk, in the directory of its setting mirror.files")
	}
}

// text says in words what the mirror does.
func (m *Mirror) text() string {
	text := "is fetched from " + m.URL
	if m.Branches != nil {
		text += ", branches " + list(m.Branches)
	}
	if m.Schedule != "" {
		text += ", " + m.Schedule
	}
	if m.Follow {
		text += ", and follows a rewritten history"
	}
	return text + "; it takes no pushes"
}

func (m *Mirror) name() string { return string(m.Repo) }
func (m *Mirror) gone() string { return "is no mirror any more, and takes pushes" }
func (m *Mirror) print() string {
	return m.text() + fmt.Sprint(m.User, m.KeyFile, m.TokenFile, m.HookFile, m.HostKeys, m.StatusFile, m.Forge)
}

// File is the mirror as a file, which says the same.
func (m *Mirror) File() []byte {
	var text strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&text, "%s: %s\n", name, value)
		}
	}
	line("url", inQuotes(m.URL))
	if m.Branches != nil {
		branches := make([]string, len(m.Branches))
		for i, branch := range m.Branches {
			branches[i] = inQuotes(string(branch))
		}
		line("branches", "["+strings.Join(branches, ", ")+"]")
	}
	line("schedule", inQuotes(m.Schedule))
	if m.Follow {
		line("rewrites", followRewrites)
	}
	line("user", inQuotes(m.User))
	line("keyFile", inQuotes(m.KeyFile))
	line("tokenFile", inQuotes(m.TokenFile))
	line("hookFile", inQuotes(m.HookFile))
	line("statusFile", inQuotes(m.StatusFile))
	line("forge", m.Forge)
	if m.HostKeys != nil {
		line("hostKeys", "["+strings.Join(m.HostKeys, ", ")+"]")
	}
	return []byte(text.String())
}

// inQuotes is a text in the quotes of YAML; "" is none.
func inQuotes(text string) string {
	if text == "" {
		return ""
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
