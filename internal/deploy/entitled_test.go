package deploy

import (
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest/manifesttest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
)

// tenant is the account of the tests.
var tenant = kube.Account{Namespace: "team", Name: "deployer"}

// rightsOf is a manifest with a binding of the account, and a role to which it is bound.
const rightsOf = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: writer, namespace: team}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: deployer, namespace: team}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: writer}
subjects: [{kind: ServiceAccount, name: deployer, namespace: team}]
`

// TestWhatGivesAnAccountRights: an app is tried as another account only where the push changes
// something that its own depends on.
func TestWhatGivesAnAccountRights(t *testing.T) {
	binding := func(kind, subject string) string {
		return "apiVersion: rbac.authorization.k8s.io/v1\nkind: " + kind + "\nmetadata: {name: b, namespace: team}\nroleRef: {kind: ClusterRole, name: view}\nsubjects: [" + subject + "]\n"
	}
	for what, test := range map[string]struct {
		manifest string
		want     bool
	}{
		"the account":              {"apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: deployer, namespace: team}\n", true},
		"another account":          {"apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: other, namespace: team}\n", false},
		"one of another namespace": {"apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: deployer, namespace: other}\n", false},
		"a binding":                {binding("RoleBinding", "{kind: ServiceAccount, name: deployer, namespace: team}"), true},
		"a binding of the cluster": {binding("ClusterRoleBinding", "{kind: ServiceAccount, name: deployer, namespace: team}"), true},
		"a binding of another":     {binding("RoleBinding", "{kind: ServiceAccount, name: deployer, namespace: other}"), false},
		"of its namespace's group": {binding("RoleBinding", "{kind: Group, name: 'system:serviceaccounts:team'}"), true},
		"of another group":         {binding("RoleBinding", "{kind: Group, name: 'system:serviceaccounts:other'}"), false},
		"of its name as a user":    {binding("RoleBinding", "{kind: User, name: 'system:serviceaccount:team:deployer'}"), true},
		"of another user":          {binding("RoleBinding", "{kind: User, name: deployer}"), false},
		"subjects of no kind":      {binding("RoleBinding", "a, {kind: 1}"), false},
		"a role that it has":       {"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: writer, namespace: team}\n", true},
		"a role that it has not":   {"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: writer, namespace: other}\n", false},
		"a ConfigMap":              {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: deployer, namespace: team}\n", false},
	} {
		t.Run(what, func(t *testing.T) {
			bound := rolesOf([]*target{wanted("tenants", func(w *target) { w.Objects = manifesttest.Parsed(t, rightsOf) })}, "default", tenant)
			o := manifesttest.Parsed(t, test.manifest)[0]
			change := entitlement{wanted("tenants"), o.ID(), o}
			if got := entitles(o.ID().GroupKind()) && change.isFor(tenant, bound); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
	if bound := rolesOf([]*target{wanted("tenants", func(w *target) { w.Objects = manifesttest.Parsed(t, rightsOf) })}, "other", tenant); len(bound) > 0 {
		t.Errorf("on another cluster it has the roles %v", bound)
	}
}

// grantingTenant lets apps be applied as the account.
func (o *office) grantingTenant() {
	o.Accounts = func(_ name.Repo, _, asked string) kube.Account {
		if asked == tenant.String() {
			return tenant
		}
		return kube.Account{}
	}
}

func asTenant(t *target) { t.Spec.ServiceAccount = tenant.String() }

// TestAccountsThatGetRights: by which apps of a push the accounts of the others get rights.
func TestAccountsThatGetRights(t *testing.T) {
	o := newOffice(t)
	o.grantingTenant()
	rights := func(w *target) { w.Objects = manifesttest.Parsed(t, rightsOf) }
	place := func(targets ...*target) map[*target][]plan.Placed {
		placed := map[*target][]plan.Placed{}
		for _, w := range targets {
			for _, object := range w.Objects {
				placed[w] = append(placed[w], plan.Placed{Object: object, Key: object.ID()})
			}
		}
		return placed
	}
	maker, web := wanted("tenants", rights), wanted("web", asTenant)
	itself, elsewhere := wanted("itself", asTenant, rights), wanted("elsewhere", asTenant, func(w *target) { w.Spec.Cluster = "other" })
	plainly, going := wanted("plain"), wanted("going", asTenant, func(w *target) { w.Gone = true })
	all := []*target{web, maker, itself, elsewhere, plainly, going}
	found := o.entitled(o.proposed("shop", all...), place(maker))
	if len(found) != 2 || !slices.Equal(found[web], []name.App{"tenants"}) || !slices.Equal(found[itself], []name.App{"tenants"}) {
		t.Errorf("%v", found)
	}
	if found := o.entitled(o.proposed("shop", web, itself), place(itself)); len(found) != 1 || !slices.Equal(found[web], []name.App{"itself"}) {
		t.Errorf("what an app gives to its own account counts: %v", found)
	}
	if found := o.entitled(o.proposed("shop", maker, plainly), place(maker)); found != nil {
		t.Errorf("without an account of its own: %v", found)
	}
	o.Accounts = nil
	if found := o.entitled(o.proposed("shop", all...), place(maker)); found != nil {
		t.Errorf("where the grant gives no account: %v", found)
	}
}

// TestAppsWaitForTheirRights: an app comes after those that give its account rights, unless
// these need it themselves.
func TestAppsWaitForTheirRights(t *testing.T) {
	for what, test := range map[string]struct{ apps, rights, want []string }{
		"the maker comes first":             {[]string{"web", "tenants"}, []string{"web: tenants"}, []string{"tenants", "web"}},
		"with what it depends on":           {[]string{"web", "tenants: base", "base"}, []string{"web: tenants"}, []string{"base", "tenants", "web"}},
		"a maker that depends on the app":   {[]string{"tenants: web", "web"}, []string{"web: tenants"}, []string{"web", "tenants"}},
		"by way of another":                 {[]string{"tenants: mid", "mid: web", "web"}, []string{"web: tenants"}, []string{"web", "mid", "tenants"}},
		"two that make each other's":        {[]string{"a", "b"}, []string{"a: b", "b: a"}, []string{"b", "a"}},
		"one that needs whom it waits for":  {[]string{"a: c", "b", "c"}, []string{"c: b", "b: a"}, []string{"c", "a", "b"}},
		"a maker that the change has not":   {[]string{"a", "b"}, []string{"a: gone"}, []string{"a", "b"}},
		"nobody waits where nothing is new": {[]string{"b", "a"}, nil, []string{"b", "a"}},
	} {
		var targets []*target
		for _, line := range test.apps {
			app, dependencies := cutNeeds(line)
			targets = append(targets, wanted(app, needs(dependencies...)))
		}
		entitled := map[*target][]name.App{}
		for _, line := range test.rights {
			app, makers := cutNeeds(line)
			for _, w := range targets {
				if w.Spec.Name == app {
					entitled[w] = makers
				}
			}
		}
		var names []string
		for _, w := range inOrder(targets, entitling(targets, entitled)) {
			names = append(names, string(w.Spec.Name))
		}
		wantLines(t, what, names, test.want...)
	}
}

// TestDeploysThatWaitForRights: the deploys of a push know for whom they wait, and that what the
// gate planned was tried as somebody else.
func TestDeploysThatWaitForRights(t *testing.T) {
	o := newOffice(t)
	o.grantingTenant()
	web, maker := wanted("web", asTenant), wanted("tenants")
	p := o.proposed("shop", web, maker).changes("web", "tenants")
	p.entitled = map[*target][]name.App{web: {"tenants"}}
	runs, err := p.Accept()
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, "deploys", appsOf(runs), "tenants", "web")
	j, first := queued(o.app("web")), queued(o.app("tenants"))
	if !j.entitled || len(j.entitling) != 1 || j.entitling[0] != runs[0] || j.together.free["web"] || !j.together.free["tenants"] || first.entitled || first.entitling != nil {
		t.Errorf("web has %+v, tenants %+v", j, first)
	}
}
