package deploy

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
)

// entitled finds the targets of a change whose own account gets rights, or is made, by other
// apps of the same change, and which: until these are applied, nothing can be tried as the
// account.
func (e *Engine) entitled(p *Proposal, objects map[*target][]plan.Placed) map[*target][]name.App {
	var asking []*target
	for _, t := range p.targets {
		if !t.Gone && e.hasOwnAccount(t) {
			asking = append(asking, t)
		}
	}
	if asking == nil {
		return nil
	}
	var changes []entitlement
	for _, t := range p.targets {
		for _, o := range objects[t] {
			if entitles(o.Key.GroupKind()) && !e.knows(&t.Target, o.Object) {
				changes = append(changes, entitlement{t, o.Key, o.Object})
			}
		}
	}
	found := map[*target][]name.App{}
	for _, t := range asking {
		account, bound := e.accountOf(t), map[manifest.ID]bool(nil)
		for _, change := range changes {
			if change.by == t || change.by.Spec.Cluster != t.Spec.Cluster {
				continue
			}
			if bound == nil {
				bound = rolesOf(p.targets, t.Spec.Cluster, account)
			}
			if change.isFor(account, bound) && !slices.Contains(found[t], change.by.Spec.Name) {
				found[t] = append(found[t], change.by.Spec.Name)
			}
		}
	}
	return found
}

// entitlement is an object of a change that may give rights to accounts.
type entitlement struct {
	by     *target
	id     manifest.ID
	object *manifest.Object
}

// rbacGroup is the group of roles and their bindings.
const rbacGroup = "rbac.authorization.k8s.io"

// entitles reports whether objects of a kind make accounts, or give them rights.
func entitles(gk schema.GroupKind) bool {
	return gk.Group == rbacGroup || gk == schema.GroupKind{Kind: "ServiceAccount"}
}

// isFor reports whether it makes an account, or gives it rights: itself, or as one of the roles
// to which the account is bound.
func (c entitlement) isFor(account kube.Account, bound map[manifest.ID]bool) bool {
	switch c.id.Kind {
	case "ServiceAccount":
		return c.id.Namespace == account.Namespace && c.id.Name == account.Name
	case "RoleBinding", "ClusterRoleBinding":
		return binds(c.object, account)
	}
	return bound[c.id]
}

// rolesOf are the roles to which targets bind an account on a cluster.
func rolesOf(targets []*target, cluster string, account kube.Account) map[manifest.ID]bool {
	roles := map[manifest.ID]bool{}
	for _, t := range targets {
		if t.Spec.Cluster != cluster {
			continue
		}
		for _, o := range t.Objects {
			id := o.ID()
			if id.Group != rbacGroup || id.Kind != "RoleBinding" && id.Kind != "ClusterRoleBinding" || !binds(o, account) {
				continue
			}
			ref, _, _ := unstructured.NestedFieldNoCopy(o.Object, "roleRef")
			role := manifest.ID{Group: rbacGroup, Kind: textIn(ref, "kind"), Name: textIn(ref, "name")}
			if role.Kind == "Role" {
				role.Namespace = id.Namespace
				if role.Namespace == "" {
					role.Namespace = t.Spec.Namespace
				}
			}
			roles[role] = true
		}
	}
	return roles
}

// binds reports whether an account is among the subjects of a binding, by its name or by one of
// its groups.
func binds(binding *manifest.Object, account kube.Account) bool {
	field, _, _ := unstructured.NestedFieldNoCopy(binding.Object, "subjects")
	subjects, _ := field.([]any)
	return slices.ContainsFunc(subjects, func(subject any) bool {
		switch textIn(subject, "kind") {
		case "ServiceAccount":
			return textIn(subject, "namespace") == account.Namespace && textIn(subject, "name") == account.Name
		case "Group":
			return slices.Contains(account.Groups(), textIn(subject, "name"))
		case "User":
			return textIn(subject, "name") == account.User()
		}
		return false
	})
}

// textIn is a text in a mapping; "" if there is none.
func textIn(value any, field string) string {
	fields, _ := value.(map[string]any)
	text, _ := fields[field].(string)
	return text
}

// entitling are the waits for accounts: by targets, the apps that give rights to their accounts
// and that can be applied before them. An app that would wait for the target in turn, as its
// dependency or for an account, is left out.
func entitling(targets []*target, entitled map[*target][]name.App) map[name.App][]name.App {
	if len(entitled) == 0 {
		return nil
	}
	waits, needs := map[name.App][]name.App{}, map[name.App][]name.App{}
	for _, t := range targets {
		needs[t.Spec.Name] = slices.Clone(t.Spec.DependsOn)
	}
	for _, t := range targets {
		for _, app := range entitled[t] {
			if !reaches(needs, app, t.Spec.Name) {
				waits[t.Spec.Name] = append(waits[t.Spec.Name], app)
				needs[t.Spec.Name] = append(needs[t.Spec.Name], app)
			}
		}
	}
	return waits
}

// reaches reports whether an app needs another, itself or by way of others.
func reaches(needs map[name.App][]name.App, from, to name.App) bool {
	seen, next := map[name.App]bool{from: true}, []name.App{from}
	for len(next) > 0 {
		app := next[len(next)-1]
		next = next[:len(next)-1]
		for _, needed := range needs[app] {
			if !seen[needed] {
				seen[needed] = true
				next = append(next, needed)
			}
		}
	}
	return seen[to]
}

// awaitEntitling waits until the apps of the push have applied what gives the account of this
// one its rights, or have ended in any way: what it then lacks, the plan says.
func (at *attempt) awaitEntitling() error {
	for _, run := range at.job.entitling {
		at.job.run.WaitsFor("app "+string(run.App)+", which gives its ServiceAccount rights (deploy "+run.ID()+")", 0)
		select {
		case <-run.applied:
		case <-at.wait.Done():
			return apply.WaitError(at.wait)
		}
	}
	return nil
}

const (
	// rightsTimeout bounds how long a deploy waits for rights that the same push has given
	// to its account. An API server has them from a watch, some milliseconds after they are
	// stored; one of several may be later.
	rightsTimeout = 10 * time.Second
	rightsEvery   = 200 * time.Millisecond // between tries
)

// planAnew plans the target again, until the account has the rights that the push gives to it.
func (at *attempt) planAnew() (*plan.Plan, error) {
	limit := time.NewTimer(rightsTimeout)
	defer limit.Stop()
	for waits := false; ; waits = true {
		todo, err := at.replan(at.target, at.job)
		if !at.job.entitled || len(manifest.Lacking(err)) == 0 {
			return todo, err
		}
		if !waits {
			at.job.run.WaitsFor("the API server to know the new rights of ServiceAccount "+at.target.Spec.ServiceAccount, rightsTimeout)
		}
		select {
		case <-time.After(rightsEvery):
		case <-limit.C:
			return nil, err
		case <-at.wait.Done():
			return nil, err
		}
	}
}
