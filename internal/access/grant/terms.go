package grant

import (
	"fmt"
	"strings"

	"github.com/pushboat/pushboat/internal/access/glob"
)

// Term is one thing that a grant settles, in words.
type Term struct {
	About string // such as "namespaces"
	Says  string
}

// Terms says what a grant gives, and within which limits. They name no repository.
func (g *Grant) Terms() []Term {
	if g.Origin == Missing {
		return []Term{{"nothing", "no grant is for the repository: it may deploy nothing"}}
	}
	terms := []Term{
		{"clusters", patternWords(g.Clusters, "all")},
		{"namespaces", g.Namespaces.String()},
		{"without a namespace", g.clusterScopedWords()},
		{"kinds", g.Kinds.String()},
		{"deployed as", "the server itself"},
	}
	if g.Account != "" {
		terms[len(terms)-1].Says = "the ServiceAccount " + g.Account
	}
	terms = append(terms, Term{"decryption keys", g.Keys.String()}, Term{"chart credentials", g.Credentials.String()})
	return append(terms, g.limits()...)
}

// limits are the terms of what is bounded.
func (g *Grant) limits() (terms []Term) {
	switch g.PlainSecrets {
	case PlainAllowed:
		terms = append(terms, Term{"plain Secrets", "allowed"})
	case PlainRefused:
		terms = append(terms, Term{"plain Secrets", "refused, whoever asks for it"})
	}
	if g.MaxObjects > 0 {
		terms = append(terms, Term{"objects", fmt.Sprintf("at most %d", g.MaxObjects)})
	}
	if g.Rate.Pushes > 0 {
		terms = append(terms, Term{"pushes", "at most " + g.Rate.String()})
	}
	return terms
}

// Words are the entries of the namespaces in words; nil: all but those of the system.
func (n Namespaces) Words() []string {
	var words []string
	for _, p := range n.Patterns {
		words = append(words, string(p))
	}
	for _, s := range n.Selectors {
		words = append(words, "with the labels "+s.String())
	}
	return words
}

// String says which namespaces are meant.
func (n Namespaces) String() string {
	if n.All() {
		return "all but " + systemPrefix + "*"
	}
	return strings.Join(n.Words(), ", ")
}

// clusterScopedWords says which objects without a namespace a grant gives.
func (g *Grant) clusterScopedWords() string {
	kinds := []string{"Namespaces of these names"}
	for _, k := range g.ClusterScoped {
		if k == "*" {
			return "objects of all kinds"
		}
		kinds = append(kinds, string(k))
	}
	return strings.Join(kinds, ", ")
}

// String says which kinds are meant.
func (k Kinds) String() string {
	text := "all"
	if k.Allow != nil {
		text = "only " + kindList(k.Allow)
	}
	if len(k.Deny) > 0 {
		text += " but " + kindList(k.Deny)
	}
	return text
}

// kindList lists kinds for people.
func kindList(kinds []Kind) string {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = string(k)
	}
	return strings.Join(words, ", ")
}

// patternWords lists patterns for people; none stands for a list that is nil.
func patternWords(patterns []glob.Pattern, none string) string {
	if patterns == nil {
		return none
	}
	return joinPatterns(patterns)
}
