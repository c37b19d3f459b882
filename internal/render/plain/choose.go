package plain

import (
	"regexp"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
)

// chosen are the manifests of a folder that are meant.
type chosen struct {
	folder           string // with a slash at its end; "" for the root
	flat             bool
	include, exclude []*regexp.Regexp
}

// choose returns the choice among the manifests of a folder. A pattern that is none was
// refused by whoever read it, and matches nothing.
func choose(folder Folder) chosen {
	c := chosen{flat: folder.Files.Flat, include: patterns(folder.Files.Include), exclude: patterns(folder.Files.Exclude)}
	if folder.Path != "." {
		c.folder = folder.Path + "/"
	}
	return c
}

// has reports whether a file is meant, or whether a folder may have some that are.
func (c chosen) has(name string, isDir bool) bool {
	inside := strings.TrimPrefix(name, c.folder)
	if isDir || c.flat && strings.Contains(inside, "/") {
		return !c.flat
	}
	matches := func(p *regexp.Regexp) bool { return p.MatchString(inside) }
	return !slices.ContainsFunc(c.exclude, matches) && (c.include == nil || slices.ContainsFunc(c.include, matches))
}

func patterns(texts []string) []*regexp.Regexp {
	if len(texts) == 0 {
		return nil
	}
	compiled := make([]*regexp.Regexp, 0, len(texts))
	for _, text := range texts {
		if p, err := appfile.Pattern(text); err == nil {
			compiled = append(compiled, p)
		}
	}
	return compiled
}
