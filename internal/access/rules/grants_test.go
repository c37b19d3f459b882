package rules

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pushboat/pushboat/internal/access/grant"
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
		if got := p.rules.Account(repo, ""); got != want {
			t.Errorf("%s: %q", repo, got)
		}
	}
	c := comparison{before: &Rules{}, after: p.rules, said: map[sentence][]string{}}
	c.grants()
	if lines := withAccount(c.lines()); !slices.Contains(lines, "  ~ infra deployed as the ServiceAccount kube-system/admin.of-all") || len(lines) != 2 {
		t.Errorf("%q", lines)
	}
	c = comparison{before: p.rules, after: &Rules{}, said: map[sentence][]string{}}
	c.grants()
	if lines := withAccount(c.lines()); len(lines) != 2 || !strings.Contains(lines[0], "no longer deployed as the ServiceAccount") {
		t.Errorf("%q", lines)
	}
}

// TestAccountsThatAppsAskFor: an app gets the account that it asks for only where that cannot
// do more than the repository may anyway.
func TestAccountsThatAppsAskFor(t *testing.T) {
	open, bounded := grantsOf(t, ""), grantsOf(t, `
grants:
  - {repositories: [shop], serviceAccount: team-a/deployer}
  - {repositories: [fleet], namespaces: [team-*, kube-system]}
`)
	for _, test := range []struct {
		rules *Rules
		repo  name.Repo
		asked string
		want  string
	}{
		{open, "fleet", "team-a/web", "team-a/web"},
		{open, "fleet", "", ""},
		{open, "fleet", "kube-system/admin", ""},
		{open, "fleet", "pushboat-system/pushboat", ""},
		{bounded, "fleet", "team-b/web", "team-b/web"},
		{bounded, "fleet", "kube-system/admin", "kube-system/admin"},
		{bounded, "fleet", "other/web", ""},
		{bounded, "fleet", "team-a/deployer", ""},
		{bounded, "shop", "team-a/web", "team-a/deployer"},
		{bounded, "shop", "team-a/deployer", "team-a/deployer"},
		{bounded, "blog", "team-a/web", ""},
		{open, "fleet", "team-a/web:x", ""},
		{open, "fleet", "team-a/", ""},
		{open, "fleet", "web", ""},
		{open, "fleet", "team-a/web\r\nImpersonate-Group: system:masters", ""},
	} {
		if got := test.rules.Account(test.repo, test.asked); got != test.want {
			t.Errorf("%s asks for %q: %q, want %q", test.repo, test.asked, got, test.want)
		}
	}
}

// withAccount are the lines about accounts.
func withAccount(lines []string) []string {
	return slices.DeleteFunc(lines, func(line string) bool { return !strings.Contains(line, "ServiceAccount") })
}

// grantsOf reads repositories.yaml.
func grantsOf(t *testing.T, text string) *Rules {
	t.Helper()
	p := &parser{rules: &Rules{}, tree: fstest.MapFS{reposFile: {Data: []byte(text)}}}
	p.readRepositories()
	if len(p.problems) > 0 {
		t.Fatal(p.problems)
	}
	return p.rules
}

