package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/plan"
	"github.com/pushboat/pushboat/internal/report"
)

// gateTimeout bounds the questions of one gate to the clusters. A plan of a
// thousand objects takes about three seconds.
const gateTimeout = 2 * time.Minute

// plan plans every app that the change concerns, and applies the guards.
func (p *Proposal) plan(ctx context.Context) {
	e := p.engine
	exposed := e.exposed(p)
	p.Problems = append(p.Problems, exposed...)
	if p.Options.Skip {
		p.Problems = append(exposed, e.reservations.take(p)...)
		return
	}
	p.unread = len(p.Problems) > len(exposed)
	misnamed := e.checkGrant(p)
	if len(misnamed) == 0 {
		misnamed = e.checkNames(p)
	}
	p.Problems = append(p.Problems, misnamed...)
	if len(misnamed) > 0 || p.unread && len(p.targets) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, gateTimeout)
	defer cancel()
	p.takeOver()
	p.claims = e.claims.Overlay()
	leaving := e.leaving(p)
	p.compareApps(leaving)
	p.targets = append(p.targets, leaving...)
	objects := e.resolveAll(ctx, p)
	// A plan alone keeps nothing. Neither does a change that is refused: it must not
	// hold up the pushes of another app by claiming its object.
	if !p.Options.Plan && len(p.Problems) == 0 {
		p.Problems = append(p.Problems, e.reservations.take(p)...)
	}
	e.planAll(ctx, p, objects)
	if p.unread {
		p.Plans = nil // they lack the parts that could not be read
	}
	p.Problems = append(p.Problems, p.judgeWindows(time.Now())...)
	if len(p.Problems) == 0 {
		p.guard(ctx)
	}
	if !p.Refused() {
		p.Problems = p.seal()
	}
}

// checkNames refuses app names that other branches or repositories use, and
// clusters that are not known.
func (e *Engine) checkNames(p *Proposal) manifest.Problems {
	var problems manifest.Problems
	for _, t := range p.targets {
		if a := e.app(t.Spec.Name); a != nil {
			elsewhere := cmp.Or(a.sameHome(p.Repo, p.Branch), e.promised(a, p.Repo))
			if old := a.wanted(); elsewhere == nil && old != nil && !old.Gone && !a.removed() && old.Spec.Cluster != t.Spec.Cluster {
				problems = append(problems, manifest.Problem{
					App: t.Spec.Name, Source: t.Spec.Source,
					Message: fmt.Sprintf("app %s runs on cluster %s and cannot move to %s by itself", a.name, old.Spec.Cluster, t.Spec.Cluster),
					Hint:    "give it another name there, and remove the old one when the new one runs",
				})
			}
			if elsewhere != nil {
				problems = append(problems, p.taken(t, a, elsewhere))
			}
		}
		if !e.Clusters.knows(t.Spec.Cluster) {
			problems = append(problems, manifest.Problem{
				App: t.Spec.Name, Source: t.Spec.Source,
				Message: fmt.Sprintf("cluster %q is not known to this server", t.Spec.Cluster),
				Hint:    "use cluster: default, or ask for it to be added to the server's configuration",
			})
		}
	}
	return problems
}

// leaving lists the apps of this branch that the revision no longer names, also those
// that -o skip has kept from ever being deployed.
func (e *Engine) leaving(p *Proposal) []*target {
	named := map[name.App]bool{}
	for _, t := range p.targets {
		named[t.Spec.Name] = true
	}
	var gone []*target
	for _, a := range e.appsOn(p.Repo, p.Branch) {
		t, last := a.wanted(), a.lastRecord()
		switch {
		case named[a.name]:
		case t != nil:
			gone = append(gone, goneTarget(a.name, p.Repo, p.Branch, t.Spec.Cluster, p.Revision).withHooksOf(t).keeping(p.whyStays(a, t)).givenTo(p.released[a.name]))
		case last != nil:
			gone = append(gone, goneTarget(a.name, p.Repo, p.Branch, last.Cluster, p.Revision).keeping(p.whyStays(a, nil)).givenTo(p.released[a.name]))
		}
	}
	return gone
}

