package deploy

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
)

// TestAccountNotes: an app whose object asks for an account never runs as another one without a
// word.
func TestAccountNotes(t *testing.T) {
	o := newOffice(t)
	imported := func(w *target) { w.Spec.Imported = "Kustomization" }
	asks := func(account string) func(*target) {
		return func(w *target) { w.Spec.ServiceAccount = account }
	}
	web := wanted("web", asks("a/b"), imported)
	p := o.proposed("shop", web, wanted("same", asks("a/c"), imported), wanted("unchanged", asks("a/b"), imported), wanted("plain", imported))
	p.Plans = []*plan.Plan{{App: "web"}, {App: "same"}, {App: "plain"}}
	for want, is := range map[string]kube.Account{
		"applied as ServiceAccount a/c, which the grant of the repository names": {Namespace: "a", Name: "c"},
		"applied as the server itself, with all its rights":                      {},
	} {
		o.Accounts = func(repo name.Repo, cluster, _ string) kube.Account {
			if repo != "shop" || cluster != "default" {
				t.Errorf("asked for %s on %s", repo, cluster)
			}
			return is
		}
		told := p.accountNotes(p.plannedApps())
		if len(told) == 0 || told[0].App != "web" || !strings.HasPrefix(told[0].Message, "spec.serviceAccountName: it asks for ServiceAccount a/b, and is "+want) || !strings.HasSuffix(told[0].Message, "serviceAccount: a/b") {
			t.Errorf("%s: told %v", is, told)
		}
		if n := len(told); is.Name == "c" && n != 1 || is.Name == "" && n != 2 {
			t.Errorf("%s: told %v", is, told)
		}
	}
	o.Accounts = nil // a plan with somebody's own kubeconfig
	if told := p.accountNotes(p.plannedApps()); len(told) > 0 {
		t.Errorf("told %v", told)
	}
}

// TestEntitledNote: the plan says as whom an app is tried whose account has no rights yet.
func TestEntitledNote(t *testing.T) {
	o := newOffice(t)
	o.grantingTenant()
	web := wanted("web", asTenant)
	p := o.proposed("shop", web, wanted("tenants"))
	p.Plans = []*plan.Plan{{App: "web"}}
	if told := p.accountNotes(p.plannedApps()); len(told) != 0 {
		t.Errorf("told %v", told)
	}
	p.entitled = map[*target][]name.App{web: {"tenants", "base"}}
	told := p.accountNotes(p.plannedApps())
	if len(told) != 1 || !strings.HasPrefix(told[0].Message, "serviceAccount: ServiceAccount team/deployer gets its rights with this push, from base, tenants: the app is checked as the server itself") {
		t.Errorf("told %v", told)
	}
}

// TestAccountsThatMayNotBe: pushboat.yaml names no account that the grant does not let be.
func TestAccountsThatMayNotBe(t *testing.T) {
	o := newOffice(t)
	o.Accounts = func(name.Repo, string, string) kube.Account { return kube.Account{Namespace: "a", Name: "c"} }
	imported, gone := wanted("imported", asTenant, func(w *target) { w.Spec.Imported = "Kustomization" }), wanted("gone", asTenant, func(w *target) { w.Gone = true })
	p := o.proposed("shop", wanted("web", asTenant), imported, gone, wanted("stays", asTenant), wanted("plain"))
	p.stays = map[name.App]bool{"stays": true}
	p.checkOwnAccounts(t.Context())
	if len(p.Problems) != 1 || p.Problems[0].App != "web" || p.Problems[0].Message != "serviceAccount: app web may not be applied as team/deployer, but as ServiceAccount a/c, which the grant of the repository names" {
		t.Errorf("%v", p.Problems)
	}
}
