package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/glob"
	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// readAccess reads access.yaml.
func (p *parser) readAccess() {
	data, ok := p.read(accessFile, maxFile)
	if !ok {
		if len(p.problems) == 0 {
			p.add(accessFile, 0, "is missing: nobody would have a right", "give an admin one: rules: [{who: [NAME], may: [admin]}]")
		}
		return
	}
	r, fields := p.document(accessFile, data, accessFields...)
	rules, ok := fields["rules"]
	if !ok && len(r.Problems) == 0 {
		r.Add(1, "rules is missing: nobody would have a right", "give an admin one: rules: [{who: [NAME], may: [admin]}]")
	}
	if ok {
		for _, element := range r.List(rules, maxRules) {
			p.readRule(r, element)
		}
	}
	for _, field := range []string{signedField, signedPushField} {
		if signings, ok := fields[field]; ok {
			for _, element := range r.List(signings, maxSignings) {
				p.readSigning(r, element, field)
			}
		}
	}
	if touch, ok := fields["requireTouch"]; ok {
		p.readTouch(r, touch)
	}
	p.problems = append(p.problems, r.Problems...)
}

// ruleFields are the fields of a rule.
var ruleFields = []string{"who", "repositories", "branches", "paths", "may", "mayNot"}

func (p *parser) readRule(r *form.Reader, element form.Field) {
	before := len(r.Problems)
	rule := &Rule{At: manifest.Source{File: accessFile, Line: element.Line}}
	fields := r.Fields(element.Value, "a rule", ruleFields)
	if element.Value.Kind != yaml.MappingNode {
		return
	}
	if f, ok := fields["who"]; ok {
		rule.Who = p.readWho(r, f)
	} else {
		r.Add(element.Line, "the rule does not say who", "add who: [OPERATOR or GROUP], or who: [everyone]")
	}
	rule.Repos = readPatterns(r, fields, "repositories", checkRepo)
	rule.Branches = readPatterns(r, fields, "branches", checkBranch)
	rule.Paths = readPatterns(r, fields, "paths", func(pattern) error { return nil })
	rule.May = readRights(r, fields, "may")
	rule.MayNot = readRights(r, fields, "mayNot")
	if len(rule.May)+len(rule.MayNot) == 0 && len(r.Problems) == before {
		r.Add(element.Line, "the rule gives nothing and withholds nothing", "add may: [deploy] or mayNot: [suspend]")
	}
	if len(r.Problems) == before {
		checkRule(r, rule)
	}
	if len(r.Problems) > before {
		return
	}
	p.rules.rules = append(p.rules.rules, rule)
	for _, who := range rule.Who {
		p.rules.by[who] = append(p.rules.by[who], rule)
	}
}

// readWho reads a list of operators and groups.
func (p *parser) readWho(r *form.Reader, f form.Field) []string {
	var who []string
	for _, word := range r.Texts(f, maxWho) {
		name := word.Value.Value
		_, group := p.rules.groups[name]
		if name != Everyone && !group && p.rules.operators[name] == nil {
			r.Add(word.Line, fmt.Sprintf("there is no operator or group %q", name), p.hintWho(name))
			continue
		}
		who = append(who, name)
	}
	if len(who) == 0 && f.Value.Kind == yaml.SequenceNode && len(f.Value.Content) == 0 {
		r.Add(f.Line, "the rule is about nobody", "name operators or groups, or remove the rule")
	}
	return who
}

// hintWho names the operator or group whose name is nearest.
func (p *parser) hintWho(name string) string {
	known := []string{Everyone}
	for group := range p.rules.groups {
		known = append(known, group)
	}
	for operator := range p.rules.operators {
		known = append(known, operator)
	}
	slices.Sort(known)
	if near := manifest.Closest(name, known); near != "" {
		return "did you mean " + near + "?"
	}
	return "add operators/NAME.yaml, or a group to groups.yaml"
}

// checkRepo and checkBranch refuse patterns that fit no name. The errors read on from the
// quoted pattern.
func checkRepo(p pattern) error {
	if strings.HasSuffix(string(p), ".git") {
		return errors.New("ends in .git, which belongs to no repository's name")
	}
	// A letter in the place of * and ? makes a name of it.
	if name.Repo(strings.NewReplacer("**", "x", "*", "x", "?", "x").Replace(string(p))).Check() != nil {
		return errors.New("fits no repository's name")
	}
	return nil
}

func checkBranch(p pattern) error {
	_, err := name.ParseBranch(strings.NewReplacer("**", "x", "*", "x", "?", "x").Replace(string(p)))
	return err
}

func readPatterns(r *form.Reader, fields map[string]form.Field, name string, check func(pattern) error) []pattern {
	f, ok := fields[name]
	if !ok {
		return nil
	}
	patterns := []pattern{}
	for _, element := range r.Texts(f, maxPatterns) {
		p, err := glob.Parse(element.Value.Value)
		if err == nil {
			err = check(p)
		}
		if err != nil {
			r.Add(element.Line, fmt.Sprintf("%s: %q %v", name, element.Value.Value, err), "write names with * for any letters, or ** for any words: shop, team/*, docs/**")
			continue
		}
		patterns = append(patterns, p)
	}
	if f.Value.Kind == yaml.SequenceNode && len(f.Value.Content) == 0 {
		r.Add(f.Line, name+" is empty: the rule is about nothing", "leave "+name+" out for all of them")
	}
	return patterns
}

// roleWords are the roles that a rule can give.
var roleWords = []string{string(access.RoleRead), string(access.RolePush), string(access.RoleDeploy), string(access.RoleAdmin)}

func readRights(r *form.Reader, fields map[string]form.Field, name string) []string {
	f, ok := fields[name]
	if !ok {
		return nil
	}
	known := append(slices.Clone(roleWords), access.Verbs()...)
	var words []string
	for _, element := range r.Texts(f, maxRights) {
		word := element.Value.Value
		if !slices.Contains(known, word) {
			hint := "roles are " + strings.Join(roleWords, ", ") + "; verbs are " + strings.Join(access.Verbs(), ", ")
			if near := manifest.Closest(word, known); near != "" {
				hint = "did you mean " + near + "?"
			}
			r.Add(element.Line, fmt.Sprintf("%s: %q is no role and no verb that can be given by itself", name, word), hint)
			continue
		}
		words = append(words, word)
	}
	return words
}

// checkRule refuses rules in which some part would do nothing.
func checkRule(r *form.Reader, rule *Rule) {
	parted := rule.Branches != nil || rule.Paths != nil
	for _, word := range slices.Concat(rule.May, rule.MayNot) {
		right, isVerb := access.OfVerb(word)
		switch {
		case isVerb && right.OnServer() && (rule.Repos != nil || parted):
			r.Add(rule.At.Line, word+" is about the server, not about repositories", "give it in a rule without repositories, branches and paths")
		case isVerb && right.OnWhole() && parted:
			r.Add(rule.At.Line, word+" is about whole repositories", "give it in a rule without branches and paths")
		}
	}
	if slices.Contains(rule.MayNot, string(access.RoleRead)) && parted {
		r.Add(rule.At.Line, "whoever may read a repository reads all of it", "withhold read in a rule without branches and paths")
	}
	onlyRead := slices.Equal(rule.May, []string{string(access.RoleRead)}) && len(rule.MayNot) == 0 && !parted
	if slices.Contains(rule.Repos, pattern(access.AdminRepo)) && !onlyRead {
		r.Add(rule.At.Line, "who may change the server's own repository, admin, is who may administer the server",
			"only read can be given on it; for more, give admin in a rule without repositories")
	}
}