// resolveAll places the objects of every target and enters them in the
// push's claims, so that two apps that want one object are found out.
func (e *Engine) resolveAll(ctx context.Context, p *Proposal) map[*target][]plan.Placed {
	objects, made := map[*target][]plan.Placed{}, map[*target][]plan.Placed{}
	p.stays = map[name.App]bool{}
	for _, t := range p.targets {
		p.stays[t.Spec.Name] = t.origin == fromBefore && e.upToDate(p, t)
	}
	for name, targets := range byCluster(p.targets) {
		cluster := e.Clusters.Get(name)
		if cluster == nil { // of apps that leave
			p.Problems = append(p.Problems, manifest.Problem{
				Message: fmt.Sprintf("cluster %q is not known to this server: what its apps have there cannot be deleted", name),
				Hint:    "have an admin name it again, or leave it to the cluster: push with prune: false for these apps first",
			})
			continue
		}
		if err := cluster.ready(ctx); err != nil {
			p.Problems = append(p.Problems, noAnswer(name, err))
			continue
		}
		as := e.as(p.Repo, cluster)
		if err := as.check(ctx); err != nil {
			p.Problems = append(p.Problems, noAnswer(name, err))
			continue
		}
		p.Problems = append(p.Problems, p.stillControlled(ctx, as.api, cluster)...)
		p.with[name] = plan.NewCompanions(planned(targets), e.knows)
		p.with[name].Unread = p.unread
		p.Problems = append(p.Problems, p.with[name].Vet(ctx, as.api, p.within(cluster))...)
		for _, t := range targets {
			if p.stays[t.Spec.Name] {
				continue // its claims stand
			}
			found, problems := plan.Resolve(ctx, as.api, &t.Target, p.with[name], p.within(cluster))
			p.Problems = append(p.Problems, problems...)
			found, made[t] = plan.SplitMade(&t.Target, found)
			p.Problems = append(p.Problems, e.contested(p, t, found)...)
			p.claims.Set(t.Spec.Name, name, found)
			objects[t] = found
		}
	}
	e.share(p, objects, made)
	return objects
}

// contested refuses objects that another app wants: one of this push, or any
// other that this server deploys.
func (e *Engine) contested(p *Proposal, t *target, objects []plan.Placed) manifest.Problems {
	mine := p.claims
	if mine.Unrivalled(t.Spec.Name, t.Spec.Cluster, objects) {
		return nil
	}
	var problems manifest.Problems
	for _, o := range objects {
		if o.Policy.IsSkipped() {
			continue // it is never applied
		}
		owner := mine.Owner(t.Spec.Cluster, o.Key)
		if owner == "" || owner == t.Spec.Name || replacedLater(p, owner) || e.yields(owner, p.Repo, t.Spec.Cluster, o.Key) {
			continue
		}
		p.dispute(t, o.Key)
		problem := p.owned(owner)
		problem.App, problem.Source, problem.Object = t.Spec.Name, o.Source, o.Key.String()
		problems = append(problems, problem)
	}
	return problems
}

// replacedLater reports whether the owner's claims are those of before the
// push and are about to be replaced.
func replacedLater(p *Proposal, owner name.App) bool {
	for _, t := range p.targets {
		if t.Spec.Name == owner && !p.stays[owner] {
			return !p.claims.Has(owner)
		}
	}
	return false
}

// knows reports whether the target's app has applied the object as written.
func (e *Engine) knows(t *plan.Target, o *manifest.Object) bool {
	a := e.app(t.Spec.Name)
	return a != nil && a.knows(t, o)
}

