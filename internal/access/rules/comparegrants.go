package rules

import (
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/access/grant"
)

// all is the pattern of all repositories.
const all pattern = "**"

// grants compares the grants, for each pattern of repositories that either side names: by
// the first grant on each side that is for all of them. Which grant that is says their
// order, so a new order is a change where it changes whose grant counts.
func (c *comparison) grants() {
	named := c.grantedRepos()
	for _, repos := range named {
		was, is := grant.FindFor(c.before.grants, repos), grant.FindFor(c.after.grants, repos)
		if c.saidWider(named, repos, was, is) {
			continue
		}
		whose := string(repos)
		if repos == all {
			whose = "all repositories"
			if len(named) > 1 {
				whose = "all other repositories"
			}
		}
		(&grantComparison{c, whose, was, is}).compare(c.except(named, repos))
	}
}

// grantedRepos are the patterns of repositories that grants name, sorted.
func (c *comparison) grantedRepos() []pattern {
	var named []pattern
	for _, grants := range [][]*grant.Grant{c.before.grants, c.after.grants} {
		if grants == nil {
			named = append(named, all)
		}
		for _, g := range grants {
			if g.Repos == nil {
				named = append(named, all)
			}
			named = append(named, g.Repos...)
		}
	}
	slices.Sort(named)
	return slices.Compact(named)
}

// saidWider reports whether the same two grants are compared for more repositories.
func (c *comparison) saidWider(named []pattern, repos pattern, was, is *grant.Grant) bool {
	return slices.ContainsFunc(named, func(wider pattern) bool {
		return wider != repos && wider.Contains(repos) &&
			grant.FindFor(c.before.grants, wider) == was && grant.FindFor(c.after.grants, wider) == is
	})
}

// except lists the repositories among others that a grant is for now, for a sentence which
// says that none is for the others; "" for none.
func (c *comparison) except(named []pattern, repos pattern) string {
	var but []string
	for _, narrower := range named {
		if narrower != repos && repos.Contains(narrower) && grant.FindFor(c.after.grants, narrower).Origin != grant.Missing {
			but = append(but, string(narrower))
		}
	}
	if len(but) == 0 || repos == all { // the others
		return ""
	}
	return ", but for " + some(but)
}

// grantComparison compares two grants of some repositories.
type grantComparison struct {
	*comparison
	whose   string
	was, is *grant.Grant
}

func (c *grantComparison) compare(but string) {
	switch {
	case c.was == c.is:
		return
	case c.is.Origin == grant.Missing:
		c.say(c.whose, loses, "may deploy nothing any more: no grant is for them%s", but)
		return
	case c.was.Origin == grant.Missing:
		c.say(c.whose, gains, "may deploy to %s", placesOf(c.is))
	default:
		c.namespaces()
		c.patterns("cluster", c.was.Clusters, c.is.Clusters)
	}
	c.kinds()
	c.account()
	c.limits()
	c.names("decrypt with", "keys", c.was.Keys, c.is.Keys)
	c.names("fetch charts with", "credentials", c.was.Credentials, c.is.Credentials)
}

// placesOf says where a grant lets objects go.
func placesOf(g *grant.Grant) string {
	text := "all namespaces but kube-*"
	if !g.Namespaces.All() {
		text = "the namespaces " + g.Namespaces.String()
	}
	if g.Clusters != nil {
		text += " of the clusters " + list(g.Clusters)
	}
	return text
}

// namespaces compares the namespaces of the grants.
func (c *grantComparison) namespaces() {
	was, is := c.was.Namespaces, c.is.Namespaces
	switch {
	case was.All() && is.All():
	case is.All():
		c.say(c.whose, gains, "may deploy to all namespaces but kube-*")
		if system := slices.DeleteFunc(was.Words(), func(word string) bool { return !strings.HasPrefix(word, "kube-") }); len(system) > 0 {
			c.say(c.whose, loses, "may no longer deploy to the namespaces %s", some(system))
		}
	case was.All():
		c.say(c.whose, loses, "may no longer deploy to all namespaces, only to %s", some(is.Words()))
	default:
		c.patterns("namespace", was.Patterns, is.Patterns)
		c.words("deploy to namespaces ", selectorWords(was), selectorWords(is))
	}
}

func selectorWords(n grant.Namespaces) []string {
	return grant.Namespaces{Selectors: n.Selectors}.Words()
}

// patterns compares what lists of patterns give; one that is nil gives all.
func (c *grantComparison) patterns(noun string, was, is []pattern) {
	switch {
	case was == nil && is == nil:
	case is == nil:
		c.say(c.whose, gains, "may deploy to all %ss", noun)
	case was == nil:
		c.say(c.whose, loses, "may no longer deploy to all %ss, only to %s", noun, list(is))
	default:
		c.words("deploy to the "+noun+"s ", uncontained(was, is), uncontained(is, was))
	}
}

// uncontained are the patterns of a list of which the other list does not have all.
func uncontained(some, others []pattern) []string {
	var words []string
	for _, p := range some {
		if !glob.Contain(others, []pattern{p}) {
			words = append(words, string(p))
		}
	}
	return words
}

