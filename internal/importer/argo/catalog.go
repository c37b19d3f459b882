package argo

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
)

// catalog has the files and folders of a revision, hidden ones left out, so that many generators
// need not look for them again. What is in a folder stands behind it.
type catalog struct {
	entries []listed
	folders map[string][2]int // where what is in each begins and ends; "." is all
}

type listed struct {
	name  string
	isDir bool
}

// list lists the files and folders in the folder of a repository: "." is the revision's own. Names
// are from there.
func (t *Tree) list(root string) (*catalog, error) {
	if known := t.listings[root]; known != nil {
		return known, nil
	}
	l := &catalog{folders: map[string][2]int{}}
	var open []string // folders whose end is not known
	end := func(until string) {
		for len(open) > 0 && !strings.HasPrefix(until, open[len(open)-1]+"/") {
			last := open[len(open)-1]
			l.folders[last] = [2]int{l.folders[last][0], len(l.entries)}
			open = open[:len(open)-1]
		}
	}
	err := t.world.walk(root, func(name string, entry fs.DirEntry) bool {
		name = meaning.Below(root, name)
		end(name)
		l.entries = append(l.entries, listed{name, entry.IsDir()})
		if entry.IsDir() {
			l.folders[name] = [2]int{len(l.entries), len(l.entries)}
			open = append(open, name)
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	end("")
	l.folders["."] = [2]int{0, len(l.entries)}
	t.listings[root] = l
	return l, nil
}

// pattern is a path of a git generator.
type pattern struct {
	text       string
	exclude    bool
	folder     string         // in which all is that it matches
	expression *regexp.Regexp // for files; nil: it matches none
}

// readPattern reads a path of a git generator.
func readPattern(text string, exclude bool) pattern {
	p := pattern{text: strings.TrimSuffix(strings.TrimPrefix(text, "./"), "/"), exclude: exclude, folder: "."}
	plain := p.text
	if special := strings.IndexAny(plain, `*?[{\\`); special >= 0 {
		plain = plain[:special]
	}
	if slash := strings.LastIndex(plain, "/"); slash > 0 {
		p.folder = plain[:slash]
	}
	if expression, err := appfile.Pattern(strings.ReplaceAll(p.text, "**/", "*")); err == nil {
		p.expression = expression
	}
	return p
}

// matches matches a folder as Go's path.Match, and a file as Git's pathspecs, in which * stands
// for slashes as well.
func (p pattern) matches(e listed) bool {
	if e.isDir {
		ok, err := path.Match(p.text, e.name)
		return ok && err == nil
	}
	return p.expression != nil && p.expression.MatchString(e.name)
}

// find are the folders, or else the files, that some patterns match, and others of them do not
// exclude. It returns how many it has looked at as well.
func (l *catalog) find(patterns []pattern, isDir bool) (found []listed, seen int) {
	var chosen []int
	for _, p := range patterns {
		at := l.folders[p.folder]
		if p.exclude {
			continue
		}
		seen += at[1] - at[0]
		for i := at[0]; i < at[1]; i++ {
			if e := l.entries[i]; e.isDir == isDir && p.matches(e) {
				chosen = append(chosen, i)
			}
		}
	}
	slices.Sort(chosen)
	for _, i := range slices.Compact(chosen) {
		e := l.entries[i]
		if !slices.ContainsFunc(patterns, func(p pattern) bool { return p.exclude && p.matches(e) }) {
			found = append(found, e)
		}
	}
	return found, seen + len(chosen)*len(patterns)
}