// planAll plans the apps that differ from their last applied state.
func (e *Engine) planAll(ctx context.Context, p *Proposal, objects map[*target][]plan.Placed) {
	type outcome struct {
		plan     *plan.Plan
		problems manifest.Problems
	}
	parents, err := e.parentsOf(ctx, p)
	if err != nil {
		p.Problems = append(p.Problems, noAnswer(p.targets[0].Spec.Cluster, err))
		return
	}
	p.entitled = e.entitled(p, objects)
	p.checkOwnAccounts(ctx)
	outcomes := make([]outcome, len(p.targets))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(parallelApps)
	for i, t := range p.targets {
		if _, placed := objects[t]; !placed || e.upToDate(p, t) {
			continue
		}
		group.Go(func() error {
			as := p.triedAs(t)
			with := plan.Planner{API: as.api, With: p.with[t.Spec.Cluster], InPlace: p.ReadsRules, Claims: p.claims, Depth: p.Options.planDepth(), Remake: true, Reader: p.reader(), Disputed: p.disputed[t]}
			plan, problems, err := e.planTarget(groupCtx, t, with, parents[t], objects[t])
			if foreign, ok := errors.AsType[*ForeignError](err); ok {
				problems = append(problems, foreign.problem(t, p.reader()))
			} else if err != nil {
				problems = append(problems, noAnswer(t.Spec.Cluster, err))
			}
			unable, err := as.deletions(groupCtx, plan)
			if problems = append(problems, unable...); err != nil {
				problems = append(problems, noAnswer(t.Spec.Cluster, err))
			}
			outcomes[i] = outcome{plan, problems}
			return nil
		})
	}
	_ = group.Wait() // the functions report through outcomes
	for i, o := range outcomes {
		p.Problems = append(p.Problems, o.problems...)
		if o.plan != nil {
			p.Plans = append(p.Plans, o.plan)
			p.changed[p.targets[i].Spec.Name] = o.plan
		}
	}
	p.Problems = report.OnceAKind(oncePerCluster(p.Problems))
}

// parallelApps is how many apps of one push are planned at the same time. Most
// apps of a fleet have a few objects; 8 of four keep as many requests under way
// as one large app does.
const parallelApps = 8

// upToDate reports whether there is nothing to plan for the target: it was deployed
// last, and no other target, which may be in progress, has been set since. A change to
// only one app is always planned.
func (e *Engine) upToDate(p *Proposal, t *target) bool {
	if p.Only != "" {
		return p.Only != t.Spec.Name
	}
	a := e.app(t.Spec.Name)
	if a == nil || !a.settled(t) {
		return false
	}
	if old := a.wanted(); old == nil || old.Digest != t.Digest {
		return false
	}
	last := a.lastRecord()
	return last.Stands().OK() && !a.losesWanted(t)
}

// planTarget plans one app of a push or a check. The planner comes with the account that asks
// the cluster, and with the particulars: companions, claims, force. parent is the app's
// inventory, if it was read with others.
func (e *Engine) planTarget(ctx context.Context, t *target, p plan.Planner, parent *kube.Parent, objects []plan.Placed) (*plan.Plan, manifest.Problems, error) {
	cluster, a := e.Clusters.Get(t.Spec.Cluster), e.app(t.Spec.Name)
	if a == nil || a.isLeftBy(t.Repo) {
		a = newApp(e, t.Spec.Name, t.Repo, t.Spec.Branch) // planned, not yet deployed
	}
	if parent == nil {
		read, err := a.on(cluster).ReadInventory(ctx)
		if err != nil {
			return nil, nil, err
		}
		parent = &read
	}
	if err := e.foreign(*parent, t.Spec.Cluster, t.Repo); err != nil {
		return nil, nil, err
	}
	applies := a.ledger.Applies()
	e.equip(&p, a, t)
	p.Parent = *parent
	plan, problems, err := p.Plan(ctx, objects)
	if plan != nil {
		problems = append(problems, e.keptBack(ctx, plan, *parent, t, p.Reader)...)
		plan.Applies, plan.Parent = applies, parent
		plan.Generated = t.given.fates
		plan.RunsHooks = t.Gone || !plan.Empty() || !a.settled(t)
	}
	return plan, problems, err
}

