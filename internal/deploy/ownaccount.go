package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// accountOf is the account as which a target is applied: its own, which the object of another
// tool asks for, or else that of its repository.
func (e *Engine) accountOf(t *target) kube.Account {
	return e.account(t.Repo, t.Spec.Cluster, t.Spec.ServiceAccount)
}

// hasOwnAccount reports whether a target is applied as another account than its repository's.
func (e *Engine) hasOwnAccount(t *target) bool {
	return t.Spec.ServiceAccount != "" && e.accountOf(t) != e.account(t.Repo, t.Spec.Cluster, "")
}

// isRefusedAccount reports whether a target asks for an account, and is applied as somebody else.
func (e *Engine) isRefusedAccount(t *target) bool {
	return t.Spec.ServiceAccount != "" && e.Accounts != nil && e.accountOf(t).String() != t.Spec.ServiceAccount
}

// accountProblem is a problem, or a note, of the field that names the target's account.
func (t *target) accountProblem(text, hint string) manifest.Problem {
	field := "serviceAccount"
	if t.Spec.Imported != "" {
		field = "spec.serviceAccountName"
	}
	return manifest.Problem{App: t.Spec.Name, Source: t.Spec.Source, Object: t.ownObject(), Message: field + ": " + text, Hint: hint}
}

// triedAs returns the cluster of a target as the account sees it as which the gate tries what
// the target changes: that of its repository, where its own has no rights yet.
func (p *Proposal) triedAs(t *target) caller {
	if len(p.entitled[t]) > 0 || p.lacksAccount[t] {
		return p.engine.lookerOf(t)
	}
	return p.engine.callerOf(t)
}

// checkOwnAccounts refuses the accounts of apps that are not there, and that the change does not
// make: the API server would not notice. It refuses those that pushboat.yaml names and the grant
// does not let be, too; objects of another tool are as their repository is, with a note.
func (p *Proposal) checkOwnAccounts(ctx context.Context) {
	type place struct {
		cluster string
		account kube.Account
	}
	answers := map[place]error{}
	p.lacksAccount = map[*target]bool{}
	for _, t := range p.targets {
		if p.stays[t.Spec.Name] || t.Gone {
			continue
		}
		if t.Spec.Imported == "" && p.engine.isRefusedAccount(t) {
			text := fmt.Sprintf("app %s may not be applied as %s, but as %s", t.Spec.Name, t.Spec.ServiceAccount, insteadOf(p.engine.accountOf(t)))
			p.Problems = append(p.Problems, t.accountProblem(text, "take the field out, or ask an admin to change the grant in repositories.yaml"))
		}
		if len(p.entitled[t]) > 0 || !p.engine.hasOwnAccount(t) {
			continue
		}
		at := place{t.Spec.Cluster, p.engine.accountOf(t)}
		err, asked := answers[at]
		if !asked {
			err = p.engine.callerOf(t).check(ctx)
			answers[at] = err
		}
		missing, is := errors.AsType[*kube.MissingAccountError](err)
		switch {
		case is:
			p.lacksAccount[t] = true
			text := fmt.Sprintf("cluster %s has no ServiceAccount %s, and no other app of this push makes it", t.Spec.Cluster, at.account)
			p.Problems = append(p.Problems, t.accountProblem(text, missing.Hint()))
		case err != nil:
			p.Problems = append(p.Problems, noAnswer(t.Spec.Cluster, err))
		}
	}
}

// accountNotes says of which apps that the change is about the object of another tool asks for
// another ServiceAccount than they are applied as. Kubernetes may let this one do more.
func (p *Proposal) accountNotes(planned map[name.App]bool) manifest.Problems {
	var told manifest.Problems
	for _, t := range p.targets {
		if t.Spec.ServiceAccount == "" || !planned[t.Spec.Name] {
			continue
		}
		text := ""
		switch {
		case len(p.entitled[t]) > 0:
			text = p.entitledNote(t)
		case p.engine.isRefusedAccount(t):
			text = accountNote(t.Spec.ServiceAccount, p.engine.accountOf(t))
		}
		if text != "" {
			told = append(told, t.accountProblem(text, ""))
		}
	}
	return told
}

// accountNote says as whom an app is applied whose object asks for another ServiceAccount.
func accountNote(asked string, is kube.Account) string {
	return fmt.Sprintf("it asks for ServiceAccount %s, and is applied as %s; for all that this repository deploys, an admin changes that in repositories.yaml: serviceAccount: %s", asked, insteadOf(is), asked)
}

// insteadOf says as whom an app is applied that may not have the account that it asks for.
func insteadOf(is kube.Account) string {
	if is == (kube.Account{}) {
		return "the server itself, with all its rights: the grant of the repository does not give the account's namespace, or another grant has the account"
	}
	return "ServiceAccount " + is.String() + ", which the grant of the repository names"
}

// entitledNote says as whom an app is tried, and as whom it will be applied.
func (p *Proposal) entitledNote(t *target) string {
	as := "the server itself"
	if account := p.engine.account(t.Repo, t.Spec.Cluster, ""); account != (kube.Account{}) {
		as = "ServiceAccount " + account.String()
	}
	return fmt.Sprintf("ServiceAccount %s gets its rights with this push, from %s: the app is checked as %s, and applied as its account after that",
		t.Spec.ServiceAccount, name.Join(slices.Sorted(slices.Values(p.entitled[t])), ", "), as)
}
