package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Signs of changes, as in plans of objects.
const (
	gains   = '+'
	changes = '~'
	loses   = '-'
)

// Limits of what a comparison says.
const (
	maxNames = 8   // of one sentence
	maxLines = 200 // of all
)

// Compare says in words who gains and who loses what when rules take the place of
// others: a line each, in an order that is always the same. No line is no change.
func Compare(before, after *Rules) []string {
	c := comparison{before: before, after: after, said: map[sentence][]string{}}
	for _, name := range c.names() {
		c.operator(name)
		c.rights(name)
		if c.before.operators[name] != nil && c.after.operators[name] != nil {
			c.touches(name)
		}
	}
	c.grants()
	c.clusters()
	c.signings()
	c.authorities()
	c.windows()
	c.notifications()
	compareNamed(&c, "repository ", c.before.mirrors, c.after.mirrors)
	compareNamed(&c, "remote ", c.before.remotes, c.after.remotes)
	compareNamed(&c, "repository ", c.before.aliases, c.after.aliases)
	return c.lines()
}

// sentence is a change without whose it is.
type sentence struct {
	sign rune
	text string
}

type comparison struct {
	before, after *Rules
	said          map[sentence][]string // of whom
}

func (c *comparison) names() []string {
	names := slices.Concat(slices.Collect(maps.Keys(c.before.operators)), slices.Collect(maps.Keys(c.after.operators)))
	slices.Sort(names)
	return slices.Compact(names)
}

func (c *comparison) say(name string, sign rune, format string, args ...any) {
	s := sentence{sign, fmt.Sprintf(format, args...)}
	c.said[s] = append(c.said[s], label(name))
}

// lines writes what was said, one line for all of whom the same is true: keys and
// operators first, each sorted by who it is about.
func (c *comparison) lines() []string {
	said := slices.Collect(maps.Keys(c.said))
	order := []rune{gains, changes, loses}
	slices.SortFunc(said, func(a, b sentence) int {
		if d := slices.Index(order, a.sign) - slices.Index(order, b.sign); d != 0 {
			return d
		}
		if d := slices.Compare(c.said[a], c.said[b]); d != 0 {
			return d
		}
		return strings.Compare(a.text, b.text)
	})
	var lines []string
	for i, s := range said {
		if i == maxLines {
			lines = append(lines, fmt.Sprintf("  and %s more", manifest.Plural(len(said)-i, "change")))
			break
		}
		lines = append(lines, fmt.Sprintf("  %c %s %s", s.sign, some(c.said[s]), s.text))
	}
	return lines
}

func some(names []string) string {
	if len(names) > maxNames {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNames], ", "), len(names)-maxNames)
	}
	return strings.Join(names, ", ")
}

// operator compares what an operator is, and with which keys.
func (c *comparison) operator(name string) {
	was, is := c.before.operators[name], c.after.operators[name]
	switch {
	case was == nil:
		c.say(name, gains, "(%s) becomes an operator", is.Kind)
		was = &Operator{}
	case is == nil:
		c.say(name, loses, "is no operator any more")
		is = &Operator{}
	case was.Kind != is.Kind:
		c.say(name, changes, "is a %s now, was a %s", is.Kind, was.Kind)
	}
	for _, key := range is.Keys {
		old, there := keyOf(was, key)
		switch {
		case !there:
			c.say(name, gains, "can log in with %s%s", key.Fingerprint(), key.limits())
		case !old.Expires.Equal(key.Expires) || old.From != key.From:
			c.say(name, changes, "can use %s%s, before%s", key.Fingerprint(), key.limits(), old.limits())
		}
	}
	for _, key := range was.Keys {
		if _, there := keyOf(is, key); !there {
			c.say(name, loses, "can no longer log in with %s", key.Fingerprint())
		}
	}
	c.pgp(name, was.PGP, is.PGP)
	if was.Email != is.Email && was.Name != "" && is.Name != "" {
		c.say(name, changes, "has the address %s now", orNone(is.Email))
	}
}

func orNone(text string) string {
	if text == "" {
		return "of none"
	}
	return text
}

func keyOf(operator *Operator, key Key) (Key, bool) {
	for _, k := range operator.Keys {
		if k.Fingerprint() == key.Fingerprint() {
			return k, true
		}
	}
	return Key{}, false
}

