package deploy

import (
	"context"
	"errors"
	"slices"

	"github.com/pushboat/pushboat/internal/apply"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/record"
	"github.com/pushboat/pushboat/internal/report"
)

// Accounts says as which ServiceAccount a repository is planned, deployed and looked at on a
// cluster; zero: as the server itself. asked, "NAMESPACE/NAME", is the one that the object of
// another tool asks for, for what it means: the answer is that one if the repository's grant
// lets it be, and otherwise the same as for "". It is asked for every deploy, check and look,
// so a change takes effect at the next.
type Accounts func(repo name.Repo, cluster, asked string) kube.Account

// caller is a cluster as an account sees it.
type caller struct {
	api    clusterAPI
	site   *apply.Cluster
	rights rights // of the account; nil for the server itself
}

// rights has the questions about an account. A *kube.Cluster implements it.
type rights interface {
	CheckAccount(ctx context.Context) error
	Needs(ctx context.Context, right manifest.Right) error
}

// as returns a cluster as the account of a repository sees it.
func (e *Engine) as(repo name.Repo, cluster *Cluster) caller {
	return cluster.as(e.account(repo, cluster.api.Name(), ""))
}

// account asks as whom a repository is deployed on a cluster, see Accounts.
func (e *Engine) account(repo name.Repo, cluster, asked string) kube.Account {
	if e.Accounts == nil {
		return kube.Account{}
	}
	return e.Accounts(repo, cluster, asked)
}

// as returns the cluster as an account sees it.
func (c *Cluster) as(account kube.Account) caller {
	if account == (kube.Account{}) {
		return caller{api: c.api, site: c.site}
	}
	as := c.Kube.As(account)
	return caller{api: kubeAPI{as}, site: c.site.As(as), rights: as}
}

// callerOf returns the cluster of a target as the account sees it that changes what the target
// has there.
func (e *Engine) callerOf(t *target) caller {
	return e.Clusters.Get(t.Spec.Cluster).as(e.accountOf(t))
}

// lookerOf returns the cluster of a target as the account of its repository sees it: to look,
// and for what ends the app, after which an account of its own may be gone.
func (e *Engine) lookerOf(t *target) caller { return e.as(t.Repo, e.Clusters.Get(t.Spec.Cluster)) }

// check is an error if the cluster does not have the account.
func (c caller) check(ctx context.Context) error {
	if c.rights == nil {
		return nil
	}
	return c.rights.CheckAccount(ctx)
}

// deletions are the problems of the deletions in a plan that the account may not make. A
// dry-run of an apply does not tell: an account may well create what it may not delete.
func (c caller) deletions(ctx context.Context, p *plan.Plan) (manifest.Problems, error) {
	if c.rights == nil || p == nil {
		return nil, nil
	}
	var problems manifest.Problems
	asked := map[manifest.ID]error{} // by kind and namespace
	for _, step := range deleting(p) {
		all := manifest.ID{Group: step.ID.Group, Kind: step.ID.Kind, Namespace: step.ID.Namespace}
		err, known := asked[all]
		if !known {
			err = c.needsDelete(ctx, all)
			asked[all] = err
		}
		if err != nil && step.ID.Name != "" { // a role may name objects
			err = c.needsDelete(ctx, step.ID)
		}
		refused, is := errors.AsType[*kube.RefusedError](err)
		switch {
		case is:
			lacks := refused.Right
			lacks.Verbs = manifest.KeepVerbs
			problem := manifest.Problem{App: p.App, Object: step.ID.String(), Message: refused.Error(), Lacks: lacks}
			if step.Object != nil {
				problem.Source = step.Object.Source
			}
			problems = append(problems, problem)
		case err != nil:
			return nil, err
		}
	}
	return problems, nil
}

// deleting lists the steps of a plan that delete an object: those that the revision no
// longer has, those that are made anew, and hooks, each of which makes room for the next.
func deleting(p *plan.Plan) []plan.Step {
	steps := slices.Clone(p.Hooks)
	for _, step := range slices.Concat(p.Prune, p.Steps) {
		if step.Action == record.Delete || step.Action == record.Recreate {
			steps = append(steps, step)
		}
	}
	return steps
}

// needsDelete is an error if the account may not delete an object; without a name, any of
// its kind in its namespace.
func (c caller) needsDelete(ctx context.Context, id manifest.ID) error {
	kind, served, err := c.api.Served(ctx, id.GroupKind())
	if err != nil || !served {
		return err
	}
	return c.rights.Needs(ctx, manifest.Right{
		Verbs: "delete", Group: kind.Resource.Group, Resource: kind.Resource.Resource, Namespace: id.Namespace, Name: id.Name,
	})
}

// refusal says what an error of a deploy or a check means, if an account lacks rights: how
// to make the account, or how to grant all of them. Of any other error, it is the text.
func (c caller) refusal(ctx context.Context, err error) string {
	lacking := manifest.Lacking(err)
	if len(lacking) == 0 {
		return err.Error()
	}
	if missing, ok := errors.AsType[*kube.MissingAccountError](c.check(ctx)); ok {
		return missing.Error() + "\nhint: " + missing.Hint()
	}
	return err.Error() + "\n" + report.Grant(lacking)
}
