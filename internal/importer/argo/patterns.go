package argo

import (
	"regexp"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/importer/meaning"
)

// maxPatterns bounds the patterns that are remembered.
const maxPatterns = 1000

// patterns remembers what patterns mean: a project's are tried on each app, and on each object.
type patterns struct{ known map[string]*regexp.Regexp }

// of is what a pattern means; nil: it is none.
func (p *patterns) of(pattern string) *regexp.Regexp {
	if expression, known := p.known[pattern]; known {
		return expression
	}
	expression, err := appfile.Pattern(pattern)
	if err != nil {
		expression = nil
	}
	if p.known == nil || len(p.known) >= maxPatterns {
		p.known = map[string]*regexp.Regexp{}
	}
	p.known[pattern] = expression
	return expression
}

// like reports whether a text fits a pattern, in which * stands for any characters, or none.
func (p *patterns) like(pattern, text string) bool {
	switch pattern {
	case "":
		return text == ""
	case "*":
		return true
	}
	expression := p.of(pattern)
	return expression != nil && expression.MatchString(text)
}

// allowed reports whether a list of patterns has one for an address, and none with ! in front.
func (p *patterns) allowed(list []string, address string) bool {
	fits := false
	for _, pattern := range list {
		if denied, is := strings.CutPrefix(pattern, "!"); is && p.likeAddress(denied, address) {
			return false
		}
		fits = fits || p.likeAddress(pattern, address)
	}
	return fits
}

// likeAddress reports whether an address fits a pattern, in any of its spellings.
func (p *patterns) likeAddress(pattern, address string) bool {
	return p.like(pattern, address) || !strings.ContainsAny(pattern, "*?[") && meaning.Normal(pattern) == meaning.Normal(address)
}

// any reports whether a list has a pattern for one of some texts.
func (p *patterns) any(list, texts []string) bool {
	return slices.ContainsFunc(list, func(pattern string) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return p.like(pattern, text) })
	})
}
