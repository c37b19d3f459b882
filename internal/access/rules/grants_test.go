package rules

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/name"
)

func TestAccountOfARepository(t *testing.T) {
	p := &parser{rules: &Rules{}, tree: fstest.MapFS{reposFile: {Data: []byte(`
grants:
  - {repositories: [shop, 'team-a/**'], serviceAccount: team-a/deployer}
  - {repositories: ['team-a/web'], serviceAccount: team-a/other}
  - {repositories: [infra], serviceAccount: kube-system/admin.of-all}
`)}}}
	p.readRepositories()
	if len(p.problems) > 0 {
		t.Fatal(p.problems)
	}
	for repo, want := range map[name.Repo]string{
		"shop": "team-a/deployer", "team-a/web": "team-a/deployer", "team-a/b/c": "team-a/deployer",
		"infra": "kube-system/admin.of-all", "shop/x": "", "blog": "",
	} {
		if got := p.rules.Account(repo); got != want {
			t.Errorf("%s: %q", repo, got)
		}
	}
	c := comparison{before: &Rules{}, after: p.rules, said: map[sentence][]string{}}
	c.grants()
	if lines := c.lines(); !slices.Contains(lines, "  ~ infra deployed as the ServiceAccount kube-system/admin.of-all") || len(lines) != 3 {
		t.Errorf("%q", lines)
	}
	c = comparison{before: p.rules, after: &Rules{}, said: map[sentence][]string{}}
	c.grants()
	if lines := c.lines(); len(lines) != 3 || !strings.Contains(lines[0], "no longer deployed as the ServiceAccount") {
		t.Errorf("%q", lines)
	}
}

func TestGrantProblems(t *testing.T) {
	for text, want := range map[string]string{
		"grants: [{repositories: [shop], serviceAccount: deployer}]":                 `repositories.yaml:1: serviceAccount: "deployer" is no ServiceAccount`,
		"grants: [{repositories: [shop], serviceAccount: a/b/c}]":                    `"a/b/c" is no ServiceAccount`,
		"grants: [{repositories: [shop], serviceAccount: 'A/b'}]":                    `"A/b" is no ServiceAccount`,
		"grants: [{repositories: [shop], serviceAccount: \"a/b\\nc\"}]":              "is no ServiceAccount",
		"grants: [{repositories: [shop], serviceAccount: pushboat-system/pushboat}]": "the accounts of pushboat-system are the server's own",
		"grants: [{repositories: [shop], serviceAccount: [a/b]}]":                    "serviceAccount",
		"grants:\n- {repositories: [shop]}":                                          "repositories.yaml:2: the grant has no serviceAccount",
		"grants: [{repositories: ['a/../b'], serviceAccount: a/b}]":                  "repositories",
		"grants: [{repository: shop, serviceAccount: a/b}]":                          "repository",
		"grant: []":      "grant",
		"grants: [shop]": "repositories.yaml:1",
	} {
		p := &parser{rules: &Rules{}, tree: fstest.MapFS{reposFile: {Data: []byte(text)}}}
		p.readRepositories()
		if len(p.problems) == 0 || !strings.Contains(p.problems.Error(), want) {
			t.Errorf("%s: %v", text, p.problems)
		}
	}
}
