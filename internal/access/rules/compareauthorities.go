package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access"
)

// authorities compares who lets operators and members of groups in by certificates.
func (c *comparison) authorities() {
	was, is := authoritiesByName(c.before), authoritiesByName(c.after)
	for _, name := range namesOf(was, is) {
		c.authority(was[name], is[name])
	}
	groups := map[string]bool{}
	for _, a := range slices.Concat(c.before.authorities, c.after.authorities) {
		for _, p := range a.Principals {
			if p.Group != "" {
				groups[p.Group] = true
			}
		}
	}
	for group := range groups {
		members := access.Groups(group).Who()
		c.rights(members)
		if len(c.before.Certifying(members)) > 0 && len(c.after.Certifying(members)) > 0 {
			c.touches(members)
		}
	}
}

func authoritiesByName(r *Rules) map[string]*Authority {
	all := map[string]*Authority{}
	for _, a := range r.authorities {
		all[a.Name] = a
	}
	return all
}

func namesOf(was, is map[string]*Authority) []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(was)), maps.Keys(is))
	slices.Sort(names)
	return slices.Compact(names)
}

// authority compares an authority; nil is one that is not there.
func (c *comparison) authority(was, is *Authority) {
	switch {
	case was == nil:
		c.say("authority "+is.Name, gains, "is trusted: its certificates let in whom it names")
		was = &Authority{Name: is.Name}
	case is == nil:
		c.say("authority "+was.Name, loses, "is not trusted any more")
		is = &Authority{Name: was.Name}
	}
	c.come(was.signsWith(), is.signsWith(), "authority "+is.Name, "can sign with %s", "can no longer sign with %s")
	c.principals(was, is)
	of := "certificates of " + is.Name
	c.come(is.Revoked.words(), was.Revoked.words(), of, "with %s are accepted again", "with %s are revoked")
}

// come says which words a list has that another has not, each with a text of its own.
func (c *comparison) come(was, is []string, name, gained, lost string) {
	for _, word := range without(is, was) {
		c.say(name, gains, gained, word)
	}
	for _, word := range without(was, is) {
		c.say(name, loses, lost, word)
	}
}

// without are the words of a list that are not in another.
func without(list, other []string) (left []string) {
	has := map[string]bool{}
	for _, word := range other {
		has[word] = true
	}
	for _, word := range list {
		if !has[word] {
			left = append(left, word)
		}
	}
	return left
}

// signsWith are the keys of an authority with their limits.
func (a *Authority) signsWith() (words []string) {
	for _, key := range a.Keys {
		words = append(words, key.Fingerprint()+key.limits())
	}
	return words
}

// principals compares whom an authority lets in.
func (c *comparison) principals(was, is *Authority) {
	had, has := was.letIn(), is.letIn()
	for _, p := range inOrder(has) {
		if !had[p] {
			c.say(p.whom(), gains, "can log in with certificates of %s%s", is.Name, p.by())
		}
	}
	for _, p := range inOrder(had) {
		if !has[p] {
			c.say(p.whom(), loses, "can no longer log in with certificates of %s%s", is.Name, p.by())
		}
	}
}

// entry is a principal without its place.
type entry struct{ name, operator, group string }

func (a *Authority) letIn() map[entry]bool {
	all := map[entry]bool{}
	for _, p := range a.Principals {
		all[entry{p.Name, p.Operator, p.Group}] = true
	}
	return all
}

// inOrder are principals with those of operators first, each by whom they let in.
func inOrder(principals map[entry]bool) []entry {
	return slices.SortedFunc(maps.Keys(principals), func(a, b entry) int {
		return cmp.Or(strings.Compare(a.group, b.group), strings.Compare(a.operator, b.operator), strings.Compare(a.name, b.name))
	})
}

func (e entry) whom() string {
	if e.group != "" {
		return access.Groups(e.group).Who()
	}
	return e.operator
}

// by names the principal, where it has another name than whom it lets in.
func (e entry) by() string {
	if e.name == e.operator+e.group {
		return ""
	}
	return fmt.Sprintf(", principal %q", e.name)
}

// words are what is revoked.
func (v Revoked) words() (words []string) {
	for _, s := range v.Serials {
		words = append(words, "serial "+s.String())
	}
	for id := range v.KeyIDs {
		words = append(words, fmt.Sprintf("key id %q", id))
	}
	for key := range v.Keys {
		words = append(words, "key "+key)
	}
	return words
}

// label is how a comparison calls somebody.
func label(name string) string {
	if groups, members := access.ParseGroups(name); members {
		return "certified members of " + strings.Join(groups.Names(), ", ")
	}
	return name
}
