package rules

import (
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/glob"
)

// Answer is whether an operator has a role or a verb somewhere, and by which rule.
type Answer struct {
	Word    string `json:"may"` // a role, or a verb
	Allowed bool   `json:"allowed"`
	Rule    string `json:"rule,omitempty"` // the place that decides, such as access.yaml:7
	Says    string `json:"says,omitempty"` // the rule in words
	// Except are the rules that withhold it on some of the branches or paths that were
	// asked about, each with its place.
	Except []string `json:"except,omitempty"`

	rule   *Rule   // nil: none decides
	except []*Rule // those of Except
}

// WithoutRule returns the answer for an operator who may not read the rules: it says whom
// of them and of their groups the rule names, not where it stands, nor what else it says.
func (a Answer) WithoutRule(operator string, groups []string) Answer {
	if a.rule == nil {
		return a
	}
	own := append([]string{operator, Everyone}, groups...)
	about := func(rule *Rule) string {
		named := slices.DeleteFunc(slices.Clone(rule.Who), func(who string) bool { return !slices.Contains(own, who) })
		return "a rule for " + strings.Join(named, ", ")
	}
	shown := Answer{Word: a.Word, Allowed: a.Allowed, Says: about(a.rule)}
	for _, rule := range a.except {
		shown.Except = append(shown.Except, about(rule))
	}
	shown.Except = slices.Compact(shown.Except)
	return shown
}

// roleRights are the rights that stand for a role on a repository.
var roleRights = []struct {
	role  access.Role
	right access.Right
}{
	{access.RoleRead, access.ReadRepo},
	{access.RolePush, access.PushRepo},
	{access.RoleDeploy, access.Deploy},
}

// Explain answers for every role and every verb about repositories, for an operator (see
// access.Rules) on a subject without paths. decide decides about both.
func (r *Rules) Explain(operator string, on access.Subject, decide func(access.Right) access.Decision) []Answer {
	var answers []Answer
	add := func(word string, right access.Right) {
		answer := r.answer(word, decide(right))
		if answer.Allowed {
			answer.except = r.exceptions(operator, right, on)
		}
		for _, rule := range answer.except {
			answer.Except = append(answer.Except, rule.At.String()+": "+rule.String())
		}
		answers = append(answers, answer)
	}
	for _, one := range roleRights {
		add(string(one.role), one.right)
	}
	for _, verb := range access.Verbs() {
		if right, _ := access.OfVerb(verb); !right.OnServer() {
			add(verb, right)
		}
	}
	return append(answers, r.answer("admin", decide(access.Administer)))
}

// exceptions are the rules that withhold a right on a part of a subject, which has no paths.
func (r *Rules) exceptions(operator string, right access.Right, on access.Subject) []*Rule {
	return slices.DeleteFunc(slices.Clone(r.about(operator)), func(rule *Rule) bool {
		all := rule.Paths == nil && (rule.Branches == nil || on.Ref != "")
		elsewhere := !rule.isAbout(on.Repo) || on.Ref != "" && !rule.isAt(on.Ref)
		return all || elsewhere || right.OnServer() || !slices.ContainsFunc(rule.MayNot, func(word string) bool { return excludes(word, right) })
	})
}

func (r *Rules) answer(word string, d access.Decision) Answer {
	a := Answer{Word: word, Allowed: d.Allowed, Rule: d.Rule}
	for _, rule := range r.rules {
		if rule.At.String() == d.Rule {
			a.Says, a.rule = rule.String(), rule
		}
	}
	return a
}

// String says the rule in words.
func (rule *Rule) String() string {
	parts := []string{strings.Join(rule.Who, ", ")}
	if len(rule.May) > 0 {
		parts = append(parts, "may "+strings.Join(rule.May, ", "))
	}
	if len(rule.MayNot) > 0 {
		parts = append(parts, "may not "+strings.Join(rule.MayNot, ", "))
	}
	return strings.Join(parts, " ") + " on " + rule.where().String()
}

// area is where a rule counts.
type area struct{ repos, branches, paths []pattern }

func (rule *Rule) where() area { return area{rule.Repos, rule.Branches, rule.Paths} }

// String says where.
func (a area) String() string {
	text := "everything"
	if a.repos != nil {
		text = list(a.repos)
	} else if a.branches != nil || a.paths != nil {
		text = "all repositories"
	}
	if a.branches != nil {
		text += ", branches " + list(a.branches)
	}
	if a.paths != nil {
		text += ", paths " + list(a.paths)
	}
	return text
}

func list(patterns []pattern) string {
	words := make([]string, len(patterns))
	for i, p := range patterns {
		words[i] = string(p)
	}
	return strings.Join(words, ", ")
}

// contains reports whether the area has all that another one has, as far as that can be
// told from the patterns.
func (a area) contains(other area) bool {
	return glob.Contain(a.repos, other.repos) && glob.Contain(a.branches, other.branches) && glob.Contain(a.paths, other.paths)
}
