package rules

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Remote is an element of a file remotes/REPOSITORY.yaml: a repository on another server that
// gets what was deployed here.
type Remote struct {
	Repo name.Repo
	Name string // among those of the repository
	Far
	Branches []pattern // nil: those that feed apps
	Tags     []pattern // nil: all; of no element: none
	Records  bool      // it gets the records of deploys as well
	Force    bool      // what it has and is no part of what is here is replaced

	At manifest.Source
}

// Limits of remotes.
const (
	maxRemoteFiles = 1000
	maxRemotes     = 10        // of one repository
	maxRemoteFile  = 128 << 10 // bytes: each may have an encrypted key
)

// The fields of the file, and those of a remote.
var (
	remotesFields = []string{"remotes"}
	remoteFields  = append([]string{"name", "branches", "tags", "records", "force"}, farFields...)
)

// RemotesFile is the path of the file with a repository's remotes.
func RemotesFile(repo name.Repo) string { return remotesDir + "/" + string(repo) + ".yaml" }

// Remotes returns all remotes, by the names of their repositories, in the order of the files.
func (r *Rules) Remotes() []*Remote { return r.remotes }

// RemotesOf returns the remotes of a repository.
func (r *Rules) RemotesOf(repo name.Repo) []*Remote {
	compare := func(m *Remote, repo name.Repo) int { return strings.Compare(string(m.Repo), string(repo)) }
	first, found := slices.BinarySearchFunc(r.remotes, repo, compare)
	if !found {
		return nil
	}
	last := first
	for last < len(r.remotes) && r.remotes[last].Repo == repo {
		last++
	}
	return r.remotes[first:last]
}

// Branch reports whether the remote gets a branch; deployed says that it feeds apps.
func (m *Remote) Branch(branch name.Branch, deployed bool) bool {
	if m.Branches == nil {
		return deployed
	}
	return glob.Fit(m.Branches, string(branch))
}

// Tag reports whether the remote gets a tag.
func (m *Remote) Tag(tag string) bool {
	return m.Tags == nil || len(m.Tags) > 0 && glob.Fit(m.Tags, tag)
}

// readRemotes reads the files of remotes/ and its folders, which may be missing.
func (p *parser) readRemotes() {
	p.readRepoFiles(&repoFiles{dir: remotesDir, what: "remote", most: maxRemoteFiles, read: p.readRemotesOf}, remotesDir, 1)
	slices.SortStableFunc(p.rules.remotes, func(a, b *Remote) int { return strings.Compare(string(a.Repo), string(b.Repo)) })
}

func (p *parser) readRemotesOf(repo name.Repo, file string) {
	data, ok := p.read(file, maxRemoteFile)
	if !ok {
		return
	}
	r, fields, sealed := p.documentSealed(file, data, remotesFields...)
	if all, ok := fields["remotes"]; ok && onlyCredentials(r, fields) {
		for i, element := range r.List(all, maxRemotes) {
			p.readRemote(r, &remoteEntry{repo, element, sealed, i})
		}
	}
	p.problems = append(p.problems, r.Problems...)
}

// remoteEntry is an element of a file.
type remoteEntry struct {
	repo   name.Repo
	field  form.Field
	sealed []byte // all of the file, if SOPS has encrypted it
	index  int
}

func (p *parser) readRemote(r *form.Reader, e *remoteEntry) {
	at, before := e.field, len(r.Problems)
	fields := r.Fields(at.Value, "a remote", remoteFields)
	if fields == nil {
		return
	}
	m := &Remote{Repo: e.repo, At: manifest.Source{File: r.File, Line: at.Line}}
	m.Name = readWord(r, fields, "name", isLabel, "write lower-case letters, digits and dashes: name: github")
	if _, ok := fields["name"]; !ok {
		r.Add(at.Line, "name is missing", "say how status calls the remote: name: github")
	}
	m.readPlace(r, fields, at.Line)
	m.readSealed(r, fields, e.sealed, e.index, PrivateKey, Token, StatusToken)
	m.readForge(r, fields, false)
	m.Branches = readPatterns(r, fields, "branches", checkBranch)
	m.readTags(r, fields)
	m.Records, m.Force = readTruth(r, fields, "records"), readTruth(r, fields, "force")
	if len(r.Problems) == before {
		m.checkTogether(r, fields)
		p.checkRemote(r, m)
	}
	p.rules.remotes = append(p.rules.remotes, m)
}

// readTags reads the patterns of tags; an empty list is for none.
func (m *Remote) readTags(r *form.Reader, fields map[string]form.Field) {
	if f, ok := fields["tags"]; ok && f.Value.Kind == yaml.SequenceNode && len(f.Value.Content) == 0 {
		m.Tags = []pattern{}
		return
	}
	m.Tags = readPatterns(r, fields, "tags", checkBranch)
}

// readTruth reads a truth value, which is false where the field is missing.
func readTruth(r *form.Reader, fields map[string]form.Field, name string) bool {
	f, ok := fields[name]
	if !ok {
		return false
	}
	is, _ := r.Boolean(f)
	return is
}

// checkRemote refuses what would go in circles, or be two under one name.
func (p *parser) checkRemote(r *form.Reader, m *Remote) {
	if up := p.rules.Mirror(m.Repo); up != nil && place(up.Far) == place(m.Far) {
		r.Add(m.At.Line, fmt.Sprintf("%s is where the repository is fetched from", manifest.Clean(m.URL)), "leave one of the two out: this remote, or "+MirrorFile(m.Repo))
	}
	for _, other := range slices.Backward(p.rules.remotes) {
		switch {
		case other.Repo != m.Repo:
			return // those of one repository are beside each other
		case other.Name == m.Name:
			r.Add(m.At.Line, fmt.Sprintf("the remote %s is on line %d already", m.Name, other.At.Line), "give each remote its own name")
		case place(other.Far) == place(m.Far):
			r.Add(m.At.Line, fmt.Sprintf("the remote %s on line %d has the same address", other.Name, other.At.Line), "keep one of the two")
		}
	}
}

// place is a repository whatever the spelling of its address.
func place(f Far) string {
	address := f.Address()
	return strings.ToLower(address.Host) + "/" + strings.TrimSuffix(strings.Trim(address.Path, "/"), ".git")
}

// text says in words what the remote gets.
func (m *Remote) text() string {
	text := m.URL + " gets the branches that feed apps"
	if m.Branches != nil {
		text = m.URL + " gets branches " + list(m.Branches)
	}
	switch {
	case m.Tags == nil:
		text += ", all tags"
	case len(m.Tags) > 0:
		text += ", tags " + list(m.Tags)
	}
	if m.Records {
		text += ", and the records"
	}
	text += ", once they are deployed"
	if m.Force {
		text += "; what it has instead is replaced"
	}
	return text
}

func (m *Remote) name() string { return m.Name + " of " + string(m.Repo) }
func (m *Remote) gone() string { return "gets nothing any more" }
func (m *Remote) print() string {
	return m.text() + fmt.Sprint(m.User, m.KeyFile, m.TokenFile, m.HostKeys, m.StatusFile, m.Forge, m.Sealed.print())
}