func TestGrantOfARepository(t *testing.T) {
	r := grantsOf(t, `
grants:
  - {repositories: [shop], namespaces: [shop, 'shop-*', {matchLabels: {team: shop, tier: web}}], clusters: [eu, 'us-*']}
  - repositories: ['team/**']
    clusterScoped: [ClusterIssuer.cert-manager.io, '*.example.org']
    kinds: {allow: [Deployment, Service], deny: [Secret]}
    serviceAccount: team/deployer
    plainSecrets: false
    maxObjects: 500
    rate: 30/1h
  - {repositories: [free], plainSecrets: true}
`)
	shop := r.Grant("shop")
	if shop.At.String() != "repositories.yaml:3" || len(shop.Namespaces.Patterns) != 2 || len(shop.Namespaces.Selectors) != 1 ||
		shop.Namespaces.Selectors[0].String() != "team=shop,tier=web" || len(shop.Clusters) != 2 || shop.ClusterScoped != nil {
		t.Errorf("shop: %+v", shop)
	}
	team := r.Grant("team/a/b")
	if len(team.ClusterScoped) != 2 || len(team.Kinds.Allow) != 2 || len(team.Kinds.Deny) != 1 || team.Account != "team/deployer" ||
		team.PlainSecrets != grant.PlainRefused || team.MaxObjects != 500 || team.Rate != (grant.Rate{Pushes: 30, Per: time.Hour}) || !team.Namespaces.All() {
		t.Errorf("team: %+v", team)
	}
	if r.Grant("free").PlainSecrets != grant.PlainAllowed || r.Grant("other").Origin != grant.Missing || (&Rules{}).Grant("other").Origin != grant.Open {
		t.Error("the others")
	}
	for _, text := range []string{"{}", "# nothing\n"} {
		if got := grantsOf(t, text).Grant("shop"); got.Origin != grant.Open {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// TestGrantsOfKeys: a key that a grant names is for its repositories alone.
func TestGrantsOfKeys(t *testing.T) {
	r := grantsOf(t, `
grants:
  - {repositories: [a], decryptionKeys: [a.age, 'arn:x:*'], chartCredentials: ['oci://x/a/']}
  - {repositories: [b], chartCredentials: []}
  - repositories: [c]
    namespaces: [c]
    decryptionKeys: ['*']
`)
	for repo, want := range map[name.Repo][2]string{
		"a": {"a.age, arn:x:*", "oci://x/a"}, "b": {"all that no other grant names", "none"}, "c": {"all", "all that no other grant names"}, "d": {"none", "none"},
	} {
		if g := r.Grant(repo); g.Keys.String() != want[0] || g.Credentials.String() != want[1] {
			t.Errorf("%s: %q, %q", repo, g.Keys, g.Credentials)
		}
	}
	named := r.NamedOfServer()
	if len(named) != 3 || named[0].At.String() != "repositories.yaml:3" || named[2].At.String() != "repositories.yaml:7" || r.Grants() != 3 {
		t.Errorf("%+v", named)
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
		"grants: [{repositories: ['a/../b'], serviceAccount: a/b}]":                  "repositories",
		"grants: [{repository: shop, serviceAccount: a/b}]":                          "repository",
		"grant: []":                          "grant",
		"grants: []":                         "repositories.yaml:1: grants is empty: no repository could deploy anything",
		"grants: {}":                         "grants is a mapping, not a list",
		"grants:\n- {clusters: ['a/b']}":     "repositories.yaml:2: clusters: \"a/b\" fits no cluster's name",
		"grants:\n- namespaces:\n  - Team":   "repositories.yaml:3: namespaces: \"Team\" fits no namespace's name",
		"grants: [{namespaces: [team-]}]":    "fits no namespace's name",
		"grants: [{namespaces: ['team/*']}]": "fits no namespace's name",
		"grants: [{namespaces: ['']}]":       "is empty",
		"grants: [{namespaces: [a, a]}]":     "names \"a\" twice",
		"grants: [{namespaces: [{matchLabels: {a: b}}, {matchLabels: {a: b}}]}]": "names \"a=b\" twice",
		"grants: [{namespaces: []}]":                                                  "namespaces is empty",
		"grants: [{namespaces: [[a]]}]":                                               "namespaces is a list, not text",
		"grants: [{namespaces: team}]":                                                "not a list",
		"grants: [{namespaces: [pushboat-system]}]":                                   "is the server's own",
		"grants: [{namespaces: [{matchLabels: {}}]}]":                                 "matchLabels is empty",
		"grants: [{namespaces: [{}]}]":                                                "has no matchLabels",
		"grants: [{namespaces: [{matchExpressions: []}]}]":                            "unknown field",
		"grants: [{namespaces: [{matchLabels: [a]}]}]":                                "matchLabels is a list, not a mapping",
		"grants: [{namespaces: [{matchLabels: {'a b': c}}]}]":                         "is no label's key",
		"grants: [{namespaces: [{matchLabels: {a: 'b c'}}]}]":                         "is no label's value",
		"grants: [{namespaces: [{matchLabels: {a: [b]}}]}]":                           "not text",
		"grants: [{namespaces: [{matchLabels: {" + numbered(17, "k%d: v, ") + "}}]}]": "more than 16 labels",
		"grants: [{clusterScoped: [Namespace]}]":                                      "Namespaces are given by their names",
		"grants: [{clusterScoped: [clusterroles]}]":                                   "\"clusterroles\" is no kind",
		"grants: [{kinds: {deny: [Secret.]}}]":                                        "\"Secret.\" is no kind",
		"grants: [{kinds: {allow: []}}]":                                              "allow is empty",
		"grants: [{kinds: [Secret]}]":                                                 "kinds is a list, not a mapping",
		"grants: [{kinds: {only: [Secret]}}]":                                         "unknown field \"only\" in kinds",
		"grants: [{plainSecrets: maybe}]":                                             "is not a truth value",
		"grants: [{maxObjects: 0}]":                                                   "\"0\" is no number from 1",
		"grants: [{maxObjects: many}]":                                                "\"many\" is no number",
		"grants: [{maxObjects: [1]}]":                                                 "not text",
		"grants: [{rate: 30}]":                                                        "\"30\" is no rate",
		"grants: [{rate: 0/1h}]":                                                      "is no rate",
		"grants: [{rate: 5/1ms}]":                                                     "is no rate",
		"grants: [{rate: 5/48h}]":                                                     "is no rate",
		"grants: [{rate: [5]}]":                                                       "not text",
		"grants:\n- {}\n- decryptionKeys: ['a*b']":                                    "repositories.yaml:3: decryptionKeys: \"a*b\" is no name",
		"grants: [{decryptionKeys: ['a b']}]":                                         "is no name",
		"grants: [{decryptionKeys: ['']}]":                                            "is",
		"grants: [{decryptionKeys: [a, a]}]":                                          "names \"a\" twice",
		"grants: [{decryptionKeys: a.age}]":                                           "not a list",
		"grants: [{chartCredentials: [/]}]":                                           "chartCredentials: \"/\" is no name",
		"grants: [{chartCredentials: [" + numbered(65, "k%d, ") + "]}]":               "chartCredentials",
		"grants: [shop]":                                                              "repositories.yaml:1",
	} {
		p := &parser{rules: &Rules{}, tree: fstest.MapFS{reposFile: {Data: []byte(text)}}}
		p.readRepositories()
		if len(p.problems) == 0 || !strings.Contains(p.problems.Error(), want) {
			t.Errorf("%s: %v", text, p.problems)
		}
	}
}