// limits says how long and from where a key can be used.
func (k Key) limits() string {
	text := " for good"
	if !k.Expires.IsZero() {
		text = " until " + k.Expires.UTC().Format(access.ExpiryLayout)
	}
	if k.From != "" {
		text += ", from " + string(k.From)
	}
	return text
}

// holding is what rules give an operator in one area, or withhold there.
type holding struct {
	area area
	word string // a role or a verb
}

func (h holding) same(other holding) bool {
	return h.word == other.word && slices.Equal(h.area.repos, other.area.repos) &&
		slices.Equal(h.area.branches, other.area.branches) && slices.Equal(h.area.paths, other.area.paths)
}

// holdings are those that rules give an operator, and those that they withhold.
func (r *Rules) holdings(operator string) (given, withheld []holding) {
	if _, members := access.ParseGroups(operator); members && len(r.Certifying(operator)) == 0 {
		return nil, nil // there are none
	}
	for _, rule := range r.about(operator) {
		for _, word := range rule.May {
			given = append(given, holding{rule.where(), word})
		}
		for _, word := range rule.MayNot {
			withheld = append(withheld, holding{rule.where(), word})
		}
	}
	return given, withheld
}

// hasAll reports whether one of the holdings has all that another one has.
func hasAll(have []holding, h holding) bool {
	return slices.ContainsFunc(have, func(other holding) bool {
		return other.area.contains(h.area) && hasWord(other.word, h.word)
	})
}

// hasWord reports whether a role or verb has all that another has.
func hasWord(have, word string) bool {
	if have == word {
		return true
	}
	role, least := access.Role(have), access.Role(word)
	if right, ok := access.OfVerb(word); ok {
		least = right.Least()
	}
	return role.Valid() && role.Includes(least)
}

// rights compares what an operator may do.
func (c *comparison) rights(name string) {
	had, hadNot := c.before.holdings(name)
	has, hasNot := c.after.holdings(name)
	if slices.EqualFunc(had, has, holding.same) && slices.EqualFunc(hadNot, hasNot, holding.same) {
		return // as of nearly everybody, and the comparison below is of each with each
	}
	for _, h := range fresh(has, had) {
		c.say(name, gains, "%s", h.text("may"))
	}
	for _, h := range fresh(had, has) {
		c.say(name, loses, "%s%s", h.text("may no longer"), remaining(has, h))
	}
	for _, h := range fresh(hasNot, hadNot) {
		c.say(name, loses, "may not %s on %s, whatever else is given", h.word, h.area)
	}
	for _, h := range fresh(hadNot, hasNot) {
		c.say(name, gains, "is not kept from %s on %s any more", h.word, h.area)
	}
}

// fresh returns the holdings of a list that another list has not, and that no other of
// the list has.
func fresh(list, others []holding) []holding {
	var news []holding
	for i, h := range list {
		rest := slices.Concat(list[:i:i], list[i+1:])
		larger := slices.DeleteFunc(rest, func(other holding) bool {
			same := other.area.contains(h.area) && h.area.contains(other.area) && hasWord(h.word, other.word)
			return same && other.word == h.word // one of two that are alike is said
		})
		if hasAll(others, h) || hasAll(larger, h) || slices.ContainsFunc(news, func(n holding) bool { return hasAll([]holding{n}, h) }) {
			continue
		}
		news = append(news, h)
	}
	return news
}

// text says a holding in words.
func (h holding) text(may string) string {
	if h.word == string(access.RoleAdmin) && h.area.String() == "everything" {
		if may == "may" {
			return "is an admin of the server"
		}
		return "is no admin of the server any more"
	}
	text := fmt.Sprintf("%s %s on %s", may, h.word, h.area)
	if right, ok := access.OfVerb(h.word); ok && right == access.Backup && may == "may" {
		text += ": a backup holds all repositories, and the server's private keys"
	}
	return text
}

// remaining says what is left of a holding that was lost: where it is still had, or
// which role there is in its place.
func remaining(has []holding, lost holding) string {
	var where []string
	var left access.Role
	for _, h := range has {
		switch role := access.Role(h.word); {
		case lost.area.contains(h.area) && hasWord(h.word, lost.word):
			where = append(where, h.area.String())
		case role.Valid() && h.area.contains(lost.area) && (left == "" || role.Includes(left)):
			left = role
		}
	}
	switch {
	case len(where) > 0:
		return ", only on " + some(where)
	case left != "" && access.Role(lost.word).Valid():
		return ", only " + string(left)
	}
	return ""
}
