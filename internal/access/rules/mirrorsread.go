package rules

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Limits of mirrors.
const (
	maxMirrors    = 1000
	maxMirrorFile = 64 << 10 // bytes: an encrypted key of RSA has 5 KiB, and each of its readers 1
)

// mirrorFields are the fields of the file.
var mirrorFields = append([]string{"branches", "tags", "path", "schedule", "rewrites", "hookFile", "comments", "writeBack", "usedBy", HookSecret}, farFields...)

// Rules for a history that was rewritten upstream.
const (
	refuseRewrites = "refuse"
	followRewrites = "follow"
)

// asBranches is the one value of writeBack.
const asBranches = "branch"

// MirrorFile is the path of a mirror's file.
func MirrorFile(repo name.Repo) string { return mirrorsDir + "/" + string(repo) + ".yaml" }

// readMirrors reads the files of mirrors/ and its folders, which may be missing.
func (p *parser) readMirrors() {
	p.readRepoFiles(&repoFiles{dir: mirrorsDir, what: "mirror", most: maxMirrors, read: p.readMirror}, mirrorsDir, 1)
	slices.SortFunc(p.rules.mirrors, func(a, b *Mirror) int { return strings.Compare(string(a.Repo), string(b.Repo)) })
}

func (p *parser) readMirror(repo name.Repo, file string) {
	data, ok := p.read(file, maxMirrorFile)
	if !ok {
		return
	}
	r, fields, sealed := p.documentSealed(file, data, mirrorFields...)
	if !onlyCredentials(r, fields) {
		p.problems = append(p.problems, r.Problems...)
		return
	}
	m := &Mirror{Repo: repo, At: manifest.Source{File: file}}
	if fields != nil {
		m.readPlace(r, fields, 1)
	}
	m.readSealed(r, fields, sealed, -1, PrivateKey, Token, HookSecret, StatusToken)
	m.Branches = readPatterns(r, fields, "branches", checkBranch)
	m.readTags(r, fields)
	m.UsedBy = readPatterns(r, fields, "usedBy", checkRepo)
	m.Path = readWord(r, fields, "path", nil, "")
	if m.Path != "" && (!fs.ValidPath(m.Path) || m.Path == ".") {
		r.Add(fields["path"].Line, fmt.Sprintf("path: %q is no folder of a repository", manifest.Clean(m.Path)), "write it from the root, such as clusters/prod")
	}
	m.Schedule = readWord(r, fields, "schedule", nil, "")
	switch rewrites := readWord(r, fields, "rewrites", nil, ""); rewrites {
	case "", refuseRewrites:
	case followRewrites:
		m.Follow = true
	default:
		r.Add(fields["rewrites"].Line, fmt.Sprintf("rewrites: %q is not known", manifest.Clean(rewrites)), "write rewrites: refuse, or rewrites: follow")
	}
	m.HookFile = readPath(r, fields, "hookFile")
	m.readWriteBack(r, fields)
	m.readForge(r, fields, m.WriteBack)
	m.readComments(r, fields)
	if len(r.Problems) == 0 {
		m.checkTogether(r, fields)
		m.checkWriteBack(r, fields)
	}
	p.problems = append(p.problems, r.Problems...)
	p.rules.mirrors = append(p.rules.mirrors, m)
}

// readWord reads a text that a form may be asked of.
func readWord(r *form.Reader, fields map[string]form.Field, name string, fits func(string) bool, hint string) string {
	f, ok := fields[name]
	if !ok {
		return ""
	}
	text, ok := r.Text(f)
	if ok && fits != nil && !fits(text) {
		r.Add(f.Line, fmt.Sprintf("%s: %q has no such form", name, manifest.Clean(text)), hint)
	}
	return text
}

// readWriteBack reads whether what the server commits goes upstream.
func (m *Mirror) readWriteBack(r *form.Reader, fields map[string]form.Field) {
	if f, ok := fields["writeBack"]; ok {
		_, m.WriteBack = r.OneOf(f, asBranches)
	}
}

// checkWriteBack refuses what could not be written back.
func (m *Mirror) checkWriteBack(r *form.Reader, fields map[string]form.Field) {
	line := fields["writeBack"].Line
	switch {
	case !m.WriteBack:
	case m.UsedBy != nil:
		r.Add(line, "writeBack does nothing with usedBy: the repository has no apps of its own", "leave one of the two out")
	case m.Address().Scheme == "https" && !m.HasToken():
		r.Add(line, "writeBack comes without tokenFile", "add tokenFile: the path of a file with a token that may push branches")
	}
}

// readComments reads what is commented on commits.
func (m *Mirror) readComments(r *form.Reader, fields map[string]form.Field) {
	f, ok := fields["comments"]
	if !ok {
		return
	}
	word, ok := r.OneOf(f, commentNever, CommentProblems, CommentAlways)
	if !ok || word == commentNever {
		return
	}
	m.Comments = word
	if !m.Tells() {
		r.Add(f.Line, "comments comes without statusFile", "add statusFile: the path of a file with a token that may comment and set statuses of commits")
	}
}

// text says in words what the mirror does.
func (m *Mirror) text() string {
	text := "is fetched from " + m.URL
	if m.Branches != nil {
		text += ", branches " + list(m.Branches)
	}
	switch {
	case len(m.Tags) > 0:
		text += ", tags " + strings.Join(m.Tags, ", ")
	case m.Tags != nil:
		text += ", no tags"
	}
	if m.Path != "" {
		text += ", and deployed from its folder " + m.Path
	}
	if m.Schedule != "" {
		text += ", " + m.Schedule
	}
	if m.Follow {
		text += ", and follows a rewritten history"
	}
	if m.UsedBy != nil {
		text += ", for apps of " + list(m.UsedBy)
	}
	if m.WriteBack {
		text += ", and gets what is set here as branches"
	}
	switch m.Comments {
	case CommentProblems:
		text += ", and gets comments on commits that are refused"
	case CommentAlways:
		text += ", and gets comments on commits that are refused or deployed"
	}
	return text + "; it takes no pushes"
}

func (m *Mirror) name() string { return string(m.Repo) }
func (m *Mirror) gone() string { return "is no mirror any more, and takes pushes" }
func (m *Mirror) print() string {
	return m.text() + fmt.Sprint(m.User, m.KeyFile, m.TokenFile, m.HookFile, m.HostKeys, m.StatusFile, m.Forge, m.Sealed.print())
}

// File is the mirror as a file, which says the same. Credentials that are encrypted in a file
// itself are not in it.
func (m *Mirror) File() []byte {
	var text strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&text, "%s: %s\n", name, value)
		}
	}
	line("url", inQuotes(m.URL))
	patterns := func(name string, list []pattern) {
		if list == nil {
			return
		}
		quoted := make([]string, len(list))
		for i, p := range list {
			quoted[i] = inQuotes(string(p))
		}
		line(name, "["+strings.Join(quoted, ", ")+"]")
	}
	patterns("branches", m.Branches)
	if m.Tags != nil {
		quoted := make([]string, len(m.Tags))
		for i, tag := range m.Tags {
			quoted[i] = inQuotes(tag)
		}
		line("tags", "["+strings.Join(quoted, ", ")+"]")
	}
	patterns("usedBy", m.UsedBy)
	line("path", inQuotes(m.Path))
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
	line("comments", m.Comments)
	if m.WriteBack {
		line("writeBack", asBranches)
	}
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
