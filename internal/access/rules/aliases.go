package rules

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Alias is a file aliases/REPOSITORY.yaml: by which addresses, beside its own, objects of other
// tools name a repository that is hosted here, and whose apps may be rendered from it.
type Alias struct {
	Repo   name.Repo
	URLs   []string
	UsedBy []pattern // repositories; nil: none but itself

	At manifest.Source
}

// Limits of aliases.
const (
	maxAliases   = 1000
	maxAliasURLs = 50
	maxAliasFile = 128 << 10 // bytes
)

var aliasFields = []string{"urls", "usedBy"}

// AliasFile is the path of the file with a repository's aliases.
func AliasFile(repo name.Repo) string { return aliasesDir + "/" + string(repo) + ".yaml" }

// Aliases returns all aliases, by the names of their repositories.
func (r *Rules) Aliases() []*Alias { return r.aliases }

// Alias returns the aliases of a repository; nil if it has none.
func (r *Rules) Alias(repo name.Repo) *Alias {
	at, ok := slices.BinarySearchFunc(r.aliases, repo, func(a *Alias, repo name.Repo) int { return strings.Compare(string(a.Repo), string(repo)) })
	if !ok {
		return nil
	}
	return r.aliases[at]
}

// Addresses are those of a repository where it lives elsewhere: its upstream, and its aliases.
func (r *Rules) Addresses(repo name.Repo) (addresses []string) {
	if m := r.Mirror(repo); m != nil {
		addresses = append(addresses, m.URL)
	}
	if a := r.Alias(repo); a != nil {
		addresses = append(addresses, a.URLs...)
	}
	return addresses
}

// Elsewhere returns the repository that an address means, if apps of another one may be rendered
// from it: a mirror of it, one that has it as an alias, or the only one that is called like its
// last element; "" if there is none. same says whether an address is that one, and last is the
// last element.
func (r *Rules) Elsewhere(user name.Repo, same func(url string) bool, last string) name.Repo {
	for _, m := range r.mirrors {
		if m.Repo != user && same(m.URL) && r.lets(user, m.Repo) {
			return m.Repo
		}
	}
	var called []name.Repo
	for _, a := range r.aliases {
		if a.Repo == user || !r.lets(user, a.Repo) {
			continue
		}
		if slices.ContainsFunc(a.URLs, same) {
			return a.Repo
		}
		if path.Base(string(a.Repo)) == last {
			called = append(called, a.Repo)
		}
	}
	if len(called) == 1 {
		return called[0]
	}
	return ""
}

// lets reports whether apps of a repository may be rendered from another one.
func (r *Rules) lets(user, repo name.Repo) bool {
	m, a := r.Mirror(repo), r.Alias(repo)
	return m != nil && m.UsedBy != nil && glob.Fit(m.UsedBy, string(user)) || a != nil && a.UsedBy != nil && glob.Fit(a.UsedBy, string(user))
}

// readAliases reads the files of aliases/ and its folders, which may be missing.
func (p *parser) readAliases() {
	p.readRepoFiles(&repoFiles{dir: aliasesDir, what: "alias", most: maxAliases, read: p.readAlias}, aliasesDir, 1)
	slices.SortFunc(p.rules.aliases, func(a, b *Alias) int { return strings.Compare(string(a.Repo), string(b.Repo)) })
	of := map[string]name.Repo{}
	for _, a := range p.rules.aliases {
		for _, url := range a.URLs {
			if other, taken := of[url]; taken {
				p.add(a.At.File, 0, fmt.Sprintf("urls: %q is an alias of %s already", manifest.Clean(url), other), "an address means one repository: take it out of "+AliasFile(other)+", or out of this file")
			}
			of[url] = a.Repo
		}
	}
}

func (p *parser) readAlias(repo name.Repo, file string) {
	data, ok := p.read(file, maxAliasFile)
	if !ok {
		return
	}
	r, fields := p.document(file, data, aliasFields...)
	a := &Alias{Repo: repo, At: manifest.Source{File: file}}
	if f, ok := fields["urls"]; ok {
		a.readURLs(r, f)
	}
	a.UsedBy = readPatterns(r, fields, "usedBy", checkRepo)
	if fields != nil && len(r.Problems) == 0 && len(a.URLs) == 0 && a.UsedBy == nil {
		r.Add(1, "the file says nothing", "write urls: [https://HOST/PATH], or usedBy: [REPOSITORY]")
	}
	p.problems = append(p.problems, r.Problems...)
	p.rules.aliases = append(p.rules.aliases, a)
}

func (a *Alias) readURLs(r *form.Reader, f form.Field) {
	for _, element := range r.Texts(f, maxAliasURLs) {
		url := element.Value.Value
		if _, err := parseUpstream(url); err != nil {
			r.Add(element.Line, "an address in urls "+err.Error(), "") // it may have a password
			continue
		}
		if slices.Contains(a.URLs, url) {
			r.Add(element.Line, fmt.Sprintf("urls names %q twice", manifest.Clean(url)), "keep one of the two")
			continue
		}
		a.URLs = append(a.URLs, url)
	}
}

// text says in words what the aliases are.
func (a *Alias) text() string {
	var parts []string
	if len(a.URLs) > 0 {
		parts = append(parts, "is meant by "+strings.Join(a.URLs, ", "))
	}
	if a.UsedBy != nil {
		parts = append(parts, "is a source for apps of "+list(a.UsedBy))
	}
	return strings.Join(parts, ", and ")
}

func (a *Alias) name() string  { return string(a.Repo) }
func (a *Alias) gone() string  { return "has no aliases any more, and is no source for others" }
func (a *Alias) print() string { return a.text() }

// File is the aliases as a file, which says the same; nil if they are none.
func (a *Alias) File() []byte {
	quoted := func(texts []string) string {
		for i, text := range texts {
			texts[i] = inQuotes(text)
		}
		return "[" + strings.Join(texts, ", ") + "]"
	}
	var text strings.Builder
	if len(a.URLs) > 0 {
		fmt.Fprintf(&text, "urls: %s\n", quoted(slices.Clone(a.URLs)))
	}
	if len(a.UsedBy) > 0 {
		var repos []string
		for _, p := range a.UsedBy {
			repos = append(repos, string(p))
		}
		fmt.Fprintf(&text, "usedBy: %s\n", quoted(repos))
	}
	if text.Len() == 0 {
		return nil
	}
	return []byte(text.String())
}
