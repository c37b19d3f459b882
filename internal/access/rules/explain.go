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

	rule *Rule // nil: none decides
}

// WithoutRule returns the answer for an operator who may not read the rules: it says whom
// of them and of their groups the rule names, not where it stands, nor what else it says.
func (a Answer) WithoutRule(operator string, groups []string) Answer {
	if a.rule == nil {
		return a
	}
	own := append([]string{operator, Everyone}, groups...)
	named := slices.DeleteFunc(slices.Clone(a.rule.Who), func(who string) bool { return !slices.Contains(own, who) })
	return Answer{Word: a.Word, Allowed: a.Allowed, Says: "a rule for " + strings.Join(named, ", ")}
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

// Explain answers for every role and every verb about repositories. decide decides about
// the one whom it is about, where it is about.
func (r *Rules) Explain(decide func(access.Right) access.Decision) []Answer {
	var answers []Answer
	for _, one := range roleRights {
		answers = append(answers, r.answer(string(one.role), decide(one.right)))
	}
	for _, verb := range access.Verbs() {
		if right, _ := access.OfVerb(verb); !right.OnServer() {
			answers = append(answers, r.answer(verb, decide(right)))
		}
	}
	return append(answers, r.answer("admin", decide(access.Administer)))
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
