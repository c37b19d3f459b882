package rules

import (
	"fmt"
	"testing"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/name"
)

func onRepo(repo name.Repo) access.Subject { return access.Subject{Repo: repo} }

func onBranch(repo name.Repo, branch name.Branch, paths ...string) access.Subject {
	return access.Subject{Repo: repo, Ref: branch.Ref(), Paths: paths}
}

// TestDecide tries every way in which a rule can grant a right, withhold it, or not apply.
func TestDecide(t *testing.T) {
	server := access.Subject{}
	tag := access.Subject{Repo: "shop", Ref: "refs/tags/v1"}
	for i, test := range []struct {
		rules    []string // from line 2 on
		operator string
		right    access.Right
		on       access.Subject
		want     access.Decision
	}{
		// By role, and by operator.
		{[]string{"- {who: [ben], may: [deploy]}"}, "ben", access.Deploy, onRepo("shop"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], may: [deploy]}"}, "ben", access.PushRepo, onRepo("shop"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], may: [push]}"}, "ben", access.Deploy, onRepo("shop"), access.Decision{}},
		{[]string{"- {who: [ben], may: [deploy]}"}, "dora", access.Deploy, onRepo("shop"), access.Decision{}},
		{[]string{"- {who: [shop], may: [deploy]}"}, "ci", access.Deploy, onRepo("shop"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [shop], may: [deploy]}"}, "dora", access.Deploy, onRepo("shop"), access.Decision{}},
		{[]string{"- {who: [everyone], may: [read]}"}, "dora", access.ReadRepo, onRepo("shop"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [everyone], may: [read]}"}, "eve", access.ReadRepo, onRepo("shop"), access.Decision{}},
		{[]string{"- {who: [ben], may: [read]}", "- {who: [shop], may: [deploy]}"}, "ben", access.Deploy, onRepo("shop"), access.Decision{Allowed: true, Rule: "access.yaml:3"}},
		// The server.
		{[]string{"- {who: [ben], may: [admin]}"}, "ben", access.Administer, server, access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], repositories: ['**'], may: [admin]}"}, "ben", access.Administer, server, access.Decision{}},
		{[]string{"- {who: [ben], branches: ['**'], may: [admin]}"}, "ben", access.Administer, server, access.Decision{}},
		{[]string{"- {who: [ben], paths: ['**'], may: [admin]}"}, "ben", access.Administer, server, access.Decision{}},
		{[]string{"- {who: [ben], may: [backup]}"}, "ben", access.Backup, server, access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], may: [backup]}"}, "ben", access.Administer, server, access.Decision{}},
		{[]string{"- {who: [ben], may: [backup]}"}, "ben", access.ReadRepo, onRepo("shop"), access.Decision{}},
		{[]string{"- {who: [ben], may: [read]}"}, "ben", access.ReadServer, server, access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], may: [rollback]}"}, "ben", access.ReadServer, server, access.Decision{}},
		{[]string{"- {who: [ben], may: [admin]}", "- {who: [ben], mayNot: [drain]}"}, "ben", access.Drain, server, access.Decision{Rule: "access.yaml:3", Withheld: true}},
		{[]string{"- {who: [ben], may: [admin]}", "- {who: [ben], repositories: [shop], mayNot: [admin]}"}, "ben", access.Administer, server, access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		// Repositories.
		{[]string{"- {who: [ben], repositories: [shop, 'team/*'], may: [deploy]}"}, "ben", access.Deploy, onRepo("team/web"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], repositories: [shop, 'team/*'], may: [deploy]}"}, "ben", access.Deploy, onRepo("shops"), access.Decision{}},
		{[]string{"- {who: [ben], repositories: ['team/**'], may: [deploy]}"}, "ben", access.Deploy, onRepo("team/a/b"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], repositories: [shop], may: [admin]}"}, "ben", access.DeleteRepo, onRepo("shop"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], repositories: [shop], branches: [main], may: [admin]}"}, "ben", access.DeleteRepo, onRepo("shop"), access.Decision{}},
		{[]string{"- {who: [ben], repositories: [shop], paths: [docs], may: [deploy]}"}, "ben", access.CreateRepo, onRepo("shop"), access.Decision{}},
		// Branches and tags.
		{[]string{"- {who: [ben], branches: [main, 'release/*'], may: [deploy]}"}, "ben", access.Deploy, onBranch("shop", "release/1"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], branches: [main], may: [deploy]}"}, "ben", access.Deploy, onBranch("shop", "draft"), access.Decision{}},
		{[]string{"- {who: [ben], branches: [main], may: [deploy]}"}, "ben", access.Deploy, onRepo("shop"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], branches: [main], may: [deploy]}"}, "ben", access.ReadRepo, onBranch("shop", "draft"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], branches: [main], may: [push]}"}, "ben", access.PushRepo, tag, access.Decision{}},
		{[]string{"- {who: [ben], may: [push]}"}, "ben", access.PushRepo, tag, access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], paths: [docs], may: [push]}"}, "ben", access.PushRepo, tag, access.Decision{}},
		// Paths.
		{[]string{"- {who: [ben], paths: [docs], may: [push]}"}, "ben", access.PushRepo, onBranch("shop", "main", "docs/a/b.md"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], paths: ['docs/**'], may: [push]}"}, "ben", access.PushRepo, onBranch("shop", "main", "docs/a.md", "web.yaml"), access.Decision{Path: "web.yaml"}},
		{[]string{"- {who: [ben], paths: [docs], may: [push]}", "- {who: [ben], paths: ['*.yaml'], may: [push]}"}, "ben", access.PushRepo, onBranch("shop", "main", "docs/a.md", "web.yaml"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], paths: [docs], may: [push]}", "- {who: [ben], paths: ['*.yaml'], may: [push]}"}, "ben", access.PushRepo, onBranch("shop", "main", "web.yaml"), access.Decision{Allowed: true, Rule: "access.yaml:3"}},
		{[]string{"- {who: [ben], paths: [docs], may: [push]}"}, "ben", access.PushRepo, access.Subject{Repo: "shop", Ref: "refs/heads/main", Paths: []string{}}, access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], paths: [deploy/shop], may: [deploy]}"}, "ben", access.Suspend, onBranch("shop", "main", "deploy/blog"), access.Decision{Path: "deploy/blog"}},
		{[]string{"- {who: [ben], paths: [deploy/shop], may: [deploy]}"}, "ben", access.ReadDeploys, onBranch("shop", "main", "deploy/blog"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], paths: [deploy/shop], may: [deploy]}"}, "ben", access.Suspend, onBranch("shop", "main", "."), access.Decision{Path: "."}},
		// Withheld.
		{[]string{"- {who: [ben], may: [deploy]}", "- {who: [everyone], mayNot: [suspend]}"}, "ben", access.Suspend, onRepo("shop"), access.Decision{Rule: "access.yaml:3", Withheld: true}},
		{[]string{"- {who: [ben], may: [deploy], mayNot: [suspend]}"}, "ben", access.Rollback, onRepo("shop"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], may: [deploy]}", "- {who: [ben], mayNot: [push]}"}, "ben", access.Deploy, onRepo("shop"), access.Decision{Rule: "access.yaml:3", Withheld: true}},
		{[]string{"- {who: [ben], may: [deploy]}", "- {who: [ben], mayNot: [push]}"}, "ben", access.ReadRepo, onRepo("shop"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], may: [deploy]}", "- {who: [ben], mayNot: [read]}"}, "ben", access.ReadRepo, onRepo("shop"), access.Decision{Rule: "access.yaml:3", Withheld: true}},
		{[]string{"- {who: [ben], may: [deploy]}", "- {who: [ben], branches: [main], mayNot: [deploy]}"}, "ben", access.Deploy, onBranch("shop", "main"), access.Decision{Rule: "access.yaml:3", Withheld: true}},
		{[]string{"- {who: [ben], may: [deploy]}", "- {who: [ben], branches: [main], mayNot: [deploy]}"}, "ben", access.Deploy, onBranch("shop", "draft"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], may: [deploy]}", "- {who: [ben], branches: [main], mayNot: [deploy]}"}, "ben", access.Deploy, onRepo("shop"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], may: [deploy]}", "- {who: [ben], paths: [secret/key], mayNot: [push]}"}, "ben", access.Deploy, onBranch("shop", "main", "a", "secret/key"), access.Decision{Rule: "access.yaml:3", Withheld: true, Path: "secret/key"}},
		{[]string{"- {who: [ben], may: [deploy]}", "- {who: [ben], paths: [secret/key], mayNot: [push]}"}, "ben", access.Rollback, onBranch("shop", "main", "secret"), access.Decision{Rule: "access.yaml:3", Withheld: true, Path: "secret"}},
		{[]string{"- {who: [ben], may: [deploy]}", "- {who: [ben], paths: [secret/key], mayNot: [push]}"}, "ben", access.Deploy, onBranch("shop", "main", "other"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], may: [deploy]}", "- {who: [ben], paths: [secret/key], mayNot: [push]}"}, "ben", access.Suspend, onBranch("shop", "main", "secret"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], may: [deploy]}", "- {who: [ben], paths: [secret], mayNot: [suspend]}"}, "ben", access.Suspend, onBranch("shop", "main", "secret/app"), access.Decision{Rule: "access.yaml:3", Withheld: true, Path: "secret/app"}},
		// Single verbs.
		{[]string{"- {who: [ben], repositories: [shop], may: [rollback]}"}, "ben", access.Rollback, onRepo("shop"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], repositories: [shop], may: [rollback]}"}, "ben", access.Suspend, onRepo("shop"), access.Decision{}},
		{[]string{"- {who: [ben], repositories: [shop], may: [rollback]}"}, "ben", access.ReadDeploys, onRepo("shop"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], repositories: [shop], may: [repo create]}"}, "ben", access.CreateRepo, onRepo("shop"), access.Decision{Allowed: true, Rule: "access.yaml:2"}},
		{[]string{"- {who: [ben], may: [admin]}"}, "ben", access.Right("fly"), onRepo("shop"), access.Decision{}},
	} {
		t.Run(fmt.Sprintf("%d %s %s", i, test.operator, test.right), func(t *testing.T) {
			if got := parsed(t, test.rules...).Decide(test.operator, test.right, test.on); got != test.want {
				t.Errorf("%q on %+v: got %+v, want %+v", test.rules, test.on, got, test.want)
			}
		})
	}
}

