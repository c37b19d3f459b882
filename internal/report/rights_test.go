package report

import (
	"strings"
	"testing"

	rbac "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/pushboat/pushboat/internal/manifest"
)

const deployer = "system:serviceaccount:team-a:deployer"

func keep(group, resource, namespace, name string) manifest.Right {
	return manifest.Right{User: deployer, Verbs: manifest.KeepVerbs, Group: group, Resource: resource, Namespace: namespace, Name: name}
}

func TestGrant(t *testing.T) {
	for name, test := range map[string]struct {
		rights []manifest.Right
		want   string // with the names of roles left out
	}{
		"none": {nil, ""},
		"kinds of a namespace": {
			[]manifest.Right{keep("", "secrets", "team-a", "a"), keep("", "secrets", "team-a", "b"), keep("", "configmaps", "team-a", "c"), keep("apps", "deployments", "team-a", "d")},
			`Role team-a/deployer-*: [""] [configmaps secrets] get,create,patch,update,delete; [apps] [deployments] get,create,patch,update,delete
RoleBinding team-a/deployer-*: Role deployer-* to ServiceAccount team-a/deployer`,
		},
		"objects of the cluster": {
			[]manifest.Right{keep("", "namespaces", "", "a"), keep("", "namespaces", "", "b")},
			`ClusterRole deployer-*: [""] [namespaces] create; [""] [namespaces] get,patch,update,delete of a,b
ClusterRoleBinding deployer-*: ClusterRole deployer-* to ServiceAccount team-a/deployer`,
		},
		"one object to read, and pods": {
			[]manifest.Right{
				{User: deployer, Verbs: "get", Resource: "secrets", Namespace: "b", Name: "true"},
				{User: deployer, Verbs: "get", Resource: "pods/log", Namespace: "b", Name: "web-1"},
				{User: deployer, Verbs: "list", Resource: "pods", Namespace: "b"},
			},
			`Role b/deployer-*: [""] [pods/log] get; [""] [secrets] get of true; [""] [pods] list
RoleBinding b/deployer-*: Role deployer-* to ServiceAccount team-a/deployer`,
		},
		"the server's": {
			[]manifest.Right{{User: "pb: \"x\"", Verbs: "impersonate", Resource: "serviceaccounts", Namespace: "team-a", Name: "deployer"}},
			`Role team-a/pushboat-*: [""] [serviceaccounts] impersonate of deployer
RoleBinding team-a/pushboat-*: Role pushboat-* to User /pb: "x"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			text := Grant(test.rights)
			if got := read(t, text); got != test.want {
				t.Errorf("got\n%s\nwant\n%s\nof\n%s", got, test.want, text)
			}
		})
	}
}

// read parses the grant like kubectl, with the indentation of a terminal.
func read(t *testing.T, text string) string {
	t.Helper()
	_, text, _ = strings.Cut(text, "\n")
	var list struct {
		Items []struct {
			rbac.RoleBinding
			Rules []rbac.PolicyRule `json:"rules"`
		} `json:"items"`
	}
	if err := yaml.Unmarshal([]byte("  "+strings.ReplaceAll(text, "\n", "\n  ")), &list); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	var lines []string
	for _, item := range list.Items {
		line := item.Kind + " " + strings.TrimPrefix(item.Namespace+"/", "/") + withoutSum(item.Name) + ": "
		var rules []string
		for _, r := range item.Rules {
			rule := "[" + strings.ReplaceAll(strings.Join(r.APIGroups, " ")+"]", "[]", `[""]`)
			if r.APIGroups[0] == "" {
				rule = `[""]`
			}
			rule += " [" + strings.Join(r.Resources, " ") + "] " + strings.Join(r.Verbs, ",")
			if len(r.ResourceNames) > 0 {
				rule += " of " + strings.Join(r.ResourceNames, ",")
			}
			rules = append(rules, rule)
		}
		line += strings.Join(rules, "; ")
		for _, s := range item.Subjects {
			line += item.RoleRef.Kind + " " + withoutSum(item.RoleRef.Name) + " to " + s.Kind + " " + s.Namespace + "/" + s.Name
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func withoutSum(name string) string { return name[:strings.LastIndex(name, "-")+1] + "*" }

// TestGrantsAreNamedApart: a grant that is pasted later must not replace an earlier one.
func TestGrantsAreNamedApart(t *testing.T) {
	one, other := Grant([]manifest.Right{keep("", "secrets", "a", "x")}), Grant([]manifest.Right{keep("", "pods", "a", "x")})
	if name := named(one); name == named(other) || name != named(Grant([]manifest.Right{keep("", "secrets", "a", "y")})) {
		t.Errorf("%s\n%s", one, other)
	}
}

func named(grant string) string {
	_, name, _ := strings.Cut(grant, "name: ")
	name, _, _ = strings.Cut(name, "}")
	return name
}

func TestWithGrant(t *testing.T) {
	at := func(line int, lacks manifest.Right) manifest.Problem {
		return manifest.Problem{Source: manifest.Source{File: "a.yaml", Line: line}, Message: "m", Lacks: lacks}
	}
	problems := WithGrant(manifest.Problems{at(3, keep("", "secrets", "a", "x")), at(9, manifest.Right{}), at(1, keep("", "pods", "a", "x"))})
	for i, want := range []bool{false, true, false} {
		if got := strings.Contains(problems[i].Message, "resources: [pods, secrets]"); got != want {
			t.Errorf("problem %d: %s", i, problems[i].Message)
		}
	}
	if plain := WithGrant(manifest.Problems{at(1, manifest.Right{})}); plain[0].Message != "m" {
		t.Error(plain)
	}
}
