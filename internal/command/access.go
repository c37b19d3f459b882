package command

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/report"
)

// explainedAccess is what key files and rules give somebody in a repository.
type explainedAccess struct {
	Operator   string      `json:"operator"`
	Repository name.Repo   `json:"repository"`
	Branch     name.Branch `json:"branch,omitempty"`
	Groups     []string    `json:"groups,omitempty"`
	// Certified are the certificates by which they come in.
	Certified []rules.Certifying `json:"certificates,omitempty"`
	Files     []fileRole         `json:"keyFiles,omitempty"`
	Rules     []rules.Answer     `json:"rules"` // [] for somebody who is not in the rules
	Grant     *explainedGrant    `json:"grant,omitempty"`
}

// fileRole is what a line of a key file gives.
type fileRole struct {
	Place  string      `json:"place"` // such as keys:3
	Role   access.Role `json:"role"`
	Repos  string      `json:"repositories,omitempty"`
	Counts bool        `json:"counts"` // it is about the repository
}

// explainAccess says what somebody may do in a repository, and by which rule, and what the
// repository may deploy, whoever pushes to it.
func explainAccess(_ context.Context, c *call) error {
	who, on, err := c.askedAbout()
	if err != nil {
		return err
	}
	now, files := c.Rules(), c.KeyFiles()
	answer := explainedAccess{Operator: who, Repository: on.Repo, Groups: now.Groups(who), Rules: []rules.Answer{}}
	answer.Branch, _ = name.BranchOf(on.Ref)
	for _, key := range files.Operators() {
		if key.Name == who {
			place, _ := files.Find(key.Fingerprint)
			counts := key.Repos == "" || key.Repos.Match(on.Repo)
			answer.Files = append(answer.Files, fileRole{place, key.Role, string(key.Repos), counts})
		}
	}
	mayAll := c.Policy.Allows(c.Caller(), access.Administer, access.Subject{})
	_, known := now.Operator(who)
	caller := access.Caller{Operator: who, Ruled: true, Groups: c.groupsOf(who)}
	if caller.Groups != "" { // of somebody who is no operator
		known, answer.Groups = true, caller.Groups.Names()
	}
	if !mayAll && !c.Caller().Ruled { // the key file's name may be somebody else's in the rules
		known, answer.Groups = false, nil
	}
	if known {
		answer.Certified = now.Certifying(who)
		if caller.Groups != "" {
			answer.Certified = now.Certifying(caller.Groups.Who())
		}
		named := who
		if caller.Groups != "" {
			named = caller.Groups.Who()
		}
		answer.Rules = now.Explain(named, on, func(right access.Right) access.Decision {
			subject := on
			if right.OnServer() {
				subject = access.Subject{}
			}
			return c.Policy.Decide(caller, right, subject)
		})
	}
	if !mayAll {
		answer.hideRules()
	}
	if !known && len(answer.Files) == 0 {
		return report.WithHint(fmt.Errorf("there is no operator %q", manifest.Clean(who)), "%s", c.nearestOperator(who))
	}
	answer.Grant = c.explainGrant(on.Repo)
	answer.Rules = listed(answer.Rules)
	return c.print(answer, func(w io.Writer) {
		printExplained(w, answer)
		answer.Grant.print(w, on.Repo)
	})
}

// hideRules takes away what only admins may read: where the lines stand that decide, and
// what else they say.
func (a *explainedAccess) hideRules() {
	for i, answer := range a.Rules {
		a.Rules[i] = answer.WithoutRule(a.Operator, a.Groups)
	}
	for i := range a.Files {
		a.Files[i].Place = "a key file"
	}
}

// groupsOf returns the groups whose members are asked about, who have certificates for them:
// the caller's own, or @GROUP. "" for an operator.
func (c *call) groupsOf(who string) access.Groups {
	if who == c.Caller().Operator {
		return c.Caller().Groups
	}
	groups, ok := access.ParseGroups(who)
	if !ok || len(c.Rules().Certifying(who)) == 0 {
		return ""
	}
	return groups
}

// askedAbout reads the words of the call, and refuses what the caller may not ask.
func (c *call) askedAbout() (who string, on access.Subject, err error) {
	who = c.args[0]
	if who != c.Caller().Operator {
		if err := c.check(access.Administer, access.Subject{}); err != nil {
			return "", on, err
		}
	}
	repo, err := name.ParseRepo(c.args[1])
	if err != nil {
		return "", on, report.WithHint(err, "list the repositories: ssh HOST repo list")
	}
	on.Repo = repo
	if len(c.args) == 3 {
		branch, err := name.ParseBranch(c.args[2])
		if err != nil {
			return "", on, report.WithHint(fmt.Errorf("branch %q %w", manifest.Clean(c.args[2]), err), "give a branch such as main")
		}
		on.Ref = branch.Ref()
	}
	return who, on, nil
}

// nearestOperator is a hint for a name that is no operator's.
func (c *call) nearestOperator(who string) string {
	var names []string
	for _, operator := range c.Rules().Operators() {
		names = append(names, operator.Name)
	}
	for _, key := range c.KeyFiles().Operators() {
		names = append(names, key.Name)
	}
	slices.Sort(names)
	hint := "list the operators: ssh HOST keys list"
	if near := manifest.Closest(who, slices.Compact(names)); near != "" {
		hint = "did you mean " + near + "? " + hint
	}
	return hint
}

func printExplained(w io.Writer, a explainedAccess) {
	where := string(a.Repository)
	if a.Branch != "" {
		where += ", branch " + string(a.Branch)
	}
	fmt.Fprintf(w, "%s on %s\n", a.Operator, manifest.Clean(where))
	if len(a.Groups) > 0 {
		fmt.Fprintf(w, "  groups %s\n", strings.Join(a.Groups, ", "))
	}
	for _, way := range a.Certified {
		fmt.Fprintf(w, "  comes in with certificates of %s, principal %s, %s\n", way.Authority, manifest.Clean(way.Principal), goodUntil(way.Expires))
	}
	for _, line := range a.Files {
		only := ""
		if line.Repos != "" {
			only = ", only for " + line.Repos
		}
		fmt.Fprintf(w, "  a key in %s has the role %s%s\n", line.Place, line.Role, only)
	}
	if len(a.Rules) == 0 {
		fmt.Fprintln(w, "  the rules of admin.git say nothing about the operator's keys")
		return
	}
	table := newTable(w, "MAY", "", "BY")
	for _, answer := range a.Rules {
		by := "no rule gives it"
		switch {
		case answer.Rule != "":
			by = answer.Rule + ": " + answer.Says
		case answer.Says != "":
			by = answer.Says
		}
		table.row(answer.Word, map[bool]string{true: "yes", false: "no"}[answer.Allowed], by)
		for _, rule := range answer.Except {
			table.row("", "", "but not everywhere, by "+rule)
		}
	}
	table.print()
}
