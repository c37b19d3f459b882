package install

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pushboat/pushboat/internal/manifest"
)

// rightsOf lists what the roles of an installation allow: "VERB RESOURCE", with the
// namespace of a Role, and the names that it is restricted to.
func rightsOf(t *testing.T, objects []*manifest.Object) []string {
	t.Helper()
	var found []string
	for _, o := range objects {
		if o.GetKind() != "Role" && o.GetKind() != "ClusterRole" {
			continue
		}
		rules, _, _ := unstructured.NestedSlice(o.Object, "rules")
		for _, rule := range rules {
			fields := rule.(map[string]any)
			verbs, _, _ := unstructured.NestedStringSlice(fields, "verbs")
			resources, _, _ := unstructured.NestedStringSlice(fields, "resources")
			names, _, _ := unstructured.NestedStringSlice(fields, "resourceNames")
			for _, verb := range verbs {
				for _, resource := range resources {
					right := verb + " " + resource
					if o.GetNamespace() != "" {
						right += " in " + o.GetNamespace()
					}
					if len(names) > 0 {
						right += " named " + strings.Join(names, ", ")
					}
					found = append(found, right)
				}
			}
		}
	}
	return found
}

// writes picks the rights that change something, or let the server act as somebody else.
func writes(rights []string) []string {
	return slices.DeleteFunc(slices.Clone(rights), func(right string) bool {
		verb, _, _ := strings.Cut(right, " ")
		return verb == "get" || verb == "list" || verb == "watch"
	})
}

// TestAccountsAreAllThatTheServerMayActAs: with accounts, the server writes in its own
// namespace alone, and may be these accounts and nobody else.
func TestAccountsAreAllThatTheServerMayActAs(t *testing.T) {
	rights := rightsOf(t, rendered(t, "rights: {accounts: [team-a/deployer, team-b/deployer, team-a/robot], rules: [{apiGroups: [cert-manager.io], resources: [certificates], verbs: [get, delete]}]}"))
	var elsewhere []string
	for _, right := range writes(rights) {
		if !strings.HasSuffix(right, " in pushboat-system") {
			elsewhere = append(elsewhere, right)
		}
	}
	if want := []string{
		"impersonate serviceaccounts in team-a named deployer, robot", "impersonate serviceaccounts in team-b named deployer",
	}; !slices.Equal(elsewhere, want) {
		t.Errorf("outside its namespace the server may %q, want %q", elsewhere, want)
	}
	for _, want := range []string{
		"list deployments", "watch certificates", "get serviceaccounts", "create deployments in pushboat-system",
		"patch certificates in pushboat-system", "delete secrets in pushboat-system",
	} {
		if !slices.Contains(rights, want) {
			t.Errorf("the server may not %s", want)
		}
	}
	for _, not := range []string{"get pods/log", "create roles in pushboat-system", "delete certificates in pushboat-system"} {
		if slices.Contains(rights, not) {
			t.Errorf("the server may %s", not)
		}
	}
	for _, right := range rightsOf(t, rendered(t, "{}")) {
		if strings.Contains(right, "impersonate") {
			t.Errorf("without accounts, the server may %s", right)
		}
	}
}

// TestNamespacesBesideAccounts: in namespaces that are named, the server writes as itself,
// too, and reads what it shows from there.
func TestNamespacesBesideAccounts(t *testing.T) {
	objects := rendered(t, "rights: {accounts: [team-a/deployer], namespaces: [shop]}")
	rights := rightsOf(t, objects)
	for _, want := range []string{"impersonate serviceaccounts in team-a named deployer", "get pods/log", "delete deployments"} {
		if !slices.Contains(rights, want) {
			t.Errorf("the server may not %s", want)
		}
	}
	var bound []string
	for _, o := range objects {
		if field(o, "roleRef", "name") == "pushboat-deploy" {
			bound = append(bound, o.GetKind()+" "+o.GetNamespace())
		}
	}
	if !slices.Equal(bound, []string{"RoleBinding shop"}) {
		t.Errorf("pushboat-deploy is bound by %q", bound)
	}
}

// TestAccountsOfAnAddedCluster: the account of a server that runs elsewhere has the same
// rights.
func TestAccountsOfAnAddedCluster(t *testing.T) {
	objects, err := Addition{Name: "paris", Rights: "namespaced", Accounts: []string{"team-a/deployer"}}.manifests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := rightsOf(t, objects), rightsOf(t, rendered(t, "rights: {accounts: [team-a/deployer]}")); !slices.Equal(got, want) {
		t.Errorf("an addition gives %q, an installation %q", got, want)
	}
}
