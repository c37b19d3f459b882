package rules

import (
	"slices"
	"strings"
	"testing"
)

func TestCompareGrants(t *testing.T) {
	for name, test := range map[string]struct {
		before, after string
		want          []string
	}{
		"the first grants": {
			"", "- {repositories: [shop], namespaces: [shop]}", []string{
				"- all other repositories may deploy nothing any more: no grant is for them",
				"- shop may no longer deploy objects without a namespace: of all kinds",
				"- shop may no longer deploy to all namespaces, only to shop",
			},
		},
		"none any more": {
			"- {repositories: [shop], namespaces: [shop, kube-system]}", "", []string{
				"+ all other repositories, shop may deploy objects without a namespace: of all kinds",
				"+ all other repositories, shop may deploy to all namespaces but kube-*",
				"- shop may no longer deploy to the namespaces kube-system",
			},
		},
		"a key that was everybody's": {
			"- {repositories: [a]}\n- {repositories: [b]}", "- {repositories: [a], decryptionKeys: [a.age]}\n- {repositories: [b]}", []string{
				"- a may decrypt with only the keys a.age",
				"- b may no longer decrypt with the keys a.age, which other grants name",
			},
		},
		"a key that nobody names any more": {
			"- {repositories: [a], decryptionKeys: [a.age]}\n- {repositories: [b]}", "- {repositories: [a]}\n- {repositories: [b]}", []string{
				"+ a may decrypt with all keys that no other grant names",
				"+ b may decrypt with the keys a.age, which no other grant names any more",
			},
		},
		"other credentials": {
			"- {repositories: [a], chartCredentials: ['oci://x/a', 'oci://x/b']}", "- {repositories: [a], chartCredentials: ['oci://x/b/', 'oci://x/c']}", []string{
				"+ a may fetch charts with the credentials oci://x/c",
				"- a may no longer fetch charts with the credentials oci://x/a",
			},
		},
		"no keys, and all credentials": {
			"- {repositories: [a], chartCredentials: [oci://x]}", "- {repositories: [a], decryptionKeys: [], chartCredentials: ['*']}", []string{
				"+ a may fetch charts with all credentials",
				"- a may decrypt with no keys any more",
			},
		},
		"a new grant with a key": {
			"- {repositories: [a]}", "- {repositories: [a]}\n- {repositories: [b], decryptionKeys: [b.age], namespaces: [b]}", []string{
				"+ b may decrypt with the keys b.age",
				"+ b may deploy to the namespaces b",
				"- a may no longer decrypt with the keys b.age, which other grants name",
			},
		},
		"an earlier, wider grant hides a later one": {
			"- {repositories: ['a/**'], serviceAccount: a/one}",
			"- {repositories: ['a/**'], serviceAccount: a/one}\n- {repositories: [a/b], serviceAccount: a/two}", nil,
		},
		"another order": {
			"- {repositories: ['a/**'], serviceAccount: a/one}\n- {repositories: [a/b], serviceAccount: a/two}",
			"- {repositories: [a/b], serviceAccount: a/two}\n- {repositories: ['a/**'], serviceAccount: a/one}",
			[]string{"~ a/b deployed as the ServiceAccount a/two"},
		},
		"an order that means the same": {
			"- {repositories: [a], serviceAccount: a/one}\n- {repositories: [b], serviceAccount: a/two}",
			"- {repositories: [b], serviceAccount: a/two}\n- {repositories: [a], serviceAccount: a/one}", nil,
		},
		"one list in two grants": {
			"- {repositories: [a, b], serviceAccount: a/one}",
			"- {repositories: [a], serviceAccount: a/one}\n- {repositories: [b], serviceAccount: a/one}", nil,
		},
		"a wide grant becomes narrow ones": {
			"- {repositories: ['a/**']}", "- {repositories: [a/b]}", []string{
				"- a/** may deploy nothing any more: no grant is for them, but for a/b",
			},
		},
		"a new one": {
			"- {repositories: [a]}", "- {repositories: [a]}\n- {repositories: [b], namespaces: [b, {matchLabels: {team: b}}], clusters: [eu]}", []string{
				"+ b may deploy to the namespaces b, with the labels team=b of the clusters eu",
			},
		},
		"namespaces and clusters": {
			"- {namespaces: ['a-*', b], clusters: [eu, us]}", "- {namespaces: [a-1, c, {matchLabels: {team: b}}], clusters: [eu]}", []string{
				"+ all repositories may deploy to namespaces with the labels team=b",
				"+ all repositories may deploy to the namespaces c",
				"- all repositories may no longer deploy to the clusters us",
				"- all repositories may no longer deploy to the namespaces a-*, b",
			},
		},
		"clusters, all": {
			"- {clusters: [eu]}", "- {}", []string{"+ all repositories may deploy to all clusters"},
		},
		"clusters, not all": {
			"- {}", "- {clusters: [eu]}", []string{"- all repositories may no longer deploy to all clusters, only to eu"},
		},
		"kinds": {
			"- {clusterScoped: [A], kinds: {allow: [A, B], deny: [C]}}", "- {clusterScoped: ['*'], kinds: {allow: [B, D], deny: [E]}}", []string{
				"+ all repositories may deploy objects of the kinds C again",
				"+ all repositories may deploy objects of the kinds D",
				"+ all repositories may deploy objects without a namespace: of all kinds",
				"- all repositories may deploy no objects of the kinds E",
				"- all repositories may no longer deploy objects of the kinds A",
				"- all repositories may no longer deploy objects without a namespace: A",
			},
		},
		"only some kinds": {
			"- {}", "- {kinds: {allow: [A]}}", []string{"- all repositories may deploy only objects of the kinds A"},
		},
		"all kinds": {
			"- {kinds: {allow: [A]}}", "- {}", []string{"+ all repositories may deploy objects of all kinds, not only A"},
		},
		"limits begin": {
			"- {}", "- {maxObjects: 5, rate: 1/1m, plainSecrets: false}", []string{
				"- all repositories may have at most 5 objects each",
				"- all repositories may have no Secrets that are not encrypted, whoever asks for it",
				"- all repositories can be sent at most 1 push in 1m",
			},
		},
		"limits change": {
			"- {maxObjects: 5, rate: 30/1h, plainSecrets: false}", "- {maxObjects: 9, rate: 10/30s, plainSecrets: true}", []string{
				"+ all repositories may have Secrets that are not encrypted",
				"+ all repositories may have up to 9 objects each, before 5",
				"~ all repositories can be sent at most 10 pushes in 30s, before 30 pushes in 1h",
			},
		},
		"limits end": {
			"- {maxObjects: 5, rate: 30/30m, plainSecrets: true}", "- {}", []string{
				"+ all repositories may have any number of objects, not 5",
				"+ all repositories can be sent any number of pushes, not 30 pushes in 30m",
				"- all repositories may have Secrets that are not encrypted only where somebody asks for it",
			},
		},
		"plain Secrets, where asked for": {
			"- {plainSecrets: false}", "- {}", []string{"+ all repositories may have Secrets that are not encrypted where somebody asks for it"},
		},
		"an account goes": {
			"- {serviceAccount: a/b}", "- {}", []string{"~ all repositories no longer deployed as the ServiceAccount a/b: as the server itself"},
		},
	} {
		rules := func(text string) *Rules {
			if text == "" {
				return &Rules{}
			}
			return grantsOf(t, "grants:\n"+text)
		}
		c := comparison{before: rules(test.before), after: rules(test.after), said: map[sentence][]string{}}
		c.grants()
		var got []string
		for _, line := range c.lines() {
			got = append(got, strings.TrimSpace(line))
		}
		slices.Sort(got)
		slices.Sort(test.want)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s:\ngot  %s\nwant %s", name, strings.Join(got, "\n     "), strings.Join(test.want, "\n     "))
		}
	}
}
