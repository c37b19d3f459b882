package rules

import (
	"slices"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/name"
)

// What decides: a rule that withholds wins over every rule that gives. Beyond that no
// order counts. What no rule gives is not had.

// about returns the rules about an operator, or about members of groups (see
// access.Groups.Who), in the file's order.
func (r *Rules) about(operator string) []*Rule {
	groups, members := access.ParseGroups(operator)
	inGroups := groups.Names()
	if !members {
		if _, known := r.operators[operator]; !known {
			return nil
		}
		inGroups = r.of[operator]
	}
	rules := slices.Concat(r.by[Everyone], r.by[operator])
	for _, group := range inGroups {
		rules = append(rules, r.by[group]...)
	}
	slices.SortFunc(rules, func(a, b *Rule) int { return a.At.Line - b.At.Line })
	return slices.Compact(rules)
}

// Decide says whether an operator has a right on a subject. Where the subject names
// paths, each has to be given, if not by one rule.
func (r *Rules) Decide(operator string, right access.Right, on access.Subject) access.Decision {
	about := r.about(operator)
	for _, rule := range about {
		if path, withholds := rule.withholds(right, on); withholds {
			return access.Decision{Rule: rule.At.String(), Withheld: true, Path: path}
		}
	}
	var giving []*Rule
	for _, rule := range about {
		if rule.gives(right, on) {
			giving = append(giving, rule)
		}
	}
	if len(giving) == 0 {
		return access.Decision{}
	}
	if !reads(right) {
		for _, path := range on.Paths {
			if !slices.ContainsFunc(giving, func(rule *Rule) bool { return rule.reaches(path) }) {
				return access.Decision{Path: path}
			}
		}
	}
	first := giving[0]
	if i := slices.IndexFunc(giving, func(rule *Rule) bool { return len(on.Paths) > 0 && rule.reaches(on.Paths[0]) }); i > 0 {
		first = giving[i]
	}
	return access.Decision{Allowed: true, Rule: first.At.String()}
}

// reads reports whether the right is one of reading, which is of whole repositories.
func reads(right access.Right) bool { return right.Least() == access.RoleRead }

// gives reports whether the rule gives the right on the subject, its paths aside.
func (rule *Rule) gives(right access.Right, on access.Subject) bool {
	if !slices.ContainsFunc(rule.May, func(word string) bool { return includes(word, right) }) {
		return false
	}
	switch {
	case right.OnServer():
		return rule.Repos == nil && rule.Branches == nil && rule.Paths == nil
	case !rule.isAbout(on.Repo):
		return false
	case right.OnWhole():
		return rule.Branches == nil && rule.Paths == nil
	}
	if reads(right) || on.Ref == "" {
		return true
	}
	_, branch := name.BranchOf(on.Ref)
	return rule.isAt(on.Ref) && (branch || rule.Paths == nil) // a tag is of all files
}

// withholds reports whether the rule takes the right away, and for which path if that
// hangs on it. Who asks for any branch or path has the right if it is left anywhere.
func (rule *Rule) withholds(right access.Right, on access.Subject) (path string, yes bool) {
	switch {
	case !slices.ContainsFunc(rule.MayNot, func(word string) bool { return excludes(word, right) }):
		return "", false
	case right.OnServer():
		return "", rule.Repos == nil && rule.Branches == nil && rule.Paths == nil
	case !rule.isAbout(on.Repo) || rule.Branches != nil && (on.Ref == "" || !rule.isAt(on.Ref)):
		return "", false
	case rule.Paths == nil:
		return "", true
	}
	fits := pattern.Covers
	if right.Writes() {
		fits = pattern.Touches
	}
	for _, path := range on.Paths {
		if slices.ContainsFunc(rule.Paths, func(p pattern) bool { return fits(p, path) }) {
			return path, true
		}
	}
	return "", false
}

// includes reports whether a word under may gives a right: a role all that it has, a verb
// its own, and any word the reading without which it would be of no use.
func includes(word string, right access.Right) bool {
	if role := access.Role(word); role.Valid() {
		return role.Includes(right.Least())
	}
	if word == right.Verb() {
		return true
	}
	given, _ := access.OfVerb(word)
	return reads(right) && !right.OnServer() && !given.OnServer()
}

// excludes reports whether a word under mayNot withholds a right: a role all that takes
// it or more, a verb its own.
func excludes(word string, right access.Right) bool {
	if role := access.Role(word); role.Valid() {
		return right.Least().Includes(role)
	}
	return word == right.Verb()
}

// isAbout reports whether the rule is about a repository. Where it names none it is about
// all.
func (rule *Rule) isAbout(repo name.Repo) bool {
	return rule.Repos == nil || slices.ContainsFunc(rule.Repos, func(p pattern) bool { return p.Match(string(repo)) })
}

// isAt reports whether the rule is about a ref. One that names branches is about those.
func (rule *Rule) isAt(ref string) bool {
	if rule.Branches == nil {
		return true
	}
	branch, ok := name.BranchOf(ref)
	return ok && slices.ContainsFunc(rule.Branches, func(p pattern) bool { return p.Match(string(branch)) })
}

// reaches reports whether the rule is about a path.
func (rule *Rule) reaches(path string) bool {
	return rule.Paths == nil || slices.ContainsFunc(rule.Paths, func(p pattern) bool { return p.Covers(path) })
}

// HasPaths reports whether a rule about the operator names paths.
func (r *Rules) HasPaths(operator string) bool {
	return slices.ContainsFunc(r.about(operator), func(rule *Rule) bool { return rule.Paths != nil })
}

// ReadsRules says whether an operator may read admin.git without being an admin: a rule
// names that repository, and no pattern of one counts. A rule about everything that
// withholds reading withholds this too.
func (r *Rules) ReadsRules(operator string) access.Decision {
	for _, rule := range r.about(operator) {
		if rule.Repos == nil && slices.Contains(rule.MayNot, string(access.RoleRead)) {
			return access.Decision{Withheld: true, Rule: rule.At.String()}
		}
	}
	for _, rule := range r.about(operator) {
		if slices.Contains(rule.May, string(access.RoleRead)) && slices.Contains(rule.Repos, pattern(access.AdminRepo)) {
			return access.Decision{Allowed: true, Rule: rule.At.String()}
		}
	}
	return access.Decision{}
}