// TestMatrix compares the rights of each role when it comes from a rule without
// repositories with the rights when it comes from a line of a key file.
func TestMatrix(t *testing.T) {
	rights := []access.Right{
		access.ReadRepo, access.ReadDeploys, access.PushRepo, access.Deploy, access.ReadLogs, access.CreateRepo, access.DeleteRepo,
		access.ReadServer, access.Administer,
	}
	for _, verb := range access.Verbs() {
		right, _ := access.OfVerb(verb)
		rights = append(rights, right)
	}
	for _, role := range []access.Role{access.RoleRead, access.RolePush, access.RoleDeploy, access.RoleAdmin} {
		r := parsed(t, fmt.Sprintf("- {who: [ben], may: [%s]}", role))
		for _, right := range rights {
			on := onRepo("shop")
			if right.OnServer() {
				on = access.Subject{}
			}
			if got, want := r.Decide("ben", right, on).Allowed, role.Includes(right.Least()); got != want {
				t.Errorf("%s for %s: %v, want %v", right, role, got, want)
			}
		}
	}
}

func TestWhoReadsTheRules(t *testing.T) {
	for rule, want := range map[string]bool{
		"- {who: [ben], repositories: [admin], may: [read]}":                                 true,
		"- {who: [shop], repositories: [x, admin], may: [read]}":                             true,
		"- {who: [ben], repositories: ['*'], may: [read]}":                                   false,
		"- {who: [ben], may: [read]}":                                                        false,
		"- {who: [dora], repositories: [admin], may: [read]}":                                false,
		"- {who: [ben], repositories: [admin], may: [read]}\n- {who: [ben], mayNot: [read]}": false,
	} {
		if got := parsed(t, rule).ReadsRules("ben").Allowed; got != want {
			t.Errorf("%s: %v, want %v", rule, got, want)
		}
	}
}

func TestHasPaths(t *testing.T) {
	r := parsed(t, "- {who: [shop], paths: [docs], mayNot: [push]}", "- {who: [dora], may: [push]}")
	if !r.HasPaths("ben") || r.HasPaths("dora") || r.HasPaths("nobody") {
		t.Errorf("ben %v, dora %v, nobody %v", r.HasPaths("ben"), r.HasPaths("dora"), r.HasPaths("nobody"))
	}
}