// words says which of some words are new, and which are gone.
func (c *grantComparison) words(does string, was, is []string) {
	if fresh := without(is, was); len(fresh) > 0 {
		c.say(c.whose, gains, "may %s%s", does, some(fresh))
	}
	if gone := without(was, is); len(gone) > 0 {
		c.say(c.whose, loses, "may no longer %s%s", does, some(gone))
	}
}

func kindWords(kinds []grant.Kind) []string {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = string(k)
		if k == "*" {
			words[i] = "of all kinds"
		}
	}
	return words
}

// kinds compares which kinds the grants let through.
func (c *grantComparison) kinds() {
	c.words("deploy objects without a namespace: ", kindWords(c.was.ClusterScoped), kindWords(c.is.ClusterScoped))
	was, is := kindWords(c.was.Kinds.Allow), kindWords(c.is.Kinds.Allow)
	switch {
	case c.was.Kinds.Allow != nil && c.is.Kinds.Allow != nil:
		c.words("deploy objects of the kinds ", was, is)
	case c.is.Kinds.Allow != nil:
		c.say(c.whose, loses, "may deploy only objects of the kinds %s", some(is))
	case c.was.Kinds.Allow != nil:
		c.say(c.whose, gains, "may deploy objects of all kinds, not only %s", some(was))
	}
	was, is = kindWords(c.was.Kinds.Deny), kindWords(c.is.Kinds.Deny)
	if denied := without(is, was); len(denied) > 0 {
		c.say(c.whose, loses, "may deploy no objects of the kinds %s", some(denied))
	}
	if given := without(was, is); len(given) > 0 {
		c.say(c.whose, gains, "may deploy objects of the kinds %s again", some(given))
	}
}

// account compares as whom the repositories are deployed.
func (c *grantComparison) account() {
	switch was, is := c.was.Account, c.is.Account; {
	case was == is:
	case is == "":
		c.say(c.whose, changes, "no longer deployed as the ServiceAccount %s: as the server itself", was)
	default:
		c.say(c.whose, changes, "deployed as the ServiceAccount %s", is)
	}
}

// names compares which things of the server the grants give: does is what they are for, as
// in "decrypt with", and noun what they are.
func (c *grantComparison) names(does, noun string, was, is grant.Names) {
	switch {
	case was.Given != nil && is.Given != nil && was.All() == is.All():
		c.words(does+" the "+noun+" ", nameWords(was.Given), nameWords(is.Given))
	case is.Given != nil && is.All():
		if !was.All() {
			c.say(c.whose, gains, "may %s all %s", does, noun)
		}
	case is.Given != nil && len(is.Given) == 0:
		c.say(c.whose, loses, "may %s no %s any more", does, noun)
	case is.Given != nil:
		c.say(c.whose, loses, "may %s only the %s %s", does, noun, some(nameWords(is.Given)))
	case c.was.Origin == grant.Missing:
	case was.Given != nil && !was.All():
		c.say(c.whose, gains, "may %s all %s that no other grant names", does, noun)
	default:
		if kept := without(nameWords(is.Taken), nameWords(was.Taken)); len(kept) > 0 {
			c.say(c.whose, loses, "may no longer %s the %s %s, which other grants name", does, noun, some(kept))
		}
		if free := without(nameWords(was.Taken), nameWords(is.Taken)); len(free) > 0 {
			c.say(c.whose, gains, "may %s the %s %s, which no other grant names any more", does, noun, some(free))
		}
	}
}

func nameWords(names []grant.Name) []string {
	words := make([]string, len(names))
	for i, n := range names {
		words[i] = string(n)
	}
	return words
}

// limits compares the rest.
func (c *grantComparison) limits() {
	switch was, is := c.was.MaxObjects, c.is.MaxObjects; {
	case was == is:
	case is == 0:
		c.say(c.whose, gains, "may have any number of objects, not %d", was)
	case was == 0 || is < was:
		c.say(c.whose, loses, "may have at most %d objects each", is)
	default:
		c.say(c.whose, gains, "may have up to %d objects each, before %d", is, was)
	}
	switch was, is := c.was.Rate, c.is.Rate; {
	case was == is:
	case is.Pushes == 0:
		c.say(c.whose, gains, "can be sent any number of pushes, not %s", was)
	case was.Pushes == 0:
		c.say(c.whose, loses, "can be sent at most %s", is)
	default:
		c.say(c.whose, changes, "can be sent at most %s, before %s", is, was)
	}
	switch was, is := c.was.PlainSecrets, c.is.PlainSecrets; {
	case was == is:
	case is == grant.PlainAllowed:
		c.say(c.whose, gains, "may have Secrets that are not encrypted")
	case is == grant.PlainRefused:
		c.say(c.whose, loses, "may have no Secrets that are not encrypted, whoever asks for it")
	case was == grant.PlainAllowed:
		c.say(c.whose, loses, "may have Secrets that are not encrypted only where somebody asks for it")
	default:
		c.say(c.whose, gains, "may have Secrets that are not encrypted where somebody asks for it")
	}
}