// equip gives a planner the known facts about the app and its cluster.
func (e *Engine) equip(p *plan.Planner, a *app, t *target) {
	cluster := e.Clusters.Get(t.Spec.Cluster)
	p.Index, p.Others = cluster.planIndex, others{e}
	p.Within = e.within(t.Repo, cluster)
	p.Within.InPlace = p.InPlace
	p.Ledger, p.Trials, p.Target, p.Masker = a.ledger, &a.hookMemory, &t.Target, e.masker(t)
	p.Wanted, p.Forcing, p.Strays = a.wanted().planned(), a.isForced(), a.retakes.strays()
}

func byCluster(targets []*target) map[string][]*target {
	groups := map[string][]*target{}
	for _, t := range targets {
		groups[t.Spec.Cluster] = append(groups[t.Spec.Cluster], t)
	}
	return groups
}

// noAnswer is the problem of a cluster that cannot be asked, or does not let
// Pushboat ask.
func noAnswer(cluster string, err error) manifest.Problem {
	if held, ok := errors.AsType[*kube.HeldError](err); ok {
		return manifest.Problem{Message: held.Error(), Hint: held.Hint}
	}
	if missing, ok := errors.AsType[*kube.MissingAccountError](err); ok {
		return manifest.Problem{Message: fmt.Sprintf("cluster %s: %v", cluster, missing), Hint: missing.Hint()}
	}
	if refused, ok := errors.AsType[*kube.RefusedError](err); ok {
		return manifest.Problem{Message: fmt.Sprintf("cluster %s: %v", cluster, refused), Lacks: refused.Right}
	}
	if unknown, ok := errors.AsType[*kube.UnknownKindError](err); ok {
		return manifest.Problem{Message: fmt.Sprintf("cluster %s: %v", cluster, unknown), Hint: unknown.Hint()}
	}
	if message, hint, denied := kube.Denied(err); denied {
		return manifest.Problem{Message: fmt.Sprintf("cluster %s: %s", cluster, message), Hint: hint}
	}
	if problem, ok := kube.Unconverted(err); ok {
		problem.Message = fmt.Sprintf("cluster %s: %s", cluster, problem.Message)
		return problem
	}
	if plan.Unreachable(err) == nil && !errors.Is(err, errNotOpen) {
		return manifest.Problem{
			Message: fmt.Sprintf("cluster %s: %v", cluster, err),
			Hint:    "check the rights of Pushboat's account there",
			Remedy:  manifest.Again(""),
		}
	}
	return manifest.Problem{
		Message: fmt.Sprintf("cluster %s does not answer", cluster),
		Remedy:  manifest.Remedy{Kind: manifest.RemedyAgainOrSkip, When: "when it does"},
	}
}

// oncePerCluster keeps one of each problem that names no object.
func oncePerCluster(problems manifest.Problems) manifest.Problems {
	var kept manifest.Problems
	seen := map[manifest.Problem]bool{}
	for _, problem := range problems {
		if problem.Object == "" && seen[problem] {
			continue
		}
		seen[problem] = true
		kept = append(kept, problem)
	}
	return kept
}

// compareApps notes which apps come to the branch and which leave it: a glob, a
// matrix or a moved folder may change more of them than meets the eye.
func (p *Proposal) compareApps(leaving []*target) {
	before := p.engine.appsOn(p.Repo, p.Branch)
	had := map[name.App]bool{}
	for _, a := range before {
		had[a.name] = true
	}
	for _, t := range leaving {
		p.removed = append(p.removed, t.Spec.Name)
	}
	for _, t := range p.targets {
		if len(before) > 0 && !had[t.Spec.Name] {
			p.added = append(p.added, t.Spec.Name)
		}
	}
}
